// The plain-code back end: whether one row matches a checked filter. It defines what a filter means; SQL has to agree.
import type { Timestamp } from "../timestamp";
import { type CheckedExpression, type CheckedTerm, type StringTest, satisfies } from "./checked";
import { type BooleanField, type TimestampField, literalFields, stringReaders } from "./fields";
import type { FilterRow } from "./filter-row";
import { matchesJson } from "./json-matcher";
import { compareSpans, compareStrings } from "./literal";
import { containsIgnoringCase, matchesPattern } from "./wildcard";

/** Whether the filter matches the row. NOT is plain negation: it matches whatever its operand does not. */
export function matches(expression: CheckedExpression, row: FilterRow): boolean {
  switch (expression.kind) {
    case "and":
      return expression.operands.every((operand) => matches(operand, row));
    case "or":
      return expression.operands.some((operand) => matches(operand, row));
    case "not":
      return !matches(expression.operand, row);
    default:
      return matchesTerm(expression, row);
  }
}

function matchesTerm(term: CheckedTerm, row: FilterRow): boolean {
  switch (term.kind) {
    case "literal":
      return literalFields.some((field) => {
        const text = stringReaders[field](row);
        return text !== undefined && containsIgnoringCase(text, term.contained);
      });
    case "string": {
      const text = stringReaders[term.field](row);
      // "If any non-primitive field in the chain is not set on the entry being evaluated, the entry should be skipped."
      return text !== undefined && matchesString(text, term.test);
    }
    case "boolean":
      return booleanReaders[term.field](row) === term.value;
    case "integer":
      return row.errorCode !== undefined && satisfies(row.errorCode - term.value, term.comparator);
    case "timestamp": {
      const ms = row[term.field];
      return ms !== undefined && satisfies(compareSpans(timestampFromMs(ms), term.value), term.comparator);
    }
    case "present":
      return isPresent(term.field, row);
    case "json":
      return matchesJson(term, row);
  }
}

const booleanReaders: Readonly<Record<BooleanField, (row: FilterRow) => boolean>> = {
  done: (row) => row.done,
  requestedCancellation: (row) => row.requestedCancellation,
};

function matchesString(text: string, test: StringTest): boolean {
  switch (test.kind) {
    case "equal":
      return matchesPattern(text, test.pattern) !== test.negated;
    case "order":
      return satisfies(compareStrings(text, test.text), test.comparator);
    case "contains":
      return containsIgnoringCase(text, test.contained);
  }
}

function isPresent(field: Extract<CheckedTerm, { kind: "present" }>["field"], row: FilterRow): boolean {
  switch (field) {
    case "error":
    case "error.code":
      return row.errorCode !== undefined;
    case "metadata":
    case "response":
      return row[field] !== undefined;
    case "createTime":
    case "startTime":
    case "endTime":
    case "expireTime":
      return isSetTime(row, field);
    default:
      // "A field is only considered to be present if it has a non-default value."
      return (stringReaders[field](row) ?? "") !== "";
  }
}

function isSetTime(row: FilterRow, field: TimestampField): boolean {
  return row[field] !== undefined;
}

function timestampFromMs(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1_000);
  return { seconds, nanos: (ms - seconds * 1_000) * 1_000_000 };
}
