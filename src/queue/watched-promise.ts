// A promise that tells whether anything waits for it.

/**
 * A promise that tells when something is chained to it. `await` and `Promise.race` call `then` of a promise that is no plain
 * Promise, a turn of the microtasks later.
 */
class WatchedPromise<T> extends Promise<T> {
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  readonly #onChained: () => void;

  constructor(promise: Promise<T>, onChained: () => void) {
    super((resolve, reject) => void promise.then(resolve, reject));
    this.#onChained = onChained;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#onChained();
    return super.then(onFulfilled, onRejected);
  }
}

/** One thing that a handler waits for: a promise that stays pending until it is settled, and knows whether it is awaited. */
export class HandlerWait<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  #isAwaited = false;

  /** `onAwaited`: something is chained to the promise for the first time. */
  constructor(onAwaited: () => void) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.resolve = resolve;
    this.reject = reject;
    this.promise = new WatchedPromise(promise, () => {
      if (this.#isAwaited) return;
      this.#isAwaited = true;
      onAwaited();
    });
  }

  /** Whether anything was ever chained to the promise. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }
}
