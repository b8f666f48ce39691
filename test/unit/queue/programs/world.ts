// One operation in virtual time: the real lifecycle and the real runner, a queue and a channel between them, and crashes.
import {
  claimedFromRecord,
  claimedSuspensions,
  eventFromMessage,
} from "../../../../src/durable/operation/run-messages";
import { defineMethod } from "../../../../src/method/define-method";
import { nextDueTime } from "../../../../src/lifecycle/due";
import type { OperationEvent } from "../../../../src/lifecycle/event";
import type { OperationRecord } from "../../../../src/lifecycle/record";
import type { Claimed, LastWord, MessageToObject } from "../../../../src/contract/run-channel";
import type { StepContext } from "../../../../src/index";
import { advance } from "../../../../src/lifecycle/advance";
import { Attempt } from "../../../../src/queue/attempt";
import type { RunPorts } from "../../../../src/queue/run-ports";
import type { JsonObject } from "../../../../src/rpc/any";
import { aRecord } from "../../../support/a-record";
import { CREATE_TIME, DAY_MS, aPolicy } from "../../../support/an-operation";
import type { Random } from "../../../support/random";
import { type Program, type Step, partsOf, run } from "./program";
import { VirtualTime } from "./virtual-time";
import { RunSignal } from "../../../../src/queue/run-signal";

export interface WorldOptions {
  random: Random;
  program: Program;
  /** After which events the runner dies. */
  crashes: readonly number[];
  /** After how long an invocation gives way. */
  yieldMs: number;
}

interface Runner {
  name: string;
  attempt: number;
  isAlive: boolean;
  running: Set<number>;
  /** Tells the runner of answers. */
  receive(this: void, ids: readonly string[]): void;
}

const LATENCY_MS = 2;
const MAX_EVENTS = 5_000;

export class ProgramWorld {
  readonly time = new VirtualTime(CREATE_TIME);
  readonly violations: string[] = [];
  record: OperationRecord;
  invocations = 0;
  /** How often the work of each step was begun. */
  readonly runs = new Map<number, number>();
  readonly #options: WorldOptions;
  readonly #results = new Map<number, string>();
  readonly #stored = new Set<number>();
  readonly #crashes: number[];
  readonly #timed: ReadonlyMap<number, number>;
  /** When each sleep was first called: of the operation, and of each attempt. */
  readonly #firstCalls = new Map<string, number>();
  /** The outcome of each part in each attempt. */
  readonly #outcomes = new Map<string, string>();
  readonly #answered = new Set<number>();
  readonly #maps: Extract<Program, { do: "map" }>[];
  #runner: Runner | undefined;
  #alarm: (() => void) | undefined;
  #sent = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#crashes = [...options.crashes];
    this.#maps = partsOf(options.program).filter((part) => part.do === "map");
    this.#timed = new Map(
      partsOf(options.program).flatMap((part) =>
        part.do === "sleep" || part.do === "suspend" ? [[part.id, part.ms]] : [],
      ),
    );
    this.record = aRecord({
      deadline: CREATE_TIME + 300 * DAY_MS,
      policy: aPolicy({ maxAttempts: 12, initialBackoffMs: 0, maxBackoffMs: 0, snapshot: false }),
    });
  }

  get isDone(): boolean {
    return this.record.endTime !== undefined;
  }

  async play(): Promise<void> {
    this.#send();
    const isOver = (): boolean => {
      if (this.#crashes[0] !== undefined && this.time.events >= this.#crashes[0]) this.#crash();
      return this.isDone || this.violations.length > 0;
    };
    await this.time.runUntil(isOver, MAX_EVENTS).catch((error: unknown) => {
      this.violations.push(`${String(error)}: ${JSON.stringify(this.record)}`);
    });
  }

  // ── The operation's object ────────────────────────────────────────────────────────────────────────────────────────

  #apply(event: OperationEvent): boolean {
    const result = advance(this.record, event, this.time.now);
    if (!result.ok) return false;
    this.record = { ...result.record, outbox: {} };
    for (const { name } of result.record.work?.steps ?? []) this.#stored.add(idIn(name));
    for (const effect of result.effects) {
      if (effect.type === "send") this.#send();
      if (effect.type === "tellAnswers") this.#runner?.receive(effect.ids);
    }
    this.#alarm?.();
    const due = nextDueTime(this.record);
    if (due !== undefined) this.#alarm = this.time.after(Math.max(0, due - this.time.now), () => this.#letTimePass());
    return true;
  }

  #letTimePass(): void {
    const fence = this.record.lease?.fence;
    if (fence !== undefined && this.#runner?.isAlive) {
      this.#apply({ type: "keepAlive", fence, receivedTime: this.time.now });
    }
    this.#apply({ type: "timePasses", random: 0 });
  }

  #send(): void {
    this.time.after(LATENCY_MS, () => {
      this.#sent += 1;
      const fence = `fence ${this.#sent}`;
      if (!this.#apply({ type: "claim", fence })) return;
      const step = (place: number) => ({ text: () => this.#results.get(place)! });
      const store = { request: () => "{}", step, output: { end: 0 } };
      // Only text crosses.
      const claimed = JSON.parse(JSON.stringify(claimedFromRecord(this.record, fence, store as never))) as Claimed;
      this.#work(claimed);
    });
  }

  /** A message to the object: it may be lost with its runner, and so may the answer. */
  #ask(runner: Runner, message: MessageToObject): Promise<"settled" | "stopped"> {
    const { promise, resolve } = Promise.withResolvers<"settled" | "stopped">();
    const text = JSON.stringify(message);
    const isLostWithRunner = this.#options.random.chance(0.5);
    this.time.after(LATENCY_MS, () => {
      if (!runner.isAlive && isLostWithRunner) return;
      const isTaken = this.#take(JSON.parse(text) as MessageToObject);
      this.time.after(LATENCY_MS, () => void (runner.isAlive && resolve(isTaken ? "settled" : "stopped")));
    });
    return promise;
  }

  #take(message: MessageToObject): boolean {
    if (message.type === "saveChildren") throw new Error("no program starts children");
    if (message.type === "saveOutput") return message.fence === this.record.lease?.fence;
    if (message.type !== "saveStep") return this.#apply(eventFromMessage(message, 0));
    const { id: _id, type, fence, name, result, order, ...memory } = message;
    if (fence !== this.record.lease?.fence) return false;
    const place = this.#results.size;
    this.#results.set(place, result);
    const stored = { name, place, bytes: result.length, chunks: 1, ...(order === undefined ? {} : { order }) };
    return this.#apply({ ...memory, type, fence, step: stored });
  }

  // ── The runner ────────────────────────────────────────────────────────────────────────────────────────────────────

  #crash(): void {
    this.#crashes.shift();
    if (this.#runner) this.#runner.isAlive = false;
  }

  #work(claimed: Claimed): void {
    this.invocations += 1;
    const { fence, attempt } = claimed;
    const name = `runner ${this.invocations}`;
    const receive = (ids: readonly string[]): void => {
      const told = claimedSuspensions((this.record.suspensions ?? []).filter(({ id }) => ids.includes(id)));
      this.time.after(LATENCY_MS, () => void (runner.isAlive && attemptOfHandler.receive({ suspensions: told })));
    };
    const runner: Runner = { name, attempt, isAlive: true, running: new Set(), receive };
    this.#runner = runner;
    const method = defineMethod({
      http: { post: "/v1/things:make", body: "*" },
      request: (json: JsonObject) => json,
      run: async (_, op) => ({
        outcome: await run(this.#options.program, op, {
          called: (id) => this.#called(runner, id),
          suspends: (part) => this.#suspends(part),
          came: (id, outcome, isFailure) => this.#came(runner, id, outcome, isFailure),
          work: (part, step) => this.#stepWork(runner, part, step),
        }),
      }),
    });
    const attemptOfHandler = new Attempt({ claimed } as never, method, {
      ports: () => this.#ports(runner, fence),
      span: (work) => work(),
      log: () => undefined,
      signal: new RunSignal(),
      invocationMs: 1e9,
      showInnerErrors: true,
    });
    void this.#finish(runner, fence, attemptOfHandler.run());
  }

  async #finish(runner: Runner, fence: string, ended: Promise<LastWord>): Promise<void> {
    const lastWord = await ended;
    if (!runner.isAlive) return;
    const isRetried = lastWord.type === "fail" && lastWord.retryable;
    if (runner.running.size > 0 && (isRetried || ["sleep", "suspend", "yield"].includes(lastWord.type))) {
      this.violations.push(`${runner.name} ends with ${lastWord.type} while ${[...runner.running].join()} run`);
    }
    await this.#ask(runner, { ...lastWord, fence });
    runner.isAlive = false;
  }

  #ports(runner: Runner, fence: string): RunPorts {
    let id = 0;
    const save = (message: object): Promise<"settled" | "stopped"> => {
      id += 1;
      return this.#ask(runner, { ...message, id, fence } as MessageToObject);
    };
    return {
      now: () => this.time.now,
      turn: () => this.time.turn(),
      after: (ms, act) => this.time.after(ms, () => void (runner.isAlive && act())),
      sendProgress: () => undefined,
      save,
      largeValues: {
        stepResult: () => Promise.reject(new Error("no result is so large")),
        answer: () => Promise.reject(new Error("no answer is so large")),
        childEnds: () => Promise.reject(new Error("no program starts children")),
      },
      children: {} as never,
      newSecret: () => "secret",
      random: () => 0.5,
      checkLease: async () => {},
      stepSpan: (_, work) => work(),
      log: () => undefined,
      signal: new RunSignal(),
      input: undefined,
      hasDefaultMetadata: true,
      yieldTime: this.time.now + this.#options.yieldMs,
    };
  }

  // ── Calls of a handler ────────────────────────────────────────────────────────────────────────────────────────────

  #stepWork(runner: Runner, { id, ms, failures, retry }: Step, { attempt, signal }: StepContext): Promise<void> {
    const count = (this.runs.get(id) ?? 0) + 1;
    this.runs.set(id, count);
    if (this.#stored.has(id)) this.violations.push(`${runner.name} runs step ${id}, whose result is stored`);
    if (runner.running.has(id)) this.violations.push(`${runner.name} runs step ${id} twice at a time`);
    this.#checkTry(runner, id, attempt);
    runner.running.add(id);
    const map = this.#maps.find(({ items }) => items.some((item) => item.id === id));
    const beside = map?.items.filter((item) => runner.running.has(item.id)).length ?? 0;
    if (map && beside > map.concurrency) this.violations.push(`${beside} items of map ${map.id} run at a time`);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        if (!runner.isAlive) return;
        runner.running.delete(id);
        settle();
      };
      const fails = (): void => end(() => reject(new Error(`step ${id} fails`)));
      if (count > failures) this.time.after(ms, () => end(resolve));
      else if (retry?.timeoutMs === undefined) this.time.after(ms, fails);
      else signal.addEventListener("abort", fails);
    });
  }

  /** No try is forgotten that is stored, and none begins before its time. */
  #checkTry(runner: Runner, id: number, attempt: number): void {
    const stored = this.record.work?.stepTries?.find(({ name }) => idIn(name) === id);
    if (!stored) return;
    const { failures, retryTime } = stored;
    const text = `${runner.name} tries step ${id} as number ${attempt}`;
    if (attempt <= failures) this.violations.push(`${text} behind ${failures} failures`);
    if (attempt === failures + 1 && this.time.now < retryTime)
      this.violations.push(`${text} ${retryTime - this.time.now} ms too early`);
  }

  /** The answer comes once, whatever becomes of the runner. */
  #suspends({ id, ms, expires }: Extract<Program, { do: "suspend" }>): void {
    if (expires || this.#answered.has(id)) return;
    this.#answered.add(id);
    const payload = JSON.stringify(`suspend ${id}`);
    this.time.after(ms, () => {
      if (!this.isDone) this.#apply({ type: "resolve", id: `suspend-${id}`, payload, digest: payload });
    });
  }

  #called(runner: Runner, id: number): void {
    for (const key of [`${id}`, `${id} of ${runner.attempt}`]) {
      if (!this.#firstCalls.has(key)) this.#firstCalls.set(key, this.time.now);
    }
  }

  /** Within an attempt every part comes to the same, in every invocation; and no sleep ends before its time. */
  #came(runner: Runner, id: number, outcome: string, isFailure: boolean): void {
    if (!runner.isAlive) return;
    const key = `${id} of ${runner.attempt}`;
    const before = this.#outcomes.get(key);
    const now = `${isFailure ? "failure: " : ""}${outcome}`;
    if (before !== undefined && before !== now) this.violations.push(`${key} came to ${before}, and then to ${now}`);
    this.#outcomes.set(key, now);
    const ms = this.#timed.get(id);
    if (ms === undefined) return;
    const slept = this.time.now - this.#firstCalls.get(`${id}`)!;
    if (slept < ms) this.violations.push(`sleep ${id} of ${ms} ms took ${slept} ms`);
  }
}

function idIn(name: string): number {
  return Number(name.slice(name.lastIndexOf(" ") + 1));
}
