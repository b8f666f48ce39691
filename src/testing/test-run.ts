// One run of a method from its start to its end, in memory and by a clock that stands still: the real start, lifecycle,
// runner and replay, with a map in place of storage, and a loop in place of the queue.
import { DEFAULT_INVOCATION_MS } from "../limits";
import type { Method } from "../method/define-method";
import type { OperationContext } from "../method/method";
import type { Claimed, LastWord } from "../contract/run-channel";
import type { SaveMessage } from "../queue/channel";
import { runOperation } from "../queue/run-operation";
import type { RunPlatform } from "../queue/run-platform";
import type { JsonObject } from "../rpc/any";
import { Activity } from "./activity";
import { callSite } from "./call-site";
import { MemoryChannel } from "./memory-channel";
import { HALF, MemoryOperation } from "./memory-operation";
import type { LogLine, TestAnswers, TestChildren } from "./method-run";
import type { StartedInMemory } from "./start";
import { AnsweringPeople } from "./test-answers";
import { ChildrenUnderTest } from "./test-children";
import { TestSteps } from "./test-steps";
import type { StepMocks } from "./step-mock";
import { type Surroundings, within } from "./surroundings";
import { TestClock } from "./test-clock";
import { type MadeCall, watchedContext } from "./watched-context";

/** A point in a method's work, in words: `the call of step "parse"`. */
export type Point = MadeCall;

export interface RunObserver {
  /** Whether the machine dies at this point. */
  diesAt?(point: Point): boolean;
  /** The method's code has gone from one point to another. */
  passed?(passage: Passage): void;
  /** Code outside of steps is about to call fetch. */
  fetchedOutside?(call: FetchCall): void;
}

export interface TestRunOptions {
  steps: StepMocks;
  answers: TestAnswers;
  children: TestChildren;
  /** When a client cancels, in milliseconds since the start. */
  cancelAfterMs: number | undefined;
  startTime: number;
  /** How long, by the real clock, the code may run without a call that gets the run on. */
  patienceMs: number;
}

/** The way of the method's code from one point to another. */
export interface Passage {
  from: Point;
  to: Point;
  /** Functions of steps ran meanwhile. */
  inSteps: boolean;
  /** The checkpoint from which the function continues, as JSON text; undefined: it began from the beginning. */
  cursor: string | undefined;
  /** How many calls of `op` it has made since. */
  callCount: number;
}

/** A call of fetch: what a test may compare. */
export interface FetchCall {
  /** `POST https://example.com/inbox`. */
  text: string;
  site: string | undefined;
}

/** More calls of one method's function than this are a loop without an end. */
const MAX_INVOCATIONS = 10_000;

export class TestRun implements Surroundings {
  readonly operation: MemoryOperation;
  readonly steps: TestSteps;
  /** The calls of `op` in each call of the method's function. */
  readonly calls: MadeCall[][] = [];
  readonly progress: JsonObject[] = [];
  readonly logs: LogLine[] = [];
  readonly unusedMocks: string[] = [];
  attempts = 0;
  readonly #clock: TestClock;
  readonly answers: AnsweringPeople;
  readonly children: ChildrenUnderTest;
  readonly #method: Method;
  readonly #options: TestRunOptions;
  readonly #observer: RunObserver;
  readonly #cancelTime: number;
  #channel: MemoryChannel | undefined;
  #activity = new Activity();
  #place: Pick<Passage, "cursor" | "callCount"> = { cursor: undefined, callCount: 0 };
  /** The last point that the method's code has passed. */
  #last: Point = BEGINNING;

  constructor(method: Method, started: StartedInMemory, options: TestRunOptions, observer: RunObserver = {}) {
    this.#method = { ...method, run: (json, op) => this.#run(method, json, op) };
    this.#options = options;
    this.#observer = observer;
    this.#clock = new TestClock(options.startTime);
    this.operation = new MemoryOperation(started, {
      now: () => this.#clock.now,
      notify: (notice) => this.#channel?.notify(notice),
    });
    this.answers = new AnsweringPeople(options.answers, this.operation);
    this.children = new ChildrenUnderTest(options.children, this.operation, this.#clock);
    this.steps = new TestSteps(options.steps, {
      clock: this.#clock,
      cancel: () => this.operation.apply({ type: "cancel" }),
      passes: (point) => this.#pass({ ...point, site: this.#siteOf(point) }),
      isStored: (name) => this.operation.results.has(name),
      within: (work) => within(this, true, work),
    });
    this.#cancelTime = options.startTime + (options.cancelAfterMs ?? Infinity);
  }

  now(): number {
    return this.#clock.now;
  }

  onFetch(text: string, callee: typeof fetch): void {
    this.#observer.fetchedOutside?.({ text, site: callSite(callee) });
  }

  async play(): Promise<void> {
    for (;;) {
      await this.#letTimePass();
      if (this.operation.isDone) return;
      const claimed = this.operation.claim(`fence ${this.calls.length}`);
      if (claimed) await this.#invoke(claimed);
      else this.#clock.passTo(this.#nextTime());
      if (this.calls.length > MAX_INVOCATIONS)
        throw new Error(`the operation is not done after ${MAX_INVOCATIONS} calls of its method`);
    }
  }

  /** Lets happen what is due by now. A runner that lives keeps its lease. */
  async #letTimePass(): Promise<void> {
    const isCancelDue = this.#clock.now >= this.#cancelTime && !this.operation.record.cancellation;
    if (isCancelDue) this.operation.apply({ type: "cancel" });
    this.operation.letTimePass(this.#channel?.isAlive ?? false);
    await this.answers.give(this.#clock.now);
    await this.children.end();
  }

  /** When something happens by time alone. */
  #nextTime(): number {
    const { now, nextTime = Infinity } = this.#clock;
    const dueTime = this.operation.dueTime ?? Infinity;
    const time = Math.min(
      nextTime,
      dueTime,
      this.#cancelTime > now ? this.#cancelTime : Infinity,
      this.answers.nextTime,
      this.children.nextTime,
    );
    if (time < Infinity) return time;
    throw new Error(`the operation waits for nothing, in the state ${this.operation.record.state}`);
  }

  // ── One call of the method's function ─────────────────────────────────────────────────────────────────────────────

  async #invoke(claimed: Claimed): Promise<void> {
    this.attempts = claimed.attempt;
    this.calls.push([]);
    const activity = new Activity();
    this.#activity = activity;
    const channel = new MemoryChannel(this.operation, claimed, {
      sending: (message) => this.#isDeadly(pointOf(message, "was stored", "before")),
      stored: (message) => {
        if (message.type === "saveCheckpoint") this.#place = { cursor: message.cursor, callCount: 0 };
        return this.#isDeadly(pointOf(message, "was stored", "after"));
      },
    });
    this.#channel = channel;
    const state = { isOver: false };
    const isEnded = (): boolean => state.isOver || !channel.isAlive;
    const run = runOperation(channel, {
      methods: new Map([[this.#method.id, this.#method]]),
      showInnerErrors: true,
      invocationMs: DEFAULT_INVOCATION_MS,
      children: this.children.starts,
      platform: this.#platform(channel, activity),
    }).finally(() => {
      state.isOver = true;
      activity.note();
    });
    while (!isEnded()) {
      const isAnswered = (): boolean => Math.min(this.answers.nextTime, this.children.nextTime) <= this.#clock.now;
      await this.#until(() => isEnded() || activity.waitsForTime || isAnswered());
      if (isEnded()) break;
      if (!isAnswered()) this.#clock.passTo(this.#nextTime());
      await this.#letTimePass();
      activity.note();
    }
    if (channel.isAlive) await run;
    else await this.#bury(claimed.fence);
    this.#clock.clear();
    this.#channel = undefined;
  }

  /** A machine has died. The functions of its steps run to their ends, because their effects may be under way. */
  async #bury(fence: string): Promise<void> {
    this.#clock.clear();
    await this.#until(() => this.#activity.steps === 0);
    this.operation.apply({ type: "channelLost", fence });
  }

  #until(condition: () => boolean): Promise<void> {
    const { patienceMs } = this.#options;
    return this.#activity.until(condition, { patienceMs, stuckMessage: () => this.#stuckMessage(patienceMs) });
  }

  #stuckMessage(ms: number): string {
    const { running } = this.steps;
    if (running.length > 0) {
      return `The step ${JSON.stringify(running[0])} has run for ${ms} ms. Mock it, or raise patienceMs.`;
    }
    return (
      `The method has made no call for ${ms} ms, after ${textOfPoint(this.#last)}. It waits for something that is neither a ` +
      "step nor a sleep. Put that into a step, which a test can mock, or raise patienceMs."
    );
  }

  #platform(channel: MemoryChannel, activity: Activity): RunPlatform {
    const after = (ms: number, run: () => void): (() => void) =>
      this.#clock.after(ms, () => {
        activity.note();
        if (channel.isAlive) run();
      });
    return {
      now: () => this.#clock.now,
      random: () => HALF,
      atLimit: after,
      after: (ms, run) => {
        const ends = activity.sleepBegins();
        const cancel = after(ms, () => {
          ends();
          run();
        });
        return () => {
          ends();
          cancel();
        };
      },
      turn: () => activity.turn(),
      span: (name, attributes, work, signal) =>
        name === "operation.step"
          ? this.steps.run(String(attributes["operation.step"]), work, {
              channel,
              activity,
              signal: signal ?? NEVER_ABORTED,
            })
          : work(),
      log: (level, fields) => {
        this.logs.push({ level, ...fields });
      },
    };
  }

  // ── The method's code ─────────────────────────────────────────────────────────────────────────────────────────────

  async #run(method: Method, json: JsonObject, op: OperationContext): Promise<object> {
    const channel = this.#channel;
    const calls = this.calls.at(-1) ?? [];
    this.#place = { cursor: undefined, callCount: 0 };
    this.#pass(BEGINNING, { inSteps: true });
    const watched = watchedContext(op, {
      called: (call) => {
        if (!channel?.isAlive) return false;
        calls.push(call);
        this.#activity.note();
        const point = { text: `the call of ${call.text}`, site: call.site };
        this.#pass(point);
        this.#place = { ...this.#place, callCount: this.#place.callCount + 1 };
        if (this.#isDeadly(point)) channel.die();
        return channel.isAlive;
      },
      reported: (report) => this.progress.push(report),
      read: (name) => {
        calls.push({ text: `reading op.${name}`, site: undefined });
        if (name === "resumeFrom") this.#place = { cursor: channel?.claimed.checkpoint, callCount: 0 };
      },
    });
    try {
      return await within(this, false, () => method.run(json, watched));
    } finally {
      if (channel?.isAlive) this.#pass(END);
    }
  }

  /** The method's code has come to a point. While a step runs, the code may be the step's. */
  #pass(to: Point, { inSteps } = { inSteps: this.#activity.steps > 0 }): void {
    this.#observer.passed?.({ from: this.#last, to, inSteps, ...this.#place });
    this.#last = to;
  }

  /** Where the present call of the method's function calls a step. */
  #siteOf({ text }: Point): string | undefined {
    return this.calls.at(-1)?.find((call) => call.text === text)?.site;
  }

  #isDeadly(point: Point | undefined): boolean {
    if (!point || !this.#observer.diesAt?.(point)) return false;
    this.#activity.note();
    return true;
  }
}

/** Of spans that are no step. */
const NEVER_ABORTED = new AbortController().signal;

const BEGINNING: Point = { text: "the beginning of the method", site: undefined };
const END: Point = { text: "the end of the method", site: undefined };

/** `the call of step "parse" (src/deliver.ts:20:31)`. */
export function textOfPoint({ text, site }: Point): string {
  return site === undefined ? text : `${text} (${site})`;
}

/** undefined: nothing of this message is stored that a replay would miss. */
function pointOf(message: SaveMessage | LastWord, what: string, when: string): Point | undefined {
  const texts: Partial<Record<typeof message.type, string>> = {
    saveCheckpoint: "a checkpoint",
    saveSleeps: "a sleep",
    saveSuspensions: "a suspension",
    saveChildren: "a group of children",
    sleep: "a sleep",
    suspend: "a suspension",
    succeed: "the response",
    fail: "the failure",
  };
  const subject =
    message.type === "saveStep" ? `the result of step ${JSON.stringify(message.name)}` : texts[message.type];
  return subject === undefined ? undefined : { text: `the moment ${when} ${subject} ${what}`, site: undefined };
}
