// The cost of evaluating a filter, counted while it runs: a row's size does not predict it. The unit is about 1 ns.
import type { Pattern } from "./wildcard";

/** Looking at one value. */
export const LOOK_COST = 30;
/** A term of the filter, on one row. */
export const TERM_COST = 300;
/** Counting a field of an object. */
export const FIELD_COST = 10;
/** Reading a text as a timestamp, a duration or an integer. */
export const PARSE_COST = 800;
/** A character of a row's JSON that is parsed. */
export const PARSE_COST_PER_CHARACTER = 10;
/** A character that is compared, copied or put into lower case. */
const CHARACTER_COST = 1;

/** A budget of work. The cost of one row may overdraw it; then it is used up. */
export class Work {
  #left: number;

  constructor(allowance: number) {
    this.#left = allowance;
  }

  spend(cost: number): void {
    this.#left -= cost;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }
}

export function patternCost(text: string, pattern: Pattern): number {
  if (pattern.length === 1) return LOOK_COST;
  const characters = pattern.reduce((sum, piece) => sum + piece.length, 0);
  // A piece is looked for at each place of the text; at its worst, three characters are compared in a nanosecond.
  const search = pattern.length > 2 ? (text.length * characters) / 3 : 0;
  return LOOK_COST + CHARACTER_COST * Math.min(text.length, characters) + search;
}

export function containedCost(text: string, contained: Pattern): number {
  return CHARACTER_COST * text.length + patternCost(text, contained);
}
