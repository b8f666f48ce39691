// The clock of a test: it stands still until the run passes time.

interface Timer {
  time: number;
  run: () => void;
}

export class TestClock {
  #now: number;
  readonly #timers = new Set<Timer>();

  constructor(startTime: number) {
    this.#now = startTime;
  }

  get now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { time: this.#now + Math.max(0, ms), run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next timer rings; undefined: no timer is set. */
  get nextTime(): number | undefined {
    return this.#first()?.time;
  }

  /** Passes time, and rings the first timer that is due by then, if there is one. */
  passTo(time: number): void {
    const first = this.#first();
    this.#now = Math.max(this.#now, time);
    if (!first || first.time > time) return;
    this.#timers.delete(first);
    first.run();
  }

  /** An invocation has ended, and its timers with it. */
  clear(): void {
    this.#timers.clear();
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (!first || timer.time < first.time) first = timer;
    return first;
  }
}
