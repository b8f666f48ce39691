// Space-Saving (Metwally et al., 2005): the frequent ones among more values than can be counted, with a bounded number of
// counters. Counters are freed in batches, half of them or more at a time, which needs no heap and keeps the guarantee.

interface Counter {
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
  #counters = new Map<string, Counter>();
  #floor = 0;

  /** Starts from exact counts. */
  constructor(capacity: number, counts: ReadonlyMap<string, number>) {
    this.#capacity = capacity;
    for (const [value, count] of counts) this.#counters.set(value, { upper: count, seen: count });
    if (this.#counters.size > 2 * capacity) this.#free();
  }

  add(value: string): void {
    const counter = this.#counters.get(value);
    if (counter !== undefined) {
      counter.upper++;
      counter.seen++;
      return;
    }
    if (this.#counters.size >= 2 * this.#capacity) this.#free();
    this.#counters.set(value, { upper: this.#floor + 1, seen: 1 });
  }

  /** The watched values and, for each, a count that is at most its occurrences. */
  *lowerBounds(): Generator<[value: string, count: number], void, undefined> {
    for (const [value, { seen }] of this.#counters) yield [value, seen];
  }

  /** The most that a value not among `lowerBounds` can have occurred. */
  get floor(): number {
    return this.#floor;
  }

  /** Drops the values that are not above the (capacity + 1)-th highest bound: at most `capacity` stay. */
  #free(): void {
    const bounds = Float64Array.from(this.#counters.values(), (counter) => counter.upper).sort();
    this.#floor = bounds[bounds.length - 1 - this.#capacity] as number;
    const watched = this.#counters;
    this.#counters = new Map();
    for (const [value, counter] of watched) {
      if (counter.upper > this.#floor) this.#counters.set(value, counter);
    }
  }
}
