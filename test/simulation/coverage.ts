// The states that the histories reached: a simulation that never reaches a state proves nothing about it.
import { transitionsTaken } from "./observed-state";

export type CoverageKind = "state" | "fault" | "history";

export class Coverage {
  readonly #counts = new Map<string, number>();

  count(kind: CoverageKind, what: string): void {
    this.add(`${kind}: ${what}`, 1);
  }

  add(key: string, count: number): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  toJSON(): Record<string, number> {
    const transitions = [...transitionsTaken].map(([key, count]) => [`transition: ${key}`, count] as const);
    return Object.fromEntries([...this.#counts, ...transitions].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}
