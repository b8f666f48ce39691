// Failures of steps that a handler received. A replay within the attempt delivers the same failures.
import { MAX_STORED_ERRORS_CHARACTERS } from "../limits";
import type { StepFailure } from "../lifecycle/record";
import { storedFromThrown, thrownFromStored } from "./step-failure";

export interface FailedStep {
  name: string;
  thrown: unknown;
}

export class Failures {
  readonly #stored: ReadonlyMap<string, StepFailure>;
  readonly #new: { name: string; order: number; thrown: unknown }[] = [];
  readonly #unlogged: FailedStep[] = [];
  #characters: number;

  constructor(stored: readonly StepFailure[]) {
    this.#stored = new Map(stored.map((failure) => [failure.name, failure]));
    this.#characters = JSON.stringify(stored).length;
  }

  get(name: string): { order: number; thrown: unknown } | undefined {
    const stored = this.#stored.get(name);
    return stored && { order: stored.order, thrown: thrownFromStored(stored.error) };
  }

  add(name: string, order: number, thrown: unknown): void {
    this.#new.push({ name, order, thrown });
    this.#unlogged.push({ name, thrown });
  }

  /** The failures of this invocation that are not in the log yet. */
  takeUnlogged(): FailedStep[] {
    return this.#unlogged.splice(0);
  }

  /** The failures that are not stored yet. */
  take(): StepFailure[] {
    return this.#new.splice(0).map(({ name, order, thrown }) => {
      const isShort = this.#characters > MAX_STORED_ERRORS_CHARACTERS;
      const failure: StepFailure = { name, order, error: storedFromThrown(thrown, { isShort }) };
      this.#characters += JSON.stringify(failure).length;
      return failure;
    });
  }
}
