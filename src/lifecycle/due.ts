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

/** When each is due. A passed deadline comes before all else: it is final. */
const TIMES: readonly [DueTransition, (record: OperationRecord) => number | undefined][] = [
  ["passDeadline", ({ deadline }) => deadline],
  ["endGrace", ({ cancellation }) => cancellation?.graceEndTime],
  ["missHeartbeat", ({ external }) => external?.heartbeatDueTime],
  ["loseLease", ({ lease }) => lease?.leaseEndTime],
  ["passAttemptLimit", ({ lease }) => lease?.attemptEndTime],
  ["expireSuspension", suspensionDueTime],
  ["wake", ({ wakeTime }) => wakeTime],
  ["resend", ({ queueMessage }) => queueMessage?.resendTime],
];

/** The transitions that may be due, with their times. A final state has no such transition. */
export function dueTimes({ state }: OperationRecord): typeof TIMES {
  return isFinal(state) ? [] : TIMES;
}

export function dueTransition(record: OperationRecord, now: number): DueTransition | undefined {
  return dueTimes(record).find(([, timeOf]) => (timeOf(record) ?? Infinity) <= now)?.[0];
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
  for (const [, timeOf] of dueTimes(record)) next = Math.min(next, timeOf(record) ?? Infinity);
  for (const effect of OUTBOX_EFFECTS) next = Math.min(next, record.outbox[effect]?.dueTime ?? Infinity);
  return next === Infinity ? undefined : next;
}
