// Suspensions in the record: what an answer, the end of a time, and the end of the operation make of them.
import { describe, expect, test } from "vitest";
import type { OperationEvent } from "../../../src/lifecycle/event";
import type { OperationRecord, SuspensionReport } from "../../../src/lifecycle/record";
import { advance } from "../../../src/lifecycle/advance";
import { nextDueTime } from "../../../src/lifecycle/due";
import { aRecord } from "../../support/a-record";
import { CREATE_TIME } from "../../support/an-operation";
import { afterEvents, happens } from "../../support/happens";

const NOW = CREATE_TIME + 1_000;
const EXPIRE_TIME = NOW + 60_000;

const claim: OperationEvent = { type: "claim", fence: "one" };
const report: SuspensionReport = { id: "approval", reached: { prompt: "May it?", expireTime: EXPIRE_TIME } };
const suspend: OperationEvent = {
  type: "suspend",
  fence: "one",
  waitsFor: { answersTo: ["approval"] },
  suspensions: [report],
};
const resolve = (payload: string, id = "approval"): OperationEvent => ({
  type: "resolve",
  id,
  payload,
  digest: `digest of ${payload}`,
  resolver: "user:bob@example.com",
});

const running = (): OperationRecord => afterEvents(aRecord(), [claim, NOW]);
const suspended = (): OperationRecord => afterEvents(running(), [suspend, NOW]);

function approvalOf(record: OperationRecord) {
  return record.suspensions?.find(({ id }) => id === "approval");
}

describe("an answer", () => {
  test("queues the work and clears its suspension", () => {
    const { record, effects } = happens(suspended(), resolve("true"), NOW + 1);

    expect(record).toMatchObject({ state: "QUEUED", pause: { resumes: true } });
    expect(record.suspension).toBeUndefined();
    expect(effects).toEqual([{ type: "send" }]);
    expect(approvalOf(record)?.resolution).toEqual({
      time: NOW + 1,
      number: 1,
      answer: { digest: "digest of true", payload: { json: "true" }, resolver: "user:bob@example.com" },
    });
  });

  test("changes no state if the work does not wait for it", () => {
    const { record, effects } = happens(suspended(), resolve("true", "other"), NOW + 1);

    expect(record).toMatchObject({ state: "SUSPENDED", suspension: { waitsFor: { answersTo: ["approval"] } } });
    expect(effects).toEqual([]);
    // Nothing that a client sees has changed.
    expect(record.revision).toBe(suspended().revision);
  });

  test("is sent to the active runner", () => {
    const shown = happens(running(), { type: "saveSuspensions", fence: "one", suspensions: [report] }, NOW).record;
    const { record, effects } = happens(shown, resolve("true"), NOW + 1);

    expect(record.state).toBe("RUNNING");
    expect(effects).toEqual([{ type: "tellAnswers", ids: ["approval"] }]);
  });

  test("resumes the work at once if it crossed the runner's message", () => {
    const { record, effects } = happens(happens(running(), resolve("true"), NOW).record, suspend, NOW + 1);

    expect(record.state).toBe("QUEUED");
    expect(effects.map(({ type }) => type)).toContain("send");
  });

  test("rejects a second answer, and one after the suspension's time", () => {
    const answered = happens(suspended(), resolve("true"), NOW + 1).record;
    const expired = happens(suspended(), { type: "timePasses", random: 0 }, EXPIRE_TIME).record;

    for (const record of [answered, expired])
      expect(advance(record, resolve("false"), EXPIRE_TIME)).toEqual({ ok: false, refusal: "NOT_ALLOWED" });
  });

  test("is dropped once, by the number under which the runner rejected it", () => {
    const refusal: OperationEvent = {
      type: "suspend",
      fence: "one",
      waitsFor: { answersTo: ["approval"] },
      suspensions: [{ ...report, refusedAnswer: 1 }],
    };
    const early = happens(running(), resolve("true"), NOW).record;
    const pending = happens(early, refusal, NOW).record;
    const again = afterEvents(pending, [resolve("false"), NOW + 1], [{ type: "claim", fence: "two" }, NOW + 2]);
    // The same report, sent once more, is of an earlier answer.
    const late = happens(
      again,
      { type: "saveSuspensions", fence: "two", suspensions: [{ id: "approval", refusedAnswer: 0 }] },
      NOW + 3,
    );

    expect(approvalOf(pending)).not.toHaveProperty("resolution");
    expect(pending.state).toBe("SUSPENDED");
    expect(approvalOf(late.record)?.resolution?.answer?.digest).toBe("digest of false");
  });
});

describe("the expireTime of a suspension", () => {
  test("queues the work when it is reached", () => {
    const record = suspended();
    const { record: expired, effects } = happens(record, { type: "timePasses", random: 0 }, EXPIRE_TIME);

    expect(nextDueTime({ ...record, outbox: {} })).toBe(EXPIRE_TIME);
    expect(expired.state).toBe("QUEUED");
    expect(approvalOf(expired)?.resolution).toEqual({ time: EXPIRE_TIME, number: 1 });
    expect(effects.map(({ type }) => type)).toContain("send");
  });

  test("is the operation's deadline at the latest", () => {
    const record = aRecord();
    const late = { ...report, reached: { expireTime: record.deadline + 1 } };
    const reached = afterEvents(record, [claim, NOW], [{ ...suspend, suspensions: [late] }, NOW]);

    expect(approvalOf(reached)?.reached?.expireTime).toBe(record.deadline);
  });

  test("is now if the operation is deleted, before or after the work reaches the suspension", () => {
    const after = happens(suspended(), { type: "delete" }, NOW + 1).record;
    const before = afterEvents(running(), [{ type: "delete" }, NOW + 1], [suspend, NOW + 2]);

    for (const record of [after, before]) {
      const { record: next } = happens(record, { type: "timePasses", random: 0 }, NOW + 2);
      expect([next.state, approvalOf(next)?.resolution?.answer]).toEqual(["QUEUED", undefined]);
      expect(approvalOf(next)).toHaveProperty("resolution");
    }
  });

  test("is past if the operation is cancelling, before or after the work reaches the suspension", () => {
    const show: OperationEvent = { type: "saveSuspensions", fence: "one", suspensions: [report] };
    const after = afterEvents(running(), [show, NOW], [{ type: "cancel" }, NOW + 1]);
    const before = afterEvents(running(), [{ type: "cancel" }, NOW + 1], [show, NOW + 2]);

    for (const record of [after, before]) expect(approvalOf(record)).toHaveProperty("resolution");
  });
});

describe("the end of an operation", () => {
  test("keeps an answer's digest, and erases its text", () => {
    const answered = afterEvents(suspended(), [resolve("true"), NOW + 1], [{ type: "claim", fence: "two" }, NOW + 2]);
    const { record } = happens(answered, { type: "succeed", fence: "two", outcome: { response: "{}" } }, NOW + 3);

    expect(approvalOf(record)?.resolution?.answer).toEqual({
      digest: "digest of true",
      resolver: "user:bob@example.com",
    });
  });

  test("expires pending suspensions", () => {
    const { record } = happens(suspended(), { type: "cancel" }, NOW + 1);

    expect(record.state).toBe("CANCELLED");
    expect(approvalOf(record)?.resolution).toEqual({ time: NOW + 1, number: 1 });
  });
});
