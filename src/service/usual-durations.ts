// How long the operations of each method took lately, as an isolate has seen it: a hint for clients that poll.
import { BoundedCache } from "../bounded-cache";
import { MAX_OBSERVED_METHODS, OBSERVED_DURATION_WEIGHT } from "../limits";

export class UsualDurations {
  readonly #logMsByMethod = new BoundedCache<number>({ maxEntries: MAX_OBSERVED_METHODS });

  /** An operation of the method succeeded after so many milliseconds. */
  observe(method: string, tookMs: number): void {
    const logMs = Math.log(Math.max(1, tookMs));
    const before = this.#logMsByMethod.get(method);
    // A moving mean of the logarithm: one operation that took a thousand times as long moves it little.
    this.#logMsByMethod.set(
      method,
      before === undefined ? logMs : before + OBSERVED_DURATION_WEIGHT * (logMs - before),
    );
  }

  /** In milliseconds; undefined where none was seen. */
  of(method: string): number | undefined {
    const logMs = this.#logMsByMethod.get(method);
    return logMs === undefined ? undefined : Math.round(Math.exp(logMs));
  }
}
