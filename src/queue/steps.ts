// The steps of a handler: which stored outcome a call means, the work of those that have none, and its end.
import { formatTimestampMs } from "../aip/timestamp";
import { MAX_RESPONSE_BYTES, MAX_STEPS, MAX_STEP_NAMES_CHARACTERS, MAX_STEP_NAME_CHARACTERS } from "../limits";
import type { ClaimedStep } from "../contract/run-channel";
import { backoffMs } from "../lifecycle/backoff";
import type { JsonOf } from "../method/json-of";
import { checkedMapOptions } from "../method/map-options";
import type { MapOptions, StepContext, StepOptions } from "../method/method";
import { type CheckedStepOptions, checkedStepOptions } from "../method/step-options";
import { jsonText } from "../method/json-text";
import { isMisuse, misuse } from "../method/misuse";
import { RpcError } from "../rpc/error";
import { fitsUtf8, utf8Length } from "../rpc/utf8";
import { isRetried } from "./declared-status";
import type { Invocation } from "./invocation";
import { InvocationLimitReached } from "./invocation-limit";
import { inTime } from "./step-try";
import { thrownFields } from "./thrown";

type StepFunction = (step: StepContext) => unknown;

/** A call of a step that has no stored outcome. */
interface Call {
  name: string;
  run: StepFunction;
  options: CheckedStepOptions;
  resolve: (json: string) => void;
  reject: (error: unknown) => void;
}

export class Steps {
  readonly #invocation: Invocation;
  readonly #stored: ReadonlyMap<string, ClaimedStep & { order: number }>;
  readonly #names = new Set<string>();
  #nameCharacters = 0;
  readonly #underWay = new Set<Promise<void>>();

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
    this.#stored = new Map(invocation.claimed.steps.map((step) => [step.name, step]));
  }

  step<T>(name: string, run: (step: StepContext) => T | Promise<T>, options: StepOptions): Promise<JsonOf<T>> {
    return logged(this.#step<T>(name, run, () => checkedStepOptions(`op.step ${JSON.stringify(name)}`, options)));
  }

  map<Item, T>(
    items: readonly Item[],
    run: (item: Item, step: StepContext) => T | Promise<T>,
    mapOptions: MapOptions<Item>,
  ): Promise<JsonOf<T>[]> {
    return logged(this.#map(items, run, mapOptions));
  }

  async #map<Item, T>(
    items: readonly Item[],
    run: (item: Item, step: StepContext) => T | Promise<T>,
    mapOptions: MapOptions<Item>,
  ): Promise<JsonOf<T>[]> {
    const { concurrency, key, step } = this.#invocation.orMisuse(() => checkedMapOptions(items, run, mapOptions));
    const results: JsonOf<T>[] = [];
    let next = 0;
    let failure: { error: unknown } | undefined;
    const work = async (): Promise<void> => {
      while (next < items.length && !failure) {
        const index = next;
        next += 1;
        const item = items[index] as Item;
        try {
          results[index] = await this.#step<T>(
            key(item, index),
            (context) => run(item, context),
            () => step,
          );
        } catch (error) {
          failure ??= { error };
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, work));
    if (failure) throw failure.error;
    return results;
  }

  #step<T>(name: string, run: StepFunction, checkOptions: () => CheckedStepOptions): Promise<JsonOf<T>> {
    const { replay, failures, signal, ports } = this.#invocation;
    return new Promise<JsonOf<T>>((resolve, reject) => {
      if (replay.isClosed) return;
      const options = this.#invocation.orMisuse(() => {
        this.#claimName(name, run);
        return checkOptions();
      });
      const call: Call = { name, run, options, resolve: (json) => resolve(JSON.parse(json) as JsonOf<T>), reject };
      const stored = this.#stored.get(name);
      const failed = failures.get(name);
      if (stored) {
        const { result, place, order } = stored;
        replay.awaitStored(order, async () => call.resolve(result ?? (await ports.largeValues.stepResult(place))));
      } else if (failed) {
        replay.awaitStored(failed.order, () => this.#reject(reject, failed.thrown));
      } else if (this.#invocation.isLate) {
        replay.hold();
      } else if (signal.aborted) {
        reject(signal.reason);
      } else {
        this.#begin(call);
      }
    });
  }

  #claimName(name: unknown, run: unknown): asserts name is string {
    if (typeof name !== "string" || typeof run !== "function") {
      throw misuse('op.step takes a name and a function: op.step("parse", () => parse(text))');
    }
    if (name === "" || name.length > MAX_STEP_NAME_CHARACTERS || !name.isWellFormed()) {
      throw misuse(`op.step: a step's name has 1 to ${MAX_STEP_NAME_CHARACTERS} characters of Unicode`);
    }
    if (this.#names.has(name)) {
      throw misuse(
        `op.step: two steps of one operation have the name ${JSON.stringify(name)}. Give each its own, in a loop by a number, and in op.map by its key.`,
      );
    }
    if (this.#names.size >= MAX_STEPS) {
      throw misuse(
        `op.step: an operation has at most ${MAX_STEPS} steps. Put more work into each, or use op.checkpoint.`,
      );
    }
    this.#nameCharacters += name.length;
    if (this.#nameCharacters > MAX_STEP_NAMES_CHARACTERS) {
      throw misuse(
        `op.step: the names of an operation's steps have at most ${MAX_STEP_NAMES_CHARACTERS} characters together. Give them shorter ones.`,
      );
    }
    this.#names.add(name);
  }

  /** An earlier invocation may have tried it. */
  #begin(call: Call): void {
    const { replay, failedTries, ports } = this.#invocation;
    const retryTime = failedTries.retryTime(call.name);
    replay.stepBegins();
    if (retryTime > ports.now()) this.#rest(call, retryTime);
    else this.#try(call);
  }

  #rest(call: Call, retryTime: number): void {
    const { replay, signal } = this.#invocation;
    replay.stepRests(retryTime, () => {
      if (this.#invocation.isLate) replay.stepIsCut();
      else if (signal.aborted) this.#failed(call, signal.reason);
      else this.#try(call);
    });
  }

  #try(call: Call): void {
    const work = this.#run(call);
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  /** Never throws. */
  async #run(call: Call): Promise<void> {
    const { replay, ports, signal, claimed, failedTries } = this.#invocation;
    const { name, resolve, reject } = call;
    let result: string;
    try {
      await ports.checkLease();
      if (signal.aborted) throw signal.reason;
      const limits = {
        attempt: failedTries.count(name) + 1,
        timeoutMs: call.options.timeoutMs,
        signal: signal.abortSignal,
        after: ports.after,
      };
      const value = await inTime(name, limits, (step) => ports.stepSpan(name, async () => call.run(step), step.signal));
      result = resultJson(name, value, claimed.maxResultBytes ?? MAX_RESPONSE_BYTES);
    } catch (error) {
      if (!isMisuse(error)) return this.#tryFailed(call, error);
      this.#invocation.fail(error);
      return reject(error);
    }
    // The step may have done only a part of its work by then, so it runs again.
    if (signal.reason instanceof InvocationLimitReached) return replay.stepIsCut();
    const order = replay.nextOrder();
    const deliver = replay.stepEnds();
    failedTries.forget(name);
    try {
      const settlement = await ports.save({ type: "saveStep", name, result, order, ...this.#invocation.takeMemory() });
      // Refused: another runner has the work, and this one receives a stop.
      if (settlement === "settled") deliver(() => resolve(result));
    } catch (error) {
      this.#invocation.fail(error);
    }
  }

  #tryFailed(call: Call, error: unknown): void {
    const { replay, signal, failedTries, ports } = this.#invocation;
    const { name } = call;
    if (signal.reason instanceof InvocationLimitReached) return replay.stepIsCut();
    const retryTime = this.#retryTime(call, error);
    if (retryTime === undefined) return this.#failed(call, error);
    const failures = failedTries.count(name) + 1;
    failedTries.add({ name, failures, retryTime }, ports.now());
    this.#invocation.log("step failed; it will be tried again", {
      step: name,
      failures,
      retryTime: formatTimestampMs(retryTime),
      ...thrownFields(error),
    });
    this.#rest(call, retryTime);
  }

  /** When a step whose try failed is retried; undefined: its failure is final. */
  #retryTime({ name, options: { retry } }: Call, error: unknown): number | undefined {
    const { isClosed, signal, claimed, failedTries, ports } = this.#invocation;
    const failures = failedTries.count(name) + 1;
    if (!retry || isClosed || signal.aborted || failures >= retry.maxAttempts || !isRetried(error)) return undefined;
    const retryTime = ports.now() + backoffMs(retry, failures, ports.random());
    return retryTime < claimed.deadline ? retryTime : undefined;
  }

  #failed({ name, reject }: Call, error: unknown): void {
    const { replay, failures, failedTries } = this.#invocation;
    const order = replay.nextOrder();
    // An error that ends the attempt is not remembered, because nothing is stored after it.
    failures.add(name, order, error);
    failedTries.forget(name);
    replay.stepEnds()(() => this.#reject(reject, error));
  }

  /** The next attempt runs the step again, and may take another path with other sleeps. */
  #reject(reject: (error: unknown) => void, error: unknown): void {
    this.#invocation.sleeps.areOfAttempt();
    reject(error);
  }

  /** Whether steps run, or their results are being stored. */
  get areWorking(): boolean {
    return this.#underWay.size > 0;
  }

  /** Resolves when the running steps have ended and their results are stored. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }
}

/** A handler may await a step long after it failed, or never. Then the failure is in the log, not an unhandled rejection. */
function logged<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
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
