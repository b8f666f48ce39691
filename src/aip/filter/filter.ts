// ListOperationsRequest.filter (AIP-160): text in, a checked filter out. The grammar is in docs/filters.md.
import type { CheckedExpression } from "./checked";
import { check } from "./checker";
import { type FilterError, type Problem, filterErrorFromProblem } from "./filter-error";
import type { FilterRow } from "./filter-row";
import { type IndexHints, indexHints } from "./index-hints";
import { matches } from "./matcher";
import { parse } from "./parser";
import type { Work } from "./work";

export interface Filter {
  readonly text: string;
  readonly hints: IndexHints;
  matches(row: FilterRow, work: Work): boolean;
}

export type ParsedFilter = { ok: true; filter: Filter } | { ok: false; error: FilterError };

/**
 * Parses and checks a filter. A blank one matches everything.
 *
 * @example
 * const parsed = parseFilter("done = false AND labels.env = staging");
 * if (parsed.ok) parsed.filter.matches(row, new Work(1_000_000));
 */
export function parseFilter(text: string): ParsedFilter {
  const parsed = parse(text);
  if (!parsed.ok) return failure(text, parsed.problem);
  if (parsed.value === undefined) return { ok: true, filter: new CheckedFilter(text, { kind: "and", operands: [] }) };
  const checked = check(parsed.value, text);
  if (!checked.ok) return failure(text, checked.problem);
  return { ok: true, filter: new CheckedFilter(text, checked.value) };
}

function failure(text: string, problem: Problem): ParsedFilter {
  return { ok: false, error: filterErrorFromProblem(text, problem) };
}

class CheckedFilter implements Filter {
  readonly text: string;
  readonly hints: IndexHints;
  readonly #expression: CheckedExpression;

  constructor(text: string, expression: CheckedExpression) {
    this.text = text;
    this.hints = indexHints(expression);
    this.#expression = expression;
  }

  matches(row: FilterRow, work: Work): boolean {
    return matches(this.#expression, row, work);
  }
}
