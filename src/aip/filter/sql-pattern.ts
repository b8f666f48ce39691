// Wildcards in SQL without LIKE and GLOB, whose patterns a Durable Object bounds at 50 bytes and whose specials are others.
import type { Bound, SqlContext } from "./sql-context";
import { FALSE, type Sql, TRUE, joinSql, parameter, sql } from "./sql-fragment";
import type { Pattern } from "./wildcard";

const encoder = new TextEncoder();

/**
 * Whether a text, never NULL, is of the pattern. It compares bytes, because length() and substr() of a text stop at
 * U+0000, and well-formed UTF-8 cannot match across characters.
 */
export function patternSql(text: Sql, pattern: Pattern, bound: Bound, context: SqlContext): Sql {
  const [prefix = "", ...rest] = pattern;
  const suffix = rest.pop();
  if (suffix === undefined) return sql`${text} = ${parameter(prefix)}`;
  const middle = rest.filter((piece) => piece !== "");
  // One piece in the middle is found by instr(); the order of several would take a subquery for each.
  if (middle.length > 1) {
    context.exact = false;
    if (bound === "under") return FALSE;
  }
  const bytes = sql`CAST(${text} AS BLOB)`;
  const conditions: Sql[] = [];
  if (prefix !== "") {
    conditions.push(sql`substr(${bytes}, 1, ${parameter(byteLength(prefix))}) = ${blob(prefix)}`);
  }
  if (suffix !== "") {
    conditions.push(sql`substr(${bytes}, ${parameter(-byteLength(suffix))}) = ${blob(suffix)}`);
  }
  const total = pattern.reduce((sum, piece) => sum + byteLength(piece), 0);
  if (conditions.length + middle.length > 1) conditions.push(sql`length(${bytes}) >= ${parameter(total)}`);
  for (const piece of middle) {
    const ends = byteLength(prefix) + byteLength(suffix);
    const inner =
      ends === 0
        ? bytes
        : sql`substr(${bytes}, ${parameter(byteLength(prefix) + 1)}, length(${bytes}) - ${parameter(ends)})`;
    conditions.push(sql`instr(${inner}, ${blob(piece)}) > 0`);
  }
  // substr() of an empty blob is NULL.
  return conditions.length === 0 ? TRUE : sql`coalesce(${joinSql("AND", conditions)}, 0)`;
}

function blob(piece: string): Sql {
  return sql`CAST(${parameter(piece)} AS BLOB)`;
}

function byteLength(text: string): number {
  return encoder.encode(text).length;
}
