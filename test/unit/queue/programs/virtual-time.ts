// Virtual time: what happens next, each event to the end of all that it sets off.

export class VirtualTime {
  now: number;
  events = 0;
  #order = 0;
  #turns = 0;
  readonly #queue: { time: number; order: number; run: () => void }[] = [];

  constructor(now: number) {
    this.now = now;
  }

  /** Runs something later; the function that it returns calls it off. */
  after(ms: number, run: () => void): () => void {
    this.#order += 1;
    const event = { time: this.now + ms, order: this.#order, run };
    let index = this.#queue.length;
    while (index > 0 && this.#queue[index - 1]!.time > event.time) index -= 1;
    this.#queue.splice(index, 0, event);
    return () => {
      const at = this.#queue.indexOf(event);
      if (at >= 0) this.#queue.splice(at, 1);
    };
  }

  /** Resolves when every promise that can go on has gone on. */
  turn(): Promise<void> {
    this.#turns += 1;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#turns -= 1;
        resolve();
      });
    });
  }

  /** Lets everything happen until something is so. */
  async runUntil(isReached: () => boolean, maxEvents: number): Promise<void> {
    await this.#drain();
    while (!isReached()) {
      const next = this.#queue.shift();
      if (!next || this.events === maxEvents)
        throw new Error(next ? "it goes round in circles" : "nothing happens any more");
      this.events += 1;
      this.now = Math.max(this.now, next.time);
      next.run();
      await this.#drain();
    }
  }

  async #drain(): Promise<void> {
    do {
      await new Promise<void>((resolve) => void setImmediate(resolve));
    } while (this.#turns > 0);
  }
}
