// The error in a filter and its place: the part of INVALID_ARGUMENT that helps to correct it (AIP-160, "Validation").
import { MAX_FOUND_CHARACTERS } from "../../limits";

/** A malformed filter. `offset` counts characters (Unicode code points) from 0; it is the filter's length at its end. */
export interface FilterError {
  offset: number;
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
