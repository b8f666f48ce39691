// The rules of an operation's life, sentence by sentence. The quotes are from google/longrunning/operations.proto,
// AIP-151 or AIP-194, or this project's own contract.
import { describe, expect, test } from "vitest";
import {
  INDEX_PROGRESS_DELAY_MS,
  MAX_EFFECT_RETRY_MS,
  MAX_SNAPSHOT_RETRY_MS,
  MAX_IDLE_INVOCATIONS,
  MAX_PLATFORM_DEATHS,
  MAX_RESEND_MS,
  MAX_UNSAVED_REVISIONS,
  SLEEP_IN_PLACE_MS,
} from "../../../src/limits";
import { dueTransition, nextDueTime } from "../../../src/lifecycle/due";
import type { Effect, OperationEvent } from "../../../src/lifecycle/event";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { metadataAny } from "../../../src/contract/resource";
import { advance } from "../../../src/lifecycle/advance";
import type { JsonObject } from "../../../src/rpc/any";
import { CREATE_TIME, HOUR_MS, MINUTE_MS, aPolicy } from "../../support/an-operation";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { deepFreeze } from "../../support/deep-freeze";
import { aResponse, anError } from "../../support/every-event";
import { afterEvents, happens } from "../../support/happens";

const NOW = CREATE_TIME + 10_000;
const SECOND_MS = 1_000;

const claim: OperationEvent = { type: "claim", fence: "one" };
const cancel: OperationEvent = { type: "cancel" };
const remove: OperationEvent = { type: "delete" };
const succeed: OperationEvent = { type: "succeed", fence: "one", outcome: { response: aResponse } };
const timePasses: OperationEvent = { type: "timePasses", random: 0.5 };
const fails = (retryable: boolean, random = 0.5): OperationEvent => ({
  type: "attemptFailed",
  fence: "one",
  error: anError,
  retryable,
  random,
});

const running = (overrides: Parameters<typeof aRecord>[0] = {}): OperationRecord =>
  afterEvents(aRecord(overrides), [claim, NOW]);
const external = (heartbeatMs?: number, hasOwnMetadata = false): OperationRecord =>
  aRecord({ external: { hasOwnMetadata, ...(heartbeatMs === undefined ? {} : { heartbeatMs }) } });
const die = (record: OperationRecord, now: number): OperationRecord =>
  afterEvents(record, [claim, now], [timePasses, now + MINUTE_MS]);
const saveStep = (name: string): OperationEvent => ({
  type: "saveStep",
  fence: "one",
  step: { name, place: 0, bytes: 1, chunks: 1 },
});
const report = (percent: number): OperationEvent => ({
  type: "progress",
  fence: "one",
  progress: { metadata: { progressPercent: percent } },
});
const sends = (effects: Effect[]): Effect[] => effects.filter(({ type }) => type === "send");
const types = (effects: Effect[]): string[] => effects.map(({ type }) => type);
const metadataValue = (record: OperationRecord): JsonObject => metadataAny(record)["value"] as JsonObject;

describe("a claim", () => {
  test("gives the runner a lease under its token", () => {
    const record = running();

    expect(record).toMatchObject({
      state: "RUNNING",
      lease: { fence: "one", leaseEndTime: NOW + MINUTE_MS },
      startTime: NOW,
    });
  });

  test("is rejected the second time if a queue delivers its message twice", () => {
    expect(advance(running(), { type: "claim", fence: "two" }, NOW)).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
  });

  test("keeps the startTime of the first claim", () => {
    const again = afterEvents(running(), [fails(true, 0), NOW + 1], [timePasses, NOW + 1], [claim, NOW + 5_000]);

    expect(again).toMatchObject({ state: "RUNNING", startTime: NOW });
  });
});

// A cancellation needs no confirmation while no runner has the work.
describe("CancelOperation", () => {
  test.each(["QUEUED", "SLEEPING", "BACKING_OFF"] as const)("cancels an operation that is %s immediately", (state) => {
    const { record, effects } = happens(aRecordIn(state), cancel, NOW);

    expect(record).toMatchObject({ state: "CANCELLED", outcome: { error: { code: 1 } }, endTime: NOW });
    expect(metadataValue(record)).toMatchObject({ requestedCancellation: true });
    expect(types(effects)).toContain("notifyWaiters");
  });

  // "On a running operation it sets `requestedCancellation`, aborts the handler's signal …"
  test("tells the runner to stop, and waits at most the grace period", () => {
    const { record, effects } = happens(running(), cancel, NOW + 1);

    expect(record).toMatchObject({
      state: "CANCELLING",
      lease: { fence: "one" },
      cancellation: { graceEndTime: NOW + 1 + 30_000 },
    });
    expect(effects).toEqual([{ type: "tellRunner", message: "cancel" }]);
    expect(metadataValue(record)).toMatchObject({ requestedCancellation: true });
  });

  // "… and the operation ends with `error.code = 1`, or with its own result if the work finished first".
  test("does not replace a result that arrives first", () => {
    const record = afterEvents(running(), [cancel, NOW + 1], [succeed, NOW + 2]);

    expect(record).toMatchObject({ state: "SUCCEEDED", outcome: { response: aResponse } });
    expect(metadataValue(record)).toMatchObject({ requestedCancellation: true });
  });

  // "Nothing is retried after a cancel request."
  test.each<[string, OperationEvent]>([
    ["fails", fails(false)],
    ["fails in a way that would be retried", fails(true)],
    ["would sleep", { type: "sleep", fence: "one", ordinal: 0, wakeTime: NOW + HOUR_MS }],
    ["gives way", { type: "yield", fence: "one", invocationMs: 1, random: 0 }],
    ["is given back unrun", { type: "release", fence: "one", statusMessage: "x" }],
  ])("ends with CANCELLED if the work %s after it", (_, event) => {
    const record = afterEvents(running(), [cancel, NOW + 1], [event, NOW + 2]);

    expect(record).toMatchObject({ state: "CANCELLED", outcome: { error: { code: 1 } } });
    expect(record.wakeTime).toBeUndefined();
  });

  // "a handler that does not react is given up after the method's grace period (code 1, and the message says that
  // stopping was not confirmed)".
  test.each<[string, number]>([
    ["its grace period has passed", NOW + 1 + 30_000],
    ["its deadline has passed meanwhile", CREATE_TIME + HOUR_MS],
  ])("ends the operation without the runner's confirmation when %s", (_, now) => {
    const { record, effects } = happens(afterEvents(running(), [cancel, NOW + 1]), timePasses, now);

    expect(record).toMatchObject({ state: "CANCELLED", outcome: { error: { code: 1 } } });
    expect(JSON.stringify(record.outcome)).toContain("did not confirm");
    expect(effects).toContainEqual({ type: "tellRunner", message: "stop" });
  });

  test("ends the operation when the lease is lost", () => {
    const record = running({ policy: aPolicy({ graceMs: 10 * MINUTE_MS }) });
    const cancelled = afterEvents(record, [cancel, NOW + 1], [timePasses, NOW + MINUTE_MS]);

    expect(cancelled).toMatchObject({ state: "CANCELLED", outcome: { error: { code: 1 } } });
  });

  // "Repeating it changes nothing."
  test.each(["CANCELLING", "EXTERNAL_CANCELLING"] as const)("changes nothing when repeated in %s", (state) => {
    const record = aRecordIn(state);

    expect(advance(deepFreeze(record), cancel, NOW + 20_000)).toMatchObject({ ok: true, record, effects: [] });
  });

  // "Done: nothing changes."
  test.each(["SUCCEEDED", "FAILED", "CANCELLED"] as const)("is rejected if an operation is %s", (state) => {
    expect(advance(aRecordIn(state), cancel, NOW)).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
  });

  test("lasts at most the grace period, however often it is repeated", () => {
    const record = afterEvents(running(), [cancel, NOW], [cancel, NOW + 29_000]);

    expect(record.cancellation?.graceEndTime).toBe(NOW + 30_000);
  });
});

// "Delete never cancels. Deleting a running operation forgets it: the work goes on, its result is dropped, and nothing
// that arrives late brings it back."
describe("DeleteOperation", () => {
  test("keeps the runner's lease and does not stop the runner", () => {
    const { record, effects } = happens(running(), remove, NOW + 1);

    expect(record).toMatchObject({ state: "RUNNING", lease: { fence: "one", leaseEndTime: NOW + MINUTE_MS } });
    expect(types(effects)).toEqual(["index", "notifyWaiters"]);
  });

  test("drops the result of a deleted operation, and erases it once the index knows", () => {
    const deleted = happens(running(), remove, NOW + 1).record;
    const told = afterEvents(deleted, [{ type: "effectDone", effect: "index", revision: deleted.revision }, NOW + 2]);
    const { record, effects } = happens(told, succeed, NOW + 3);

    expect(record.outcome).toBeUndefined();
    expect(types(effects)).toContain("erase");
    expect(types(effects)).not.toContain("snapshot");
  });

  test("keeps an ended operation until the index has removed its row, and then erases it", () => {
    const ended = happens(afterEvents(running(), [remove, NOW + 1]), succeed, NOW + 3);
    const { revision } = ended.record;
    const told = happens(ended.record, { type: "effectDone", effect: "index", revision }, NOW + 4);

    expect(types(ended.effects)).not.toContain("erase");
    expect(types(told.effects)).toContain("erase");
  });

  test("retries, sleeps and fences a deleted operation like any other", () => {
    const deleted = afterEvents(running(), [remove, NOW + 1]);

    expect(afterEvents(deleted, [fails(true), NOW + 2])).toMatchObject({ state: "BACKING_OFF" });
    expect(advance(deleted, { ...succeed, fence: "two" }, NOW + 2)).toMatchObject({ refusal: "FENCED" });
  });

  test.each(recordStates)(
    "removes an operation that is %s from the index, and from KV if a snapshot may exist",
    (state) => {
      const { effects } = happens(aRecordIn(state), remove, NOW);

      expect(types(effects)).toContain("index");
      expect(types(effects).includes("snapshot")).toBe(["SUCCEEDED", "FAILED", "CANCELLED"].includes(state));
    },
  );

  test("sends the removal after a put that is under way, because the put's report is stale", () => {
    const done = afterEvents(running(), [succeed, NOW + 1]);
    const deleted = happens(done, remove, NOW + 2).record;
    const late = advance(deleted, { type: "effectDone", effect: "snapshot", revision: done.revision }, NOW + 3);

    expect(late).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
    expect(deleted.outbox.snapshot).toBeDefined();
  });
});

describe("the end", () => {
  test("tells waiters, index and KV, erases the data of the work, and revokes the token", () => {
    const { record, effects } = happens(running(), succeed, NOW + 1);

    expect(types(effects).sort()).toEqual(["eraseWork", "index", "notifyWaiters", "snapshot", "tellRunner"]);
    expect(record.lease).toBeUndefined();
    expect(record).toMatchObject({ endTime: NOW + 1, expireTime: NOW + 1 + aPolicy().retentionMs });
  });

  test("writes no snapshot if snapshots are off", () => {
    const { record, effects } = happens(running({ policy: aPolicy({ snapshot: false }) }), succeed, NOW + 1);

    expect(types(effects)).not.toContain("snapshot");
    expect(record.outbox.snapshot).toBeUndefined();
  });

  // "The first completion with the valid token wins; it carries the last progress."
  test("includes the last progress", () => {
    const last = { metadata: { progressPercent: 100 } };
    const record = afterEvents(running(), [{ ...succeed, progress: last }, NOW + 1]);

    expect(metadataValue(record)).toMatchObject({ progressPercent: 100 });
  });

  test("happens once", () => {
    const done = afterEvents(running(), [succeed, NOW + 1]);

    expect(advance(done, succeed, NOW + 2)).toEqual({ ok: false, refusal: "FENCED" });
  });

  test("sends nothing if there is no runner", () => {
    expect(types(happens(aRecord(), cancel, NOW).effects)).not.toContain("tellRunner");
  });
});

// "No operation stays `done: false` past its deadline plus 60 s."
describe("the deadline", () => {
  test.each(recordStates.filter((state) => !["SUCCEEDED", "FAILED", "CANCELLED"].includes(state)))(
    "ends an operation that is %s",
    (state) => {
      const { record } = happens(aRecordIn(state), timePasses, CREATE_TIME + HOUR_MS);
      const code = aRecordIn(state).cancellation?.cancelRequestTime === undefined ? 4 : 1;

      expect(record).toMatchObject({ outcome: { error: { code } }, endTime: CREATE_TIME + HOUR_MS });
    },
  );

  test("passes exactly at its millisecond", () => {
    const deadline = CREATE_TIME + HOUR_MS;

    expect(happens(external(), timePasses, deadline - 1).record.state).toBe("EXTERNAL");
    expect(happens(external(), timePasses, deadline).record).toMatchObject({ state: "FAILED" });
  });

  test("has its duration in the message", () => {
    const { record } = happens(aRecord(), timePasses, CREATE_TIME + HOUR_MS);

    expect(JSON.stringify(record.outcome)).toContain("within 3600s of its creation");
  });

  test("precedes everything else that is due", () => {
    const { record, effects } = happens(running(), timePasses, CREATE_TIME + HOUR_MS);

    expect(record).toMatchObject({ state: "FAILED", attempt: { deaths: 0 }, outcome: { error: { code: 4 } } });
    expect(effects).toContainEqual({ type: "tellRunner", message: "stop" });
  });
});

// AIP-194: "Clients should automatically retry … with exponential backoff".
describe("a failed attempt", () => {
  test("backs off without its token if it may be retried", () => {
    const { record, effects } = happens(running(), fails(true, 0.5), NOW + 1);

    expect(record).toMatchObject({ state: "BACKING_OFF", attempt: { failures: 1 }, wakeTime: NOW + 1 + 500 });
    expect(record.lease).toBeUndefined();
    expect(effects).toContainEqual({ type: "tellRunner", message: "stop" });
  });

  test("is queued again when its wake time is reached", () => {
    const { record, effects } = happens(afterEvents(running(), [fails(true), NOW]), timePasses, NOW + 500);

    expect(record).toMatchObject({ state: "QUEUED", queueMessage: { resendTime: NOW + 500 + 30_000 } });
    expect(effects).toContainEqual({ type: "send" });
  });

  test("ends the operation with its exact Status if it may not be retried", () => {
    expect(afterEvents(running(), [fails(false), NOW])).toMatchObject({ state: "FAILED", outcome: { error: anError } });
  });

  // "given up after its last attempt: the last attempt's error".
  test("ends the operation with its error if it is the last one", () => {
    let record = aRecord({ policy: aPolicy({ maxAttempts: 3 }) });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect(record.state).toBe("QUEUED");
      record = afterEvents(record, [claim, NOW], [fails(true, 0), NOW], [timePasses, NOW]);
    }

    expect(record).toMatchObject({ state: "FAILED", attempt: { failures: 3 }, outcome: { error: anError } });
  });

  test("fails as timed out when it outlasts the limit of an attempt", () => {
    const record = running({ policy: aPolicy({ attemptTimeoutMs: 5_000, leaseMs: HOUR_MS }) });

    expect(happens(record, timePasses, NOW + 4_999).record.state).toBe("RUNNING");
    expect(happens(record, timePasses, NOW + 5_000).record).toMatchObject({
      state: "BACKING_OFF",
      attempt: { failures: 1 },
    });
  });

  test("does not count its sleeps towards its limit", () => {
    const record = running({ policy: aPolicy({ attemptTimeoutMs: 5_000 }) });
    const slept = afterEvents(
      record,
      [{ type: "sleep", fence: "one", ordinal: 0, wakeTime: NOW + MINUTE_MS }, NOW + 2_000],
      [timePasses, NOW + MINUTE_MS],
      [claim, NOW + MINUTE_MS],
    );

    expect(slept.lease?.attemptEndTime).toBe(NOW + MINUTE_MS + 3_000);
  });
});

// "Attempts that die with their platform (lost lease, no report) are bounded apart from failures that the handler
// reports."
describe("a lost lease", () => {
  test("is declared lost once keep-alives stop, and not before", () => {
    const kept = afterEvents(running(), [
      { type: "keepAlive", fence: "one", receivedTime: NOW + 50_000 },
      NOW + 60_000,
    ]);

    expect(happens(kept, timePasses, NOW + 109_999).record.state).toBe("RUNNING");
    expect(happens(kept, timePasses, NOW + 110_000).record).toMatchObject({ attempt: { deaths: 1, failures: 0 } });
  });

  test("is never shortened by an older keep-alive", () => {
    const record = afterEvents(running(), [{ type: "keepAlive", fence: "one", receivedTime: 0 }, NOW + 1]);

    expect(record.lease?.leaseEndTime).toBe(NOW + MINUTE_MS);
  });

  test("is shortened to ten seconds by the loss of its channel, once", () => {
    const lost: OperationEvent = { type: "channelLost", fence: "one" };
    const record = afterEvents(running(), [lost, NOW + SECOND_MS]);

    expect(record).toMatchObject({ lease: { channelLostTime: NOW + SECOND_MS, leaseEndTime: NOW + 11 * SECOND_MS } });
    expect(advance(record, lost, NOW + 2 * SECOND_MS)).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
    expect(happens(record, timePasses, NOW + 11 * SECOND_MS).record).toMatchObject({ attempt: { deaths: 1 } });
  });

  test("keeps ten seconds from the loss of its channel, although its stored end has passed", () => {
    const record = afterEvents(running(), [{ type: "channelLost", fence: "one" }, NOW + 70 * SECOND_MS]);

    expect(record.lease?.leaseEndTime).toBe(NOW + 80 * SECOND_MS);
  });

  test("is never extended by the loss of its channel", () => {
    const record = afterEvents(running({ policy: aPolicy({ leaseMs: 3_000 }) }), [
      { type: "channelLost", fence: "one" },
      NOW,
    ]);

    expect(record.lease?.leaseEndTime).toBe(NOW + 3_000);
  });

  test("is restored by a message of its runner through another channel", () => {
    const record = afterEvents(
      running(),
      [{ type: "channelLost", fence: "one" }, NOW],
      [{ type: "keepAlive", fence: "one", receivedTime: NOW + 5_000 }, NOW + 5_000],
    );

    expect(record).toMatchObject({ lease: { leaseEndTime: NOW + 5_000 + MINUTE_MS } });
    expect(record.lease?.channelLostTime).toBeUndefined();
  });

  test("clears the facts about its channel", () => {
    const record = afterEvents(running(), [{ type: "channelLost", fence: "one" }, NOW], [timePasses, NOW + MINUTE_MS]);

    expect(record.lease?.channelLostTime).toBeUndefined();
  });

  test("starts the next attempt at once after the first death, which is most likely the platform's", () => {
    const { record, effects } = happens(running(), timePasses, NOW + MINUTE_MS);

    expect(record).toMatchObject({ state: "QUEUED", attempt: { deaths: 1 } });
    expect(types(effects)).toContain("send");
  });

  test("ends the operation with a reason after too many in a row", () => {
    let record = aRecord({ deadline: CREATE_TIME + 24 * HOUR_MS });
    for (let death = 1; death <= MAX_PLATFORM_DEATHS; death += 1) {
      expect(record.state).not.toBe("FAILED");
      record = die(afterEvents(record, [timePasses, NOW + death * HOUR_MS]), NOW + death * HOUR_MS);
    }

    expect(record).toMatchObject({ state: "FAILED", attempt: { failures: 0 }, outcome: { error: { code: 13 } } });
    expect(JSON.stringify(record.outcome)).toContain("tables:profile");
  });

  test("is counted from zero once the work has stored something", () => {
    const saved: OperationEvent = { type: "saveCheckpoint", fence: "one", cursor: "1" };
    const record = afterEvents(die(aRecord(), NOW), [claim, NOW + 61_000], [saved, NOW + 62_000]);

    expect(record).toMatchObject({ attempt: { deaths: 1, platformDeaths: 0 } });
  });
});

describe("a change that may be lost with the object's memory", () => {
  const asleep: OperationEvent = {
    type: "sleep",
    fence: "one",
    ordinal: 0,
    wakeTime: NOW + 10 * MINUTE_MS,
    sleeps: [],
  };
  const reported = afterEvents(running(), [report(10), NOW]);
  const toldOf = ({ revision }: OperationRecord): OperationEvent => ({ type: "effectDone", effect: "index", revision });
  const mustSave = (record: OperationRecord, event: OperationEvent, now = NOW): boolean => {
    const result = advance(deepFreeze(record), event, now);
    if (!result.ok) throw new Error(result.refusal);
    return result.mustSave;
  };

  test.each<[string, OperationRecord, OperationEvent, number]>([
    ["a report", running(), report(10), NOW],
    ["a keep-alive", running(), { type: "keepAlive", fence: "one", receivedTime: NOW }, NOW],
    ["the index being told while a runner works", reported, toldOf(reported), NOW],
    ["work that wakes", afterEvents(running(), [asleep, NOW]), timePasses, NOW + 10 * MINUTE_MS],
    ["time in which the index is to be told", running(), timePasses, NOW + INDEX_PROGRESS_DELAY_MS],
  ])("is %s", (_, record, event, now) => {
    expect(mustSave(record, event, now)).toBe(false);
  });

  test("shares no revision with a later one", () => {
    const sleeping = afterEvents(running(), [asleep, NOW]);
    const woken = afterEvents(sleeping, [timePasses, NOW + 10 * MINUTE_MS]);
    // A crash has lost the wake, and the deadline has passed since.
    const ended = afterEvents(sleeping, [timePasses, NOW + 24 * HOUR_MS]);

    expect([woken.state, ended.state]).toEqual(["QUEUED", "FAILED"]);
    expect(ended.revision).toBeGreaterThan(woken.revision);
  });

  test.each<[string, OperationRecord, OperationEvent, number]>([
    ["a claim", aRecord(), claim, NOW],
    ["a sleep", running(), asleep, NOW],
    ["an end", running(), succeed, NOW],
    ["a lost channel", running(), { type: "channelLost", fence: "one" }, NOW],
    [
      "a channel that is given back",
      afterEvents(running(), [{ type: "channelLost", fence: "one" }, NOW]),
      { type: "keepAlive", fence: "one", receivedTime: NOW },
      NOW,
    ],
    ["the index being told of a queued operation", aRecord(), toldOf(aRecord()), NOW],
    ["a lost lease", running(), timePasses, NOW + MINUTE_MS],
    ["a passed deadline", running(), timePasses, NOW + 24 * HOUR_MS],
    ["a message that is sent again", aRecord(), timePasses, NOW + MINUTE_MS],
    ["a backoff that is over at once", running(), timePasses, NOW + MINUTE_MS],
  ])("is not %s", (_, record, event, now) => {
    expect(mustSave(record, event, now)).toBe(true);
  });

  test("never leads to a repeated revision, because the loss of a channel skips as many as may be lost", () => {
    const lost = afterEvents(running(), [{ type: "channelLost", fence: "one" }, NOW]);

    expect(lost.revision).toBe(running().revision + MAX_UNSAVED_REVISIONS);
  });
});

describe("a sleep that the index knows in advance", () => {
  const asleep = (toldRevision: number | undefined): OperationEvent => ({
    type: "sleep",
    fence: "one",
    ordinal: 0,
    wakeTime: NOW + 10 * MINUTE_MS,
    sleeps: [],
    toldRevision,
  });

  test("is not sent to the index again", () => {
    const { record } = happens(running(), asleep(running().revision + 1), NOW);

    expect(record.outbox.index).toBeUndefined();
    expect(nextDueTime(record)).toBe(NOW + 10 * MINUTE_MS);
  });

  test.each([
    ["of another revision", running().revision],
    ["in vain", undefined],
  ])("is sent to the index soon if the earlier message was %s", (_, toldRevision) => {
    const { record } = happens(running(), asleep(toldRevision), NOW);

    expect(record.outbox.index?.dueTime).toBeLessThanOrEqual(NOW + INDEX_PROGRESS_DELAY_MS);
  });
});

describe("a sleep for which the runner waits", () => {
  const saved = (wakeTime: number): OperationEvent => ({
    type: "saveSleeps",
    fence: "one",
    sleeps: [{ ordinal: 0, wakeTime, ms: 2_000, attempt: 1 }],
  });

  test("stores its wake time, and changes no visible field", () => {
    const { record, effects } = happens(running(), saved(NOW + 2_000), NOW);

    expect(record.work?.sleeps).toEqual([{ ordinal: 0, wakeTime: NOW + 2_000, ms: 2_000, attempt: 1 }]);
    expect(record).toMatchObject({ state: "RUNNING", revision: running().revision, attempt: { marks: 1 } });
    expect(effects).toEqual([]);
  });

  test("does not count as time of its attempt, however often the runner reports it", () => {
    const limited = aRecord({ policy: aPolicy({ attemptTimeoutMs: 10_000 }) });
    const record = afterEvents(
      limited,
      [claim, NOW],
      [saved(NOW + 3_000), NOW + 1_000],
      [saved(NOW + 3_000), NOW + 1_500],
    );

    expect(record.lease?.attemptEndTime).toBe(NOW + 12_000);
    expect(record.attempt.marks).toBe(1);
  });

  test("extends its attempt by at most the longest wait of a runner", () => {
    const limited = aRecord({ policy: aPolicy({ attemptTimeoutMs: 10_000 }) });
    const record = afterEvents(limited, [claim, NOW], [saved(NOW + HOUR_MS), NOW]);

    expect(record.lease?.attemptEndTime).toBe(NOW + 10_000 + SLEEP_IN_PLACE_MS);
  });

  test("ends with the operation when a client cancels", () => {
    const asleep: OperationEvent = { type: "sleep", fence: "one", ordinal: 0, wakeTime: NOW + 2_000, sleeps: [] };
    const record = afterEvents(running(), [saved(NOW + 2_000), NOW], [{ type: "cancel" }, NOW], [asleep, NOW + 10]);

    expect(record).toMatchObject({ state: "CANCELLED", endTime: NOW + 10 });
  });
});

describe("failed tries of a step", () => {
  const RETRY_TIME = NOW + 2_000;
  const tried = (name: string, failures: number, restsUntil?: number): OperationEvent => ({
    type: "saveSleeps",
    fence: "one",
    stepTries: [{ name, failures, retryTime: RETRY_TIME }],
    ...(restsUntil === undefined ? {} : { restsUntil }),
  });
  const step = (name: string): OperationEvent => ({
    type: "saveStep",
    fence: "one",
    step: { name, place: 0, bytes: 2, chunks: 1 },
  });

  test("are counted until the step has a result", () => {
    const record = afterEvents(running(), [tried("a", 1), NOW], [tried("b", 1), NOW], [tried("a", 2), NOW + 1]);

    expect(record.work?.stepTries).toEqual([
      { name: "b", failures: 1, retryTime: RETRY_TIME },
      { name: "a", failures: 2, retryTime: RETRY_TIME },
    ]);
    expect(afterEvents(record, [step("b"), NOW + 2]).work?.stepTries).toMatchObject([{ name: "a" }]);
    expect(afterEvents(record, [step("b"), NOW + 2], [step("a"), NOW + 3]).work?.stepTries).toBeUndefined();
  });

  test("are counted until the step has failed for good", () => {
    const failure = { name: "a", order: 1, error: { type: "value" as const } };
    const record = afterEvents(
      running(),
      [tried("a", 1), NOW],
      [{ type: "saveCheckpoint", fence: "one", cursor: "1", stepFailures: [failure] }, NOW + 1],
    );

    expect(record.work).toMatchObject({ stepFailures: [{ name: "a" }] });
    expect(record.work?.stepTries).toBeUndefined();
  });

  test("outlive an attempt that was lost, and no other", () => {
    const record = afterEvents(running(), [tried("a", 1), NOW]);
    const failed: OperationEvent = { type: "attemptFailed", fence: "one", error: anError, retryable: true, random: 0 };

    expect(afterEvents(record, [timePasses, NOW + MINUTE_MS]).work?.stepTries).toHaveLength(1);
    expect(afterEvents(record, [failed, NOW + 1]).work?.stepTries).toBeUndefined();
  });

  test("leave no empty part of the record behind, because storage keeps none", () => {
    const record = afterEvents(running(), [tried("a", 1), NOW]);
    const failed: OperationEvent = { type: "attemptFailed", fence: "one", error: anError, retryable: true, random: 0 };

    expect(afterEvents(record, [failed, NOW + 1]).work).toBeUndefined();
  });

  test("say why the operation sleeps", () => {
    const asleep: OperationEvent = { type: "sleep", fence: "one", ordinal: -1, wakeTime: RETRY_TIME, sleeps: [] };
    const record = afterEvents(running(), [tried("a", 1), NOW], [asleep, NOW + 1]);

    expect(record.statusMessage).toMatch(/^Waiting until .* to try a step again\.$/);
  });

  test("do not count as time of the attempt while nothing else is under way", () => {
    const limited = aRecord({ policy: aPolicy({ attemptTimeoutMs: 10_000 }) });
    const alone = afterEvents(
      limited,
      [claim, NOW],
      [tried("a", 1, RETRY_TIME), NOW],
      [tried("a", 1, RETRY_TIME), NOW],
    );
    const besides = afterEvents(limited, [claim, NOW], [tried("a", 1), NOW]);

    expect(alone.lease?.attemptEndTime).toBe(NOW + 12_000);
    expect(besides.lease?.attemptEndTime).toBe(NOW + 10_000);
  });
});

// "The alarm re-sends it (30 s) until it is claimed", doubling.
describe("a queue message that no runner claims", () => {
  test("is sent again after 30 s, and then after twice as long, up to a bound", () => {
    let record = aRecord({ deadline: CREATE_TIME + 24 * HOUR_MS });
    const waits: number[] = [];
    let before = CREATE_TIME;
    for (let count = 0; count < 8; count += 1) {
      const now = record.queueMessage!.resendTime;
      waits.push(now - before);
      before = now;
      const resent = happens(record, timePasses, now);
      expect(sends(resent.effects)).toHaveLength(1);
      record = resent.record;
    }

    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600].map((seconds) => seconds * SECOND_MS));
    expect(waits.at(-1)).toBe(MAX_RESEND_MS);
  });

  test("tells clients once that no consumer has claimed the work", () => {
    let record = aRecord({ deadline: CREATE_TIME + 24 * HOUR_MS });
    const messages: string[] = [];
    const revisions = new Set<number>();
    for (let count = 0; count < 5; count += 1) {
      ({ record } = happens(record, timePasses, record.queueMessage!.resendTime));
      messages.push(record.statusMessage);
      revisions.add(record.revision);
    }

    const unclaimed = "Queued. Its message was sent 3 times, and no consumer has claimed the work.";
    expect(messages).toEqual(["Queued.", unclaimed, unclaimed, unclaimed, unclaimed]);
    expect(revisions.size).toBe(2);
  });

  test("is sent once after a long pause, not once for each missed re-send", () => {
    expect(sends(happens(aRecord(), timePasses, CREATE_TIME + 50 * MINUTE_MS).effects)).toHaveLength(1);
  });

  test("starts again with the shortest delay after a claim", () => {
    const resent = afterEvents(aRecord(), [timePasses, CREATE_TIME + 30_000], [timePasses, CREATE_TIME + 90_000]);
    const queued = afterEvents(
      resent,
      [claim, NOW + 90_000],
      [fails(true, 0), NOW + 90_000],
      [timePasses, NOW + 90_000],
    );

    expect(queued).toMatchObject({ state: "QUEUED", queueMessage: { resendTime: NOW + 90_000 + 30_000 } });
    expect(queued.queueMessage?.resends).toBeUndefined();
  });
});

describe("a slot", () => {
  test("keeps the work queued while it is taken, and sets the status message once", () => {
    const held = happens(aRecord(), { type: "hold" }, NOW).record;
    const again = happens(held, { type: "hold" }, NOW + 1).record;

    expect(held).toMatchObject({ state: "QUEUED", statusMessage: expect.stringContaining("slot") as string });
    expect(held.queueMessage?.resendTime).toBeGreaterThan(NOW);
    expect(again.revision).toBe(held.revision);
  });

  test("re-sends the queue message at once when it is free", () => {
    const held = happens(aRecord(), { type: "hold" }, NOW).record;

    expect(happens(held, { type: "slotFreed" }, NOW + 1).effects).toEqual([{ type: "send" }]);
  });

  test("passes to the next operation when the waiting one ends", () => {
    const runSlot = { key: "run/a-method/projects/p", limit: 3 };
    const held = happens({ ...aRecord(), runSlot }, { type: "hold" }, NOW).record;
    const { record, effects } = happens(held, { type: "cancel" }, NOW + 1);

    expect(record.state).toBe("CANCELLED");
    expect(effects).toContainEqual({ type: "releaseSlot", slot: runSlot });
  });

  test("is released once, when the work that holds it ends", () => {
    const runSlot = { key: "run/a-method/projects/p", limit: 3 };
    const { effects } = happens({ ...running(), runSlot }, fails(false, 0), NOW + 1);

    expect(effects.filter(({ type }) => type === "releaseSlot")).toHaveLength(1);
  });
});

describe("a durable sleep", () => {
  const sleep: OperationEvent = { type: "sleep", fence: "one", ordinal: 0, wakeTime: NOW + MINUTE_MS };

  test("holds nothing: neither lease nor token", () => {
    const record = afterEvents(running(), [sleep, NOW + 1]);

    expect(record).toMatchObject({ state: "SLEEPING", work: { sleeps: [{ ordinal: 0, wakeTime: NOW + MINUTE_MS }] } });
    expect(record.lease).toBeUndefined();
  });

  test("ends at its wake time, and counts as no attempt", () => {
    const { record, effects } = happens(afterEvents(running(), [sleep, NOW + 1]), timePasses, NOW + MINUTE_MS);

    expect(record).toMatchObject({ state: "QUEUED", attempt: { failures: 0, deaths: 0 } });
    expect(types(effects)).toContain("send");
  });

  test("ends with the next alarm if its time has passed", () => {
    const record = afterEvents(running(), [{ ...sleep, wakeTime: NOW - 1 }, NOW]);

    expect(nextDueTime(record)).toBeLessThanOrEqual(NOW);
    expect(happens(record, timePasses, NOW).record.state).toBe("QUEUED");
  });
});

// "Two invocations in a row without a new step or checkpoint are a failed attempt, which says so."
describe("an invocation that yields", () => {
  const giveWay: OperationEvent = { type: "yield", fence: "one", invocationMs: 840_000, random: 0 };

  test("is followed by another one at once, in the same attempt", () => {
    const { record, effects } = happens(afterEvents(running(), [saveStep("a"), NOW]), giveWay, NOW);

    expect(record).toMatchObject({
      state: "QUEUED",
      attempt: { failures: 0, deaths: 0 },
      work: { steps: [{ name: "a" }] },
    });
    expect(types(effects)).toContain("send");
  });

  // The list is filtered by the state: `state = QUEUED`.
  test("is sent to the index with the next change within four seconds", () => {
    const known = { ...running(), outbox: {} };
    const yielded = happens(known, giveWay, NOW + 60_000).record;
    const claimed = afterEvents(yielded, [claim, NOW + 61_000]);
    const dueTime = NOW + 60_000 + INDEX_PROGRESS_DELAY_MS;

    expect(yielded).toMatchObject({ revision: known.revision + 1, outbox: { index: { dueTime } } });
    expect(yielded.statusMessage).toBe(known.statusMessage);
    expect(claimed).toMatchObject({ state: "RUNNING", outbox: { index: { dueTime } } });
  });

  test("fails the attempt with a reason when it is one of several in a row without progress", () => {
    let record = running();
    for (let count = 1; count < MAX_IDLE_INVOCATIONS; count += 1) {
      record = afterEvents(record, [giveWay, NOW], [claim, NOW]);
    }

    expect(afterEvents(record, [giveWay, NOW])).toMatchObject({ state: "BACKING_OFF", attempt: { failures: 1 } });
  });

  test("names the limit if it ends the operation", () => {
    let record = running({ policy: aPolicy({ maxAttempts: 1 }) });
    for (let count = 1; count < MAX_IDLE_INVOCATIONS; count += 1) {
      record = afterEvents(record, [giveWay, NOW], [claim, NOW]);
    }

    expect(afterEvents(record, [giveWay, NOW])).toMatchObject({
      state: "FAILED",
      outcome: { error: { code: 4, message: expect.stringContaining("840s per invocation") as string } },
    });
  });

  test("may repeat without end while it makes progress", () => {
    let record = running();
    for (let count = 0; count < 20; count += 1) {
      record = afterEvents(record, [saveStep(`step ${count}`), NOW], [giveWay, NOW], [claim, NOW]);
    }

    expect(record).toMatchObject({ state: "RUNNING", attempt: { failures: 0 } });
  });

  test("stores a step once, however often its runner sends it", () => {
    const record = afterEvents(running(), [saveStep("a"), NOW], [saveStep("a"), NOW]);

    expect(record.work?.steps).toHaveLength(1);
  });

  test("does not know the steps of a record that came out of it and was not kept", () => {
    const record = afterEvents(running(), [saveStep("a"), NOW]);
    const dropped = afterEvents(record, [saveStep("b"), NOW]);
    const kept = afterEvents(record, [saveStep("b"), NOW], [saveStep("b"), NOW]);

    expect(dropped.work?.steps).toHaveLength(2);
    expect(kept.work?.steps?.map(({ name }) => name)).toEqual(["a", "b"]);
  });
});

// "an operation whose method or version is gone stays queued, says so in `statusMessage` …, and ends at its deadline".
test("work without a deployed method returns to the queue, and the status message says so", () => {
  const release: OperationEvent = { type: "release", fence: "one", statusMessage: "Waiting for a deployment." };
  const { record, effects } = happens(running(), release, NOW + 1);

  expect(record).toMatchObject({
    state: "QUEUED",
    statusMessage: "Waiting for a deployment.",
    attempt: { failures: 0, deaths: 0 },
  });
  expect(record.queueMessage?.resendTime).toBeGreaterThan(NOW + 1);
  expect(types(effects)).not.toContain("send");
});

test("work without a deployed method is marked as such until it is claimed again", () => {
  const release: OperationEvent = { type: "release", fence: "one", statusMessage: "Waiting for a deployment." };
  const released = afterEvents(running(), [release, NOW + 1]);
  const sentAgain = afterEvents(released, [timePasses, released.queueMessage!.resendTime]);

  expect(released.queueMessage).toMatchObject({ undeployed: true, resends: 1 });
  expect(sentAgain.queueMessage).toMatchObject({ undeployed: true, resends: 2 });
  expect(afterEvents(sentAgain, [claim, NOW + 1]).queueMessage).toBeUndefined();
});

// "A missed heartbeat or a passed `ttl` ends it with DEADLINE_EXCEEDED."
describe("work done elsewhere", () => {
  const completion = { updateMask: "response", digest: "d" };
  const reports: OperationEvent = { type: "update", update: { metadata: { type: "acme", fields: { a: 1 } } } };

  test("is never queued", () => {
    expect(external()).toMatchObject({ state: "EXTERNAL", startTime: CREATE_TIME });
    expect(nextDueTime(external())).toBe(CREATE_TIME + HOUR_MS);
    expect(advance(external(), claim, NOW)).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
  });

  test("ends when its worker sends no report for the heartbeat time", () => {
    const record = afterEvents(external(20_000), [reports, CREATE_TIME + 15_000]);

    expect(happens(record, timePasses, CREATE_TIME + 34_999).record.state).toBe("EXTERNAL");
    expect(happens(record, timePasses, CREATE_TIME + 35_000).record).toMatchObject({ outcome: { error: { code: 4 } } });
  });

  test.each<[string, OperationEvent, object]>([
    [
      "a response",
      { type: "update", update: { outcome: { value: { response: aResponse }, completion } } },
      { state: "SUCCEEDED", outcome: { response: aResponse }, external: { completion } },
    ],
    [
      "an error",
      { type: "update", update: { outcome: { value: { error: anError }, completion } } },
      { state: "FAILED", outcome: { error: anError }, external: { completion } },
    ],
  ])("is completed by %s", (_, event, expected) => {
    expect(afterEvents(external(20_000), [event, NOW])).toMatchObject(expected);
  });

  // "Cancel sets `requestedCancellation` in default metadata and leaves it to its worker, for the grace period".
  test("stays with its worker for the grace period after a cancel request", () => {
    const record = afterEvents(external(), [cancel, NOW]);

    expect(record).toMatchObject({ state: "EXTERNAL_CANCELLING", cancellation: { graceEndTime: NOW + 30_000 } });
    expect(happens(record, timePasses, NOW + 30_000).record).toMatchObject({ outcome: { error: { code: 1 } } });
  });

  // "where the metadata is the worker's own …, it ends at once with code 1".
  test.each<[string, OperationRecord]>([
    ["was given in create", external(undefined, true)],
    ["was sent by PATCH", afterEvents(external(), [reports, NOW])],
  ])("ends at once after a cancel request if its metadata %s", (_, record) => {
    expect(afterEvents(record, [cancel, NOW])).toMatchObject({ state: "CANCELLED", outcome: { error: { code: 1 } } });
  });

  test("ends when its worker patches the metadata after the cancel request", () => {
    expect(afterEvents(external(), [cancel, NOW], [reports, NOW + 1])).toMatchObject({ state: "CANCELLED" });
  });
});

describe("the outbox", () => {
  test("sends progress to the index within its bound, not with each report", () => {
    const claimed = { ...running(), outbox: {} };
    const { record, effects } = happens(afterEvents(claimed, [report(1), NOW + 100]), report(2), NOW + 200);

    expect(effects).toEqual([]);
    expect(record.outbox.index?.dueTime).toBe(NOW + 100 + INDEX_PROGRESS_DELAY_MS);
  });

  test("keeps an entry whose effect told an older revision", () => {
    const record = running();
    const later = afterEvents(record, [{ type: "progress", fence: "one", progress: {} }, NOW + 1]);

    expect(advance(later, { type: "effectDone", effect: "index", revision: record.revision }, NOW + 2)).toEqual({
      ok: false,
      refusal: "NOT_ALLOWED",
    });
  });

  test("retries a failed effect without end, later each time up to a bound", () => {
    let record = afterEvents(running(), [succeed, NOW]);
    const waits: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      const now = record.outbox.index!.dueTime;
      const tried = happens(record, timePasses, now);
      expect(types(tried.effects)).toContain("index");
      record = afterEvents(tried.record, [{ type: "effectFailed", effect: "index" }, now]);
      waits.push(record.outbox.index!.dueTime - now);
    }

    expect(waits.slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
    expect(waits.at(-1)).toBe(MAX_EFFECT_RETRY_MS);
  });

  test("retries a snapshot later each time, up to a day, until the operation expires", () => {
    let record = afterEvents(running(), [succeed, NOW]);
    const { revision } = record;
    record = afterEvents(record, [{ type: "effectDone", effect: "index", revision }, NOW]);
    const waits: number[] = [];
    while (record.outbox.snapshot!.dueTime < record.expireTime!) {
      const now = record.outbox.snapshot!.dueTime;
      const tried = happens(record, timePasses, now);
      expect(types(tried.effects)).toContain("snapshot");
      record = afterEvents(tried.record, [{ type: "effectFailed", effect: "snapshot" }, now]);
      waits.push(record.outbox.snapshot!.dueTime - now);
    }

    expect(waits.slice(0, 3)).toEqual([10_000, 20_000, 40_000]);
    expect(waits.at(-1)).toBe(MAX_SNAPSHOT_RETRY_MS);
    expect(waits.length).toBeLessThan(50);
    expect(types(happens(record, timePasses, record.expireTime!).effects)).toContain("erase");
  });

  test("retries the removal of a snapshot soon, however often its put failed", () => {
    const done = afterEvents(running(), [succeed, NOW]);
    const entry = { dueTime: NOW + MAX_SNAPSHOT_RETRY_MS, failures: 20 };
    const failing = { ...done, outbox: { snapshot: entry } };
    const deleted = afterEvents(failing, [{ type: "delete" }, NOW + 1]);
    const failed = afterEvents(deleted, [{ type: "effectFailed", effect: "snapshot" }, NOW + 2]);

    expect(failed.outbox.snapshot!.dueTime - (NOW + 2)).toBe(10_000);
  });

  test("is empty, with nothing due, once all its targets have the end", () => {
    const done = afterEvents(running(), [succeed, NOW]);
    const { revision } = done;
    const told = afterEvents(
      done,
      [{ type: "effectDone", effect: "index", revision }, NOW],
      [{ type: "effectDone", effect: "snapshot", revision }, NOW],
    );

    expect(told.outbox).toEqual({});
    expect(nextDueTime(told)).toBeUndefined();
    expect(dueTransition(told, Infinity)).toBeUndefined();
  });
});

describe("expiry", () => {
  const done = afterEvents(running(), [succeed, NOW]);

  test("erases an ended operation when its retention has passed, and not before", () => {
    const expireTime = done.expireTime!;
    const told = happens(done, { type: "effectDone", effect: "index", revision: done.revision }, NOW + 2).record;

    expect(types(happens(told, timePasses, expireTime - 1).effects)).not.toContain("erase");
    expect(types(happens(told, timePasses, expireTime).effects)).toContain("erase");
  });

  test("waits for the index to know that a reserved operation was created, and not for KV", () => {
    const expireTime = done.expireTime!;
    const late = happens(done, timePasses, expireTime);
    const told = happens(late.record, { type: "effectDone", effect: "index", revision: done.revision }, expireTime + 1);

    expect(types(late.effects)).toEqual(["index", "snapshot"]);
    expect(told.record.outbox.snapshot).toBeDefined();
    expect(types(told.effects)).toContain("erase");
  });

  test("never applies to an operation that has not ended", () => {
    expect(running().expireTime).toBeUndefined();
  });
});

// A machine's clock may be set back.
test.each(recordStates)("a clock that goes backwards changes nothing in an operation that is %s", (state) => {
  const record = deepFreeze(aRecordIn(state));
  const result = advance(record, timePasses, CREATE_TIME - 24 * HOUR_MS);

  expect(result).toEqual({ ok: true, record, effects: [], mustSave: false, isStep: false });
});
