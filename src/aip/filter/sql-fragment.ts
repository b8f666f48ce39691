// SQL that nothing from outside can get into: fragments are made of our own words, of one another, and of parameters.

/** What a Durable Object's `sql.exec` binds. */
export type SqlValue = string | number;

class Fragment {
  /** Words, and values to be bound between them. */
  readonly parts: readonly (string | Bound)[];
  /** How deep it makes the expression tree, which SQLite bounds; terms count as a constant. */
  readonly height: number;
  /** Makes the type nominal: no object made elsewhere is one. */
  protected readonly fragment = true;

  constructor(parts: readonly (string | Bound)[], height = 0) {
    this.parts = parts;
    this.height = height;
  }
}

interface Bound {
  value: SqlValue;
}

/** A fragment of SQL. Only this file makes one. */
export type Sql = Fragment;

/** A fragment written in place: only other fragments can be interpolated, never a string. */
export function sql(strings: TemplateStringsArray, ...operands: Sql[]): Sql {
  const parts = strings.flatMap((words, index) => [words, ...(operands[index]?.parts ?? [])]);
  return new Fragment(parts, Math.max(0, ...operands.map(({ height }) => height)));
}

/** A value as a bound parameter. */
export function parameter(value: SqlValue): Sql {
  return new Fragment([{ value }]);
}

/** An SQL expression that this project wrote: a column of a table, never anything from a request. */
export function trustedSql(expression: string): Sql {
  return new Fragment([`(${expression})`]);
}

/** `a AND b AND …` in their order, neighbours joined from the lowest up, so that the tree stays low. */
export function joinSql(operator: "AND" | "OR", operands: readonly Sql[]): Sql {
  const queue = [...operands];
  for (;;) {
    const index = lowestPair(queue);
    const [first, second] = queue.slice(index, index + 2);
    if (first === undefined) return operator === "AND" ? TRUE : FALSE;
    if (second === undefined) return first;
    const height = Math.max(first.height, second.height) + 1;
    queue.splice(index, 2, new Fragment(["(", ...first.parts, ` ${operator} `, ...second.parts, ")"], height));
  }
}

/** Where the two neighbours stand that join to the lowest tree; 0 where there are no two. */
function lowestPair(fragments: readonly Sql[]): number {
  let lowest = 0;
  let lowestHeight = Infinity;
  for (let index = 1; index < fragments.length; index += 1) {
    const height = Math.max(fragments[index - 1]?.height ?? 0, fragments[index]?.height ?? 0);
    if (height < lowestHeight) [lowest, lowestHeight] = [index - 1, height];
  }
  return lowest;
}

export function notSql(operand: Sql): Sql {
  return new Fragment(["(NOT ", ...operand.parts, ")"], operand.height + 1);
}

export const TRUE: Sql = new Fragment(["1"]);
export const FALSE: Sql = new Fragment(["0"]);

/** The different values a fragment binds, in the order of their first use. */
export function parametersOf({ parts }: Sql): SqlValue[] {
  return [...new Set(parts.flatMap((part) => (typeof part === "string" ? [] : [part.value])))];
}

/** The text of a fragment, its parameters numbered from `first` (`?7`), so that a value used twice is bound once. */
export function renderSql(fragment: Sql, first = 1): { text: string; params: SqlValue[] } {
  const params = parametersOf(fragment);
  const numbers = new Map(params.map((value, index) => [value, first + index]));
  const text = fragment.parts.map((part) => (typeof part === "string" ? part : `?${numbers.get(part.value)}`)).join("");
  return { text, params };
}
