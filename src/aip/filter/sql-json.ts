// Terms on metadata and response in SQL, by scalar functions alone: a Durable Object counts each step of json_each as a
// row read, so what stands in lists is left to the matcher.
import { formatTimestamp } from "../timestamp";
import type { CheckedTerm, JsonPath, ValueComparator } from "./checked";
import type { JsonField } from "./fields";
import { MAX_SQL_PATH_SPELLINGS } from "./filter-limits";
import type { Literal, NumberLiteral } from "./literal";
import { type Bound, type SqlContext, compareSql, opposite } from "./sql-context";
import { FALSE, type Sql, TRUE, joinSql, notSql, parameter, sql, trustedSql } from "./sql-fragment";
import { patternSql } from "./sql-pattern";
import { matchesAnything } from "./wildcard";

type HasTest = Extract<Extract<CheckedTerm, { kind: "json" }>["test"], { kind: "has" }>;
type PositiveComparator = Exclude<ValueComparator, "!=">;

/** Compiles a term on metadata or response; see {@link Bound}. */
export function jsonTermSql(term: Extract<CheckedTerm, { kind: "json" }>, bound: Bound, context: SqlContext): Sql {
  const { field, path, test } = term;
  const column = context.columns.json[field];
  const keys = test.kind === "has" ? test.keys : [];
  if (!isSpellable(path, keys)) return inexact(bound, context);
  switch (test.kind) {
    case "compare": {
      const { comparator, literal } = test;
      if (comparator !== "!=")
        return anyValue(path, field, context, (at) => comparisonSql(at, comparator, literal, bound, context));
      const parents =
        path.length === 1
          ? trustedSql(column.isSet)
          : anyValue(path.slice(0, -1), field, context, (at) => sql`(${at.type} IS 'object' AND ${at.text} <> '{}')`);
      const equal = anyValue(path, field, context, (at) => comparisonSql(at, "=", literal, opposite(bound), context));
      // Of an Any that was too large for the row nothing is known: no other test finds anything in its `@type` alone.
      return joinSql("AND", [notSql(trustedSql(column.isTruncated)), parents, notSql(equal)]);
    }
    case "has": {
      const child = anyValue([...path, test.keys], field, context, isSetSql);
      if (path.length === 0) return child;
      const scalar = anyValue(path, field, context, (at) => comparisonSql(at, "=", test.literal, bound, context));
      const contains = anyValue(path, field, context, (at) => containsSql(at, test, bound, context));
      return joinSql("OR", [child, scalar, contains, ...listsOnTheWay(path, field, bound, context)]);
    }
    case "present": {
      const present = anyValue(path, field, context, isSetSql);
      return joinSql("OR", [present, ...listsOnTheWay(path.slice(0, -1), field, bound, context)]);
    }
  }
}

/** A value in a JSON document, as SQL sees it: NULL everywhere where it is not there. */
interface JsonValue {
  /** 'text', 'integer', 'real', 'true', 'false', 'null', 'object', 'array'. */
  type: Sql;
  /** A string, or a number, as SQLite has them. */
  value: Sql;
  /** The JSON text. */
  text: Sql;
}

/** The condition on any of the values at a path, in each of its spellings. */
function anyValue(path: JsonPath, field: JsonField, context: SqlContext, condition: (at: JsonValue) => Sql): Sql {
  const { document, path: root } = context.columns.json[field];
  const column = trustedSql(document);
  return joinSql(
    "OR",
    spellings(path).map((keys) => {
      const below = parameter(keys.map((key) => `."${key}"`).join(""));
      const at = sql`${trustedSql(root)} || ${below}`;
      return condition({
        type: sql`json_type(${column}, ${at})`,
        value: sql`json_extract(${column}, ${at})`,
        text: sql`(${column} -> (${at}))`,
      });
    }),
  );
}

function spellings(path: JsonPath): string[][] {
  return path.reduce<string[][]>((before, keys) => before.flatMap((start) => keys.map((key) => [...start, key])), [[]]);
}

// SQLite's JSON paths take a quoted key as it stands in the JSON text, escapes and all.
const PLAIN_KEY = /^[\u0020-\u007e]*$/;

function isSpellable(path: JsonPath, keys: readonly string[]): boolean {
  const count = path.reduce((product, { length }) => product * length, Math.max(1, keys.length));
  const plain = [...path, keys].flat().every((key) => PLAIN_KEY.test(key) && !/["\\]/.test(key));
  return plain && count <= MAX_SQL_PATH_SPELLINGS;
}

/** Neither null nor empty. Not with IN: a Durable Object counts a row read for each value of its list. */
function isSetSql({ text }: JsonValue): Sql {
  return sql`coalesce(instr('|null|[]|{}|', '|' || ${text} || '|') = 0, 0)`;
}

/** `:` looks into lists, which SQL does not: where one stands on the way, the matcher decides. */
function listsOnTheWay(path: JsonPath, field: JsonField, bound: Bound, context: SqlContext): Sql[] {
  if (path.length === 0) return [];
  context.exact = false;
  if (bound === "under") return [];
  return path.map((_, index) =>
    anyValue(path.slice(0, index + 1), field, context, ({ type }) => sql`${type} IS 'array'`),
  );
}

/** A string that holds the value; of one that is an int64, a number is not a part. */
function containsSql(at: JsonValue, { literal, contained }: HasTest, bound: Bound, context: SqlContext): Sql {
  const found = patternSql(sql`lower(${at.value})`, contained, bound, context);
  if (!literal.number) return sql`(${at.type} IS 'text' AND ${found})`;
  return sql`CASE WHEN ${at.type} IS NOT 'text' OR ${isInt64Sql(at.value)} THEN 0 ELSE ${found} END`;
}

function isInt64Sql(value: Sql): Sql {
  return sql`CAST(CAST(${value} AS INTEGER) AS TEXT) = ${value}`;
}

/** A comparison of one value, never NULL; the matcher's `compareValue`. */
function comparisonSql(
  at: JsonValue,
  comparator: PositiveComparator,
  literal: Literal,
  bound: Bound,
  context: SqlContext,
): Sql {
  const isEqual = comparator === "=";
  if (isEqual && matchesAnything(literal.pattern)) return isSetSql(at);
  if (literal.number) return numberSql(at, comparator, literal, literal.number);
  const conditions = [sql`(${at.type} IS 'text' AND ${stringSql(at.value, comparator, literal, bound, context)})`];
  if (isEqual && literal.boolean !== undefined)
    conditions.push(sql`${at.type} IS ${literal.boolean ? sql`'true'` : sql`'false'`}`);
  return joinSql("OR", conditions);
}

/** JSON numbers as doubles, which JavaScript reads them as; int64 in strings exactly, or as the literal's very text. */
function numberSql(at: JsonValue, comparator: PositiveComparator, { text }: Literal, number: NumberLiteral): Sql {
  const { type, value } = at;
  const exact = Number.isSafeInteger(number.double) || number.int64 === undefined;
  const integer = exact ? parameter(number.double) : sql`CAST(${parameter(String(number.int64))} AS INTEGER)`;
  const isInt64 = isInt64Sql(value);
  const inString = sql`(${isInt64} AND ${compareSql(sql`CAST(${value} AS INTEGER)`, comparator, integer)})`;
  const string = comparator === "=" ? sql`(${value} = ${parameter(text)} OR ${inString})` : inString;
  const double = compareSql(sql`CAST(${value} AS REAL)`, comparator, parameter(number.double));
  return sql`CASE ${type} WHEN 'text' THEN ${string} WHEN 'integer' THEN ${double} WHEN 'real' THEN ${double} ELSE 0 END`;
}

/** A JSON string against a literal that is no number. */
function stringSql(
  value: Sql,
  comparator: PositiveComparator,
  literal: Literal,
  bound: Bound,
  context: SqlContext,
): Sql {
  const asText =
    comparator === "="
      ? patternSql(value, literal.pattern, bound, context)
      : compareSql(value, comparator, parameter(literal.text));
  const asSpan = literal.timestamp ? timestampSql(value, comparator, literal.timestamp) : undefined;
  const span = asSpan ?? (literal.duration ? durationSql(value, comparator, literal.duration.seconds) : undefined);
  if (span === undefined) return asText;
  // The fractions, and a timestamp's offset, are beyond SQL: the matcher decides on what looks like one.
  context.exact = false;
  if (bound === "over") return sql`(${asText} OR (${span.looksLikeOne} AND ${span.mayMatch}))`;
  return comparator === "=" ? asText : sql`(${asText} AND NOT ${span.looksLikeOne})`;
}

interface Span {
  /** True for every such span, and some other strings. */
  looksLikeOne: Sql;
  /** True for every span that satisfies the comparator, and some others. */
  mayMatch: Sql;
}

const DAY_SECONDS = 86_400;
const FIRST_SECOND = -62_135_596_800;
const LAST_SECOND = 253_402_300_799;

/** By the date it is written with, which an offset moves by less than a day. */
function timestampSql(value: Sql, comparator: PositiveComparator, { seconds }: { seconds: number }): Span {
  const looksLikeOne = sql`(substr(${value}, 5, 1) = '-' AND upper(substr(${value}, 11, 1)) = 'T')`;
  const date = sql`substr(${value}, 1, 10)`;
  const dayAfter = parameter(dateText(Math.min(seconds + DAY_SECONDS, LAST_SECOND)));
  const dayBefore = parameter(dateText(Math.max(seconds - DAY_SECONDS, FIRST_SECOND)));
  return { looksLikeOne, mayMatch: rangeSql(date, comparator, dayBefore, dayAfter) };
}

function dateText(seconds: number): string {
  return formatTimestamp({ seconds, nanos: 0 }).slice(0, 10);
}

/** By its seconds, give or take what a fraction and a double can be off. */
function durationSql(value: Sql, comparator: PositiveComparator, seconds: number): Span {
  const looksLikeOne = sql`substr(${value}, -1) = 's'`;
  const [min, max] = [parameter(seconds - 2), parameter(seconds + 2)];
  return { looksLikeOne, mayMatch: rangeSql(sql`CAST(${value} AS REAL)`, comparator, min, max) };
}

function rangeSql(value: Sql, comparator: PositiveComparator, min: Sql, max: Sql): Sql {
  switch (comparator) {
    case "=":
      return sql`${value} BETWEEN ${min} AND ${max}`;
    case "<":
    case "<=":
      return sql`${value} <= ${max}`;
    case ">":
    case ">=":
      return sql`${value} >= ${min}`;
  }
}

function inexact(bound: Bound, context: SqlContext): Sql {
  context.exact = false;
  return bound === "over" ? TRUE : FALSE;
}
