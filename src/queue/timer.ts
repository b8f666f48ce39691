// One sleep of a handler: a promise that stays pending until it is woken, and knows whether anything waits for it.
import type { Sleep } from "../lifecycle/record";

export class Timer {
  sleep: Sleep;
  /** Set by this invocation, and not stored yet. */
  isNew: boolean;
  readonly promise: Promise<void>;
  readonly #wasDueWhenSet: boolean;
  readonly #resolve: () => void;
  #isAwaited = false;
  #hasRung = false;

  constructor(sleep: Sleep, options: { isNew: boolean; setTime: number; onAwaited: () => void }) {
    this.sleep = sleep;
    this.isNew = options.isNew;
    this.#wasDueWhenSet = sleep.wakeTime <= options.setTime;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resolve = resolve;
    this.promise = new WatchedPromise(promise, () => {
      if (this.#isAwaited) return;
      this.#isAwaited = true;
      options.onAwaited();
    });
  }

  /** Whether anything was ever chained to the promise. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** Set to a time that had passed: there is nothing to store. */
  get tookNoTime(): boolean {
    return this.isNew && this.#wasDueWhenSet;
  }

  /** The time that it was to wait has passed by the process's timer, whose clock is not Date's. */
  ring(): void {
    this.#hasRung = true;
  }

  isDue(now: number): boolean {
    return this.#hasRung || this.sleep.wakeTime <= now;
  }

  wake(): void {
    this.#resolve();
  }
}

/**
 * A promise that tells when something is chained to it. `await` and `Promise.race` call `then` of a promise that is no plain
 * Promise, a turn of the microtasks later.
 */
class WatchedPromise extends Promise<void> {
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #onChained: () => void;

  constructor(promise: Promise<void>, onChained: () => void) {
    super((resolve) => void promise.then(resolve));
    this.#onChained = onChained;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = void, B = never>(
    onFulfilled?: ((value: void) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onChained();
    return super.then(onFulfilled, onRejected);
  }
}
