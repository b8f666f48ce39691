// Events by time: deadlines, lost leases, silence, wake-ups, re-sends; and the outbox entries that are due.
import { EXPLANATION_RESENDS, INDEX_PROGRESS_DELAY_MS, MAX_DUE_TRANSITIONS, MAX_PLATFORM_DEATHS } from "../limits";
import { formatTimestampMs } from "../aip/timestamp";
import { Code } from "../rpc/code";
import type { Status } from "../rpc/status";
import { rememberAttempt } from "./attempt";
import { backoffMs } from "./backoff";
import { wake } from "./wake";
import { QUEUED_MESSAGE } from "./start";
import { type Draft, UNCONFIRMED_MESSAGE, changed, emit, fail, move, scheduleResend, stopChildren } from "./draft";
import { type DueTransition, dueTransition } from "./due";
import { OUTBOX_EFFECTS, type Refusal } from "./event";
import type { OperationRecord } from "./record";
import { attemptFailed, backOff } from "./runner-events";
import { expireSuspensions } from "./suspension-events";

/** Settles all that is due by now, in the order of its weight, and names the outbox entries that are due. */
export function settle(draft: Draft, random: number): void {
  for (let count = 0; count < MAX_DUE_TRANSITIONS; count += 1) {
    const due = dueTransition(draft.record, draft.now);
    if (due === undefined) break;
    // A wake is not stored. After a crash its revision may have been shown, and is not to be another change's.
    if (due !== "wake" && (draft.record.wakeTime ?? Infinity) <= draft.now) draft.record.revision += 1;
    settleOne(draft, due, random);
    // Work that woke is claimed next, and else its alarm wakes it again: after a crash another message is sent.
    draft.mustSave ||= due !== "wake" || draft.record.state !== "QUEUED";
  }
  const { outbox } = draft.record;
  for (const effect of OUTBOX_EFFECTS) {
    const entry = outbox[effect];
    if (entry === undefined || entry.dueTime > draft.now) continue;
    emit(draft, effect);
    // A put that is begun again is to be known as such.
    draft.mustSave ||= effect === "snapshot";
  }
}

function settleOne(draft: Draft, due: DueTransition, random: number): Refusal | undefined {
  const { record } = draft;
  switch (due) {
    case "passDeadline":
      return timeOut(draft, deadlineMessage(record));
    case "endGrace":
      return timeOut(draft, UNCONFIRMED_MESSAGE);
    case "missHeartbeat": {
      const seconds = (record.external?.heartbeatMs ?? 0) / 1_000;
      return timeOut(draft, `The operation's worker was silent for longer than its heartbeat timeout of ${seconds}s.`);
    }
    case "loseLease":
      return loseLease(draft, random);
    case "passAttemptLimit": {
      const seconds = (record.policy.attemptTimeoutMs ?? 0) / 1_000;
      const message = `An attempt of ${record.method} took longer than its limit of ${seconds}s.`;
      const error: Status = { code: Code.DEADLINE_EXCEEDED, message };
      return attemptFailed(draft, { end: "TIMED_OUT", error, isRetryable: true }, random);
    }
    case "expireSuspension":
      return expireSuspensions(draft);
    case "wake":
      return wake(draft, "wake");
    case "resend":
      return move(draft, "resend", () => resend(draft));
    default:
      return due satisfies never;
  }
}

/** The message of an operation that ran out of time. */
export function deadlineMessage({
  createTime,
  scheduleTime = 0,
  deadline,
}: Pick<OperationRecord, "createTime" | "scheduleTime" | "deadline">): string {
  const isScheduled = scheduleTime > createTime;
  const seconds = (deadline - (isScheduled ? scheduleTime : createTime)) / 1_000;
  const since = isScheduled ? "scheduled time" : "creation";
  return `The operation did not finish within ${seconds}s of its ${since} (deadline ${formatTimestampMs(deadline)}).`;
}

function timeOut(draft: Draft, message: string): Refusal | undefined {
  const error: Status = { code: Code.DEADLINE_EXCEEDED, message };
  const giveUp = (): void => {
    fail(draft, error);
    stopChildren(draft);
  };
  return move(draft, "timeOut", giveUp, UNCONFIRMED_MESSAGE);
}

/** The status says so once where consumers seem to be missing; a reason that was given before, such as a slot, stays. */
function resend(draft: Draft): void {
  draft.effects.push({ type: "send" });
  scheduleResend(draft);
  const { record } = draft;
  if (record.queueMessage?.resends !== EXPLANATION_RESENDS || record.statusMessage !== QUEUED_MESSAGE) return;
  changed(draft, UNCLAIMED_MESSAGE, INDEX_PROGRESS_DELAY_MS);
}

const UNCLAIMED_MESSAGE = `Queued. Its message was sent ${EXPLANATION_RESENDS + 1} times, and no consumer has claimed the work.`;

function loseLease(draft: Draft, random: number): Refusal | undefined {
  const { record } = draft;
  const platformDeaths = record.attempt.platformDeaths + 1;
  const isLast = platformDeaths >= MAX_PLATFORM_DEATHS;
  const lose = (): void => {
    rememberAttempt(draft, { end: "LOST", isRetryable: true });
    record.attempt = { ...record.attempt, deaths: record.attempt.deaths + 1, platformDeaths };
    if (isLast) return fail(draft, deathsError(record.method, platformDeaths));
    // The first death is most likely the platform's own (a deploy, a restart): no delay.
    const delayMs = platformDeaths === 1 ? 0 : backoffMs(record.policy, platformDeaths, random);
    return backOff(draft, delayMs, "The attempt was lost with its platform; waiting to try again.");
  };
  return move(draft, isLast ? "fail" : "backOff", lose, UNCONFIRMED_MESSAGE);
}

function deathsError(method: string, platformDeaths: number): Status {
  const message =
    `The work of ${method} died ${platformDeaths} times with its platform without ` +
    "storing a step or a checkpoint in between: it may exceed the platform's memory or CPU limit.";
  return { code: Code.INTERNAL, message };
}
