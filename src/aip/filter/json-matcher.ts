// Terms on metadata and response, whose types only the JSON itself tells. docs/filters.md, "Inside metadata and response".
import { parseDuration } from "../duration";
import { parseTimestamp } from "../timestamp";
import { type Json, type JsonObject, STRUCT_TYPE_URL } from "../../rpc/any";
import { type CheckedTerm, type JsonPath, type ValueComparator, satisfies } from "./checked";
import type { FilterRow } from "./filter-row";
import { type Literal, compareSpans, compareStrings, int64FromString } from "./literal";
import { matchesAnything, matchesPattern } from "./wildcard";

type JsonTerm = Extract<CheckedTerm, { kind: "json" }>;
type Keys = JsonPath[number];

/** Whether the term matches. Of an Any that was too large for the row, nothing can be said, so nothing matches. */
export function matchesJson({ field, path, test }: JsonTerm, row: FilterRow): boolean {
  const any = row[field];
  const truncated = field === "metadata" ? row.metadataTruncated : row.responseTruncated;
  if (truncated || any === undefined) return false;
  const root = fieldsOfAny(any);
  switch (test.kind) {
    case "compare":
      return compares(root, path, test.comparator, test.literal);
    case "has":
      return reachThroughLists(root, path).some((value) => has(value, test.literal, test.keys));
    case "present":
      return reachThroughLists(root, path).length > 0;
  }
}

/** An Any's fields; a Struct's stand under `value`. */
function fieldsOfAny(any: JsonObject): JsonObject {
  if (any["@type"] !== STRUCT_TYPE_URL) return any;
  const { value } = any;
  return isObject(value) ? value : {};
}

function compares(root: JsonObject, path: JsonPath, comparator: ValueComparator, literal: Literal): boolean {
  if (comparator !== "!=") return reach(root, path).some((value) => compareValue(value, comparator, literal));
  // "This applies even when the comparison is a `!=`": what the last name stands in must be there.
  const parents = reach(root, path.slice(0, -1)).filter(isObject);
  return parents.length > 0 && !reach(root, path).some((value) => compareValue(value, "=", literal));
}

/** The values at a path: several only where an object holds both spellings of a key. Lists are not traversed. */
function reach(root: Json, path: JsonPath): Json[] {
  return path.reduce<Json[]>((values, keys) => values.flatMap((value) => fieldsNamed(value, keys)), [root]);
}

/** The values at a path, of any element where a list stands on the way: for `:` alone. */
function reachThroughLists(root: Json, path: JsonPath): Json[] {
  return path.reduce<Json[]>(
    (values, keys) => values.flatMap(elements).flatMap((value) => fieldsNamed(value, keys)),
    [root],
  );
}

function elements(value: Json): Json[] {
  return Array.isArray(value) ? value : [value];
}

function fieldsNamed(value: Json, keys: Keys): Json[] {
  if (!isObject(value)) return [];
  return keys.flatMap((key) => {
    const field = Object.hasOwn(value, key) ? value[key] : undefined;
    return field !== undefined && isSet(field) ? [field] : [];
  });
}

/** "For map and repeated fields, there is no semantic difference between an unset field and 'set with empty value'." */
function isSet(value: Json): boolean {
  if (value === null) return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

/** `r:42`, `m:foo`, and for any other value what `=` says. */
function has(value: Json, literal: Literal, keys: Keys): boolean {
  if (Array.isArray(value)) return value.some((element) => compareScalar(element, "=", literal));
  if (isObject(value)) return fieldsNamed(value, keys).length > 0;
  return compareScalar(value, "=", literal);
}

function compareValue(value: Json, comparator: Exclude<ValueComparator, "!=">, literal: Literal): boolean {
  // `= *` is any value at all, as Dataproc's filters have it.
  if (comparator === "=" && matchesAnything(literal.pattern)) return true;
  return compareScalar(value, comparator, literal);
}

function compareScalar(value: Json, comparator: Exclude<ValueComparator, "!=">, literal: Literal): boolean {
  switch (typeof value) {
    case "boolean":
      return comparator === "=" && literal.boolean === value;
    case "number":
      return literal.number !== undefined && satisfies(compareNumbers(value, literal.number.double), comparator);
    case "string":
      return compareString(value, comparator, literal);
    default:
      return false;
  }
}

function compareString(value: string, comparator: Exclude<ValueComparator, "!=">, literal: Literal): boolean {
  if (comparator === "=" && matchesPattern(value, literal.pattern)) return true;
  if (literal.number) {
    const integer = int64FromString(value);
    return (
      integer !== undefined &&
      satisfies(compareNumbers(integer, literal.number.int64 ?? literal.number.double), comparator)
    );
  }
  if (literal.timestamp) {
    const timestamp = parseTimestamp(value);
    if (timestamp) return satisfies(compareSpans(timestamp, literal.timestamp), comparator);
  }
  if (literal.duration) {
    const duration = parseDuration(value);
    if (duration) return satisfies(compareSpans(duration, literal.duration), comparator);
  }
  return comparator !== "=" && satisfies(compareStrings(value, literal.text), comparator);
}

/** JavaScript compares a bigint with a number exactly. */
function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
