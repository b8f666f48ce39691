// The failed tries of steps that are retried: how many there were, and when the next one may begin.
import { UNSTORED_SLEEP_MS } from "../limits";
import type { StepTries } from "../lifecycle/record";

export class FailedTries {
  readonly #byStep: Map<string, StepTries>;
  readonly #new = new Map<string, { tries: StepTries; isLong: boolean }>();

  constructor(stored: readonly StepTries[]) {
    this.#byStep = new Map(stored.map((tries) => [tries.name, tries]));
  }

  /** The tries of a step that have failed. */
  count(name: string): number {
    return this.#byStep.get(name)?.failures ?? 0;
  }

  /** When the next try may begin; -Infinity for a first try. */
  retryTime(name: string): number {
    return this.#byStep.get(name)?.retryTime ?? -Infinity;
  }

  add(tries: StepTries, now: number): void {
    this.#byStep.set(tries.name, tries);
    this.#new.set(tries.name, { tries, isLong: tries.retryTime - now > UNSTORED_SLEEP_MS });
  }

  /** Whether there is one that takes longer to wait for than to store. */
  get hasUnsaved(): boolean {
    return [...this.#new.values()].some(({ isLong }) => isLong);
  }

  /** Those that are not stored yet. */
  take(): StepTries[] {
    const all = [...this.#new.values()].map(({ tries }) => tries);
    this.#new.clear();
    return all;
  }

  /** The step has its outcome, which is stored in their place. */
  forget(name: string): void {
    this.#new.delete(name);
  }
}
