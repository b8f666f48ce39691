// The state of a column for each type that it may still have, because the type is known only at the end.
import type { ColumnProfile, ColumnType } from "./table-profile";
import {
  booleanFromText,
  dateFromText,
  integerFromText,
  isEarlier,
  numberFromText,
  timestampFromText,
} from "./value-types";

/** The part of a column's profile that depends on its type. */
export type TypedFacts = Pick<ColumnProfile, "type" | "min" | "max">;

interface TypeRules<T> {
  type: Exclude<ColumnType, "string">;
  read(this: void, text: string): T | undefined;
  isLess(this: void, a: T, b: T): boolean;
  write(this: void, value: T): number | boolean | string;
}

/** Follows a column as long as all its values are of one type. */
export class TypeTracker<T = unknown> {
  readonly #rules: TypeRules<T>;
  #min: T | undefined;
  #max: T | undefined;

  constructor(rules: TypeRules<T>) {
    this.#rules = rules;
  }

  get type(): ColumnType {
    return this.#rules.type;
  }

  /** Takes a value; false where it is not of this type, which ends the tracking. */
  take(text: string): boolean {
    const { read, isLess } = this.#rules;
    const value = read(text);
    if (value === undefined) return false;
    if (this.#min === undefined || isLess(value, this.#min)) this.#min = value;
    if (this.#max === undefined || isLess(this.#max, value)) this.#max = value;
    return true;
  }

  facts(): TypedFacts {
    const { type, write } = this.#rules;
    return {
      type,
      ...(this.#min === undefined ? {} : { min: write(this.#min) }),
      ...(this.#max === undefined ? {} : { max: write(this.#max) }),
    };
  }
}

/** A tracker for every type but string, narrowest first: an integer is a number, no other two types share a value. */
export function newTypeTrackers(): TypeTracker[] {
  return [
    new TypeTracker({
      type: "integer",
      read: integerFromText,
      isLess: (a, b) => a < b,
      write: (value) => (typeof value === "bigint" ? String(value) : value),
    }),
    new TypeTracker({ type: "number", read: numberFromText, isLess: (a, b) => a < b, write: (value) => value }),
    new TypeTracker({ type: "boolean", read: booleanFromText, isLess: (a, b) => a < b, write: (value) => value }),
    new TypeTracker({ type: "date", read: dateFromText, isLess: (a, b) => a < b, write: (value) => value }),
    new TypeTracker({ type: "timestamp", read: timestampFromText, isLess: isEarlier, write: (value) => value.text }),
  ];
}
