// What the compilers of terms share: the columns, and whether what they say is exact.
import type { ValueComparator } from "./checked";
import type { FilterColumns } from "./sql-columns";
import { type Sql, sql } from "./sql-fragment";

/**
 * What a condition may be where SQL cannot say exactly what the matcher says: `over` is true for every match and perhaps
 * more, `under` for nothing but matches. Negation turns one into the other.
 */
export type Bound = "over" | "under";

export interface SqlContext {
  readonly columns: FilterColumns;
  /** False as soon as one term was compiled to no more than its bound. */
  exact: boolean;
}

export function opposite(bound: Bound): Bound {
  return bound === "over" ? "under" : "over";
}

export function compareSql(left: Sql, comparator: ValueComparator, right: Sql): Sql {
  switch (comparator) {
    case "=":
      return sql`${left} = ${right}`;
    case "!=":
      return sql`${left} <> ${right}`;
    case "<":
      return sql`${left} < ${right}`;
    case "<=":
      return sql`${left} <= ${right}`;
    case ">":
      return sql`${left} > ${right}`;
    case ">=":
      return sql`${left} >= ${right}`;
  }
}
