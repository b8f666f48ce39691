// Every state × every event: the double loop over the lifecycle table.
import { describe, expect, test } from "vitest";
import { nextDueTime } from "../../../src/lifecycle/due";
import type { OperationEvent } from "../../../src/lifecycle/event";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { type State, type Transition, isFinal, lifecycle, nextState } from "../../../src/lifecycle/state";
import { step } from "../../../src/lifecycle/step";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { deepFreeze } from "../../support/deep-freeze";
import { everyEvent, everyEventIn } from "../../support/every-event";
import { happens } from "../../support/happens";

const eventTypes = Object.keys(everyEvent) as OperationEvent["type"][];

function eventsOn(record: OperationRecord, fence = record.fence ?? ""): OperationEvent[] {
  const now = timeIn(record);
  return everyEventIn({ fence, newFence: "new", now, random: 0.5, revision: record.revision });
}

/** Just before anything is due: only the event itself is at work. */
function timeIn(record: OperationRecord): number {
  return Math.min(nextDueTime(record) ?? Infinity, record.deadline) - 1;
}

/** What the table says of an event; undefined where it says nothing by itself. */
function isAllowed(record: OperationRecord, event: OperationEvent): boolean | undefined {
  if (event.type === "claim") return nextState(record.state, "claim") !== undefined;
  if ("fence" in event) return "report" in lifecycle[record.state];
  if (event.type === "effectDone" || event.type === "effectFailed") return record.outbox[event.effect] !== undefined;
  // Nothing is counted where nothing is emulated.
  if (event.type === "poll") return false;
  if (event.type === "delete" || event.type === "setPolicy" || event.type === "timePasses") return true;
  // A freed slot brings the queue message back.
  const transition: Transition = event.type === "slotFreed" ? "resend" : event.type;
  return nextState(record.state, transition) !== undefined;
}

/** States that the table leads to from this one, by one transition or more, itself included. */
function reachable(from: State): Set<State> {
  const seen = new Set([from]);
  for (const state of seen) for (const next of Object.values(lifecycle[state]) as State[]) seen.add(next);
  return seen;
}

function checkNext(record: OperationRecord, next: OperationRecord): void {
  expect(reachable(record.state)).toContain(next.state);
  expect(next.revision).toBeGreaterThanOrEqual(record.revision);
  expect(next.outcome !== undefined).toBe(isFinal(next.state));
  const { state, outcome } = isFinal(record.state) ? record : next;
  expect([next.state, next.outcome]).toEqual([state, outcome]);
}

describe.each(recordStates)("in %s", (state) => {
  test.each(eventTypes)("%s does what the table says, or changes nothing", (type) => {
    const record = deepFreeze(aRecordIn(state));
    const before = JSON.stringify(record);
    for (const event of eventsOn(record).filter((candidate) => candidate.type === type)) {
      const result = step(record, deepFreeze(event), timeIn(record));

      expect(JSON.stringify(record)).toBe(before);
      expect(result.ok).toBe(isAllowed(record, event));
      if (result.ok) checkNext(record, result.record);
    }
  });

  test("a runner whose token is not the current one changes nothing", () => {
    const record = deepFreeze(aRecordIn(state));
    const fenced = eventsOn(record, "stale").filter((event) => "fence" in event && event.type !== "claim");

    expect(fenced).not.toEqual([]);
    for (const event of fenced) {
      expect(step(record, event, timeIn(record))).toEqual({ ok: false, refusal: "FENCED" });
    }
  });

  test("a deleted operation cannot be seen, cancelled, updated or deleted, and goes on", () => {
    const now = timeIn(aRecordIn(state));
    const deleted = happens(aRecordIn(state), { type: "delete" }, now).record;
    for (const type of ["delete", "cancel", "update"] as const) {
      for (const event of eventsOn(deleted).filter((candidate) => candidate.type === type)) {
        expect(step(deepFreeze(deleted), event, now)).toEqual({ ok: false, refusal: "GONE" });
      }
    }
    expect(deleted).toMatchObject({ state, deleteTime: now });
  });
});
