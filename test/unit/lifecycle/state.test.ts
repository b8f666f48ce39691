import { describe, expect, test } from "vitest";
import { nextDueTime } from "../../../src/lifecycle/due";
import { type State, type Transition, isFinal, lifecycle, nextState } from "../../../src/lifecycle/state";
import { aRecordIn, recordStates } from "../../support/a-record-in";

const states = Object.keys(lifecycle) as State[];
const transitions = [...new Set(states.flatMap((state) => Object.keys(lifecycle[state])))] as Transition[];

function successors(state: State): State[] {
  return Object.values(lifecycle[state]);
}

/** Every state that can be come to from this one, itself included. */
function reachable(from: State): Set<State> {
  const seen = new Set([from]);
  for (const state of seen) for (const next of successors(state)) seen.add(next);
  return seen;
}

describe("the lifecycle table", () => {
  test.each(states.flatMap((state) => transitions.map((transition) => [state, transition] as const)))(
    "%s, %s: leads to a state of the table, or is rejected",
    (state, transition) => {
      const next = nextState(state, transition);

      expect(next === undefined ? "refused" : next).toSatisfy((to) => to === "refused" || states.includes(to as State));
    },
  );

  test("has the final states of google.longrunning: a response, an error, or a cancellation", () => {
    expect(states.filter(isFinal).sort()).toEqual(["CANCELLED", "FAILED", "SUCCEEDED"]);
  });

  test.each(states.filter(isFinal))("%s has no transitions", (state) => {
    expect(successors(state)).toEqual([]);
  });

  test("leads from NEW to every state, and from no state to NEW", () => {
    expect([...reachable("NEW")].sort()).toEqual([...states].sort());
    expect(states.flatMap(successors)).not.toContain("NEW");
  });

  test.each(states.filter((state) => !isFinal(state)))("leads from %s to an end", (state) => {
    expect([...reachable(state)].some(isFinal)).toBe(true);
  });

  test.each(recordStates.filter((state) => !isFinal(state)))(
    "%s can be cancelled, and ends at its deadline in one transition",
    (state) => {
      expect(nextState(state, "cancel")).toBeDefined();
      expect(nextState(state, "timeOut")).toSatisfy((to) => isFinal(to as State));
    },
  );
});

describe("a record", () => {
  test.each(recordStates)("can reach the state %s", (state) => {
    expect(aRecordIn(state).state).toBe(state);
  });

  test.each(recordStates.filter((state) => !isFinal(state)))(
    "is due at its deadline at the latest when it is %s",
    (state) => {
      const record = aRecordIn(state);

      expect(nextDueTime(record)).toBeLessThanOrEqual(record.deadline);
    },
  );
});
