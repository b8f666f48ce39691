// What a method's function sees of its operation while it runs: OperationContext, over ports.
import { type DurationText, durationTextToMs } from "../aip/duration";
import {
  MAX_CHECKPOINT_CHARACTERS,
  MAX_RESPONSE_BYTES,
  MAX_SLEEPS,
  MAX_STEPS,
  MAX_STEP_NAME_CHARACTERS,
  MAX_TIMEOUT_MS,
} from "../limits";
import { jsonText } from "../operation/json-text";
import type { OperationContext } from "../operation/method";
import type { Claimed, ClaimedStep, ProgressMessage } from "../operation/run-channel";
import type { Json, JsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { fitsUtf8, utf8Length } from "../rpc/utf8";
import { ProgressReporter } from "./progress-reporter";
import { InvocationLimitReached, Unwinding, type UnwindingReason } from "./unwinding";

/** What a run needs from the world. */
export interface RunPorts {
  now(this: void): number;
  sendProgress(this: void, progress: ProgressMessage): void;
  /** Has a step's result stored. Throws where the work is no longer this runner's. */
  saveStep(this: void, name: string, result: string): Promise<void>;
  saveCheckpoint(this: void, cursor: string): Promise<void>;
  /** The JSON text of a result that was too large to come with the claim. */
  stepResult(this: void, place: number): Promise<string>;
  /** Aborts the signal if the lease has expired, and nothing has noticed that yet. */
  checkLease(this: void): Promise<void>;
  /** Runs a step within a span of the platform's traces. */
  stepSpan<T>(this: void, name: string, work: () => Promise<T>): Promise<T>;
  log(this: void, fields: Record<string, unknown>): void;
  signal: AbortSignal;
  /** undefined: the operation was started without one. */
  input: ReadableStream<Uint8Array> | undefined;
  hasDefaultMetadata: boolean;
  /** From when on (milliseconds since 1970) the invocation gives way before its next step. */
  yieldTime: number;
}

export class RunContext implements OperationContext {
  readonly name: string;
  readonly createTime: Date;
  readonly deadline: Date;
  readonly attempt: number;
  readonly traceparent: string | undefined;
  readonly signal: AbortSignal;
  readonly inputBytes: number;
  readonly resumeFrom: Json | undefined;
  /** Set once the invocation has ended by unwinding: whatever the handler makes of it counts no more. */
  unwinding: Unwinding | undefined;
  readonly #ports: RunPorts;
  readonly #maxResultBytes: number;
  readonly #reporter: ProgressReporter;
  readonly #wakeTimes: ReadonlyMap<number, number>;
  readonly #steps: ReadonlyMap<string, ClaimedStep>;
  readonly #stepNames = new Set<string>();
  readonly #stepsUnderWay = new Set<Promise<unknown>>();
  #input: ReadableStream<Uint8Array> | undefined;
  #sleepCount = 0;

  constructor(claimed: Claimed, ports: RunPorts) {
    this.name = claimed.name;
    this.createTime = new Date(claimed.createTime);
    this.deadline = new Date(claimed.deadline);
    this.attempt = claimed.attempt;
    this.traceparent = claimed.traceparent;
    this.signal = ports.signal;
    this.inputBytes = claimed.inputBytes ?? 0;
    this.resumeFrom = claimed.checkpoint === undefined ? undefined : (JSON.parse(claimed.checkpoint) as Json);
    this.#ports = ports;
    this.#maxResultBytes = claimed.maxResultBytes ?? MAX_RESPONSE_BYTES;
    this.#reporter = new ProgressReporter({
      now: ports.now,
      send: ports.sendProgress,
      hasDefaultMetadata: ports.hasDefaultMetadata,
    });
    this.#wakeTimes = new Map(claimed.sleeps.map(({ ordinal, wakeTime }) => [ordinal, wakeTime]));
    this.#steps = new Map(claimed.steps.map((step) => [step.name, step]));
  }

  get input(): ReadableStream<Uint8Array> {
    this.#input ??= this.#ports.input ?? new ReadableStream({ start: (controller) => controller.close() });
    return this.#input;
  }

  progress(report: JsonObject & { statusMessage?: string }): void {
    this.#reporter.report(report);
  }

  takeProgress(): ProgressMessage | undefined {
    return this.#reporter.take();
  }

  log(message: string, fields: JsonObject = {}): void {
    this.#ports.log({ message, operation: this.name, attempt: this.attempt, ...fields });
  }

  async step<T>(name: string, run: () => T | Promise<T>): Promise<T> {
    this.#claimStepName(name);
    const stored = this.#steps.get(name);
    if (stored) return JSON.parse(stored.result ?? (await this.#ports.stepResult(stored.place))) as T;
    this.#giveWayIfLate();
    this.signal.throwIfAborted();
    const work = this.#runStep(name, run);
    this.#stepsUnderWay.add(work);
    try {
      return await work;
    } finally {
      this.#stepsUnderWay.delete(work);
    }
  }

  async #runStep<T>(name: string, run: () => T | Promise<T>): Promise<T> {
    await this.#ports.checkLease();
    this.signal.throwIfAborted();
    const value = await this.#ports.stepSpan(name, async () => run());
    // What a step has by then may be half of what it was to do: it is run again.
    if (this.signal.reason instanceof InvocationLimitReached) throw this.signal.reason;
    const result = resultJson(name, value, this.#maxResultBytes);
    await this.#ports.saveStep(name, result);
    // What a replay will be given, the first run is given too.
    return JSON.parse(result) as T;
  }

  /** The runtime gives way between steps: those that run side by side with the one that gave way end first. */
  async stepsSettled(): Promise<void> {
    while (this.#stepsUnderWay.size > 0) await Promise.allSettled(this.#stepsUnderWay);
  }

  #claimStepName(name: string): void {
    if (name === "" || name.length > MAX_STEP_NAME_CHARACTERS || !name.isWellFormed()) {
      throw new TypeError(`a step's name has 1 to ${MAX_STEP_NAME_CHARACTERS} characters`);
    }
    if (this.#stepNames.has(name))
      throw new TypeError(`two steps of one operation have the name ${JSON.stringify(name)}`);
    if (this.#stepNames.size >= MAX_STEPS) throw new RangeError(`an operation has at most ${MAX_STEPS} steps`);
    this.#stepNames.add(name);
  }

  async checkpoint(cursor: Json): Promise<void> {
    const json = jsonText("the cursor of op.checkpoint", cursor);
    if (json.length > MAX_CHECKPOINT_CHARACTERS) {
      throw new RangeError(
        `a checkpoint has at most ${MAX_CHECKPOINT_CHARACTERS} characters of JSON; this has ${json.length}`,
      );
    }
    // Nothing is stored for a handler that has caught its unwinding and goes on.
    if (this.unwinding) throw this.unwinding;
    await this.#ports.saveCheckpoint(json);
    this.#giveWayIfLate();
  }

  async sleep(duration: DurationText): Promise<void> {
    const ms = durationTextToMs(duration);
    if (ms === undefined) {
      throw new TypeError(`op.sleep takes a number and a unit ("90s", "1h"), not ${JSON.stringify(duration)}`);
    }
    if (ms > MAX_TIMEOUT_MS) throw new RangeError(`op.sleep sleeps at most ${MAX_TIMEOUT_MS} ms`);
    this.#sleepUntil(this.#ports.now() + ms);
  }

  async sleepUntil(time: Date): Promise<void> {
    const wakeTime = time.getTime();
    if (Number.isNaN(wakeTime)) throw new TypeError("op.sleepUntil takes a valid Date");
    this.#sleepUntil(wakeTime);
  }

  // Called again after a sleep, the function comes by the same calls in the same order: their number tells them apart.
  #sleepUntil(wakeTime: number): void {
    const ordinal = this.#sleepCount;
    this.#sleepCount += 1;
    if (this.#wakeTimes.has(ordinal) || wakeTime <= this.#ports.now()) return;
    if (ordinal >= MAX_SLEEPS) throw new RangeError(`an operation sleeps at most ${MAX_SLEEPS} times`);
    this.#unwind({ type: "sleep", ordinal, wakeTime });
  }

  #giveWayIfLate(): void {
    if (this.unwinding) throw this.unwinding;
    if (this.#ports.now() >= this.#ports.yieldTime) this.#unwind({ type: "yield" });
  }

  #unwind(reason: UnwindingReason): never {
    this.unwinding ??= new Unwinding(reason);
    throw this.unwinding;
  }
}

function resultJson(name: string, value: unknown, maxBytes: number): string {
  // A step without a result is one whose result is null.
  const json = value === undefined ? "null" : jsonText(`the result of the step ${JSON.stringify(name)}`, value);
  if (fitsUtf8(json, maxBytes)) return json;
  const message =
    `The result of the step ${JSON.stringify(name)} has ${utf8Length(json)} bytes of JSON; at most ${maxBytes} are kept: ` +
    "store it elsewhere and return where it is, or declare a larger maxResultBytes.";
  throw new RpcError("RESOURCE_EXHAUSTED", message, { reason: "STEP_RESULT_TOO_LARGE" });
}
