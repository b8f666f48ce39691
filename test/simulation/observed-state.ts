// Stands for lifecycle/state.ts where the core moves along its table: counts which transitions were gone.
import { type State, type Transition, nextState as next } from "../../src/lifecycle/state";

export * from "../../src/lifecycle/state";

/** How often each transition was taken, as `FROM transition`. */
export const transitionsTaken = new Map<string, number>();

export function nextState(state: State, transition: Transition): State | undefined {
  const to = next(state, transition);
  if (to !== undefined) {
    const key = `${state} ${transition}`;
    transitionsTaken.set(key, (transitionsTaken.get(key) ?? 0) + 1);
  }
  return to;
}
