// Counts the values of each column, exactly, as long as they fit in memory; then the profile says that there are more.
import { compareCodePoints } from "../../rpc/utf8";
import { keyFromValue, shownValueFromKey } from "./code-points";
import {
  MAP_ENTRY_BYTES,
  MAX_COUNTED_VALUES_PER_COLUMN,
  MAX_COUNTED_VALUES_PER_TABLE_BYTES,
  MAX_MOST_FREQUENT_VALUES,
} from "./table-limits";
import type { ColumnProfile } from "./table-profile";

/** The part of a column's profile that counts its values. */
export type CountedFacts = Pick<
  ColumnProfile,
  "distinctCount" | "distinctCountIsMinimum" | "mostFrequent" | "mostFrequentIsPartial"
>;

export interface ValueCountLimits {
  valuesPerColumn: number;
  bytesPerTable: number;
}

const defaultLimits: ValueCountLimits = {
  valuesPerColumn: MAX_COUNTED_VALUES_PER_COLUMN,
  bytesPerTable: MAX_COUNTED_VALUES_PER_TABLE_BYTES,
};

/** The values of all columns of one table, which share its memory. */
export class TableValueCounts {
  readonly #columns: ColumnValueCounts[];
  readonly #limits: ValueCountLimits;
  #bytes = 0;

  constructor(columnCount: number, limits: ValueCountLimits = defaultLimits) {
    this.#columns = Array.from({ length: columnCount }, () => new ColumnValueCounts());
    this.#limits = limits;
  }

  /** Counts a value that is not empty. `seenBefore` is false where that is not known any more. */
  add(column: number, value: string): { seenBefore: boolean } {
    const counts = this.#at(column);
    const { seenBefore, grownBytes } = counts.add(keyFromValue(value));
    this.#bytes += grownBytes;
    if (counts.distinctCount > this.#limits.valuesPerColumn) this.#end(counts);
    while (this.#bytes > this.#limits.bytesPerTable) this.#end(this.#largest());
    return { seenBefore };
  }

  facts(column: number): CountedFacts {
    return this.#at(column).facts();
  }

  #at(column: number): ColumnValueCounts {
    const counts = this.#columns[column];
    if (counts === undefined) throw new RangeError(`no column ${column}`);
    return counts;
  }

  #end(counts: ColumnValueCounts): void {
    this.#bytes -= counts.bytes;
    counts.end();
  }

  #largest(): ColumnValueCounts {
    return this.#columns.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  }
}

class ColumnValueCounts {
  #countByKey = new Map<string, number>();
  /** The values that were the most frequent when counting ended: their own counts go on. */
  #leaders: KeyCount[] | undefined;
  distinctCount = 0;
  /** Memory that the counts take; 0 after they ended. */
  bytes = 0;

  /** Counts the key of a value. `grownBytes` is by how much that made `bytes` grow. */
  add(key: string): { seenBefore: boolean; grownBytes: number } {
    if (this.#leaders) {
      // Not a map: V8 makes every string unique that is looked up in one, which costs 2 µs for each of millions of values.
      const leader = this.#leaders.find(([leading]) => leading === key);
      if (leader) leader[1] += 1;
      return { seenBefore: leader !== undefined, grownBytes: 0 };
    }
    const count = this.#countByKey.get(key);
    this.#countByKey.set(key, (count ?? 0) + 1);
    if (count !== undefined) return { seenBefore: true, grownBytes: 0 };
    const grownBytes = MAP_ENTRY_BYTES + 2 * key.length;
    this.bytes += grownBytes;
    this.distinctCount += 1;
    return { seenBefore: false, grownBytes };
  }

  /** Frees the counts of all values but the most frequent. */
  end(): void {
    this.#leaders ??= mostFrequentOf(this.#countByKey);
    this.#countByKey = new Map();
    this.bytes = 0;
  }

  facts(): CountedFacts {
    const mostFrequent = mostFrequentOf(this.#leaders ?? this.#countByKey).map(([key, count]) => ({
      value: shownValueFromKey(key),
      count,
    }));
    const { distinctCount } = this;
    if (!this.#leaders) return { distinctCount, mostFrequent };
    return { distinctCount, distinctCountIsMinimum: true, mostFrequent, mostFrequentIsPartial: true };
  }
}

type KeyCount = [key: string, count: number];

/** The first five by descending count, then by ascending value. One pass; sorts five. */
function mostFrequentOf(counts: Iterable<KeyCount>): KeyCount[] {
  const first: KeyCount[] = [];
  for (const entry of counts) {
    const last = first.at(MAX_MOST_FREQUENT_VALUES - 1);
    if (last !== undefined && compareByFrequency(last, entry) <= 0) continue;
    first.splice(MAX_MOST_FREQUENT_VALUES - 1, 1, entry);
    first.sort(compareByFrequency);
  }
  return first;
}

function compareByFrequency([keyA, countA]: KeyCount, [keyB, countB]: KeyCount): number {
  return countB - countA || compareCodePoints(keyA, keyB);
}
