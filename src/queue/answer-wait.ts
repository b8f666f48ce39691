// One suspension that a handler waits for: a promise that stays pending until its outcome is delivered.
import { HandlerWait } from "./watched-promise";

/** The outcome of a suspension, and when it came. */
export interface AnswerOutcome {
  /** Milliseconds since 1970, by the clock of the operation's object. */
  time: number;
  /** Counts the outcomes of the operation: which of two came first. */
  number: number;
  /** Resolves or rejects the promise. */
  settle(this: void): void;
}

export class AnswerWait<T = unknown> extends HandlerWait<T> {
  readonly id: string;
  readonly #onOrder: (order: number) => void;
  #order: number | undefined;
  #outcome: AnswerOutcome | undefined;

  /** `order`: its place among the outcomes that the handler was given before. */
  constructor(
    id: string,
    options: { order: number | undefined; onAwaited: () => void; onOrder: (order: number) => void },
  ) {
    super(options.onAwaited);
    this.id = id;
    this.#order = options.order;
    this.#onOrder = options.onOrder;
  }

  get order(): number | undefined {
    return this.#order;
  }

  /** Its outcome is delivered as the one of this number, in each replay. */
  takesOrder(order: number): void {
    this.#order = order;
    this.#onOrder(order);
  }

  get isOver(): boolean {
    return this.#outcome !== undefined;
  }

  get endTime(): number {
    return this.#outcome?.time ?? Infinity;
  }

  get endNumber(): number {
    return this.#outcome?.number ?? Infinity;
  }

  isOverBy(outcome: AnswerOutcome): void {
    this.#outcome = outcome;
  }

  wake(): void {
    this.#outcome?.settle();
  }
}
