// What time brings about: deadlines, lost leases, silence, wake-ups, re-sends; and the outbox entries that are due.
import { EXPLANATION_RESENDS, INDEX_PROGRESS_DELAY_MS, MAX_DUE_TRANSITIONS, MAX_PLATFORM_DEATHS } from "../limits";
import { Code } from "../rpc/code";
import type { Status } from "../rpc/status";
import { rememberAttempt } from "./attempt";
import { backoffMs } from "./backoff";
import { QUEUED_MESSAGE, deadlineMessage } from "./create-record";
import {
  type Draft,
  UNCONFIRMED_MESSAGE,
  backOff,
  changed,
  confirmCancel,
  emit,
  end,
  move,
  scheduleResend,
} from "./draft";
import { type DueTransition, dueTransition } from "./due";
import type { Refusal } from "./event";
import { attemptFailed } from "./runner-events";

/** Settles all that is due by now, in the order of its weight, and names the outbox entries that are due. */
export function settle(draft: Draft, random: number): undefined {
  for (let count = 0; count < MAX_DUE_TRANSITIONS; count += 1) {
    const due = dueTransition(draft.record, draft.now);
    if (due === undefined) break;
    settleOne(draft, due, random);
  }
  const { outbox } = draft.record;
  for (const effect of ["index", "snapshot"] as const) {
    const entry = outbox[effect];
    if (entry !== undefined && entry.dueTime <= draft.now) emit(draft, effect);
  }
}

export function settleOne(draft: Draft, due: DueTransition, random: number): Refusal | undefined {
  const { record, now } = draft;
  switch (due) {
    case "passDeadline": {
      if (record.cancelRequestTime !== undefined) return confirmCancel(draft, UNCONFIRMED_MESSAGE);
      const message = deadlineMessage(record);
      const error: Status = { code: Code.DEADLINE_EXCEEDED, message, details: [] };
      return move(draft, "fail") ?? end(draft, { error }, message);
    }
    case "endGrace":
      return confirmCancel(draft, UNCONFIRMED_MESSAGE);
    case "missHeartbeat":
      return missHeartbeat(draft);
    case "loseLease":
      return loseLease(draft, random);
    case "passAttemptLimit": {
      const seconds = (record.policy.attemptTimeoutMs ?? 0) / 1_000;
      const message = `An attempt of ${record.method} took longer than its limit of ${seconds}s.`;
      const error: Status = { code: Code.DEADLINE_EXCEEDED, message, details: [] };
      return attemptFailed(draft, { end: "TIMED_OUT", error, isRetryable: true }, random);
    }
    case "wake": {
      const refusal = move(draft, "wake");
      if (refusal) return refusal;
      delete record.wakeTime;
      record.resendTime = now + record.policy.resendMs;
      draft.effects.push({ type: "send" });
      return changed(draft, QUEUED_MESSAGE, INDEX_PROGRESS_DELAY_MS);
    }
    case "resend":
      draft.effects.push({ type: "send" });
      return move(draft, "resend") ?? resend(draft);
    default:
      return due satisfies never;
  }
}

/** Says so once where consumers seem to be missing; a reason that was given before, such as a slot, stays. */
function resend(draft: Draft): undefined {
  scheduleResend(draft);
  const { record } = draft;
  if (record.resends !== EXPLANATION_RESENDS || record.statusMessage !== QUEUED_MESSAGE) return;
  return changed(draft, UNCLAIMED_MESSAGE, INDEX_PROGRESS_DELAY_MS);
}

const UNCLAIMED_MESSAGE = `Queued. Its message was sent ${EXPLANATION_RESENDS + 1} times, and no consumer has claimed the work.`;

export function missHeartbeat(draft: Draft): Refusal | undefined {
  const { record } = draft;
  if (record.cancelRequestTime !== undefined) return confirmCancel(draft, UNCONFIRMED_MESSAGE);
  const message = `The operation's worker was silent for longer than its heartbeat timeout of ${(record.heartbeatMs ?? 0) / 1_000}s.`;
  const error: Status = { code: Code.DEADLINE_EXCEEDED, message, details: [] };
  return move(draft, "fail") ?? end(draft, { error }, message);
}

export function loseLease(draft: Draft, random: number): Refusal | undefined {
  const { record, now } = draft;
  if (record.state === "CANCELLING") return confirmCancel(draft, UNCONFIRMED_MESSAGE);
  rememberAttempt(draft, { end: "LOST", isRetryable: true });
  record.deaths += 1;
  record.platformDeaths += 1;
  if (record.platformDeaths >= MAX_PLATFORM_DEATHS) {
    const message =
      `The work of ${record.method} ended ${record.platformDeaths} times with its platform, without a word and without ` +
      "having stored a step or a checkpoint in between: it may exceed the platform's memory or CPU limit.";
    return move(draft, "fail") ?? end(draft, { error: { code: Code.INTERNAL, message, details: [] } }, message);
  }
  // The first death is most likely the platform's own (a deploy, a restart): no delay.
  const delay = record.platformDeaths === 1 ? 0 : backoffMs(record.policy, record.platformDeaths, random);
  return backOff(draft, now + delay, "The attempt was lost with its platform; waiting to try again.");
}
