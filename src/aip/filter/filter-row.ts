// The filter's view of an operation: the row of the list's index.
import type { JsonObject } from "../../rpc/any";
import { Code } from "../../rpc/code";
import { PARSE_COST_PER_CHARACTER, type Work } from "./work";

/** One operation as a filter sees it. Times are milliseconds since 1970. */
export interface FilterRow {
  readonly name: string;
  readonly done: boolean;
  readonly createTime: number;
  readonly startTime?: number | undefined;
  readonly endTime?: number | undefined;
  readonly expireTime?: number | undefined;
  readonly target: string;
  readonly verb: string;
  /** The id of the method that runs it; absent in rows that were written before methods were. */
  readonly method?: string | undefined;
  /** Its state in the lifecycle; absent likewise, of operations that were not done by then. */
  readonly state?: string | undefined;
  /** The name of the operation whose work has started it. */
  readonly parentOperation?: string | undefined;
  readonly requestedCancellation: boolean;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly scheduleTime?: number | undefined;
  /** Both of `Operation.error`, and both absent where it is. */
  readonly errorCode?: number | undefined;
  readonly errorMessage?: string | undefined;
  /** The Any; only its `@type` where it was too large for the index, and `metadataTruncated` says so. */
  readonly metadata?: JsonObject | undefined;
  readonly metadataTruncated: boolean;
  readonly response?: JsonObject | undefined;
  readonly responseTruncated: boolean;
}

/** An index row as it is stored: `operation` and `facts` are JSON, as `IndexRow` describes them. */
export interface StoredIndexRow {
  createTime: number;
  done: boolean;
  operation: string;
  facts: string;
}

type StoredFacts = Pick<
  FilterRow,
  | "startTime"
  | "endTime"
  | "expireTime"
  | "target"
  | "verb"
  | "method"
  | "state"
  | "parentOperation"
  | "requestedCancellation"
  | "labels"
  | "scheduleTime"
> & { metadataTruncated?: boolean; responseTruncated?: boolean };

type StoredOperation = Pick<FilterRow, "name" | "metadata" | "response"> & {
  error?: { code: number; message: string };
};

/**
 * A stored row. This service wrote both texts, so they are not checked again. Each is parsed when a filter first reads a
 * field of it, because the long one holds only the operation's name, metadata and result.
 */
export class IndexFilterRow implements FilterRow {
  readonly createTime: number;
  readonly done: boolean;
  readonly #stored: StoredIndexRow;
  readonly #work: Work;
  #parsedOperation: StoredOperation | undefined;
  #parsedFacts: StoredFacts | undefined;

  /** The cost of parsing is taken from `work`. */
  constructor(stored: StoredIndexRow, work: Work) {
    this.createTime = stored.createTime;
    this.done = stored.done;
    this.#stored = stored;
    this.#work = work;
  }

  get #operation(): StoredOperation {
    return (this.#parsedOperation ??= this.#parse(this.#stored.operation) as StoredOperation);
  }

  get #facts(): StoredFacts {
    return (this.#parsedFacts ??= this.#parse(this.#stored.facts) as StoredFacts);
  }

  #parse(text: string): unknown {
    this.#work.spend(PARSE_COST_PER_CHARACTER * text.length);
    return JSON.parse(text);
  }

  get name(): string {
    return this.#operation.name;
  }

  get metadata(): JsonObject | undefined {
    return this.#operation.metadata;
  }

  get response(): JsonObject | undefined {
    return this.done ? this.#operation.response : undefined;
  }

  /** The row's columns tell of most operations that they have no error, and cost less to read. */
  get #error(): StoredOperation["error"] {
    return this.done && this.#facts.state !== "SUCCEEDED" ? this.#operation.error : undefined;
  }

  get errorCode(): number | undefined {
    return this.#error?.code;
  }

  get errorMessage(): string | undefined {
    return this.#error?.message;
  }

  get startTime(): number | undefined {
    return this.#facts.startTime;
  }

  get endTime(): number | undefined {
    return this.#facts.endTime;
  }

  get expireTime(): number | undefined {
    return this.#facts.expireTime;
  }

  get target(): string {
    return this.#facts.target;
  }

  get verb(): string {
    return this.#facts.verb;
  }

  get method(): string | undefined {
    return this.#facts.method;
  }

  /** A row from before the state was written tells it by its result, if it is done. */
  get state(): string | undefined {
    return this.#facts.state ?? (this.done ? finalState(this.errorCode) : undefined);
  }

  get parentOperation(): string | undefined {
    return this.#facts.parentOperation;
  }

  get requestedCancellation(): boolean {
    return this.#facts.requestedCancellation;
  }

  get labels(): FilterRow["labels"] {
    return this.#facts.labels;
  }

  get scheduleTime(): number | undefined {
    return this.#facts.scheduleTime;
  }

  get metadataTruncated(): boolean {
    return this.#facts.metadataTruncated ?? false;
  }

  get responseTruncated(): boolean {
    return this.#facts.responseTruncated ?? false;
  }
}

/** The state of a finished operation whose row does not name it. */
export function finalState(errorCode: number | undefined): string {
  if (errorCode === undefined) return "SUCCEEDED";
  return errorCode === Code.CANCELLED ? "CANCELLED" : "FAILED";
}
