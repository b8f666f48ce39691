// Coalesces frequent progress reports of a handler into a few messages a second.
import {
  MAX_METADATA_CHARACTERS,
  MAX_QUOTED_CHARACTERS,
  MAX_STATUS_MESSAGE_CHARACTERS,
  PROGRESS_INTERVAL_MS,
} from "../limits";
import { jsonText } from "../method/json-text";
import { misuse } from "../method/misuse";
import { RESERVED_METADATA_FIELDS } from "../contract/resource";
import type { ProgressMessage } from "../contract/run-channel";
import type { Json, JsonObject } from "../rpc/any";

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

  /**
   * Merges fields into the earlier reports. The values are copied, so later changes by the handler are not reported.
   * @throws RpcError INTERNAL, which ends the operation, if the report is not valid.
   */
  report(report: JsonObject & { statusMessage?: string }): void {
    const { statusMessage, ...fields } = checkedReport(report, this.#options.hasDefaultMetadata);
    const copies = this.#copies(fields);
    this.#metadata = { ...this.#metadata, ...copies };
    this.#statusMessage = statusMessage === undefined ? this.#statusMessage : messageCut(statusMessage);
    this.#isReported = true;
    this.#isChanged = true;
    this.#schedule();
  }

  /** Sizes are counted field by field, so that a report costs its own size and not that of earlier ones. */
  #copies(fields: JsonObject): JsonObject {
    const fieldSizes = new Map(this.#fieldSizes);
    const copies: JsonObject = {};
    for (const [field, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      const text = jsonText(`op.progress: ${field}`, value, { allowsNonFinite: true });
      fieldSizes.set(field, JSON.stringify(field).length + text.length + 3);
      copies[field] = JSON.parse(text) as Json;
    }
    const size = [...fieldSizes.values()].reduce((sum, fieldSize) => sum + fieldSize, 0);
    if (size > MAX_METADATA_CHARACTERS) {
      throw misuse(
        `op.progress: the metadata of an operation has at most ${MAX_METADATA_CHARACTERS} characters of JSON, and this report ` +
          `makes it ${size}. Report counts and names, and store what is larger elsewhere.`,
      );
    }
    this.#fieldSizes = fieldSizes;
    return copies;
  }

  /** Sends the first report after a pause at once. Holds back frequent ones, but never loses the last. */
  #schedule(): void {
    const wait = this.#sentTime + PROGRESS_INTERVAL_MS - this.#options.now();
    if (wait <= 0) return this.#flush();
    // A clock that was set back holds nothing up.
    this.#timer ??= setTimeout(() => this.#flush(), Math.min(wait, PROGRESS_INTERVAL_MS));
  }

  #flush(): void {
    const isChanged = this.#isChanged;
    const progress = this.take();
    if (!isChanged || !progress) return;
    this.#sentTime = this.#options.now();
    this.#options.send(progress);
  }

  /** Everything that was reported, for the final message. An earlier message may have been lost with its channel. */
  take(): ProgressMessage | undefined {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isChanged = false;
    if (!this.#isReported) return undefined;
    const statusMessage = this.#statusMessage;
    return { metadata: this.#metadata, ...(statusMessage === undefined ? {} : { statusMessage }) };
  }
}

/** The report, or the reason why it is not valid. JavaScript and computed values are not bound by the types. */
function checkedReport(report: unknown, hasDefaultMetadata: boolean): JsonObject & { statusMessage?: string } {
  if (typeof report !== "object" || report === null || Array.isArray(report)) {
    throw misuse(
      `op.progress takes an object of metadata fields, as in op.progress({ statusMessage: "half way" }), not ${kindOf(report)}`,
    );
  }
  const { statusMessage, progressPercent } = report as Record<string, unknown>;
  if (statusMessage !== undefined && typeof statusMessage !== "string") {
    throw misuse(`op.progress: statusMessage is a string, not ${kindOf(statusMessage)}`);
  }
  if (!hasDefaultMetadata) return report as JsonObject;
  const reserved = Object.keys(report).find((field) => RESERVED_METADATA_FIELDS.has(field));
  if (reserved !== undefined) {
    throw misuse(`op.progress: the metadata field ${reserved} is set by the service. Give the field another name.`);
  }
  const isPercent = typeof progressPercent === "number" && progressPercent >= 0 && progressPercent <= 100;
  if (progressPercent !== undefined && !isPercent) {
    throw misuse(`op.progress: progressPercent is a number from 0 to 100, not ${kindOf(progressPercent)}`);
  }
  return report as JsonObject;
}

function messageCut(text: string): string {
  return text.slice(0, MAX_STATUS_MESSAGE_CHARACTERS).toWellFormed();
}

function kindOf(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAX_QUOTED_CHARACTERS));
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
