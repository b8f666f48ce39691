// Whether a run is to stop, and why: its handler's AbortSignal, which is made when the handler first asks for it.

export class RunSignal {
  /** undefined: nothing has asked it to stop. */
  reason: unknown;
  #controller: AbortController | undefined;
  readonly #listeners: (() => void)[] = [];

  get aborted(): boolean {
    return this.reason !== undefined;
  }

  get abortSignal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  /** The library's own listeners come before the handler's. */
  onAbort(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The first reason counts. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
    this.#controller?.abort(reason);
  }
}
