import { describe, expect, test } from "vitest";
import { attemptNumber } from "../../../src/lifecycle/attempt";
import { type NewOperation, newRecord } from "../../../src/lifecycle/new-operation";
import { advance, startedRecord } from "../../../src/lifecycle/advance";
import { deadlineMessage } from "../../../src/lifecycle/time-events";
import { CREATE_TIME, aPolicy, anOperation } from "../../support/an-operation";
import { deepFreeze } from "../../support/deep-freeze";
import { aResponse, anError } from "../../support/every-event";

describe("the start", () => {
  test("queues work, with its message due for re-sending", () => {
    expect(startedRecord(deepFreeze(anOperation()))).toMatchObject({
      state: "QUEUED",
      revision: 1,
      queueMessage: { resendTime: CREATE_TIME + 30_000 },
      outbox: {},
    });
  });

  test("stores the request apart from the record, for work of this deployment only", () => {
    const effectsOf = (operation: Partial<NewOperation>): string[] => {
      const started = advance(newRecord(anOperation()), { ...operation, type: "start" }, CREATE_TIME);
      return started.ok ? started.effects.map(({ type }) => type) : [];
    };

    expect(effectsOf({})).toEqual(["storeRequest", "send"]);
    expect(effectsOf({ request: "{}" })).toEqual(["send"]);
    expect(effectsOf({ external: { hasOwnMetadata: false } })).toEqual([]);
    expect(effectsOf({ outcome: { error: anError } })).toEqual(["eraseWork", "notifyWaiters", "index", "snapshot"]);
  });

  test.each([
    ["SUCCEEDED", { response: aResponse }, "Done."],
    ["FAILED", { error: anError }, anError.message],
  ])("makes an operation that is %s at once if the result is known", (state, outcome, statusMessage) => {
    const record = startedRecord(deepFreeze(anOperation({ outcome })));

    expect(record).toMatchObject({ state, outcome, statusMessage, startTime: CREATE_TIME, endTime: CREATE_TIME });
    expect(record.expireTime).toBe(CREATE_TIME + aPolicy().retentionMs);
    expect(Object.keys(record.outbox)).toEqual(["index", "snapshot"]);
  });

  test("sends to the index alone if snapshots are off", () => {
    const operation = anOperation({ outcome: { response: aResponse }, policy: aPolicy({ snapshot: false }) });

    expect(Object.keys(startedRecord(operation).outbox)).toEqual(["index"]);
  });

  test("never queues work that is done elsewhere, and sets its heartbeat time", () => {
    const record = startedRecord(anOperation({ external: { heartbeatMs: 5_000, hasOwnMetadata: true } }));

    expect(record).toMatchObject({
      state: "EXTERNAL",
      external: { heartbeatDueTime: CREATE_TIME + 5_000, hasOwnMetadata: true },
    });
    expect(record.queueMessage).toBeUndefined();
  });
});

test("attempts are counted from 1, failures and deaths alike", () => {
  expect(attemptNumber({ attempt: { failures: 0, deaths: 0, platformDeaths: 0 } })).toBe(1);
  expect(attemptNumber({ attempt: { failures: 2, deaths: 3, platformDeaths: 0 } })).toBe(6);
});

test("the deadline's message has the duration and the time", () => {
  expect(deadlineMessage({ createTime: CREATE_TIME, deadline: CREATE_TIME + 1_500 })).toBe(
    "The operation did not finish within 1.5s of its creation (deadline 2026-01-31T12:00:01.500Z).",
  );
});
