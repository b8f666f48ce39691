// Terms on metadata and response, whose types only the JSON itself tells. docs/filters.md, "Inside metadata and response".
import { type CheckedTerm, type ValueComparator, satisfies } from "./checked";
import { compareCodePoints } from "../../rpc/utf8";
import { type Literal, compareSpans } from "./literal";
import type { RowValues, Value } from "./row-values";
import { containsIgnoringCase, matchesAnything, matchesPattern } from "./wildcard";

type JsonTerm = Extract<CheckedTerm, { kind: "json" }>;
type HasTest = Extract<JsonTerm["test"], { kind: "has" }>;
type PositiveComparator = Exclude<ValueComparator, "!=">;

/** Whether the term matches. Nothing is known about an Any that was too large for the row, so nothing matches. */
export function matchesJson({ field, path, test }: JsonTerm, values: RowValues): boolean {
  if (!values.isKnown(field) && !isInbox(field, path, test)) return false;
  switch (test.kind) {
    case "compare":
      return compares(values, { field, path }, test);
    case "has":
      return values.throughLists(field, path).some((value) => has(value, test));
    case "present":
      return values.throughLists(field, path).length > 0;
  }
}

/** `metadata.suspensions:*`: the row names pending suspensions, however large the other metadata are. */
function isInbox(field: JsonTerm["field"], path: JsonTerm["path"], test: JsonTerm["test"]): boolean {
  return field === "metadata" && path[0]?.[0] === "suspensions" && test.kind !== "compare";
}

function compares(
  values: RowValues,
  { field, path }: Pick<JsonTerm, "field" | "path">,
  { comparator, literal }: { comparator: ValueComparator; literal: Literal },
): boolean {
  if (comparator !== "!=") return values.at(field, path).some((value) => compareValue(value, comparator, literal));
  // "This applies even when the comparison is a `!=`": the object that has the last name must be set.
  const hasParent = values.at(field, path.slice(0, -1)).some((value) => value.isObject);
  return hasParent && !values.at(field, path).some((value) => compareValue(value, "=", literal));
}

/** `r:42`, `m:foo`, a part of a string, and the meaning of `=` for any other value. */
function has(value: Value, { literal, keys, contained }: HasTest): boolean {
  if (value.elements) return value.elements.some((element) => compareScalar(element, "=", literal));
  if (value.isObject) return value.fieldsNamed(keys).length > 0;
  const { json } = value;
  // An int64 is a string in proto JSON, and a number by its value.
  if (typeof json === "string" && !(literal.number && value.integer !== undefined)) {
    value.search(contained, json);
    if (containsIgnoringCase(json, contained)) return true;
  }
  return compareScalar(value, "=", literal);
}

function compareValue(value: Value, comparator: PositiveComparator, literal: Literal): boolean {
  // `= *` is any value at all, as Dataproc's filters have it.
  if (comparator === "=" && matchesAnything(literal.pattern)) return true;
  return compareScalar(value, comparator, literal);
}

function compareScalar(value: Value, comparator: PositiveComparator, literal: Literal): boolean {
  const { json } = value;
  value.look();
  switch (typeof json) {
    case "boolean":
      return comparator === "=" && literal.boolean === json;
    case "number":
      return literal.number !== undefined && satisfies(compareNumbers(json, literal.number.double), comparator);
    case "string":
      return compareString(value, json, { comparator, literal });
    default:
      return false;
  }
}

function compareString(
  value: Value,
  text: string,
  { comparator, literal }: { comparator: PositiveComparator; literal: Literal },
): boolean {
  if (comparator === "=") {
    value.lookWith(literal.pattern, text);
    if (matchesPattern(text, literal.pattern)) return true;
  }
  if (literal.number) {
    const { integer } = value;
    const number = literal.number.int64 ?? literal.number.double;
    return integer !== undefined && satisfies(compareNumbers(integer, number), comparator);
  }
  if (literal.timestamp) {
    const { timestamp } = value;
    if (timestamp) return satisfies(compareSpans(timestamp, literal.timestamp), comparator);
  }
  if (literal.duration) {
    const { duration } = value;
    if (duration) return satisfies(compareSpans(duration, literal.duration), comparator);
  }
  if (comparator === "=") return false;
  value.lookWith([literal.text, ""], text);
  return satisfies(compareCodePoints(text, literal.text), comparator);
}

/** JavaScript compares a bigint with a number exactly. */
function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
