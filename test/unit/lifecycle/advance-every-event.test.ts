// Every state × every event: the double loop over the lifecycle table.
import { describe, expect, test, vi } from "vitest";
import { dueTimes, nextDueTime } from "../../../src/lifecycle/due";
import type { OperationEvent } from "../../../src/lifecycle/event";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { type State, type Transition, isFinal, lifecycle } from "../../../src/lifecycle/state";
import { advance } from "../../../src/lifecycle/advance";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { Code } from "../../../src/rpc/code";
import { deepFreeze } from "../../support/deep-freeze";
import { anError, everyEvent, everyEventIn } from "../../support/every-event";
import { happens } from "../../support/happens";

/** The cells of the table that an event has led through, as `state transition`. */
const followed = vi.hoisted(() => new Set<string>());

vi.mock(import("../../../src/lifecycle/state"), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    nextState: (state, transition) => {
      followed.add(`${state} ${transition}`);
      return original.nextState(state, transition);
    },
  };
});

const states = Object.keys(lifecycle) as State[];
const eventTypes = Object.keys(everyEvent) as OperationEvent["type"][];

/** The transitions that an event may be; undefined where it leaves the state as it is, whatever the state. */
const transitionsOf: Record<OperationEvent["type"], readonly Transition[] | undefined> = {
  start: ["enqueue", "dispatch", "await", "succeedAtOnce", "failAtOnce"],
  claim: ["claim"],
  hold: ["hold"],
  slotFreed: ["resend"],
  progress: ["report"],
  keepAlive: ["report"],
  channelLost: ["report"],
  sleep: ["sleep"],
  suspend: ["suspend"],
  saveSuspensions: ["report"],
  resolve: ["resolve", "resume"],
  saveChildren: ["report"],
  childrenEnded: ["resume"],
  saveStep: ["report"],
  saveCheckpoint: ["report"],
  saveSleeps: ["report"],
  yield: ["yield", "backOff", "fail"],
  release: ["release"],
  succeed: ["succeed"],
  attemptFailed: ["backOff", "fail"],
  update: ["update", "complete", "completeInError"],
  setPolicy: undefined,
  noteRetry: undefined,
  poll: undefined,
  cancel: ["cancel", "cancelUnseen"],
  delete: undefined,
  timePasses: undefined,
  effectDone: undefined,
  effectFailed: undefined,
  webhooksTold: undefined,
};

function eventsOn(record: OperationRecord, now = timeIn(record), fence = record.lease?.fence ?? ""): OperationEvent[] {
  return everyEventIn({ fence, newFence: "new", now, random: 0.5, revision: record.revision });
}

/** Just before anything is due: only the event itself is at work. */
function timeIn(record: OperationRecord): number {
  return Math.min(nextDueTime(record) ?? Infinity, record.deadline) - 1;
}

/** Where the table lets an event lead. */
function targets({ state }: { state: State }, { type }: OperationEvent): State[] {
  const row: Partial<Record<Transition, State>> = lifecycle[state];
  // Nothing is hidden, and no time passes, before the start.
  const stays = state === "NEW" ? [] : [state];
  return transitionsOf[type]?.flatMap((transition) => row[transition] ?? []) ?? stays;
}

function isAllowed(record: OperationRecord, event: OperationEvent): boolean {
  if (event.type === "effectDone" || event.type === "effectFailed") return record.outbox[event.effect] !== undefined;
  // These operations have no webhooks.
  if (event.type === "webhooksTold") return false;
  // The record waits for an answer.
  if (event.type === "childrenEnded") return false;
  // Polls count only where they are emulated.
  if (event.type === "poll") return false;
  return targets(record, event).length > 0;
}

function checkNext(record: OperationRecord, event: OperationEvent, next: OperationRecord): void {
  expect(targets(record, event)).toContain(next.state);
  expect(next.revision).toBeGreaterThanOrEqual(record.revision);
  expect(next.outcome !== undefined).toBe(isFinal(next.state));
  expect(next.state === "CANCELLED").toBe(
    next.outcome !== undefined && "error" in next.outcome && next.outcome.error.code === Code.CANCELLED,
  );
  const { state, outcome } = isFinal(record.state) ? record : next;
  expect([next.state, next.outcome]).toEqual([state, outcome]);
}

describe.each(states)("in %s", (state) => {
  test.each(eventTypes)("%s follows the table, or changes nothing", (type) => {
    const record = deepFreeze(aRecordIn(state));
    const before = JSON.stringify(record);
    for (const event of eventsOn(record).filter((candidate) => candidate.type === type)) {
      const result = advance(record, deepFreeze(event), timeIn(record));

      expect(JSON.stringify(record)).toBe(before);
      expect(result.ok).toBe(isAllowed(record, event));
      if (result.ok) checkNext(record, event, result.record);
    }
  });

  test("a runner whose token is not the current one changes nothing", () => {
    const record = deepFreeze(aRecordIn(state));
    const fenced = eventsOn(record, timeIn(record), "stale").filter(
      (event) => "fence" in event && event.type !== "claim",
    );

    expect(fenced).not.toEqual([]);
    for (const event of fenced) {
      expect(advance(record, event, timeIn(record))).toEqual({ ok: false, refusal: "FENCED" });
    }
  });
});

describe.each(recordStates)("in %s", (state) => {
  test("a deleted operation cannot be read, cancelled, updated or deleted, and continues", () => {
    const now = timeIn(aRecordIn(state));
    const deleted = happens(aRecordIn(state), { type: "delete" }, now).record;
    for (const type of ["delete", "cancel", "update"] as const) {
      for (const event of eventsOn(deleted).filter((candidate) => candidate.type === type)) {
        expect(advance(deepFreeze(deleted), event, now)).toEqual({ ok: false, refusal: "GONE" });
      }
    }
    expect(deleted).toMatchObject({ state, deleteTime: now });
  });
});

/** A record of a state, and the variants of it in which an event takes another of its transitions. */
function variantsIn(state: State): OperationRecord[] {
  const record = aRecordIn(state);
  const poll = { poll: 1, error: anError };
  return [
    record,
    { ...record, emulation: { progress: [], polls: [poll], polled: 0 } },
    ...(state === "NEW" ? [{ ...record, scheduleTime: record.createTime + 86_400_000 }] : []),
    { ...record, dispatch: "direct" },
    ...(record.external ? [{ ...record, external: { ...record.external, hasOwnMetadata: true } }] : []),
  ];
}

/** Just before anything is due, and when each is. */
function timesIn(record: OperationRecord): number[] {
  return [timeIn(record), ...dueTimes(record).flatMap(([, timeOf]) => timeOf(record) ?? [])];
}

test("the table › has no cell that no event reaches", () => {
  followed.clear();
  for (const record of states.flatMap(variantsIn)) {
    for (const now of timesIn(record)) {
      for (const event of eventsOn(record, now)) advance(record, event, now, () => "direct");
    }
  }
  const cells = states.flatMap((state) => Object.keys(lifecycle[state]).map((transition) => `${state} ${transition}`));

  expect(cells.filter((cell) => !followed.has(cell))).toEqual([]);
});
