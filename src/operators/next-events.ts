// The next events of an operation if no one acts: their times, and plain sentences.
import { MAX_PLATFORM_DEATHS } from "../limits";
import { attemptNumber } from "../lifecycle/attempt";
import { type DueTransition, dueTimes } from "../lifecycle/due";
import { OUTBOX_EFFECTS, type OutboxEffect } from "../lifecycle/event";
import type { OperationRecord } from "../lifecycle/record";
import { isFinal } from "../lifecycle/state";
import { length, when } from "./words";

export interface NextEvent {
  event: DueTransition | OutboxEffect | "expire";
  /** Milliseconds since 1970. */
  time: number;
  description: string;
}

/** The earliest first. */
export function nextEvents(record: OperationRecord, now: number): NextEvent[] {
  const due = dueTimes(record).flatMap(([event, timeOf]): NextEvent[] => {
    const time = timeOf(record);
    return time === undefined ? [] : [{ event, time, description: `At ${when(time, now)} ${dueText(event, record)}` }];
  });
  return [...due, ...outboxEvents(record, now), ...expiry(record, now)].toSorted((a, b) => a.time - b.time);
}

function dueText(event: DueTransition, record: OperationRecord): string {
  const { policy } = record;
  const { failures, platformDeaths } = record.attempt;
  switch (event) {
    case "passDeadline":
      return record.cancellation === undefined
        ? "it ends with DEADLINE_EXCEEDED, unless it has ended before."
        : "it is given up as cancelled, unless it has ended before.";
    case "endGrace":
      return "it is given up as cancelled, without a word of its work, unless that has ended before.";
    case "missHeartbeat":
      return "it ends with DEADLINE_EXCEEDED, unless its worker has reported before.";
    case "loseLease":
      return record.lease?.channelLostTime === undefined
        ? `the lease is extended, if its runner's keep-alives have come; otherwise ${lossText(record, platformDeaths + 1)}.`
        : `unless its runner has opened its channel again, ${lossText(record, platformDeaths + 1)}.`;
    case "passAttemptLimit":
      return `attempt ${attemptNumber(record)} has taken as long as it may (${length(policy.attemptTimeoutMs ?? 0)}) and ${
        failures + 1 >= policy.maxAttempts ? "fails, for good: it is the last" : "fails, to be tried again"
      }.`;
    case "expireSuspension":
      return "a suspension expires that is not answered before, and its work goes on with that fact.";
    case "wake":
      if (record.state === "SUSPENDED")
        return "a durable timer that its work awaits is over, and the work is queued to go on.";
      return record.state === "SLEEPING"
        ? "its work is queued to go on."
        : `it is queued for attempt ${attemptNumber(record)}; ${failures} of at most ${policy.maxAttempts} have failed.`;
    case "resend":
      return "its queue message is sent again, unless it has been claimed before.";
    default:
      return event satisfies never;
  }
}

function lossText({ state }: OperationRecord, deaths: number): string {
  if (state === "CANCELLING") return "it is given up as cancelled";
  if (deaths >= MAX_PLATFORM_DEATHS) return "its work is lost once too often, and it fails";
  return `the attempt counts as lost (${deaths} of at most ${MAX_PLATFORM_DEATHS} in a row) and another follows`;
}

const told: Record<OutboxEffect, string> = {
  index: "the index is told of its present state",
  snapshot: "KV is told of its present state",
  parent: "its parent operation is told how it ended",
  children: "its child operations are cancelled",
  webhooks: "webhooks are told of its present state",
};

function outboxEvents({ outbox }: OperationRecord, now: number): NextEvent[] {
  return OUTBOX_EFFECTS.flatMap((event) => {
    const entry = outbox[event];
    if (!entry) return [];
    const tries = entry.failures === 0 ? "" : `; ${entry.failures} tries have failed`;
    return [{ event, time: entry.dueTime, description: `At ${when(entry.dueTime, now)} ${told[event]}${tries}.` }];
  });
}

function expiry({ state, expireTime }: OperationRecord, now: number): NextEvent[] {
  if (expireTime === undefined || !isFinal(state)) return [];
  return [{ event: "expire", time: expireTime, description: `At ${when(expireTime, now)} it is forgotten.` }];
}
