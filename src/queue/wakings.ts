// Waits of a handler that end by time or from outside: sleeps, answers, and rests before the next try of a step.
import type { Sleep } from "../lifecycle/record";
import type { AnswerWait } from "./answer-wait";
import { Timer } from "./timer";

/** The time at which resting work continues. `ordinal`: of the sleep; -1 if it has a name, and for a step's next try. */
export type Wake = Pick<Sleep, "ordinal" | "wakeTime">;

/** A call whose promise wakes: a sleep, or a wait for an answer. */
export type Waking = Timer | AnswerWait;

/** A step that waits for its next try. */
interface StepRest {
  retryTime: number;
  begin: () => void;
}

export class Wakings {
  readonly #timers = new Set<Timer>();
  readonly #waits = new Set<AnswerWait>();
  readonly #rests = new Set<StepRest>();

  /** Timers that have not woken, awaited or not. */
  get timers(): Iterable<Timer> {
    return this.#timers;
  }

  get awaitedWaits(): AnswerWait[] {
    return [...this.#waits].filter(({ isAwaited }) => isAwaited);
  }

  get isAnyTimerToBeStored(): boolean {
    return [...this.#timers].some((timer) => timer.isNew && timer.isAwaited);
  }

  add(waking: Waking): void {
    if (waking instanceof Timer) this.#timers.add(waking);
    else this.#waits.add(waking);
  }

  addRest(rest: StepRest): void {
    this.#rests.add(rest);
  }

  remove(waking: Waking): void {
    if (waking instanceof Timer) this.#timers.delete(waking);
    else this.#waits.delete(waking);
  }

  clear(): void {
    for (const all of [this.#timers, this.#waits, this.#rests]) all.clear();
  }

  /** The first one that the handler was given before, and awaits again, ahead of the place `order`. */
  nextStored(order = Infinity): Waking | undefined {
    let next: Waking | undefined;
    for (const waking of [...this.#timers, ...this.#waits]) {
      if (waking.isAwaited && (waking.order ?? Infinity) < (next?.order ?? order)) next = waking;
    }
    return next;
  }

  /** Removes the ones that are over and awaited, and gives them in the order in which they were over. */
  takeDue(now: number): Waking[] {
    const timers = [...this.#timers].filter((timer) => timer.isAwaited && timer.isDue(now));
    const waits = [...this.#waits].filter((wait) => wait.isAwaited && wait.isOver);
    const due = [...timers, ...waits];
    for (const over of due) this.remove(over);
    return due.toSorted((a, b) => a.endTime - b.endTime || a.endNumber - b.endNumber);
  }

  /** Removes the steps whose next try may begin. */
  takeRested(now: number): StepRest[] {
    const rested = [...this.#rests].filter(({ retryTime }) => retryTime <= now);
    for (const rest of rested) this.#rests.delete(rest);
    return rested;
  }

  /** The earliest end of an awaited sleep, or of a step's rest. */
  earliest(): Wake | undefined {
    const sleeps = [...this.#timers].filter(({ isAwaited }) => isAwaited).map(({ sleep }): Wake => sleep);
    const rests = [...this.#rests].map(({ retryTime }): Wake => ({ ordinal: -1, wakeTime: retryTime }));
    let earliest: Wake | undefined;
    for (const wake of [...sleeps, ...rests]) if (wake.wakeTime < (earliest?.wakeTime ?? Infinity)) earliest = wake;
    return earliest;
  }

  /** A time has passed by the process's timer, whose clock is not Date's. */
  ring(wakeTime: number): void {
    for (const timer of this.#timers) if (timer.sleep.wakeTime <= wakeTime) timer.ring();
    for (const rest of this.#rests) if (rest.retryTime <= wakeTime) rest.retryTime = -Infinity;
  }
}
