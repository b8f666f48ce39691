// The cache of an isolate, bounded in age and number. It holds no I/O, which no other request may wait for.

interface Entry<T> {
  value: T;
  time: number;
}

export class BoundedCache<T> {
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;

  constructor({ maxEntries, maxAgeMs = Infinity }: { maxEntries: number; maxAgeMs?: number }) {
    this.#maxEntries = maxEntries;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The value, unless it is too old by now; milliseconds since 1970. */
  get(key: string, now = 0): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry || now - entry.time >= this.#maxAgeMs) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  peek(key: string): Readonly<Entry<T>> | undefined {
    return this.#entries.get(key);
  }

  /** Stores a value of `time`. The least recently used is evicted if there are too many. */
  set(key: string, value: T, time = 0): void {
    this.#entries.delete(key);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size >= this.#maxEntries && !oldest.done) this.#entries.delete(oldest.value);
    this.#entries.set(key, { value, time });
  }
}
