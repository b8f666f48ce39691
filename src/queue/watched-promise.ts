// A promise that tells whether anything waits for it.

/**
 * A promise that tells when something is chained to it. `await` and `Promise.race` call `then` of a promise that is no plain
 * Promise, a turn of the microtasks later.
 */
export class WatchedPromise<T> extends Promise<T> {
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
