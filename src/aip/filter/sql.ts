// The SQL back end: a checked filter as a condition on rows of SQLite, every value and JSON path a bound parameter.
import type { CheckedExpression, CheckedTerm, StringTest } from "./checked";
import { literalFields } from "./fields";
import { MAX_SQL_CHARACTERS, MAX_SQL_LOOKS, MAX_SQL_PARAMETERS } from "./filter-limits";
import type { FilterColumns } from "./sql-columns";
import { type Bound, type SqlContext, compareSql, opposite } from "./sql-context";
import {
  FALSE,
  type Sql,
  type SqlValue,
  TRUE,
  joinSql,
  notSql,
  parameter,
  parametersOf,
  renderSql,
  sql,
  trustedSql,
} from "./sql-fragment";
import { jsonTermSql } from "./sql-json";
import { patternSql } from "./sql-pattern";

export interface CompiledFilter {
  /** A condition that is 0 or 1, never NULL. Its parameters are numbered. */
  where: string;
  params: readonly SqlValue[];
  /** What evaluating `where` costs at most for each byte of a row, in the units of work.ts; 0 where it reads no JSON. */
  costPerByte: number;
  /** False where `where` also lets rows pass that the filter does not match: the matcher has the last word. */
  exact: boolean;
}

/** Compiles a filter; `firstParameter` is 1 more than the parameters that stand before it in the statement. */
export function compileFilter(
  expression: CheckedExpression,
  columns: FilterColumns,
  { firstParameter = 1 }: { firstParameter?: number } = {},
): CompiledFilter {
  const compiler: Compiler = { context: { columns, exact: true }, parameters: new Set(), characters: 0, looks: 0 };
  const { text, params } = renderSql(compileExpression(expression, "over", compiler), firstParameter);
  return { where: text, params, costPerByte: costPerByte(text, params), exact: compiler.context.exact };
}

interface Compiler {
  context: SqlContext;
  /** What the terms so far bind, and how long they are. */
  parameters: Set<SqlValue>;
  characters: number;
  looks: number;
}

/** SQLite writes out the value that it is asked for: 3 ns for each byte of a list of numbers. */
const COST_PER_LOOK = 3;
/** A wildcard's piece is looked for at each byte, and compared 20 bytes in a nanosecond. */
const COST_PER_PIECE_CHARACTER = 0.05;

function looksOf(where: string): number {
  return where.match(/json_type\(|json_extract\(| -> \(/g)?.length ?? 0;
}

function costPerByte(where: string, params: readonly SqlValue[]): number {
  if (!where.includes("operation") && !where.includes("facts")) return 0;
  const pieces = params.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), 0);
  // The row is parsed once, and its fixed fields are short.
  return 1 + COST_PER_LOOK * looksOf(where) + COST_PER_PIECE_CHARACTER * pieces;
}

function compileExpression(expression: CheckedExpression, bound: Bound, compiler: Compiler): Sql {
  switch (expression.kind) {
    case "and":
    case "or": {
      const operands = expression.operands.map((operand) => compileExpression(operand, bound, compiler));
      return joinSql(expression.kind === "and" ? "AND" : "OR", operands);
    }
    case "not":
      return notSql(compileExpression(expression.operand, opposite(bound), compiler));
    default:
      return compileTermWithinBudget(expression, bound, compiler);
  }
}

/** A term, or, where the statement has no more room for it, nothing but its bound. */
function compileTermWithinBudget(term: CheckedTerm, bound: Bound, compiler: Compiler): Sql {
  const compiled = compileTerm(term, bound, compiler.context);
  const parameters = new Set([...compiler.parameters, ...parametersOf(compiled)]);
  const { text } = renderSql(compiled);
  const characters = compiler.characters + text.length;
  const looks = compiler.looks + looksOf(text);
  if (parameters.size > MAX_SQL_PARAMETERS || characters > MAX_SQL_CHARACTERS || looks > MAX_SQL_LOOKS) {
    compiler.context.exact = false;
    return bound === "over" ? TRUE : FALSE;
  }
  compiler.parameters = parameters;
  compiler.characters = characters;
  compiler.looks = looks;
  return compiled;
}

function compileTerm(term: CheckedTerm, bound: Bound, context: SqlContext): Sql {
  const { columns } = context;
  switch (term.kind) {
    case "literal": {
      const fields = literalFields.map((field) => trustedSql(columns.scalars[field]));
      return joinSql(
        "OR",
        fields.map((column) => whereSet(column, containedSql(column, term.contained, bound, context))),
      );
    }
    case "string": {
      const column = trustedSql(columns.scalars[term.field]);
      return whereSet(column, stringSql(column, term.test, bound, context));
    }
    case "boolean":
      return sql`${trustedSql(columns.scalars[term.field])} IS ${term.value ? TRUE : FALSE}`;
    case "integer": {
      const column = trustedSql(columns.scalars[term.field]);
      return whereSet(column, compareSql(column, term.comparator, parameter(term.value)));
    }
    case "timestamp": {
      const column = trustedSql(columns.scalars[term.field]);
      return whereSet(column, timestampSql(column, term));
    }
    case "present":
      return presentSql(term.field, columns);
    case "json":
      return jsonTermSql(term, bound, context);
  }
}

function stringSql(column: Sql, test: StringTest, bound: Bound, context: SqlContext): Sql {
  switch (test.kind) {
    case "equal": {
      if (!test.negated) return patternSql(column, test.pattern, bound, context);
      return notSql(patternSql(column, test.pattern, opposite(bound), context));
    }
    case "order":
      return compareSql(column, test.comparator, parameter(test.text));
    case "contains":
      return containedSql(column, test.contained, bound, context);
  }
}

/** SQLite's lower() knows A to Z alone, as the matcher does. */
function containedSql(column: Sql, contained: readonly string[], bound: Bound, context: SqlContext): Sql {
  return patternSql(sql`lower(${column})`, contained, bound, context);
}

/** Rows hold milliseconds and filters may say nanoseconds: the literal is rounded towards what the comparator keeps. */
function timestampSql(column: Sql, { comparator, value }: Extract<CheckedTerm, { kind: "timestamp" }>): Sql {
  const floor = value.seconds * 1_000 + Math.floor(value.nanos / 1_000_000);
  const isWhole = value.nanos % 1_000_000 === 0;
  if (isWhole) return compareSql(column, comparator, parameter(floor));
  switch (comparator) {
    case "=":
      return FALSE;
    case "!=":
      return TRUE;
    case "<":
    case "<=":
      return compareSql(column, "<=", parameter(floor));
    case ">":
    case ">=":
      return compareSql(column, ">", parameter(floor));
  }
}

function presentSql(field: Extract<CheckedTerm, { kind: "present" }>["field"], { scalars, json }: FilterColumns): Sql {
  switch (field) {
    case "error":
      return sql`${trustedSql(scalars["error.code"])} IS NOT NULL`;
    case "metadata":
    case "response":
      return trustedSql(json[field].isSet);
    case "name":
    case "target":
    case "method":
    case "state":
    case "verb":
    case "error.message":
    case "metadata.@type":
    case "response.@type": {
      const column = trustedSql(scalars[field]);
      return whereSet(column, sql`${column} <> ''`);
    }
    default:
      return sql`${trustedSql(scalars[field])} IS NOT NULL`;
  }
}

/** The condition where the column is set, and 0, not NULL, where it is not. */
function whereSet(column: Sql, condition: Sql): Sql {
  return sql`(${column} IS NOT NULL AND ${condition})`;
}
