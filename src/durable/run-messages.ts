// Between the run channel's messages and the core's events.
import { attemptNumber } from "../operation/attempt";
import type { OperationEvent } from "../operation/event";
import type { OperationRecord } from "../operation/record";
import type { Claimed, MessageToObject } from "../operation/run-channel";

/** The event that a runner's message stands for. `random` is 0 ≤ r < 1, for the jitter of a retry. */
export function eventFromMessage(message: MessageToObject, random: number): OperationEvent {
  const { fence, progress } = message;
  switch (message.type) {
    case "progress":
      return { type: "progress", fence, progress: progress ?? {} };
    case "sleep":
      return { type: "sleep", fence, ordinal: message.ordinal, wakeTime: message.wakeTime, progress };
    case "release":
      return { type: "release", fence, statusMessage: message.statusMessage };
    case "succeed":
      return { type: "succeed", fence, response: message.response, progress };
    case "fail":
      return { type: "attemptFailed", fence, error: message.error, retryable: message.retryable, random, progress };
    default:
      return message satisfies never;
  }
}

/** What a runner is told when its claim holds. */
export function claimedFromRecord(record: OperationRecord, fence: string, request: string): Claimed {
  return {
    type: "claimed",
    fence,
    leaseMs: record.policy.leaseMs,
    name: record.name,
    method: record.method,
    methodVersion: record.methodVersion,
    createTime: record.createTime,
    deadline: record.deadline,
    attempt: attemptNumber(record),
    maxAttempts: record.policy.maxAttempts,
    request,
    ...(record.inputBytes === undefined ? {} : { inputBytes: record.inputBytes }),
    sleeps: record.sleeps ?? [],
    cancelRequested: record.cancelRequestTime !== undefined,
  };
}
