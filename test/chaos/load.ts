// A client of a service that is killed under it: it starts operations of every kind and does to them whatever can be done.
// Its calls follow from a seed; their outcomes, from the moment of the kill.
import type { Random } from "../support/random.ts";
import type { Books, Entry, Kind, Known, OperationJson } from "./books.ts";

export interface Surroundings {
  books: Books;
  url: string;
  ledgerUrl: string;
  /** An operation without a completion ends by its own time. */
  externalTtlSeconds: number;
}

interface Answer {
  status: number;
  body: OperationJson & { operations?: OperationJson[]; nextPageToken?: string };
}

export const PROJECT = "projects/chaos";
export const WALK_STEPS = 4;
export const TABLE_ROWS = 500;
const KINDS: readonly Kind[] = ["echo", "profile", "walk", "walk", "external"];
/** The latest starts are those under way. */
const YOUNG = 40;
/** Longer than any answer takes that a kill has not cut off. */
const REQUEST_TIMEOUT_MS = 30_000;
const STRUCT = "type.googleapis.com/google.protobuf.Struct";

export class Client {
  readonly #random: Random;
  readonly #around: Surroundings;
  /** Requests that were answered, and that were cut off or put off with UNAVAILABLE. */
  answered = 0;
  unanswered = 0;
  #isCutOff = false;

  constructor(random: Random, around: Surroundings) {
    this.#random = random;
    this.#around = around;
  }

  /** Does one thing after another, until the server is gone. */
  async run(): Promise<void> {
    const actions: [weight: number, action: () => Promise<unknown>][] = [
      [5, () => this.start(this.#newEntry())],
      [4, () => this.#about((entry) => this.get(entry))],
      [1, () => this.#about((entry) => this.#wait(entry))],
      [1, () => this.#about((entry) => this.#cancel(entry))],
      [1, () => this.#about((entry) => this.#delete(entry))],
      [3, () => this.#about((entry) => this.#workElsewhere(entry), "external")],
      [2, () => this.#about((entry) => (entry.hasRequestId ? this.start(entry) : this.get(entry)))],
      [1, () => this.list(`${PROJECT}/locations/-/operations`, "done=false")],
    ];
    const bag = actions.flatMap(([weight, action]) => Array.from({ length: weight }, () => action));
    while (!this.#isCutOff) await this.#random.pick(bag)();
  }

  async #about(action: (entry: Entry) => Promise<unknown>, kind?: Kind): Promise<void> {
    const { entries } = this.#around.books;
    const candidates = (this.#random.chance(0.8) ? entries.slice(-YOUNG) : entries).filter(
      (entry) => entry.name !== undefined && (kind === undefined || entry.kind === kind),
    );
    if (candidates.length > 0) await action(this.#random.pick(candidates));
  }

  // ── Starting ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #newEntry(): Entry {
    const { entries } = this.#around.books;
    const number = entries.length;
    const kind = this.#random.pick(KINDS);
    const hasRequestId = this.#random.chance(0.6);
    const parent = kind === "echo" ? "" : `${PROJECT}/locations/start-${number}`;
    const [path, body] = this.#requestOf(kind, parent, number);
    const query = hasRequestId ? `?requestId=request-${number}` : "";
    const entry: Entry = {
      number,
      kind,
      parent,
      hasRequestId,
      path: `${path}${query}`,
      body,
      isDeleteAsked: false,
      isDeleted: false,
      sent: 0,
      reported: 0,
      hasBusyWorker: false,
    };
    entries.push(entry);
    return entry;
  }

  #requestOf(kind: Kind, parent: string, number: number): [path: string, body: object | string] {
    const random = this.#random;
    switch (kind) {
      case "echo":
        return ["echo:wait", { ttl: `${random.pick([0, 0.2, 1, 3])}s`, success: { content: `echo ${number}` } }];
      case "profile":
        return [`${parent}/tables:profile`, `a,b\n${"1,x\n".repeat(TABLE_ROWS)}`];
      case "walk": {
        const somewhere = (): number => (random.chance(0.3) ? random.below(WALK_STEPS) : -1);
        const ledger = this.#around.ledgerUrl;
        // Echoes are direct, profiles are not: half of what runs is direct.
        const verb = random.pick(["walk", "walkDirectly"]);
        return [`${parent}/trails:${verb}`, { ledger, steps: WALK_STEPS, sleepAt: somewhere(), failAt: somewhere() }];
      }
      case "external":
        return [`${parent}/operations`, { operation: {}, ttl: `${this.#around.externalTtlSeconds}s` }];
    }
  }

  /** Starts it, or, with its requestId, asks for the same once more. */
  async start(entry: Entry): Promise<void> {
    const known = knownOf(entry);
    const answer = await this.#call("POST", entry.path, entry.body);
    if (answer?.status === 200) this.#around.books.started(entry, answer.body, known);
    // ALREADY_EXISTS: it was deleted meanwhile, as was asked.
    else if (answer?.status === 409 && entry.isDeleteAsked) entry.isDeleted = true;
    else this.#strange(answer, `POST ${entry.path}`);
  }

  // ── Calls on an operation ─────────────────────────────────────────────────────────────────────────────────────────

  async get(entry: Entry): Promise<OperationJson | undefined> {
    return this.#seen(entry, "GET", entry.name!);
  }

  async #wait(entry: Entry): Promise<void> {
    await this.#seen(entry, "POST", `${entry.name}:wait`, { timeout: "0.5s" });
  }

  async #cancel(entry: Entry): Promise<void> {
    const answer = await this.#call("POST", `${entry.name}:cancel`, {});
    if (answer?.status === 404) this.#around.books.missing(entry);
    else if (answer?.status !== 200) this.#strange(answer, `cancel ${entry.name}`);
  }

  async #delete(entry: Entry): Promise<void> {
    entry.isDeleteAsked = true;
    const answer = await this.#call("DELETE", entry.name!);
    if (answer?.status === 200 || answer?.status === 404) entry.isDeleted = true;
    else this.#strange(answer, `delete ${entry.name}`);
  }

  /** Its worker says how far it is, or that it has ended. */
  async #workElsewhere(entry: Entry): Promise<void> {
    if (entry.hasBusyWorker) return;
    entry.hasBusyWorker = true;
    entry.sent += 1;
    const { sent } = entry;
    const completes = this.#random.chance(0.3);
    const any = { "@type": STRUCT, value: completes ? { result: entry.number } : { reported: sent } };
    const body = completes ? { response: any } : { metadata: any };
    const operation = await this.#seen(entry, "PATCH", `${entry.name}?updateMask=${Object.keys(body)[0]}`, body, [400]);
    if (operation && !completes) entry.reported = sent;
    entry.hasBusyWorker = false;
  }

  /** An answer that is the operation as it stands; `refusals` are those that its state may give cause to. */
  async #seen(
    entry: Entry,
    method: string,
    path: string,
    body?: object,
    refusals: number[] = [],
  ): Promise<OperationJson | undefined> {
    const known = knownOf(entry);
    const answer = await this.#call(method, path, body);
    if (answer?.status === 200) {
      this.#around.books.seen(entry, answer.body, known);
      return answer.body;
    }
    if (answer?.status === 404) this.#around.books.missing(entry);
    else if (!answer || !refusals.includes(answer.status)) this.#strange(answer, `${method} ${path}`);
    return undefined;
  }

  /** A whole collection, page after page; undefined where the server is gone. */
  async list(collection: string, filter = ""): Promise<OperationJson[] | undefined> {
    const operations: OperationJson[] = [];
    let pageToken = "";
    do {
      const query = new URLSearchParams({ pageSize: "1000", filter, pageToken });
      const answer = await this.#call("GET", `${collection}?${query.toString()}`);
      if (answer?.status !== 200) {
        this.#strange(answer, `list ${collection}`);
        return undefined;
      }
      operations.push(...(answer.body.operations ?? []));
      pageToken = answer.body.nextPageToken ?? "";
    } while (pageToken !== "");
    return operations;
  }

  // ── Calling ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Undefined where there was no answer, or UNAVAILABLE: what was asked may have been done, or not. */
  async #call(method: string, path: string, body?: object | string): Promise<Answer | undefined> {
    const isText = typeof body === "string";
    try {
      const response = await fetch(`${this.#around.url}/v1/${path}`, {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(body === undefined
          ? {}
          : {
              headers: { "Content-Type": isText ? "text/csv" : "application/json" },
              body: isText ? body : JSON.stringify(body),
            }),
      });
      const answer = { status: response.status, body: (await response.json()) as Answer["body"] };
      if (answer.status !== 503) {
        this.answered += 1;
        return answer;
      }
    } catch {
      // Cut off by the kill: the books look at what was answered, and at what is there in the end.
      this.#isCutOff = true;
    }
    this.unanswered += 1;
    return undefined;
  }

  #strange(answer: Answer | undefined, what: string): void {
    if (answer) this.#around.books.broken("strangeAnswers", `${what}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
}

function knownOf({ outcome, isDeleted, reported }: Entry): Known {
  return { ...(outcome === undefined ? {} : { outcome }), isDeleted, reported };
}
