import { describe, expect, test } from "vitest";
import { holdsSlot, isClaimable } from "../../../src/lifecycle/slots";
import { type State, isExternal, isFinal } from "../../../src/lifecycle/state";
import { aRecordIn, recordStates } from "../../support/a-record-in";

const slots = { runSlot: { key: "run", limit: 1 }, callerSlot: { key: "caller", limit: 1 } };
const inState = (state: State) => ({ ...aRecordIn(state), ...slots });

describe.each(recordStates)("an operation that is %s", (state) => {
  test("holds its run slot while a runner has a lease, and its caller's until the end", () => {
    expect(holdsSlot(inState(state), "run")).toBe(state === "RUNNING" || state === "CANCELLING");
    expect(holdsSlot(inState(state), "caller")).toBe(!isFinal(state));
    expect(holdsSlot(inState(state), "another")).toBe(false);
  });

  test("keeps its caller's slot when it is deleted, unless another system does the work", () => {
    const deleted = { ...inState(state), deleteTime: 1 };

    expect(holdsSlot(deleted, "caller")).toBe(!isFinal(state) && !isExternal(state));
  });

  test("can be claimed only while it is queued", () => {
    expect(isClaimable(aRecordIn(state))).toBe(state === "QUEUED");
  });
});
