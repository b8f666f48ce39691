// The explanation of an operation in each of its states, word by word if the words are the point.
import { describe, expect, test } from "vitest";
import { MAX_PLATFORM_DEATHS } from "../../../src/limits";
import { OperationExplanation } from "../../../src/api/messages/operators";
import type { OperationEvent } from "../../../src/lifecycle/event";
import { explanation } from "../../../src/operators/explanation";
import type { LiveFacts } from "../../../src/operators/facts";
import { length } from "../../../src/operators/words";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { undeployedMessage } from "../../../src/lifecycle/undeployed";
import { Code } from "../../../src/rpc/code";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { CREATE_TIME, HOUR_MS, MINUTE_MS, aPolicy } from "../../support/an-operation";
import { aResponse, anError } from "../../support/every-event";
import { afterEvents } from "../../support/happens";

const NOW = CREATE_TIME + 10_000;
const SECOND_MS = 1_000;

const claim: OperationEvent = { type: "claim", fence: "the-token" };
const timePasses: OperationEvent = { type: "timePasses", random: 0 };
const fails = (retryable: boolean): OperationEvent => ({
  type: "attemptFailed",
  fence: "the-token",
  error: { code: Code.UNAVAILABLE, message: "The warehouse is down", details: [] },
  retryable,
  random: 0.999,
});
const running = (overrides: Parameters<typeof aRecord>[0] = {}): OperationRecord =>
  afterEvents(aRecord(overrides), [claim, NOW]);

const facts = (overrides: Partial<LiveFacts> = {}): LiveFacts => ({
  alarmTime: NOW + HOUR_MS,
  isConnected: false,
  lastKeepAliveTime: undefined,
  lane: "QUEUE_2",
  waiters: 0,
  endedChildren: 0,
  runSlot: undefined,
  ...overrides,
});

const summaryOf = (record: OperationRecord, now: number, live: Partial<LiveFacts> = {}): unknown =>
  explanation(record, facts(live), now)["summary"];

describe("the summary", () => {
  test("queued: no consumer has claimed the work", () => {
    expect(summaryOf(aRecord(), NOW)).toBe(
      "It has not run yet, and waits for a consumer: its message was sent through QUEUE_2, and no consumer has claimed it.",
    );
  });

  test("queued: no deployment has the method", () => {
    const statusMessage = undeployedMessage({ method: "tables:profile", methodVersion: "1" });
    const record = afterEvents(running(), [{ type: "release", fence: "the-token", statusMessage }, NOW]);

    expect(summaryOf(record, NOW)).toBe(
      "Attempt 1 is to go on, and waits for a consumer: its message was sent 2 times, last through QUEUE_2, and no consumer has claimed it. " +
        "A consumer gave it back: Waiting for a deployment that has the method tables:profile, version 1.",
    );
    expect(explanation(record, facts(), NOW)["advice"]).toEqual([
      'Deploy a Worker that declares tables:profile with the version "1", or cancel it.',
    ]);
  });

  test("queued: the operation waits for a slot", () => {
    const record = afterEvents(aRecord({ runSlot: { key: "run/x", limit: 2 } }), [{ type: "hold" }, NOW]);
    const runSlot = { holders: 2, waiters: 3, isHeld: false, ahead: 1 };

    expect(summaryOf(record, NOW, { runSlot })).toBe(
      'It has not run yet, and waits for a slot: 2 of 2 of "run/x" are taken, and 1 wait before it.',
    );
  });

  test("running: the runner is connected", () => {
    const live = { isConnected: true, lastKeepAliveTime: NOW + 5 * SECOND_MS };

    expect(summaryOf(running(), NOW + 8 * SECOND_MS, live)).toBe(
      "Attempt 1 runs since 2026-01-31T12:00:10.000Z (8s ago). Its runner is connected and sent its last sign of life at " +
        "2026-01-31T12:00:15.000Z (3s ago); its lease holds until 2026-01-31T12:01:10.000Z (in 52s).",
    );
  });

  test("running: the runner is disconnected", () => {
    expect(summaryOf(running(), NOW)).toContain(
      "Its runner has lost its channel; its lease holds until 2026-01-31T12:01:10.000Z (in 60s), and within it the runner may come back.",
    );
  });

  test("sleeping", () => {
    const record = afterEvents(running(), [
      { type: "sleep", fence: "the-token", ordinal: 0, wakeTime: NOW + 3 * HOUR_MS },
      NOW,
    ]);

    expect(summaryOf(record, NOW)).toBe(
      "Its work set a durable timer: attempt 1 goes on at 2026-01-31T15:00:10.000Z (in 3h).",
    );
  });

  test("backing off", () => {
    const record = afterEvents(running(), [fails(true), NOW]);

    expect(summaryOf(record, NOW)).toBe(
      "Attempt 1 failed at 2026-01-31T12:00:10.000Z (0s ago), with UNAVAILABLE: The warehouse is down. It waits to be tried again.",
    );
  });

  test("cancelling", () => {
    const record = afterEvents(running(), [{ type: "cancel" }, NOW]);

    expect(summaryOf(record, NOW, { isConnected: true })).toMatch(
      /^Cancellation was requested at .* Its runner was told and has not ended yet\. Its runner is connected/,
    );
  });

  test("failed: the attempts are used up", () => {
    const record = afterEvents(running({ policy: aPolicy({ maxAttempts: 1 }) }), [fails(true), NOW]);

    expect(summaryOf(record, NOW)).toBe(
      "It failed at 2026-01-31T12:00:10.000Z (0s ago) with UNAVAILABLE: The warehouse is down. " +
        "That was its last attempt: 1 of 1 have failed.",
    );
  });

  test("failed: the error is not retried", () => {
    const record = afterEvents(running(), [fails(false), NOW]);

    expect(summaryOf(record, NOW)).toContain("with a code that is not retried");
  });

  test("failed: the runner was lost too often", () => {
    let record = aRecord({ deadline: CREATE_TIME + 10 * HOUR_MS });
    for (let time = NOW; record.state !== "FAILED"; time += 5 * MINUTE_MS) {
      record = afterEvents(record, [claim, time], [timePasses, time + MINUTE_MS]);
      if (record.state === "BACKING_OFF") record = afterEvents(record, [timePasses, time + 5 * MINUTE_MS]);
    }

    expect(summaryOf(record, NOW)).toContain(`It was lost ${MAX_PLATFORM_DEATHS} times in a row`);
  });

  test("failed: the deadline passed during an attempt", () => {
    const record = afterEvents(running(), [timePasses, CREATE_TIME + HOUR_MS]);
    const { attempts, summary } = explanation(record, facts(), CREATE_TIME + HOUR_MS);

    expect(summary).toMatch(/^It failed at .* with DEADLINE_EXCEEDED: The operation did not finish within 3600s/);
    expect(attempts).toMatchObject([{ number: 1, end: "DEADLINE_EXCEEDED" }]);
  });

  test("deleted: the operation is hidden, and its work continues", () => {
    const record = afterEvents(running(), [{ type: "delete" }, NOW]);

    expect(summaryOf(record, NOW)).toMatch(/^It was deleted at .* and what it comes to is dropped\. Attempt 1 runs/);
  });
});

describe("the next events", () => {
  test("are in their order, each with its time", () => {
    const policy = aPolicy({ attemptTimeoutMs: 30 * SECOND_MS });
    const { next } = explanation(running({ policy }), facts(), NOW);

    expect(next).toEqual([
      expect.objectContaining({ event: "index", time: "2026-01-31T12:00:04.000Z" }),
      expect.objectContaining({ event: "passAttemptLimit", time: "2026-01-31T12:00:40.000Z" }),
      expect.objectContaining({ event: "loseLease", time: "2026-01-31T12:01:10.000Z" }),
      expect.objectContaining({ event: "passDeadline", time: "2026-01-31T13:00:00.000Z" }),
    ]);
  });

  test("are the expiry alone after the end", () => {
    const { next } = explanation(aRecordIn("SUCCEEDED"), facts(), NOW);

    expect((next as { event: string }[]).at(-1)?.event).toBe("expire");
  });
});

describe("the advice", () => {
  const adviceOf = (record: OperationRecord, now: number, live: Partial<LiveFacts> = {}): unknown =>
    explanation(record, facts(live), now)["advice"];

  test("names the lines of wrangler.toml to check if no consumer claims the work", () => {
    const record = { ...aRecord(), queueMessage: { resends: 2, resendTime: NOW + MINUTE_MS } };
    const [advice] = adviceOf(record, NOW, { lane: "QUEUE_2", alarmTime: NOW + MINUTE_MS }) as string[];

    expect(advice).toContain(
      "No consumer has claimed the work since 2026-01-31T12:00:00.000Z (10s ago), though its message was sent 3 times.",
    );
    expect(advice).toContain("a [[queues.consumers]] for the queue bound as QUEUE_2");
    expect(advice).toContain("the queue handler of operations() and not its fetch alone");
  });

  test("is empty if nothing is wrong", () => {
    for (const state of recordStates) {
      const record = aRecordIn(state);
      for (const entry of Object.values(record.outbox)) expect(entry.failures).toBe(0);
      expect([state, adviceOf(record, NOW)]).toEqual([state, []]);
    }
  });

  test("names a missing alarm if something is due", () => {
    expect(adviceOf(running(), NOW, { alarmTime: undefined })).toEqual([expect.stringContaining("No alarm is armed")]);
  });

  test("names an alarm that does not fire", () => {
    expect(adviceOf(running(), NOW, { alarmTime: NOW - MINUTE_MS })).toEqual([
      expect.stringContaining("has not fired"),
    ]);
  });

  test("names attempts that die", () => {
    const record = { ...running(), attempt: { failures: 0, deaths: 2, platformDeaths: 2 } };

    expect(adviceOf(record, NOW)).toEqual([expect.stringContaining("died without a word")]);
  });
});

describe("an explanation", () => {
  test.each(recordStates)("follows the described message when it is %s", (state) => {
    const json = explanation(aRecordIn(state), facts({ isConnected: true }), NOW);
    const known = OperationExplanation.fields.map(({ jsonName }) => jsonName);

    expect(known).toEqual(expect.arrayContaining(Object.keys(json)));
    expect(JSON.stringify(json)).not.toMatch(/undefined|NaN|Invalid|null/);
  });

  test("has no payload, no token and no policy", () => {
    const secret = "the secret of the house";
    const record: OperationRecord = {
      ...afterEvents(
        aRecord({ metadata: { secret } }),
        [claim, NOW],
        [{ type: "saveCheckpoint", fence: "the-token", cursor: secret }, NOW],
        [{ type: "saveStep", fence: "the-token", step: { name: secret, place: 0, bytes: 1, chunks: 1 } }, NOW],
      ),
      iamPolicy: {
        version: 1,
        bindings: [{ role: "roles/longrunning.viewer", members: [secret] }],
        etag: secret,
        revision: 1,
      },
    };
    const done = afterEvents(running(), [
      { type: "succeed", fence: "the-token", outcome: { response: aResponse.replace("rows", secret) } },
      NOW,
    ]);

    for (const one of [record, done]) {
      const text = JSON.stringify(explanation(one, facts(), NOW));
      expect(text).not.toContain(secret);
      expect(text).not.toContain("the-token");
    }
  });

  test("has no attempts of an operation that failed at once", () => {
    const json = explanation(aRecord({ outcome: { error: anError } }), facts(), NOW);

    expect(json).toMatchObject({ state: "FAILED", attempts: [] });
  });

  test("has no attempts of work done elsewhere, also after its end", () => {
    const record = aRecord({ external: { hasOwnMetadata: false, heartbeatMs: MINUTE_MS } });
    const done = afterEvents(record, [timePasses, CREATE_TIME + MINUTE_MS]);

    expect(explanation(record, facts(), NOW)).not.toHaveProperty("attemptCounts");
    expect(explanation(record, facts(), NOW)["summary"]).toContain("may be silent for 60s");
    expect(explanation(done, facts(), NOW)).not.toHaveProperty("attemptCounts");
  });
});

test.each([
  [0, "0s"],
  [119_999, "119s"],
  [120_000, "2m"],
  [2 * HOUR_MS - 1, "119m"],
  [2 * HOUR_MS, "2h"],
  [48 * HOUR_MS, "2d"],
])("%i ms is %s", (ms, text) => {
  expect(length(ms)).toBe(text);
});
