// One pass over a value: the present position, the issues found, and the limits of both.
import { MAX_FIELD_VIOLATIONS, MAX_JSON_DEPTH } from "../limits";

/** An issue as Standard Schema has it, with plain keys in its path. */
export interface Issue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/**
 * `decode` turns a client's JSON into a value. `encode` turns a handler's value into JSON. Both have the same shape, so
 * one reader serves both. They differ at non-finite numbers and at the values of required fields.
 */
export type Direction = "decode" | "encode";

export interface Reader<T> {
  /** The value in its canonical JSON shape; undefined if issues were reported instead. */
  read(input: unknown, reading: Reading): T | undefined;
}

export interface TypeReader<T> extends Reader<T> {
  /**
   * A query parameter or a path variable as JSON. This does not validate: a text that is not such a value stays text,
   * and `read` rejects it. Absent if the type cannot be in a URL (google/api/http.proto).
   */
  readonly fromText?: (text: string) => string | number | boolean;
  /** Whether REQUIRED (AIP-203) treats it as missing. */
  readonly isEmpty?: (value: unknown) => boolean;
}

/** Collects issues while readers descend into a value. */
export class Reading {
  readonly direction: Direction;
  readonly issues: Issue[] = [];
  readonly #path: PropertyKey[] = [];
  readonly #maxDepth: number;

  constructor(direction: Direction, maxDepth = MAX_JSON_DEPTH) {
    this.direction = direction;
    this.#maxDepth = maxDepth;
  }

  /** Whether the limit of issues is reached. Loops stop then, so that a bad input costs no more than a good one. */
  get isFull(): boolean {
    return this.issues.length >= MAX_FIELD_VIOLATIONS;
  }

  /** Adds an issue here, or at a key below. Returns the result of a reader that found no value. */
  report(message: string, ...below: PropertyKey[]): undefined {
    if (!this.isFull) this.issues.push({ message, path: [...this.#path, ...below] });
  }

  /** The value at a key, read as its type; undefined if issues were reported instead. */
  readAt<T>(key: PropertyKey, input: unknown, type: Reader<T>): T | undefined {
    if (this.#path.length >= this.#maxDepth) return this.report(`is nested deeper than ${this.#maxDepth} levels`, key);
    this.#path.push(key);
    const value = type.read(input, this);
    this.#path.pop();
    return value;
  }
}
