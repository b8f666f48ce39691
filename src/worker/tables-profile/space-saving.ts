// Space-Saving (Metwally et al., 2005): the frequent ones among more values than can be counted, with a bounded number of
// counters. Counters are freed in batches, half of them or more at a time, which needs no heap and keeps the guarantee.
import { murmurHash32 } from "./murmur-hash";

interface Counter {
  value: string;
  /** At least the value's occurrences. */
  upper: number;
  /** Occurrences while it was watched: at most all of them. */
  seen: number;
}

/**
 * Watches up to twice `capacity` values. A value that is not watched has occurred at most `floor` times, and `floor` is at
 * most N/(capacity + 1) after N occurrences: a batch that raises it by d takes d from each of at least capacity + 1
 * counters, above what they inherited, and an occurrence adds 1 to one.
 */
export class SpaceSaving {
  readonly #capacity: number;
  /**
   * By `slotOf(value)`. Not by the value: V8 (14, in workerd) puts every string that is looked up in a map into its table
   * of unique strings, where millions that never come again cost 2 µs each.
   */
  #counters = new Map<number, Counter>();
  #floor = 0;

  /** Starts from exact counts. */
  constructor(capacity: number, counts: ReadonlyMap<string, number>) {
    this.#capacity = capacity;
    for (const [value, count] of counts) {
      this.#counters.set(this.#slotOf(value, murmurHash32(value)), { value, upper: count, seen: count });
    }
    if (this.#counters.size > 2 * capacity) this.#free();
  }

  /** Counts a value, given with its `murmurHash32`. */
  add(value: string, hash: number): void {
    const counter = this.#counters.get(this.#slotOf(value, hash));
    if (counter !== undefined) {
      counter.upper++;
      counter.seen++;
      return;
    }
    if (this.#counters.size >= 2 * this.#capacity) this.#free();
    this.#counters.set(this.#slotOf(value, hash), { value, upper: this.#floor + 1, seen: 1 });
  }

  /** The watched values and, for each, a count that is at most its occurrences. */
  *lowerBounds(): Generator<[value: string, count: number], void, undefined> {
    for (const { value, seen } of this.#counters.values()) yield [value, seen];
  }

  /** The most that a value not among `lowerBounds` can have occurred. */
  get floor(): number {
    return this.#floor;
  }

  /** The key of the value's counter, or of the one that it would get: the first from its hash on that no other value has. */
  #slotOf(value: string, hash: number): number {
    let slot = hash & SLOT_MASK;
    for (;;) {
      const counter = this.#counters.get(slot);
      if (counter === undefined || counter.value === value) return slot;
      slot = (slot + 1) & SLOT_MASK;
    }
  }

  /** Drops the values that are not above the (capacity + 1)-th highest bound: at most `capacity` stay. */
  #free(): void {
    const bounds = Float64Array.from(this.#counters.values(), (counter) => counter.upper).sort();
    this.#floor = bounds[bounds.length - 1 - this.#capacity] as number;
    const watched = this.#counters;
    this.#counters = new Map();
    for (const counter of watched.values()) {
      if (counter.upper <= this.#floor) continue;
      this.#counters.set(this.#slotOf(counter.value, murmurHash32(counter.value)), counter);
    }
  }
}

/** 30 bits: a small integer on every platform, of which a map's keys need no box. */
const SLOT_MASK = 0x3fffffff;
