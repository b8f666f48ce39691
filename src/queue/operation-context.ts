// What a method's function sees of its operation while it runs (architecture: "what the API's owner writes").
import { type DurationText, durationTextToMs } from "../aip/duration";
import { MAX_METADATA_CHARACTERS, MAX_SLEEPS, PROGRESS_INTERVAL_MS } from "../limits";
import type { OperationContext } from "../operation/method";
import type { Claimed, ProgressMessage } from "../operation/run-channel";
import type { JsonObject } from "../rpc/any";

/** Thrown through a handler to end an invocation that sleeps; the function is called again when its time has come. */
export class Unwinding extends Error {
  override readonly name = "Unwinding";
  readonly ordinal: number;
  readonly wakeTime: number;

  constructor(ordinal: number, wakeTime: number) {
    super("The operation sleeps. This error ends the invocation and must not be caught.");
    this.ordinal = ordinal;
    this.wakeTime = wakeTime;
  }
}

/** What a run needs from the world. */
export interface RunPorts {
  now(): number;
  sendProgress(progress: ProgressMessage): void;
  signal: AbortSignal;
  input: ReadableStream<Uint8Array>;
}

/** Fields of the default metadata that are the service's own. */
const RESERVED_FIELDS = new Set([
  "createTime",
  "startTime",
  "endTime",
  "target",
  "verb",
  "requestedCancellation",
  "apiVersion",
]);

export class RunContext implements OperationContext {
  readonly name: string;
  readonly createTime: Date;
  readonly deadline: Date;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly input: ReadableStream<Uint8Array>;
  readonly inputBytes: number;
  /** Set once the invocation has ended by unwinding: whatever the handler makes of it counts no more. */
  unwinding: Unwinding | undefined;
  readonly #ports: RunPorts;
  readonly #wakeTimes: ReadonlyMap<number, number>;
  #sleepCount = 0;
  #metadata: JsonObject = {};
  readonly #fieldSizes = new Map<string, number>();
  #statusMessage: string | undefined;
  #isChanged = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sentTime = 0;

  constructor(claimed: Claimed, ports: RunPorts) {
    this.name = claimed.name;
    this.createTime = new Date(claimed.createTime);
    this.deadline = new Date(claimed.deadline);
    this.attempt = claimed.attempt;
    this.signal = ports.signal;
    this.input = ports.input;
    this.inputBytes = claimed.inputBytes ?? 0;
    this.#ports = ports;
    this.#wakeTimes = new Map(claimed.sleeps.map(({ ordinal, wakeTime }) => [ordinal, wakeTime]));
  }

  progress(report: JsonObject & { statusMessage?: string }): void {
    const { statusMessage, ...fields } = report;
    for (const field of Object.keys(fields)) {
      if (RESERVED_FIELDS.has(field)) throw new TypeError(`metadata field ${field} is set by the service`);
    }
    this.#checkSize(fields);
    this.#metadata = { ...this.#metadata, ...fields };
    this.#statusMessage = statusMessage ?? this.#statusMessage;
    this.#isChanged = true;
    this.#scheduleProgress();
  }

  /** Field by field, so that a report costs what it says and not what was said before. */
  #checkSize(fields: JsonObject): void {
    for (const [field, value] of Object.entries(fields))
      this.#fieldSizes.set(field, JSON.stringify([field, value]).length);
    const size = [...this.#fieldSizes.values()].reduce((sum, fieldSize) => sum + fieldSize, 0);
    if (size > MAX_METADATA_CHARACTERS) {
      throw new RangeError(`the metadata of an operation has at most ${MAX_METADATA_CHARACTERS} characters of JSON`);
    }
  }

  /** Sends at once what comes after a pause, and holds back what comes thick and fast, the last of it never. */
  #scheduleProgress(): void {
    const wait = this.#sentTime + PROGRESS_INTERVAL_MS - this.#ports.now();
    if (wait <= 0) return this.#flush();
    this.#timer ??= setTimeout(() => this.#flush(), wait);
  }

  #flush(): void {
    const progress = this.takeProgress();
    if (!progress) return;
    this.#sentTime = this.#ports.now();
    this.#ports.sendProgress(progress);
  }

  /** The progress that was not sent yet, for the last word to carry; nothing is sent on its own after that. */
  takeProgress(): ProgressMessage | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isChanged) return undefined;
    this.#isChanged = false;
    return {
      metadata: this.#metadata,
      ...(this.#statusMessage === undefined ? {} : { statusMessage: this.#statusMessage }),
    };
  }

  async sleep(duration: DurationText): Promise<void> {
    const ms = durationTextToMs(duration);
    if (ms === undefined)
      throw new TypeError(`op.sleep takes a number and a unit ("90s", "1h"), not ${JSON.stringify(duration)}`);
    return this.#sleepUntil(this.#ports.now() + ms);
  }

  async sleepUntil(time: Date): Promise<void> {
    const wakeTime = time.getTime();
    if (Number.isNaN(wakeTime)) throw new TypeError("op.sleepUntil takes a valid Date");
    return this.#sleepUntil(wakeTime);
  }

  // Called again after a sleep, the function comes by the same calls in the same order: their number tells them apart.
  #sleepUntil(wakeTime: number): void {
    const ordinal = this.#sleepCount;
    this.#sleepCount += 1;
    if (this.#wakeTimes.has(ordinal) || wakeTime <= this.#ports.now()) return;
    if (ordinal >= MAX_SLEEPS) throw new RangeError(`an operation sleeps at most ${MAX_SLEEPS} times`);
    this.unwinding ??= new Unwinding(ordinal, wakeTime);
    throw this.unwinding;
  }
}
