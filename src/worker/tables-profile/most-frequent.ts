// Picks the most frequent values of a column out of all that were counted.
import { compareCodePoints } from "./code-points";
import { shownValueFromKey } from "./kept-value";
import { MAX_MOST_FREQUENT_VALUES } from "./table-limits";
import type { ValueCount } from "./table-profile";

type KeyCount = [key: string, count: number];

/** The first five by descending count, then by ascending value. One pass; sorts five. */
export function mostFrequentOf(counts: Iterable<KeyCount>): ValueCount[] {
  const first: KeyCount[] = [];
  for (const entry of counts) {
    const last = first.at(MAX_MOST_FREQUENT_VALUES - 1);
    if (last !== undefined && compareByFrequency(last, entry) <= 0) continue;
    first.splice(MAX_MOST_FREQUENT_VALUES - 1, 1, entry);
    first.sort(compareByFrequency);
  }
  return first.map(([key, count]) => ({ value: shownValueFromKey(key), count }));
}

function compareByFrequency([keyA, countA]: KeyCount, [keyB, countB]: KeyCount): number {
  return countB - countA || compareCodePoints(keyA, keyB);
}
