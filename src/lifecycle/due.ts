// Time: what of an operation is due, and when the next thing will be.
import { OUTBOX_EFFECTS } from "./event";
import type { OperationRecord } from "./record";
import { isFinal } from "./state";
import { suspensionDueTime } from "./suspensions";

/** A transition that time alone brings about. */
export type DueTransition =
  | "passDeadline"
  | "endGrace"
  | "missHeartbeat"
  | "loseLease"
  | "passAttemptLimit"
  | "expireSuspension"
  | "wake"
  | "resend";

/** The times at which something is due, by what it is. A passed deadline comes before all else: it is final. */
export function dueTimes(record: OperationRecord): [DueTransition, number | undefined][] {
  if (isFinal(record.state)) return [];
  return [
    ["passDeadline", record.deadline],
    ["endGrace", record.cancellation?.graceEndTime],
    ["missHeartbeat", record.external?.heartbeatDueTime],
    ["loseLease", record.lease?.leaseEndTime],
    ["passAttemptLimit", record.lease?.attemptEndTime],
    ["expireSuspension", suspensionDueTime(record)],
    ["wake", record.wakeTime],
    ["resend", record.queueMessage?.resendTime],
  ];
}

export function dueTransition(record: OperationRecord, now: number): DueTransition | undefined {
  for (const [due, time] of dueTimes(record)) if (time !== undefined && time <= now) return due;
  return undefined;
}

export function isExpired({ expireTime }: OperationRecord, now: number): boolean {
  return expireTime !== undefined && expireTime <= now;
}

/** Whether time has brought a change about that every reader sees: a transition, or the end of its retention. */
export function isTransitionDue(record: OperationRecord, now: number): boolean {
  return isExpired(record, now) || dueTransition(record, now) !== undefined;
}

/** Whether time has brought anything about: a transition, the end of its retention, an outbox entry to be tried. */
export function isAnythingDue(record: OperationRecord, now: number): boolean {
  return isExpired(record, now) || (nextDueTime(record) ?? Infinity) <= now;
}

/** When the object must next act, transitions and outbox together; undefined where nothing is left to do. */
export function nextDueTime(record: OperationRecord): number | undefined {
  let next = Infinity;
  for (const [, time = Infinity] of dueTimes(record)) next = Math.min(next, time);
  for (const effect of OUTBOX_EFFECTS) next = Math.min(next, record.outbox[effect]?.dueTime ?? Infinity);
  return next === Infinity ? undefined : next;
}
