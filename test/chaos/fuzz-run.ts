// One run of hostile input: requests from a seed, several at a time, against a real server; every answer is judged, and at
// last what the server has stored and holds in memory.
import { type Memory, growth } from "../bench/calm-memory.ts";
import { DevServer } from "../e2e/dev-server.ts";
import { paceOf } from "../support/pace.ts";
import { MAX_ANSWER_MS, brokenRule } from "./answer-rules.ts";
import { type HostileRequest, bytesOf, hostileRequest, isCutShort } from "./hostile-requests.ts";
import { type Outcome, exchange } from "./raw-http.ts";
import { type Served, servedRoutes } from "./served-routes.ts";
import { Accepted, unaccounted } from "./accepted.ts";
import { type Caller, type Guarded, type Issuer, callerOf, setUp } from "./guarded.ts";
import { compareAnswers } from "./existence.ts";
import { type RefusalCost, costOfRefusals } from "./refusals.ts";
import { randomFromSeed } from "../support/random.ts";

export interface FuzzOptions {
  seed: number;
  requests: number;
  /** Only this one of them. */
  only?: number | undefined;
  /** Where they are sent, and how much memory it holds; without it, a `wrangler dev`, whose memory is not measured. */
  measured?: MeasuredServer | undefined;
  /** Where authentication is on: the issuer that the server was started with, or is to be. */
  issuer?: Issuer | undefined;
  /** Told of the way. */
  onProgress?: (done: number) => void;
}

export interface MeasuredServer {
  server: FuzzServer;
  memory: (stir: () => Promise<unknown>) => Promise<Memory>;
  /** Runs what it is given, and keeps garbage from piling up meanwhile. */
  collecting: (act: () => Promise<void>) => Promise<void>;
  /** CPU time that the runtime has had, in milliseconds. */
  cpuMs: () => number;
}

export type FuzzServer = Pick<DevServer, "url" | "state" | "kill" | "dispose">;

export interface Violation {
  /** The number of the request, with which it can be repeated; undefined for what is of no single one. */
  index: number | undefined;
  rule: string;
  request?: string;
}

export interface FuzzSummary {
  seed: number;
  requests: number;
  routes: number;
  /** Requests by what came of them: a status; closed, where a message that is no HTTP got none; broken off by the client. */
  outcomes: Record<string, number>;
  slowestMs: number;
  /** After each fifth of the requests, where it was measured. */
  memory?: readonly Memory[] | undefined;
  /** Where authentication is on: pairs of requests whose answers were compared, and the CPU of refused requests. */
  comparedPairs?: number | undefined;
  refusals?: RefusalCost | undefined;
  /** Objects that store something, all of them of requests that were answered with success. */
  storedObjects: number;
  violations: Violation[];
}

const CONCURRENCY = 12;
/**
 * The pace of a run whose memory is measured, after its first fifth, which is sent as fast as it goes: the allocator of the
 * runtime never returns what the worst moment took, so most of the worst moments are to lie before the first look.
 */
const MEASURED_PER_SECOND = 300;
/** The parts of a run, of equally many requests. Memory is looked at after each. */
const STAGES = 5;
const PROGRESS_EVERY = 5_000;
/** The first of them tell what is wrong; a hundred thousand more do not. */
const MAX_VIOLATIONS = 50;
/** Requests whose CPU is measured one by one, where authentication is on. */
const MEASURED_REFUSALS = 1_000;
const RUNNING = 6;
const DONE = 6;

export async function runFuzz(options: FuzzOptions): Promise<FuzzSummary> {
  // Of hundreds of thousands of log lines none is read; workers/log.test.ts tests them.
  const server = options.measured?.server ?? (await DevServer.start({ vars: { LOG: "off", ...options.issuer?.vars } }));
  try {
    return await new Fuzz(server, options).run();
  } finally {
    await server.dispose();
  }
}

class Fuzz {
  readonly #server: FuzzServer;
  readonly #options: FuzzOptions;
  readonly #accepted = new Accepted();
  readonly #running: string[] = [];
  readonly #done: string[] = [];
  readonly #outcomes = new Map<string, number>();
  readonly #violations: Violation[] = [];
  #guarded: Guarded | undefined;
  #slowestMs = 0;
  #next = 0;

  constructor(server: FuzzServer, options: FuzzOptions) {
    this.#server = server;
    this.#options = options;
  }

  async run(): Promise<FuzzSummary> {
    const { seed, requests, only, measured, issuer } = this.#options;
    this.#guarded = issuer && (await this.#setUp(issuer));
    const served = await servedRoutes(this.#server.url);
    for (let index = 0; index < RUNNING; index += 1) this.#running.push(await this.#create());
    for (let index = 0; index < DONE; index += 1) this.#done.push(await this.#finished());
    const memory: Memory[] = [];
    if (only === undefined) {
      // One after the other: what is measured is a server that nobody asks for anything.
      const stages = Array.from({ length: STAGES }, (_, index) => ({
        end: Math.floor((requests * (index + 1)) / STAGES),
        perSecond: measured && index > 0 ? MEASURED_PER_SECOND : Number.POSITIVE_INFINITY,
      }));
      for (const { end, perSecond } of stages) {
        const send = (): Promise<void> => this.#send(served, end, perSecond);
        await (measured ? measured.collecting(send) : send());
        // A whole lifecycle goes through object, queue and KV.
        if (measured) memory.push(await measured.memory(() => this.#finished()));
      }
    } else await this.#one(served, only);
    if (memory.length > 0) for (const rule of growth(memory)) this.#report({ index: undefined, rule });
    const comparison = this.#guarded && (await compareAnswers(this.#server.url, this.#guarded));
    const refusals = measured && this.#guarded && (await this.#measureRefusals(served, measured.cpuMs));
    for (const rule of [...(comparison?.violations ?? []), ...(refusals?.violations ?? [])]) {
      this.#report({ index: undefined, rule });
    }
    await this.#server.kill();
    const { storedObjects, violations } = unaccounted(this.#server.state, this.#accepted);
    for (const rule of violations) this.#report({ index: undefined, rule });
    return {
      seed,
      requests,
      routes: served.routes.length,
      outcomes: Object.fromEntries([...this.#outcomes].toSorted(([a], [b]) => a.localeCompare(b))),
      slowestMs: Math.round(this.#slowestMs),
      ...(memory.length === 0 ? {} : { memory }),
      ...(comparison ? { comparedPairs: comparison.pairs } : {}),
      ...(refusals ? { refusals } : {}),
      storedObjects,
      violations: this.#violations,
    };
  }

  /** Sends the requests up to this number, no more of them in a second than `perSecond`. */
  async #send(served: Served, end: number, perSecond: number): Promise<void> {
    const begin = this.#next;
    const turn = paceOf(perSecond);
    const sender = async (): Promise<void> => {
      while (this.#next < end) {
        const index = this.#next;
        this.#next += 1;
        await turn(index - begin);
        await this.#one(served, index);
        if ((index + 1) % PROGRESS_EVERY === 0) this.#options.onProgress?.(index + 1);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, () => sender()));
  }

  async #setUp(issuer: Issuer): Promise<Guarded> {
    const guarded = await setUp(issuer, this.#server.url);
    for (const name of guarded.privateNames) this.#accepted.started(name);
    this.#accepted.policies += guarded.policies;
    this.#accepted.apiKeys += guarded.apiKeys;
    return guarded;
  }

  /** A request of this number, and who sends it where authentication is on. */
  #requestOf(served: Served, index: number): { request: HostileRequest; caller: Caller | undefined } {
    const privateNames = this.#guarded?.privateNames ?? [];
    const targets = { running: [...this.#running, ...privateNames], done: this.#done };
    const request = hostileRequest(this.#options.seed, index, served, targets);
    if (!this.#guarded) return { request, caller: undefined };
    const random = randomFromSeed(Math.imul(this.#options.seed, 0x27d4_eb2f) ^ index);
    const caller = callerOf(random, this.#guarded, request.target);
    request.headers.push(...caller.headers);
    return { request, caller };
  }

  /** Of the requests after the last of the run, those that only callers without rights send. */
  async #measureRefusals(served: Served, cpuMs: () => number): Promise<RefusalCost> {
    const requests = Array.from({ length: MEASURED_REFUSALS }, (_, index) =>
      this.#requestOf(served, this.#options.requests + index),
    );
    const refused = requests.filter(({ caller }) => caller !== undefined && !caller.isAdmin);
    return costOfRefusals(
      { url: this.#server.url, cpuMs },
      refused.map(({ request }) => request),
    );
  }

  async #one(served: Served, index: number): Promise<void> {
    const { request, caller } = this.#requestOf(served, index);
    const { host, port } = new URL(this.#server.url);
    const outcome = await exchange({
      port: Number(port),
      bytes: bytesOf(request, host),
      isHead: request.method === "HEAD",
      isBrokenOff: isCutShort(request),
      timeoutMs: MAX_ANSWER_MS,
    });
    this.#slowestMs = Math.max(this.#slowestMs, outcome.ms);
    const kind = outcome.type === "answered" ? String(outcome.status) : outcome.type;
    this.#outcomes.set(kind, (this.#outcomes.get(kind) ?? 0) + 1);
    const rule = brokenRule(request, outcome);
    if (rule !== undefined) this.#report({ index, rule, request: shown(request) });
    if (caller && !caller.isAdmin && this.#tells(outcome)) {
      this.#report({ index, rule: `${caller.name} was told what is private`, request: shown(request) });
    }
    this.#accepted.note(request, outcome);
    await this.#replaceDeleted(request, outcome);
  }

  #tells(outcome: Outcome): boolean {
    return outcome.type === "answered" && this.#guarded !== undefined && outcome.body.includes(this.#guarded.secret);
  }

  #report(violation: Violation): void {
    if (this.#violations.length < MAX_VIOLATIONS) this.#violations.push(violation);
  }

  /** The requests to come are to meet as many operations as those before. */
  async #replaceDeleted(request: HostileRequest, outcome: Outcome): Promise<void> {
    if (outcome.type !== "answered" || outcome.status !== 200) return;
    const path = decodeURIComponent(new URL(request.target, this.#server.url).pathname);
    for (const [names, make] of [
      [this.#running, () => this.#create()],
      [this.#done, () => this.#finished()],
    ] as const) {
      const place = names.findIndex((name) => path.endsWith(name));
      if (
        place >= 0 &&
        /DELETE|POST|PATCH/.test(request.method) &&
        !(await this.#isStill(names[place]!, names === this.#done))
      ) {
        names[place] = await make();
      }
    }
  }

  async #isStill(name: string, done: boolean): Promise<boolean> {
    const response = await fetch(`${this.#server.url}/v1/${name}`, { headers: this.#adminHeaders() });
    const operation = (await response.json()) as { done?: boolean };
    return response.status === 200 && operation.done === done;
  }

  #adminHeaders(): Record<string, string> {
    return Object.fromEntries(this.#guarded?.admin.headers ?? []);
  }

  async #create(): Promise<string> {
    return this.#started("/v1/projects/p/operations", {});
  }

  async #finished(): Promise<string> {
    return this.#started("/v1/echo:wait", { success: { content: "done" } });
  }

  async #started(path: string, body: object): Promise<string> {
    const response = await fetch(`${this.#server.url}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...this.#adminHeaders() },
      body: JSON.stringify(body),
    });
    const { name } = (await response.json()) as { name?: string };
    if (response.status !== 200 || name === undefined) throw new Error(`POST ${path}: ${response.status}`);
    this.#accepted.started(name);
    return name;
  }
}

function shown(request: HostileRequest): string {
  return bytesOf(request, "host").toString("latin1").slice(0, 600);
}
