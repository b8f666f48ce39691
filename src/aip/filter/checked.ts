// The checked tree of a filter: every field known, every literal of its field's type. The matcher reads it.
import type { Timestamp } from "../timestamp";
import type { BooleanField, IntegerField, JsonField, MessageField, StringField, TimestampField } from "./fields";
import type { Comparator } from "./lexer";
import type { Literal } from "./literal";
import type { Pattern } from "./wildcard";

export type OrderComparator = Extract<Comparator, "<" | "<=" | ">" | ">=">;
/** A comparator of values: has (`:`) has become something else. */
export type ValueComparator = Exclude<Comparator, ":">;

export type CheckedExpression =
  | { kind: "and"; operands: CheckedExpression[] }
  | { kind: "or"; operands: CheckedExpression[] }
  | { kind: "not"; operand: CheckedExpression }
  | CheckedTerm;

export type CheckedTerm =
  /** A bare literal: contained in one of the literal fields. */
  | { kind: "literal"; contained: Pattern }
  | { kind: "string"; field: StringField; test: StringTest }
  /** `!=` has become `=` of the other value: these fields are always set. */
  | { kind: "boolean"; field: BooleanField; value: boolean }
  | { kind: "integer"; field: IntegerField; comparator: ValueComparator; value: number }
  | { kind: "timestamp"; field: TimestampField; comparator: ValueComparator; value: Timestamp }
  | { kind: "present"; field: StringField | IntegerField | TimestampField | MessageField }
  | { kind: "json"; field: JsonField; path: JsonPath; test: JsonTest };

export type StringTest =
  | { kind: "equal"; pattern: Pattern; negated: boolean }
  | { kind: "order"; comparator: OrderComparator; text: string }
  /** Made by `containsPattern`. */
  | { kind: "contains"; contained: Pattern };

/** The spellings of each key on the way down from the metadata or response. */
export type JsonPath = readonly (readonly [string, ...string[]])[];

type JsonTest =
  | { kind: "compare"; comparator: ValueComparator; literal: Literal }
  /** `:` with a value; `keys` are the spellings of the value as a key, `contained` is made by `containsPattern`. */
  | { kind: "has"; literal: Literal; keys: readonly [string, ...string[]]; contained: Pattern }
  /** `:*` */
  | { kind: "present" };

/** Whether an ordering, negative, zero or positive, satisfies the comparator. */
export function satisfies(order: number, comparator: ValueComparator): boolean {
  switch (comparator) {
    case "=":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}
