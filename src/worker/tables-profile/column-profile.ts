// Follows one column from value to value: what type fits them all, and what that type makes of them.
import { MeanOfNumbers } from "./mean";
import { type StringFacts, StringTracker } from "./string-tracker";
import { MAX_TYPED_VALUE_LENGTH } from "./table-limits";
import type { ColumnProfile } from "./table-profile";
import { newTypeTrackers, type TypedFacts, type TypeTracker } from "./type-trackers";

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
