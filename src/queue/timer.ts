// One sleep of a handler: a promise that stays pending until it is woken, and knows whether anything waits for it.
import type { Sleep } from "../lifecycle/record";
import { HandlerWait } from "./watched-promise";

export class Timer extends HandlerWait<void> {
  sleep: Sleep;
  /** Set by this invocation, and not stored yet. */
  isNew: boolean;
  readonly #wasDueWhenSet: boolean;
  #hasRung = false;

  constructor(sleep: Sleep, options: { isNew: boolean; setTime: number; onAwaited: () => void }) {
    super(options.onAwaited);
    this.sleep = sleep;
    this.isNew = options.isNew;
    this.#wasDueWhenSet = sleep.wakeTime <= options.setTime;
  }

  /** Its place among the outcomes that the handler was given, where it has one. */
  get order(): number | undefined {
    return this.sleep.order;
  }

  get endTime(): number {
    return this.sleep.wakeTime;
  }

  /** Of several that are over at the same time, timers come first. */
  readonly endNumber = 0;

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
    this.resolve();
  }
}
