// Direct dispatch in the lifecycle: the claim is a part of the start and of each wake-up, and what is lost goes to the queue.
import { describe, expect, test } from "vitest";
import { advance, started, startedRecord } from "../../../src/lifecycle/advance";
import type { OperationEvent } from "../../../src/lifecycle/event";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { anOperation } from "../../support/an-operation";
import { anError } from "../../support/every-event";

const direct = anOperation({ dispatch: "direct", request: "{}" });
const { createTime } = direct;
const FENCE = "the first";

/** One event, with a token for a runner that the object may call. */
function next(record: OperationRecord, event: OperationEvent, now: number, directFence?: string) {
  const result = advance(record, event, now, () => directFence);
  if (!result.ok) throw new Error(`${event.type} was refused in ${record.state}: ${result.refusal}`);
  return { ...result, does: result.effects.map(({ type }) => type) };
}

const passing = (random = 0): OperationEvent => ({ type: "timePasses", random });

describe("a direct operation", () => {
  test("is RUNNING with its claim when it starts, and calls its runner", () => {
    const record = startedRecord(direct, () => FENCE);

    expect(record).toMatchObject({
      state: "RUNNING",
      statusMessage: "Running.",
      startTime: createTime,
      lease: { fence: FENCE, leaseEndTime: createTime + direct.policy.leaseMs },
      attempt: { attemptStartTime: createTime },
    });
    expect(record.queueMessage).toBeUndefined();
  });

  test("has its lease from when it starts, though its client may have tried for minutes", () => {
    const now = createTime + 81_000;
    const { record } = started(direct, () => FENCE, now);

    expect(record).toMatchObject({ createTime, startTime: now, lease: { leaseEndTime: now + direct.policy.leaseMs } });
  });

  test("is queued if its object has no runner to call", () => {
    expect(startedRecord(direct)).toMatchObject({ state: "QUEUED", queueMessage: {} });
  });

  test("stores a request that is too large for the record", () => {
    const { request: _request, ...large } = direct;
    const record = { ...startedRecord(direct), state: "NEW" } as unknown as OperationRecord;

    expect(next(record, { ...large, type: "start" }, createTime, FENCE).does).toEqual(["storeRequest", "run"]);
  });

  test("continues directly after a sleep, under another token", () => {
    const wakeTime = createTime + 60_000;
    const asleep = next(
      startedRecord(direct, () => FENCE),
      { type: "sleep", fence: FENCE, ordinal: 0, wakeTime },
      createTime,
    );
    const awake = next(asleep.record, passing(), wakeTime, "the second");

    expect(awake.record).toMatchObject({ state: "RUNNING", lease: { fence: "the second" } });
    expect(awake.does).toContain("run");
    expect(awake.does).not.toContain("send");
    expect(awake.record.wakeTime).toBeUndefined();
  });

  test("continues directly when the answer that it waits for arrives", () => {
    const waitsFor = { answersTo: ["approval"] };
    const suspended = next(
      startedRecord(direct, () => FENCE),
      { type: "suspend", fence: FENCE, waitsFor },
      createTime,
    );
    const answer = { type: "resolve", id: "approval", payload: "true", digest: "" } as const;
    const resumed = next(suspended.record, answer, createTime + 5, "the second");

    expect(resumed.record).toMatchObject({ state: "RUNNING", lease: { fence: "the second" } });
    expect(resumed.does).toContain("run");
  });

  test("is retried directly after a failure that its handler reported", () => {
    const failure = { type: "attemptFailed", fence: FENCE, error: anError, retryable: true, random: 0.5 } as const;
    const failed = next(
      startedRecord(direct, () => FENCE),
      failure,
      createTime,
    );
    const again = next(failed.record, passing(), failed.record.wakeTime!, "the second");

    expect(again.record).toMatchObject({ state: "RUNNING", attempt: { failures: 1 } });
  });

  test("goes to the queue after a loss of its platform, until it has stored something", () => {
    const begun = startedRecord(direct, () => FENCE);
    const lost = next(begun, passing(), begun.lease!.leaseEndTime, "the second");
    expect(lost.record).toMatchObject({ state: "QUEUED", attempt: { platformDeaths: 1 } });
    expect(lost.does).toContain("send");
    expect(lost.does).not.toContain("run");

    const now = begun.lease!.leaseEndTime;
    const claimed = next(lost.record, { type: "claim", fence: "a consumer's" }, now);
    const asleep = next(claimed.record, { type: "sleep", fence: "a consumer's", ordinal: 0, wakeTime: now + 1 }, now);
    expect(next(asleep.record, passing(), now + 1, "the third").record).toMatchObject({ state: "RUNNING" });
  });

  test("continues through the queue when its invocation has used up its time", () => {
    const yields = { type: "yield", fence: FENCE, invocationMs: 840_000, random: 0 } as const;
    const yielded = next(
      startedRecord(direct, () => FENCE),
      yields,
      createTime + 840_000,
      "the second",
    );

    expect(yielded.record.state).toBe("QUEUED");
    expect(yielded.does).toContain("send");
  });
});

test("a queued operation accepts no token for a direct run", () => {
  expect(startedRecord(anOperation({ request: "{}" }), () => FENCE)).toMatchObject({ state: "QUEUED" });
});
