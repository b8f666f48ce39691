// Progress as a handler reports it, thick and fast; as it is sent, a few times a second at most.
import { MAX_METADATA_CHARACTERS, MAX_STATUS_MESSAGE_CHARACTERS, PROGRESS_INTERVAL_MS } from "../limits";
import { RESERVED_METADATA_FIELDS } from "../operation/resource";
import type { ProgressMessage } from "../operation/run-channel";
import type { JsonObject } from "../rpc/any";

export interface ProgressReporterOptions {
  now(this: void): number;
  send(this: void, progress: ProgressMessage): void;
  /** Whether the metadata is the default one, some of whose fields are the service's own. */
  hasDefaultMetadata: boolean;
}

export class ProgressReporter {
  readonly #options: ProgressReporterOptions;
  #metadata: JsonObject = {};
  #fieldSizes: ReadonlyMap<string, number> = new Map();
  #statusMessage: string | undefined;
  #isReported = false;
  #isChanged = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sentTime = 0;

  constructor(options: ProgressReporterOptions) {
    this.#options = options;
  }

  /** Merges fields into what was reported before. */
  report({ statusMessage, ...fields }: JsonObject & { statusMessage?: string }): void {
    for (const field of Object.keys(fields)) {
      const isReserved = this.#options.hasDefaultMetadata && RESERVED_METADATA_FIELDS.has(field);
      if (isReserved) throw new TypeError(`metadata field ${field} is set by the service`);
    }
    this.#checkSize(fields);
    this.#metadata = { ...this.#metadata, ...fields };
    this.#statusMessage = statusMessage?.slice(0, MAX_STATUS_MESSAGE_CHARACTERS) ?? this.#statusMessage;
    this.#isReported = true;
    this.#isChanged = true;
    this.#schedule();
  }

  /** Field by field, so that a report costs what it says and not what was said before. */
  #checkSize(fields: JsonObject): void {
    const fieldSizes = new Map(this.#fieldSizes);
    for (const [field, value] of Object.entries(fields)) fieldSizes.set(field, JSON.stringify([field, value]).length);
    const size = [...fieldSizes.values()].reduce((sum, fieldSize) => sum + fieldSize, 0);
    if (size > MAX_METADATA_CHARACTERS) {
      throw new RangeError(`the metadata of an operation has at most ${MAX_METADATA_CHARACTERS} characters of JSON`);
    }
    this.#fieldSizes = fieldSizes;
  }

  /** Sends at once what comes after a pause, and holds back what comes thick and fast, the last of it never. */
  #schedule(): void {
    const wait = this.#sentTime + PROGRESS_INTERVAL_MS - this.#options.now();
    if (wait <= 0) return this.#flush();
    // A clock that was set back meanwhile holds nothing up.
    this.#timer ??= setTimeout(() => this.#flush(), Math.min(wait, PROGRESS_INTERVAL_MS));
  }

  #flush(): void {
    const isChanged = this.#isChanged;
    const progress = this.take();
    if (!isChanged || !progress) return;
    this.#sentTime = this.#options.now();
    this.#options.send(progress);
  }

  /** All that was reported, for the last word to carry: what was sent before may have been lost with its channel. */
  take(): ProgressMessage | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isChanged = false;
    if (!this.#isReported) return undefined;
    const statusMessage = this.#statusMessage;
    return { metadata: this.#metadata, ...(statusMessage === undefined ? {} : { statusMessage }) };
  }
}
