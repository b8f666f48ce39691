// Counts the values of each column: exactly as long as they fit in memory, then by HyperLogLog and Space-Saving.
import { HyperLogLog } from "./hyper-log-log";
import { keyFromValue } from "./kept-value";
import { mostFrequentOf } from "./most-frequent";
import { murmurHash32 } from "./murmur-hash";
import { SpaceSaving } from "./space-saving";
import {
  FREQUENT_COUNTERS_PER_TABLE,
  HYPERLOGLOG_PRECISION_BITS,
  MAP_ENTRY_BYTES,
  MAX_EXACT_VALUES_PER_COLUMN,
  MAX_EXACT_VALUES_PER_TABLE_BYTES,
  MAX_FREQUENT_COUNTERS_PER_COLUMN,
  MIN_FREQUENT_COUNTERS_PER_COLUMN,
} from "./table-limits";
import type { ColumnProfile } from "./table-profile";

/** The part of a column's profile that counts its values. */
export type CountedFacts = Pick<
  ColumnProfile,
  "distinctCount" | "distinctCountIsEstimate" | "mostFrequent" | "mostFrequentIsEstimate"
>;

/** Bounds of exact counting; smaller in tests. */
export interface ValueCountLimits {
  valuesPerColumn: number;
  bytesPerTable: number;
}

const defaultLimits: ValueCountLimits = {
  valuesPerColumn: MAX_EXACT_VALUES_PER_COLUMN,
  bytesPerTable: MAX_EXACT_VALUES_PER_TABLE_BYTES,
};

/** The values of all columns of one table, which share its memory. */
export class TableValueCounts {
  readonly #columns: ColumnValueCounts[];
  readonly #limits: ValueCountLimits;
  #exactBytes = 0;

  constructor(columnCount: number, limits: ValueCountLimits = defaultLimits) {
    const share = Math.floor(FREQUENT_COUNTERS_PER_TABLE / columnCount);
    const counters = Math.min(Math.max(share, MIN_FREQUENT_COUNTERS_PER_COLUMN), MAX_FREQUENT_COUNTERS_PER_COLUMN);
    this.#columns = Array.from({ length: columnCount }, () => new ColumnValueCounts(counters));
    this.#limits = limits;
  }

  /** Counts a value that is not empty. `seenBefore` is false where that is not known any more. */
  add(column: number, value: string): { seenBefore: boolean } {
    const counts = this.#at(column);
    const { seenBefore, grownBytes } = counts.add(keyFromValue(value));
    this.#exactBytes += grownBytes;
    if (counts.exactValues > this.#limits.valuesPerColumn) this.#estimate(counts);
    while (this.#exactBytes > this.#limits.bytesPerTable) this.#estimate(this.#largest());
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

  #estimate(counts: ColumnValueCounts): void {
    this.#exactBytes -= counts.exactBytes;
    counts.estimateFromNow();
  }

  #largest(): ColumnValueCounts {
    return this.#columns.reduce((a, b) => (b.exactBytes > a.exactBytes ? b : a));
  }
}

class ColumnValueCounts {
  readonly #counters: number;
  #exact: Map<string, number> | undefined = new Map();
  #sketch: { distinct: HyperLogLog; frequent: SpaceSaving } | undefined;
  #valueCount = 0;
  /** Memory that the exact counts take; 0 once there are none. */
  exactBytes = 0;

  constructor(counters: number) {
    this.#counters = counters;
  }

  get exactValues(): number {
    return this.#exact?.size ?? 0;
  }

  /** Counts the key of a value. `grownBytes` is by how much that made `exactBytes` grow. */
  add(key: string): { seenBefore: boolean; grownBytes: number } {
    this.#valueCount++;
    if (this.#exact === undefined) {
      const hash = murmurHash32(key);
      this.#sketch?.distinct.add(hash);
      this.#sketch?.frequent.add(key, hash);
      return { seenBefore: false, grownBytes: 0 };
    }
    const count = this.#exact.get(key);
    this.#exact.set(key, (count ?? 0) + 1);
    if (count !== undefined) return { seenBefore: true, grownBytes: 0 };
    const grownBytes = MAP_ENTRY_BYTES + 2 * key.length;
    this.exactBytes += grownBytes;
    return { seenBefore: false, grownBytes };
  }

  estimateFromNow(): void {
    if (this.#exact === undefined) return;
    const distinct = new HyperLogLog(HYPERLOGLOG_PRECISION_BITS);
    for (const key of this.#exact.keys()) distinct.add(murmurHash32(key));
    this.#sketch = { distinct, frequent: new SpaceSaving(this.#counters, this.#exact) };
    this.#exact = undefined;
    this.exactBytes = 0;
  }

  facts(): CountedFacts {
    if (this.#sketch === undefined) {
      return { distinctCount: this.exactValues, mostFrequent: mostFrequentOf(this.#exact ?? []) };
    }
    return {
      distinctCount: Math.min(this.#sketch.distinct.count(), this.#valueCount),
      distinctCountIsEstimate: true,
      mostFrequent: mostFrequentOf(this.#sketch.frequent.lowerBounds()),
      mostFrequentIsEstimate: true,
    };
  }
}
