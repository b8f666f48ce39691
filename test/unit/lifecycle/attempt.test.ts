// An operation's memory of failed attempts.
import { describe, expect, test } from "vitest";
import {
  MAX_ATTEMPT_MESSAGE_CHARACTERS,
  MAX_IDLE_INVOCATIONS,
  MAX_PLATFORM_DEATHS,
  MAX_RECORDED_ATTEMPTS,
} from "../../../src/limits";
import type { OperationEvent } from "../../../src/lifecycle/event";
import type { OperationRecord } from "../../../src/lifecycle/record";
import { advance } from "../../../src/lifecycle/advance";
import { Code } from "../../../src/rpc/code";
import { aRecord } from "../../support/a-record";
import { CREATE_TIME, MINUTE_MS, aPolicy } from "../../support/an-operation";
import { aResponse, anError } from "../../support/every-event";
import { afterEvents } from "../../support/happens";

const NOW = CREATE_TIME + 10_000;
const SECOND_MS = 1_000;

const claim: OperationEvent = { type: "claim", fence: "one" };
const timePasses: OperationEvent = { type: "timePasses", random: 0 };
const fails = (error = anError, retryable = true): OperationEvent => ({
  type: "attemptFailed",
  fence: "one",
  error,
  retryable,
  random: 0,
});
const running = (overrides: Parameters<typeof aRecord>[0] = {}): OperationRecord =>
  afterEvents(aRecord(overrides), [claim, NOW]);

describe("the record keeps an ended attempt", () => {
  test("with its error, if the handler failed", () => {
    const record = afterEvents(running(), [fails(), NOW + SECOND_MS]);

    expect(record.attempt.attempts).toEqual([
      {
        number: 1,
        startTime: NOW,
        endTime: NOW + SECOND_MS,
        end: "FAILED",
        error: { code: Code.FAILED_PRECONDITION, message: "The table is locked." },
        isRetryable: true,
      },
    ]);
  });

  test("also the last one, whose error is the operation's", () => {
    const record = afterEvents(running(), [fails(anError, false), NOW + SECOND_MS]);

    expect(record.state).toBe("FAILED");
    expect(record.attempt.attempts).toMatchObject([{ number: 1, end: "FAILED", isRetryable: false }]);
  });

  test("without an error, if its lease expired", () => {
    const record = afterEvents(running(), [timePasses, NOW + MINUTE_MS]);

    expect(record.attempt.attempts).toEqual([
      { number: 1, startTime: NOW, endTime: NOW + MINUTE_MS, end: "LOST", isRetryable: true },
    ]);
  });

  test("if it took longer than its limit", () => {
    const policy = aPolicy({ attemptTimeoutMs: 5 * SECOND_MS });
    const record = afterEvents(running({ policy }), [timePasses, NOW + 5 * SECOND_MS]);

    expect(record.attempt.attempts).toMatchObject([{ end: "TIMED_OUT", error: { code: Code.DEADLINE_EXCEEDED } }]);
  });

  test("if its invocations made no progress", () => {
    const givesWay: OperationEvent = { type: "yield", fence: "one", invocationMs: 840_000, random: 0 };
    let record = aRecord();
    for (let count = 0; count < MAX_IDLE_INVOCATIONS; count += 1) {
      record = afterEvents(record, [claim, NOW + count], [givesWay, NOW + count]);
    }

    // One attempt, though of several invocations.
    expect(record.attempt.attempts).toMatchObject([{ number: 1, startTime: NOW, end: "IDLE" }]);
  });
});

test("an attempt that sleeps counts as one attempt, from its first claim to its end", () => {
  const record = afterEvents(
    running(),
    [{ type: "sleep", fence: "one", ordinal: 0, wakeTime: NOW + MINUTE_MS }, NOW + SECOND_MS],
    [timePasses, NOW + MINUTE_MS],
    [claim, NOW + MINUTE_MS],
    [fails(), NOW + 2 * MINUTE_MS],
  );

  expect(record.attempt.attempts).toMatchObject([{ number: 1, startTime: NOW, endTime: NOW + 2 * MINUTE_MS }]);
});

test("a successful attempt is recorded as the operation's end only", () => {
  const record = afterEvents(running(), [
    { type: "succeed", fence: "one", outcome: { response: aResponse } },
    NOW + SECOND_MS,
  ]);

  expect(record.attempt.attempts).toBeUndefined();
  expect(record.attempt.attemptStartTime).toBe(NOW);
});

describe("the list of attempts is bounded", () => {
  test(`to the latest ${MAX_RECORDED_ATTEMPTS} attempts`, () => {
    let record = aRecord({ policy: aPolicy({ maxAttempts: 100, maxBackoffMs: SECOND_MS }) });
    const count = MAX_RECORDED_ATTEMPTS + 3;
    for (let time = NOW; record.attempt.failures < count; time += SECOND_MS) {
      record = afterEvents(record, [claim, time], [fails(), time], [timePasses, time + SECOND_MS]);
    }

    const numbers = record.attempt.attempts?.map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: MAX_RECORDED_ATTEMPTS }, (_, index) => index + 4));
  });

  test(`to ${MAX_ATTEMPT_MESSAGE_CHARACTERS} characters of a message, and to no details`, () => {
    const details = [{ "@type": "type.googleapis.com/google.protobuf.Empty" }];
    const record = afterEvents(running(), [fails({ ...anError, message: "x".repeat(4_096), details }), NOW]);

    const error = record.attempt.attempts?.[0]?.error;
    expect(error?.message).toHaveLength(MAX_ATTEMPT_MESSAGE_CHARACTERS);
    expect(error?.message.endsWith("x…")).toBe(true);
    expect(error).not.toHaveProperty("details");
  });
});

test("the record keeps attempts that die, up to the one that ends the operation", () => {
  let record = aRecord();
  for (let time = NOW; record.state !== "FAILED"; time += MINUTE_MS) {
    record = afterEvents(record, [claim, time], [timePasses, time + MINUTE_MS]);
    if (record.state === "BACKING_OFF") record = afterEvents(record, [timePasses, time + MINUTE_MS]);
  }

  expect(record.attempt.attempts?.map(({ end }) => end)).toEqual(
    Array.from({ length: MAX_PLATFORM_DEATHS }, () => "LOST"),
  );
});

test("the lifecycle reads a record that an earlier version wrote during an attempt", () => {
  const { attemptStartTime: _, ...attempt } = running().attempt;
  const earlier = { ...running(), attempt };
  const result = advance(earlier, fails(), NOW);

  expect(result.ok && result.record.attempt.attempts).toMatchObject([{ number: 1, endTime: NOW }]);
});
