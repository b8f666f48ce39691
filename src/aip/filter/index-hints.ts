// The conditions of a filter that the list's indexes can serve. Every match fulfils them.
import type { CheckedExpression } from "./checked";

/** Both ends belong to the range; milliseconds since 1970. `min` is greater than `max` where nothing can match. */
interface CreateTimeRange {
  min?: number;
  max?: number;
}

export interface IndexHints {
  done?: boolean;
  createTimeRange?: CreateTimeRange;
}

export function indexHints(expression: CheckedExpression): IndexHints {
  const hints: IndexHints = {};
  const conjuncts = expression.kind === "and" ? expression.operands : [expression];
  for (const conjunct of conjuncts) {
    if (conjunct.kind === "boolean" && conjunct.field === "done") hints.done = conjunct.value;
    if (conjunct.kind === "not" && conjunct.operand.kind === "boolean" && conjunct.operand.field === "done") {
      hints.done = !conjunct.operand.value;
    }
    const range = createTimeRange(conjunct);
    if (range) hints.createTimeRange = intersection(hints.createTimeRange ?? {}, range);
  }
  return hints;
}

function createTimeRange(term: CheckedExpression): CreateTimeRange | undefined {
  if (term.kind !== "timestamp" || term.field !== "createTime") return undefined;
  const { seconds, nanos } = term.value;
  const floor = seconds * 1_000 + Math.floor(nanos / 1_000_000);
  const ceiling = seconds * 1_000 + Math.ceil(nanos / 1_000_000);
  switch (term.comparator) {
    case "=":
      return { min: ceiling, max: floor };
    case "<":
      return { max: ceiling - 1 };
    case "<=":
      return { max: floor };
    case ">":
      return { min: floor + 1 };
    case ">=":
      return { min: ceiling };
    case "!=":
      return undefined;
  }
}

function intersection(a: CreateTimeRange, b: CreateTimeRange): CreateTimeRange {
  const min = Math.max(a.min ?? -Infinity, b.min ?? -Infinity);
  const max = Math.min(a.max ?? Infinity, b.max ?? Infinity);
  return { ...(min === -Infinity ? {} : { min }), ...(max === Infinity ? {} : { max }) };
}
