// Follows one column from value to value: what type fits them all, and what that type makes of them.
import { MAX_TYPED_VALUE_LENGTH } from "./table-limits";
import type { ColumnProfile } from "./table-profile";
import { newTypeTrackers, type TypedFacts, type TypeTracker } from "./type-trackers";
import { compareCodePoints } from "../../rpc/utf8";
import { codePointLength, shownValue } from "./code-points";

/** The part of a column's profile that its values make, apart from their counts. */
export type ColumnFacts = (TypedFacts | StringFacts) & Pick<ColumnProfile, "mean">;

export class ColumnProfiler {
  /** The types that every value so far is of, narrowest first. */
  #candidates: TypeTracker[] = newTypeTrackers();
  readonly #strings = new StringTracker();
  readonly #mean = new MeanOfNumbers();
  valueCount = 0;

  /** Takes the text of a cell that is not empty. One that was `seenBefore` in the column changes nothing but the mean. */
  addValue(text: string, seenBefore: boolean): void {
    this.valueCount++;
    if (!seenBefore) this.#addNewValue(text);
    if (this.#isOfNumbers()) this.#mean.add(Number(text));
  }

  facts(): ColumnFacts {
    const narrowest = this.valueCount > 0 ? this.#candidates[0] : undefined;
    const mean = this.#isOfNumbers() ? this.#mean.value() : undefined;
    return { ...(narrowest ?? this.#strings).facts(), ...(mean === undefined ? {} : { mean }) };
  }

  #addNewValue(text: string): void {
    this.#strings.take(text);
    if (this.#candidates.length === 0) return;
    this.#candidates =
      text.length > MAX_TYPED_VALUE_LENGTH ? [] : this.#candidates.filter((candidate) => candidate.take(text));
  }

  #isOfNumbers(): boolean {
    const type = this.#candidates[0]?.type;
    return type === "integer" || type === "number";
  }
}

/** The mean of many doubles without the drift of a plain sum (Neumaier, 1974: Kahan's summation, also for large terms). */
export class MeanOfNumbers {
  #count = 0;
  #sum = 0;
  #lost = 0;

  add(value: number): void {
    const sum = this.#sum + value;
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
    this.#count++;
  }

  /** The mean, or undefined of nothing or where the sum left the range of a double. */
  value(): number | undefined {
    const mean = (this.#sum + this.#lost) / this.#count;
    return Number.isFinite(mean) ? mean : undefined;
  }
}

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
