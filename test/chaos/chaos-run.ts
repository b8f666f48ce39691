// Kills the real `wrangler dev` under load, again and again, on one state; then looks, by lists alone, until everything
// has ended, and compares what is there with the books.
import { DevServer } from "../e2e/dev-server.ts";
import { EFFECT_UNHEARD_MS, STARTING_CHECK_MS } from "../../src/limits.ts";
import { eventually } from "../support/eventually.ts";
import { type Random, randomFromSeed } from "../support/random.ts";
import { Books, type Counts, type Entry, type OperationJson } from "./books.ts";
import { Client, PROJECT, TABLE_ROWS, WALK_STEPS } from "./load.ts";
import { StepLedger } from "./step-ledger.ts";

export interface ChaosOptions {
  seed: number;
  rounds: number;
  /** Whether to wait for what is left of starts that were cut off, too: the index looks after them in two minutes. */
  cleansUp?: boolean;
  onRound?: (round: number, books: Books) => void;
}

export interface ChaosSummary extends Counts {
  seed: number;
  kills: number;
  operations: number;
  requestsAnswered: number;
  requestsUnanswered: number;
  stepsExecuted: number;
  violations: string[];
}

const CLIENTS = 12;
/** Operations that each round has at least: on a slow machine they are what takes long. */
const MIN_STARTS = 6;
const START_MS = 60_000;
const MAX_LOAD_MS = 2_700;
/** Short, so that a runner that died with its machine is missed soon. */
const VARS = { LEASE_SECONDS: "3", RESEND_SECONDS: "1" };
/**
 * A kill empties the local queue, and a message that nobody claims is sent again ever less often: with more kills in a row,
 * the next time would be too long to wait for.
 */
const KILLS_IN_A_ROW = 5;
const EXTERNAL_TTL_SECONDS = 5;
/** From the last restart: a lease, backoff, an external operation's time, and this machine's own slowness. */
const SETTLE_MS = 90_000;
/** By then the index has the changes that a crash kept from it: the alarm, and this machine's own slowness. */
const TOLD_MS = EFFECT_UNHEARD_MS + 15_000;

export async function runChaos({ seed, rounds, cleansUp = false, onRound }: ChaosOptions): Promise<ChaosSummary> {
  const random = randomFromSeed(seed);
  const books = new Books();
  const ledger = await StepLedger.open();
  const clients: Client[] = [];
  const client = (url: string): Client => {
    const around = { books, url, ledgerUrl: ledger.url, externalTtlSeconds: EXTERNAL_TTL_SECONDS };
    // Randomness of its own: what the others do changes nothing of what it does.
    const made = new Client(randomFromSeed(random.below(2 ** 31)), around);
    clients.push(made);
    return made;
  };
  let server = await start();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      await loadAndKill(server, { random, client, books });
      onRound?.(round, books);
      server = await start(server.state);
      // Everything ends between the kills too: what they hit is then at most as many times sent in vain.
      if (round % KILLS_IN_A_ROW === 0 || round === rounds) await settle(client(server.url), books);
    }
    if (cleansUp) await cleanUp(client(server.url), books);
    await compare(client(server.url), books);
  } finally {
    await server.dispose();
    ledger.close();
  }
  compareSteps(ledger, books);
  return {
    seed,
    kills: rounds,
    operations: startsAnswered(books),
    requestsAnswered: sum(clients.map(({ answered }) => answered)),
    requestsUnanswered: sum(clients.map(({ unanswered }) => unanswered)),
    stepsExecuted: ledger.count,
    ...books.counts,
    violations: books.violations,
  };
}

function startsAnswered({ entries }: Books): number {
  return entries.filter(({ name }) => name !== undefined).length;
}

function start(state?: string): Promise<DevServer> {
  return DevServer.start({ vars: VARS, main: "test/chaos/chaos-worker.ts", ...(state === undefined ? {} : { state }) });
}

/** Kills the server at some moment after the first starts were answered, with everything under way. */
async function loadAndKill(
  server: DevServer,
  { random, client, books }: { random: Random; client: (url: string) => Client; books: Books },
): Promise<void> {
  const before = startsAnswered(books);
  const running = Array.from({ length: CLIENTS }, () => client(server.url).run());
  const loadMs = random.below(MAX_LOAD_MS);
  await eventually(() => startsAnswered(books) - before >= MIN_STARTS, { timeoutMs: START_MS });
  await new Promise((resolve) => {
    setTimeout(resolve, loadMs);
  });
  await server.kill();
  await Promise.all(running);
}

/** Every operation becomes done, and nobody asks for it: the lists do not reach the operations' objects. */
async function settle(client: Client, books: Books): Promise<void> {
  // A client that had no answer asks again with its requestId: that is what it is for.
  for (const entry of books.entries) {
    if (entry.name === undefined && entry.hasRequestId) await client.start(entry);
  }
  const answered = new Set(books.entries.map(({ name }) => name));
  await becomesEmpty(books, SETTLE_MS, async () => {
    const unfinished = await listAll(client, "done=false");
    return unfinished.filter(({ name }) => answered.has(name));
  });
}

/** A listed start that was cut off before its answer is an operation that ends, or its row is removed. */
function cleanUp(client: Client, books: Books): Promise<void> {
  return becomesEmpty(books, STARTING_CHECK_MS + SETTLE_MS, () => listAll(client, "done=false"));
}

async function becomesEmpty(
  books: Books,
  timeoutMs: number,
  unfinished: () => Promise<OperationJson[]>,
): Promise<void> {
  try {
    await eventually(async () => (await unfinished()).length === 0, { timeoutMs, intervalMs: 250 });
  } catch {
    for (const operation of await unfinished()) books.broken("stuck", JSON.stringify(operation));
  }
}

async function listAll(client: Client, filter?: string): Promise<OperationJson[]> {
  const lists = await Promise.all(
    ["operations", `${PROJECT}/locations/-/operations`].map((collection) => client.list(collection, filter)),
  );
  if (lists.some((list) => list === undefined)) throw new Error("the lists cannot be read");
  return lists.flatMap((list) => list ?? []);
}

/** The operations in lists and by name are those of the books. */
async function compare(client: Client, books: Books): Promise<void> {
  const listed = await listAll(client);
  const byName = new Map(listed.map((operation) => [operation.name, operation]));
  if (byName.size !== listed.length) books.broken("listsDisagree", `${listed.length - byName.size} are listed twice`);
  for (const entry of books.entries) {
    if (entry.name === undefined) continue;
    const inList = byName.get(entry.name);
    const wasDeleted = entry.isDeleted;
    const found = await client.get(entry);
    if (wasDeleted && inList) books.broken("deletedAndBack", `${entry.name} is in the list`);
    if (JSON.stringify(found) !== JSON.stringify(inList) && (wasDeleted || !(await isDeletionTold(client, entry)))) {
      books.broken("listsDisagree", `${JSON.stringify(inList)} is listed, ${JSON.stringify(found)} is there`);
    }
    if (found && !isOutcomeOf(entry, found)) books.broken("wrongOutcomes", JSON.stringify(found));
  }
  const namesByParent = Map.groupBy(byName.keys(), (name) => name.replace(/\/?operations\/[^/]*$/, ""));
  for (const [parent, names] of namesByParent) {
    if (parent !== "" && names.length > 1) books.broken("startedTwice", `${parent} has ${names.join(", ")}`);
  }
  compareEchoes(listed, books);
}

/**
 * A deletion that the kill cut off between its commit and its answer is told to the index by the object's next alarm
 * (docs/consistency.md). Of nothing else does a list know less than the operation.
 */
async function isDeletionTold(client: Client, entry: Entry): Promise<boolean> {
  if (!entry.isDeleteAsked || (await client.get(entry))) return false;
  const isListed = async (): Promise<boolean> => (await listAll(client)).some(({ name }) => name === entry.name);
  return eventually(async () => !(await isListed()), { timeoutMs: TOLD_MS, intervalMs: 250 }).catch(() => false);
}

/** Echoes have one parent: what is told of each is its content. */
function compareEchoes(listed: OperationJson[], books: Books): void {
  const contents = listed.map(({ response }) => response?.["content"]).filter((content) => typeof content === "string");
  const twice = contents.filter((content, index) => contents.indexOf(content) !== index);
  if (twice.length > 0) books.broken("startedTwice", twice.join(", "));
}

const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;

/** How an operation of this kind may end, also where it was cancelled. */
function isOutcomeOf({ kind, number }: Entry, { error, response }: OperationJson): boolean {
  if (error) return error.code === CANCELLED || (kind === "external" && error.code === DEADLINE_EXCEEDED);
  const value = (response?.["value"] ?? {}) as Record<string, unknown>;
  switch (kind) {
    case "echo":
      return response?.["content"] === `echo ${number}`;
    case "profile":
      return value["rowCount"] === TABLE_ROWS;
    case "walk":
      return JSON.stringify(value["told"]) === JSON.stringify(Array.from({ length: WALK_STEPS }, (_, place) => place));
    case "external":
      return value["result"] === number;
  }
}

/** The steps that were executed, against the operations: none again that was stored, none left out of a success. */
function compareSteps(ledger: StepLedger, books: Books): void {
  for (const { kind, name, outcome } of books.entries) {
    if (kind !== "walk" || name === undefined) continue;
    for (const step of ledger.repeated(name)) books.broken("stepsRepeated", `${name}: ${JSON.stringify(step)}`);
    const places = new Set(ledger.executed(name).map(({ place }) => place));
    if (outcome?.includes('"told"') && places.size !== WALK_STEPS) {
      books.broken("wrongOutcomes", `${name} succeeded with ${places.size} steps`);
    }
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
