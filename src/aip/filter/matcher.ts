// Whether one row matches a checked filter. It defines the meaning of a filter; docs/filters.md describes it.
import type { Timestamp } from "../timestamp";
import { type CheckedExpression, type CheckedTerm, type StringTest, satisfies } from "./checked";
import { type BooleanField, type TimestampField, literalFields, stringReaders } from "./fields";
import type { FilterRow } from "./filter-row";
import { matchesJson } from "./json-matcher";
import { RowValues } from "./row-values";
import { compareCodePoints } from "../../rpc/utf8";
import { compareSpans } from "./literal";
import { containsIgnoringCase, matchesPattern } from "./wildcard";
import { TERM_COST, type Work, containedCost, patternCost } from "./work";

/** One row while a filter is evaluated on it. */
interface Evaluation {
  row: FilterRow;
  /** Its metadata and response, each value of which is reached and parsed once, however many terms look at it. */
  values: RowValues;
  work: Work;
}

/** Whether the filter matches the row. NOT is plain negation: it matches every row that its operand does not. */
export function matches(expression: CheckedExpression, row: FilterRow, work: Work): boolean {
  return evaluate(expression, { row, values: new RowValues(row, work), work });
}

function evaluate(expression: CheckedExpression, evaluation: Evaluation): boolean {
  switch (expression.kind) {
    case "and":
      return expression.operands.every((operand) => evaluate(operand, evaluation));
    case "or":
      return expression.operands.some((operand) => evaluate(operand, evaluation));
    case "not":
      return !evaluate(expression.operand, evaluation);
    default:
      return matchesTerm(expression, evaluation);
  }
}

function matchesTerm(term: CheckedTerm, { row, values, work }: Evaluation): boolean {
  work.spend(TERM_COST);
  switch (term.kind) {
    case "literal":
      return literalFields.some((field) => {
        const text = stringReaders[field](row);
        if (text === undefined) return false;
        work.spend(containedCost(text, term.contained));
        return containsIgnoringCase(text, term.contained);
      });
    case "string": {
      const text = stringReaders[term.field](row);
      // "If any non-primitive field in the chain is not set on the entry being evaluated, the entry should be skipped."
      return text !== undefined && matchesString(text, term.test, work);
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
      return matchesJson(term, values);
  }
}

const booleanReaders: Readonly<Record<BooleanField, (row: FilterRow) => boolean>> = {
  done: (row) => row.done,
  requestedCancellation: (row) => row.requestedCancellation,
};

function matchesString(text: string, test: StringTest, work: Work): boolean {
  switch (test.kind) {
    case "equal":
      work.spend(patternCost(text, test.pattern));
      return matchesPattern(text, test.pattern) !== test.negated;
    case "order":
      return satisfies(compareCodePoints(text, test.text), test.comparator);
    case "contains":
      work.spend(containedCost(text, test.contained));
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
    case "scheduleTime":
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
