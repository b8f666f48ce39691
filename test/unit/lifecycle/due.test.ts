import { describe, expect, test } from "vitest";
import { dueTransition, isAnythingDue, nextDueTime } from "../../../src/lifecycle/due";
import { CREATE_TIME, HOUR_MS, MINUTE_MS } from "../../support/an-operation";
import { aRecord } from "../../support/a-record";
import { aRecordIn } from "../../support/a-record-in";

describe("dueTransition", () => {
  test("is undefined before its time", () => {
    expect(dueTransition(aRecord(), CREATE_TIME + 29_999)).toBeUndefined();
  });

  test("is due exactly at its millisecond", () => {
    expect(dueTransition(aRecord(), CREATE_TIME + 30_000)).toBe("resend");
    expect(dueTransition(aRecordIn("RUNNING"), CREATE_TIME + 1 + MINUTE_MS)).toBe("loseLease");
  });

  test("is the deadline before all others, because that is final", () => {
    expect(dueTransition(aRecord(), CREATE_TIME + HOUR_MS)).toBe("passDeadline");
  });

  test.each(["SUCCEEDED", "FAILED", "CANCELLED"] as const)("is undefined if an operation is %s", (state) => {
    expect(dueTransition(aRecordIn(state), Infinity)).toBeUndefined();
  });
});

describe("isAnythingDue", () => {
  test("is true from the time of a transition, of an outbox entry, or of the expiry", () => {
    const queued = { ...aRecord(), outbox: {} };
    const told = { ...queued, outbox: { index: { dueTime: CREATE_TIME + 5, failures: 0 } } };
    const { expireTime, ...done } = { ...aRecordIn("SUCCEEDED"), outbox: {} };

    expect([29_999, 30_000].map((ms) => isAnythingDue(queued, CREATE_TIME + ms))).toEqual([false, true]);
    expect([4, 5].map((ms) => isAnythingDue(told, CREATE_TIME + ms))).toEqual([false, true]);
    expect([-1, 0].map((ms) => isAnythingDue({ ...done, expireTime: expireTime! }, expireTime! + ms))).toEqual([
      false,
      true,
    ]);
    expect(isAnythingDue(done, Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

describe("nextDueTime", () => {
  test("is the earliest due time", () => {
    const outbox = {
      index: { dueTime: CREATE_TIME + 5, failures: 0 },
      snapshot: { dueTime: CREATE_TIME + 4, failures: 0 },
    };

    expect(nextDueTime({ ...aRecord(), outbox: {} })).toBe(CREATE_TIME + 30_000);
    expect(nextDueTime({ ...aRecord(), outbox })).toBe(CREATE_TIME + 4);
  });

  test("is the outbox's time after the end, and undefined once the outbox is empty", () => {
    const done = aRecordIn("SUCCEEDED");

    expect(nextDueTime(done)).toBe(Math.min(done.outbox.index!.dueTime, done.outbox.snapshot!.dueTime));
    expect(nextDueTime({ ...done, outbox: {} })).toBeUndefined();
  });
});
