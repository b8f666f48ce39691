// One pass over a value: where it is, what was found wrong, and the bounds of both.
import { MAX_FIELD_VIOLATIONS, MAX_JSON_DEPTH } from "../limits";
import type { ValueType } from "./value-type";

/** An issue as Standard Schema has it, with plain keys in its path. */
export interface Issue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/**
 * `decode`: a client's JSON is made a value. `encode`: a handler's value is made JSON. Both are the same shape, so that
 * one reader serves both; they part at non-finite numbers and at what a required field must hold.
 */
export type Direction = "decode" | "encode";

/** Collects issues while readers go down a value. */
export class Reading {
  readonly direction: Direction;
  readonly issues: Issue[] = [];
  readonly #path: PropertyKey[] = [];

  constructor(direction: Direction) {
    this.direction = direction;
  }

  /** Whether no more issues are wanted: loops stop here, so that a bad input costs no more than a good one. */
  get isFull(): boolean {
    return this.issues.length >= MAX_FIELD_VIOLATIONS;
  }

  /** Notes an issue here, or at a key below here. Its result is that of a reader that found no value. */
  report(message: string, ...below: PropertyKey[]): undefined {
    if (!this.isFull) this.issues.push({ message, path: [...this.#path, ...below] });
  }

  /** What is below here at a key, read as its type; undefined where issues were reported instead. */
  readAt<T>(key: PropertyKey, input: unknown, type: Pick<ValueType<T>, "read">): T | undefined {
    if (this.#path.length >= MAX_JSON_DEPTH) return this.report(`is nested deeper than ${MAX_JSON_DEPTH} levels`, key);
    this.#path.push(key);
    const value = type.read(input, this);
    this.#path.pop();
    return value;
  }
}
