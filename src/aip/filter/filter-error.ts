// The error in a filter and its place (AIP-160, "Validation"), and the bounds of a filter ("Limitations").

/** A malformed filter. `offset` counts characters (Unicode code points) from 0; it is the filter's length at its end. */
export interface FilterError {
  offset: number;
  /** The tokens that would be valid there: `a value`. */
  expected: string;
  message: string;
}

/** A problem as lexer, parser and checker see it: `index` counts UTF-16 units. */
export interface Problem {
  index: number;
  expected: string;
  found: string;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; problem: Problem };

export function accept<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function refuse(problem: Problem): { ok: false; problem: Problem } {
  return { ok: false, problem };
}

export function quoteFound(text: string): string {
  const characters = Array.from(text);
  const shown = characters.slice(0, MAX_FOUND_CHARACTERS).join("");
  return JSON.stringify(shown.toWellFormed()) + (characters.length > MAX_FOUND_CHARACTERS ? "…" : "");
}

export function filterErrorFromProblem(text: string, { index, expected, found }: Problem): FilterError {
  const offset = Array.from(text.slice(0, index)).length;
  return { offset, expected, message: `Expected ${expected} at offset ${offset}, but found ${found}.` };
}

/** Characters (UTF-16 units) of a filter: it travels in a URL, and proxies cut those at 8 KiB. */
export const MAX_FILTER_CHARACTERS = 4_096;
/** Parentheses and calls within one another: bounds the parser's recursion and the matcher's. */
export const MAX_FILTER_DEPTH = 16;
/** Restrictions of a filter, each value of a composite argument counted: bounds what is evaluated for each row. */
export const MAX_FILTER_TERMS = 64;
/** Names in one path, `a.b.c` being three: deeper than any metadata that people filter by. */
export const MAX_PATH_SEGMENTS = 16;

/** Characters of the text that was found in the place of an error. */
export const MAX_FOUND_CHARACTERS = 40;
