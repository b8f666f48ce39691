// A method's view of its operation while it runs: OperationContext, over ports.
import { type DurationText, durationTextToMs } from "../aip/duration";
import {
  MAX_CHECKPOINT_CHARACTERS,
  MAX_RESPONSE_BYTES,
  MAX_STEPS,
  MAX_STEP_NAME_CHARACTERS,
  MAX_TIMEOUT_MS,
  UNSTORED_SLEEP_MS,
} from "../limits";
import { jsonText } from "../method/json-text";
import type { JsonOf } from "../method/json-of";
import type { OperationCaller, OperationContext } from "../method/method";
import type { Suspension, SuspensionOptions } from "../method/suspension";
import { isMisuse, misuse } from "../method/misuse";
import type { AttemptMemory, WaitCondition } from "../lifecycle/record";
import type { Claimed, ClaimedStep, ClaimedSuspension, ProgressMessage } from "../contract/run-channel";
import type { Json, JsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { fitsUtf8, utf8Length } from "../rpc/utf8";
import { type FailedStep, Failures } from "./failures";
import { InvocationLimitReached } from "./invocation-limit";
import { ProgressReporter } from "./progress-reporter";
import { Replay, type ReplayPorts } from "./replay";
import type { Settlement } from "./channel";
import { Sleeps } from "./sleeps";
import { Suspensions } from "./suspensions";

export interface RunPorts extends ReplayPorts {
  sendProgress(this: void, progress: ProgressMessage): void;
  /**
   * Stores a step's result, and `memory` with it. `order` is its place among the outcomes that the handler receives.
   */
  saveStep(
    this: void,
    step: { name: string; result: string; order: number },
    memory: AttemptMemory,
  ): Promise<Settlement>;
  saveCheckpoint(this: void, cursor: string, memory: AttemptMemory): Promise<Settlement>;
  /** Stores sleeps for which the invocation waits. */
  saveSleeps(this: void, memory: AttemptMemory): Promise<Settlement>;
  /** Stores the suspensions that the handler has reached. */
  saveSuspensions(this: void, memory: AttemptMemory): Promise<Settlement>;
  /** The JSON text of an answer that was too large to come along. */
  answer(this: void, id: string): Promise<string>;
  /** A secret that nobody can guess. */
  newSecret(this: void): string;
  /** The JSON text of a result that was too large to come with the claim. */
  stepResult(this: void, place: number): Promise<string>;
  /** Aborts the signal if the lease has expired unnoticed. */
  checkLease(this: void): Promise<void>;
  /** Runs a step within a span of the platform's traces. */
  stepSpan<T>(this: void, name: string, work: () => Promise<T>): Promise<T>;
  log(this: void, fields: Record<string, unknown>): void;
  signal: AbortSignal;
  /** undefined: the operation was started without one. */
  input: ReadableStream<Uint8Array> | undefined;
  hasDefaultMetadata: boolean;
  /** The time (milliseconds since 1970) after which the invocation yields before its next step. */
  yieldTime: number;
}

/** The reasons why an invocation ends before its handler. */
export type Ending =
  | ({ type: "sleep"; ordinal: number; wakeTime: number } & AttemptMemory)
  | ({ type: "suspend"; waitsFor: WaitCondition; wakeTime?: number } & AttemptMemory)
  | ({ type: "yield" } & AttemptMemory)
  /** The handler uses the library wrongly, or a stored value could not be read or written. */
  | { type: "failed"; error: unknown };

export class RunContext implements OperationContext {
  readonly name: string;
  readonly createTime: Date;
  readonly deadline: Date;
  readonly caller: OperationCaller | undefined;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  readonly inputBytes: number;
  /**
   * Resolves if the invocation ends before its handler. From then on everything that the handler awaits stays pending.
   */
  readonly ended: Promise<Ending>;
  readonly #end: (ending: Ending) => void;
  readonly #claimed: Claimed;
  readonly #ports: RunPorts;
  readonly #reporter: ProgressReporter;
  readonly #replay: Replay;
  readonly #sleeps: Sleeps;
  readonly #suspensions: Suspensions;
  readonly #failures: Failures;
  readonly #steps = new Map<string, ClaimedStep & { order: number }>();
  readonly #stepNames = new Set<string>();
  readonly #stepsUnderWay = new Set<Promise<void>>();
  readonly #resumeFrom: Json | undefined;
  #cursor: string | undefined;
  #hasReadResumeFrom = false;
  #hasMovedCursor = false;
  #input: ReadableStream<Uint8Array> | undefined;

  constructor(claimed: Claimed, ports: RunPorts) {
    this.name = claimed.name;
    this.createTime = new Date(claimed.createTime);
    this.deadline = new Date(claimed.deadline);
    this.caller = claimed.caller;
    this.traceparent = claimed.traceparent;
    this.signal = ports.signal;
    this.inputBytes = claimed.inputBytes ?? 0;
    this.#claimed = claimed;
    this.#cursor = claimed.checkpoint;
    this.#resumeFrom = claimed.checkpoint === undefined ? undefined : (JSON.parse(claimed.checkpoint) as Json);
    this.#ports = ports;
    this.#reporter = new ProgressReporter({
      now: ports.now,
      send: ports.sendProgress,
      hasDefaultMetadata: ports.hasDefaultMetadata,
    });
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    this.#end = resolve;
    let lastOrder = 0;
    for (const step of claimed.steps) {
      lastOrder = step.order ?? lastOrder + 1;
      this.#steps.set(step.name, { ...step, order: lastOrder });
    }
    const { sleeps, stepFailures = [], suspensions = [] } = claimed;
    const orders = [...this.#steps.values(), ...sleeps, ...stepFailures, ...suspensions].map(({ order = 0 }) => order);
    this.#failures = new Failures(stepFailures);
    this.#replay = new Replay(
      ports,
      {
        onSleep: ({ sleep: { ordinal, wakeTime } }) =>
          // Sent even if there is no new one. Without them, the object would take the runner for an earlier version's.
          this.#end({ type: "sleep", ordinal, wakeTime, sleeps: [], ...this.memory() }),
        onSleepInPlace: () => void this.#saveSleeps(),
        inPlaceMs: () => this.#inPlaceMs(),
        onSuspend: (waits, timer) =>
          this.#end({
            type: "suspend",
            waitsFor: { answersTo: waits.map(({ id }) => id) },
            ...(timer ? { wakeTime: timer.sleep.wakeTime } : {}),
            ...this.memory(),
          }),
        onStay: () => this.#showSuspensions(),
        onYield: () => this.#end(this.#yield()),
        onFailure: (error) => this.#fail(error),
        onWake: (timer, order, isAlone) => this.#sleeps.woken(timer, order, isAlone),
      },
      Math.max(0, ...orders),
    );
    this.#sleeps = new Sleeps(claimed, this.#replay, ports.now);
    ports.signal.addEventListener("abort", () => this.#aborted());
    this.#suspensions = new Suspensions(claimed, this.#replay, {
      ...ports,
      log: (message, fields) => this.log(message, fields),
      fail: (error) => this.#fail(error),
    });
  }

  /** A handler that knows its attempt may sleep differently in each: its sleeps belong to the attempt from here on. */
  get attempt(): number {
    this.#sleeps.areOfAttempt();
    return this.#claimed.attempt;
  }

  get resumeFrom(): Json | undefined {
    this.#hasReadResumeFrom = true;
    return this.#resumeFrom;
  }

  get input(): ReadableStream<Uint8Array> {
    this.#input ??= this.#ports.input ?? new ReadableStream({ start: (controller) => controller.close() });
    return this.#input;
  }

  progress(report: JsonObject & { statusMessage?: string }): void {
    if (this.#replay.isClosed) return;
    this.#orMisuse(() => this.#reporter.report(report));
  }

  takeProgress(): ProgressMessage | undefined {
    return this.#reporter.take();
  }

  log(message: string, fields: JsonObject = {}): void {
    this.#ports.log({ message, operation: this.name, attempt: this.#claimed.attempt, ...fields });
  }

  // ── Steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  step<T>(name: string, run: () => T | Promise<T>): Promise<JsonOf<T>> {
    const result = this.#step(name, run);
    // A handler may await a step long after it failed, or never. Then the failure is in the log, not an unhandled
    // rejection.
    result.catch(() => {});
    return result;
  }

  #step<T>(name: string, run: () => T | Promise<T>): Promise<JsonOf<T>> {
    return new Promise<JsonOf<T>>((resolve, reject) => {
      if (this.#replay.isClosed) return;
      this.#orMisuse(() => this.#claimStepName(name, run));
      const settle: Settle = { resolve: (json) => resolve(JSON.parse(json) as JsonOf<T>), reject };
      const stored = this.#steps.get(name);
      const failed = this.#failures.get(name);
      if (stored) {
        const { result, place, order } = stored;
        this.#replay.awaitStored(order, async () => settle.resolve(result ?? (await this.#ports.stepResult(place))));
      } else if (failed) {
        this.#replay.awaitStored(failed.order, () => this.#reject(reject, failed.thrown));
      } else if (this.#isLate()) {
        this.#replay.hold();
      } else if (this.signal.aborted) {
        reject(this.signal.reason as Error);
      } else {
        this.#begin(name, run, settle);
      }
    });
  }

  #begin(name: string, run: () => unknown, settle: Settle): void {
    this.#replay.stepBegins();
    const work = this.#runStep(name, run, settle);
    this.#stepsUnderWay.add(work);
    void work.finally(() => this.#stepsUnderWay.delete(work));
  }

  /** Never throws. */
  async #runStep(name: string, run: () => unknown, { resolve, reject }: Settle): Promise<void> {
    let result: string;
    try {
      await this.#ports.checkLease();
      this.signal.throwIfAborted();
      const value = await this.#ports.stepSpan(name, async () => run());
      result = resultJson(name, value, this.#claimed.maxResultBytes ?? MAX_RESPONSE_BYTES);
    } catch (error) {
      if (!isMisuse(error)) return this.#stepFailed(name, error, reject);
      this.#fail(error);
      return reject(error);
    }
    // The step may have done only a part of its work by then, so it runs again.
    if (this.signal.reason instanceof InvocationLimitReached) return this.#replay.stepIsCut();
    const order = this.#replay.nextOrder();
    const deliver = this.#replay.stepEnds();
    try {
      const settlement = await this.#ports.saveStep({ name, result, order }, this.#takeMemory());
      // Refused: another runner has the work, and this one receives a stop.
      if (settlement === "settled") deliver(() => resolve(result));
    } catch (error) {
      this.#fail(error);
    }
  }

  #stepFailed(name: string, error: unknown, reject: (error: unknown) => void): void {
    if (this.signal.reason instanceof InvocationLimitReached) return this.#replay.stepIsCut();
    const order = this.#replay.nextOrder();
    // An error that ends the attempt is not remembered, because nothing is stored after it.
    this.#failures.add(name, order, error);
    this.#replay.stepEnds()(() => this.#reject(reject, error));
  }

  /** The next attempt runs the step again, and may take another path with other sleeps. */
  #reject(reject: (error: unknown) => void, error: unknown): void {
    this.#sleeps.areOfAttempt();
    reject(error);
  }

  /** Failures of steps in this invocation that are not in the log yet. */
  takeUnloggedFailures(): FailedStep[] {
    return this.#failures.takeUnlogged();
  }

  /** Whether steps run, or their results are being stored. */
  get isWorking(): boolean {
    return this.#stepsUnderWay.size > 0;
  }

  /** Resolves when the running steps have ended and their results are stored. */
  async stepsSettled(): Promise<void> {
    while (this.#stepsUnderWay.size > 0) await Promise.allSettled(this.#stepsUnderWay);
  }

  #claimStepName(name: unknown, run: unknown): asserts name is string {
    if (typeof name !== "string" || typeof run !== "function") {
      throw misuse('op.step takes a name and a function: op.step("parse", () => parse(text))');
    }
    if (name === "" || name.length > MAX_STEP_NAME_CHARACTERS || !name.isWellFormed()) {
      throw misuse(`op.step: a step's name has 1 to ${MAX_STEP_NAME_CHARACTERS} characters of Unicode`);
    }
    if (this.#stepNames.has(name)) {
      throw misuse(
        `op.step: two steps of one operation have the name ${JSON.stringify(name)}. Give each its own, in a loop by a number.`,
      );
    }
    if (this.#stepNames.size >= MAX_STEPS) {
      throw misuse(
        `op.step: an operation has at most ${MAX_STEPS} steps. Put more work into each, or use op.checkpoint.`,
      );
    }
    this.#stepNames.add(name);
  }

  // ── Checkpoints ───────────────────────────────────────────────────────────────────────────────────────────────────

  checkpoint(cursor: Json): Promise<void> {
    return new Promise<void>((resolve) => {
      if (this.#replay.isClosed) return;
      const json = this.#orMisuse(() => cursorJson(cursor));
      this.#replay.checkpointBegins();
      void this.#save(json, resolve);
    });
  }

  async #save(json: string, resolve: () => void): Promise<void> {
    try {
      if ((await this.#ports.saveCheckpoint(json, this.#takeMemory())) === "stopped") return;
    } catch (error) {
      return this.#fail(error);
    }
    this.#hasMovedCursor ||= json !== this.#cursor;
    this.#cursor = json;
    this.#replay.checkpointEnds({ isLate: this.#isLate(), deliver: resolve });
  }

  // ── Sleeps ────────────────────────────────────────────────────────────────────────────────────────────────────────

  sleep(...parameters: [duration: DurationText] | [name: string, duration: DurationText]): Promise<void> {
    const [name, duration] = parameters.length === 1 ? [undefined, parameters[0]] : parameters;
    return this.#sleep(name, () => {
      const ms = typeof duration === "string" ? durationTextToMs(duration) : undefined;
      if (ms === undefined || ms > MAX_TIMEOUT_MS) {
        throw misuse(
          `op.sleep takes a number and a unit ("90s", "1h"), 366 days at most, and may have a name before it; not ${quoted(duration)}`,
        );
      }
      return { wakeTime: this.#ports.now() + ms, ms };
    });
  }

  sleepUntil(...parameters: [time: Date] | [name: string, time: Date]): Promise<void> {
    const [name, time] = parameters.length === 1 ? [undefined, parameters[0]] : parameters;
    return this.#sleep(name, () => {
      const wakeTime = time instanceof Date ? time.getTime() : Number.NaN;
      if (Number.isNaN(wakeTime)) throw misuse("op.sleepUntil takes a valid Date, and may have a name before it");
      return { wakeTime };
    });
  }

  #sleep(name: unknown, asked: () => { wakeTime: number; ms?: number }): Promise<void> {
    if (this.#replay.isClosed) return new Promise<void>(() => {});
    try {
      return this.#orMisuse(() => {
        // A loop that continues from a cursor does not reach the earlier sleeps again, so this is a different one.
        const isNew = name === undefined && this.#hasReadResumeFrom && this.#hasMovedCursor;
        return this.#sleeps.set(name, asked(), isNew);
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** How long the invocation may wait for a sleep. After it, it would have to give way to another in any case. */
  #inPlaceMs(): number {
    const { sleepInPlaceMs = 0 } = this.#claimed;
    if (this.signal.aborted) return UNSTORED_SLEEP_MS;
    return Math.max(UNSTORED_SLEEP_MS, Math.min(sleepInPlaceMs, this.#ports.yieldTime - this.#ports.now()));
  }

  async #saveSleeps(): Promise<void> {
    try {
      await this.#ports.saveSleeps(this.memory());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A cancelled operation does not sleep on, and a handler whose work belongs to another runner does not wake. */
  #aborted(): void {
    const reason: unknown = this.signal.reason;
    if (reason instanceof RpcError && reason.reason === "LEASE_LOST") this.#replay.dropTimers();
    else this.#replay.reconsider();
  }

  // ── Suspensions ───────────────────────────────────────────────────────────────────────────────────────────────────

  suspend<T = Json>(name: string, options: SuspensionOptions<T> = {}): Promise<T> {
    if (this.#replay.isClosed) return new Promise<T>(() => {});
    try {
      return this.#orMisuse(() => this.#suspensions.reach(name, options, { hasLink: false }).wait.promise);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  suspension<T = Json>(name: string, options: SuspensionOptions<T> = {}): Promise<Suspension<T>> {
    return new Promise<Suspension<T>>((resolve) => {
      if (this.#replay.isClosed) return;
      const reached = this.#orMisuse(() => this.#suspensions.reach(name, options, { hasLink: true }));
      // As a checkpoint: the handler goes on from it before anything else is delivered, in a replay as at first.
      this.#replay.checkpointBegins();
      void this.#saveSuspension(() => resolve(reached.handle()));
    });
  }

  async #saveSuspension(deliver: () => void): Promise<void> {
    try {
      if (this.#suspensions.hasUnsaved && (await this.#ports.saveSuspensions(this.#takeMemory())) === "stopped") return;
    } catch (error) {
      return this.#fail(error);
    }
    this.#replay.checkpointEnds({ isLate: this.#isLate(), deliver });
  }

  /** Shows the suspensions while the handler does something else, so that they can be answered. */
  #showSuspensions(): void {
    if (!this.#suspensions.hasUnsaved) return;
    this.#ports.saveSuspensions(this.#takeMemory()).catch((error: unknown) => this.#fail(error));
  }

  /** Suspensions were answered, or have expired, while the handler runs. */
  receive(suspensions: readonly ClaimedSuspension[]): void {
    if (!this.#replay.isClosed) this.#suspensions.receive(suspensions);
  }

  // ── The end of the invocation ─────────────────────────────────────────────────────────────────────────────────────

  /** From now on the handler receives nothing, and nothing new is begun or stored for it. */
  close(): void {
    this.#replay.close();
  }

  /** The final message if the invocation's limit ends it. */
  #yield(): Ending & { type: "yield" } {
    return { type: "yield", ...this.memory() };
  }

  /** The state that the attempt must remember and that is not stored yet. */
  memory(): AttemptMemory {
    return this.#takeMemory(this.#sleeps.takePending());
  }

  #takeMemory(pending: AttemptMemory["sleeps"] = []): AttemptMemory {
    const sleeps = [...this.#sleeps.takeWoken(), ...pending];
    const stepFailures = this.#failures.take();
    const suspensions = this.#suspensions.takeReports();
    return {
      ...(sleeps.length > 0 ? { sleeps } : {}),
      ...(stepFailures.length > 0 ? { stepFailures } : {}),
      ...(suspensions.length > 0 ? { suspensions } : {}),
    };
  }

  #isLate(): boolean {
    return this.signal.reason instanceof InvocationLimitReached || this.#ports.now() >= this.#ports.yieldTime;
  }

  #fail(error: unknown): void {
    this.#end({ type: "failed", error });
    this.close();
  }

  /** A misuse ends the operation, even if the handler catches the error. */
  #orMisuse<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }
}

interface Settle {
  resolve: (json: string) => void;
  reject: (error: unknown) => void;
}

function cursorJson(cursor: Json): string {
  const json = jsonText("the cursor of op.checkpoint", cursor);
  if (json.length <= MAX_CHECKPOINT_CHARACTERS) return json;
  throw misuse(
    `op.checkpoint: a cursor has at most ${MAX_CHECKPOINT_CHARACTERS} characters of JSON; this has ${json.length}. Say where ` +
      "the work is, and keep what it has made elsewhere.",
  );
}

function resultJson(name: string, value: unknown, maxBytes: number): string {
  // The result of a step without a result is null.
  const json = value === undefined ? "null" : jsonText(`the result of the step ${JSON.stringify(name)}`, value);
  if (fitsUtf8(json, maxBytes)) return json;
  const message =
    `The result of the step ${JSON.stringify(name)} has ${utf8Length(json)} bytes of JSON; at most ${maxBytes} are kept: ` +
    "store it elsewhere and return where it is, or declare a larger maxResultBytes.";
  throw new RpcError("RESOURCE_EXHAUSTED", message, { reason: "STEP_RESULT_TOO_LARGE" });
}

function quoted(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : `a value of type ${typeof value}`;
}
