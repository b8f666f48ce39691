// The state of a column that may be one of strings.
import { codePointLength, compareCodePoints } from "./code-points";
import { shownValue } from "./kept-value";
import type { ColumnProfile } from "./table-profile";

/** The part of a string column's profile that depends on its type. */
export type StringFacts = Pick<ColumnProfile, "type" | "min" | "max" | "shortest" | "longest">;

export class StringTracker {
  #range: { min: string; max: string; shortest: number; longest: number } | undefined;

  take(text: string): void {
    const shown = shownValue(text);
    const length = codePointLength(text);
    const range = this.#range;
    if (range === undefined) {
      this.#range = { min: shown, max: shown, shortest: length, longest: length };
      return;
    }
    // The order of what is shown is that of the whole texts, as far as it can be seen.
    if (compareCodePoints(shown, range.min) < 0) range.min = shown;
    if (compareCodePoints(shown, range.max) > 0) range.max = shown;
    range.shortest = Math.min(range.shortest, length);
    range.longest = Math.max(range.longest, length);
  }

  /** Without `min` and the rest where no value was taken. */
  facts(): StringFacts {
    return { type: "string", ...this.#range };
  }
}
