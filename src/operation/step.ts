// One step of an operation's life: decides, and touches nothing. The object saves what it returns, then acts on it.
import { EFFECT_RETRY_MS, INDEX_PROGRESS_DELAY_MS, MAX_DUE_TRANSITIONS, MAX_EFFECT_RETRY_MS } from "../limits";
import { MAX_PLATFORM_DEATHS, MAX_RESEND_MS } from "../limits";
import { formatTimestampMs } from "../aip/timestamp";
import { Code } from "../rpc/code";
import type { Status } from "../rpc/status";
import { backoffMs } from "./backoff";
import { deadlineMessage } from "./create-record";
import { type DueTransition, dueTransition } from "./due";
import type { Effect, OperationEvent, OutboxEffect, Progress, Refusal } from "./event";
import type { OperationRecord, Outcome, Sleep } from "./record";
import { type Transition, isFinal, nextState } from "./state";

/** What a step comes to: the next record and its effects, or why nothing changed. */
export type Step = { ok: true; record: OperationRecord; effects: Effect[] } | { ok: false; refusal: Refusal };

/** Lets one event happen to an operation at `now` (milliseconds since 1970). The record passed in is not changed. */
export function step(record: OperationRecord, event: OperationEvent, now: number): Step {
  const draft: Draft = { record: { ...record, outbox: { ...record.outbox } }, effects: [], now };
  const refusal = apply(draft, event);
  if (refusal !== undefined) return { ok: false, refusal };
  eraseWhenForgotten(draft);
  return { ok: true, record: draft.record, effects: draft.effects };
}

interface Draft {
  record: OperationRecord;
  effects: Effect[];
  now: number;
}

function apply(draft: Draft, event: OperationEvent): Refusal | undefined {
  const { record } = draft;
  if ("fence" in event && event.type !== "claim" && event.fence !== record.fence) return "FENCED";
  switch (event.type) {
    case "claim":
      return claim(draft, event.fence);
    case "progress":
      return move(draft, "report") ?? report(draft, event.progress);
    case "keepAlive":
      return move(draft, "report") ?? keepAlive(draft, event.receivedTime);
    case "sleep":
      return sleep(draft, event, event.progress);
    case "release":
      return release(draft, event.statusMessage);
    case "succeed":
      report(draft, event.progress);
      return move(draft, "succeed") ?? end(draft, { response: event.response }, "Done.");
    case "attemptFailed":
      report(draft, event.progress);
      return attemptFailed(draft, event.error, event.retryable, event.random);
    case "cancel":
      return record.deleteTime === undefined ? cancel(draft) : "GONE";
    case "delete":
      return record.deleteTime === undefined ? remove(draft) : "GONE";
    case "timePasses":
      return settle(draft, event.random);
    case "effectDone":
      return effectDone(draft, event.effect, event.revision);
    case "effectFailed":
      return effectFailed(draft, event.effect);
    default:
      return event satisfies never;
  }
}

/** Follows the table, or refuses. Every change of state goes through here. */
function move(draft: Draft, transition: Transition): Refusal | undefined {
  const next = nextState(draft.record.state, transition);
  if (next === undefined) return "NOT_ALLOWED";
  draft.record.state = next;
  return undefined;
}

// ── The runner ──────────────────────────────────────────────────────────────────────────────────────────────────────

function claim(draft: Draft, fence: string): Refusal | undefined {
  const refusal = move(draft, "claim");
  if (refusal) return refusal;
  const { record, now } = draft;
  record.fence = fence;
  record.leaseEndTime = now + record.policy.leaseMs;
  record.startTime ??= now;
  delete record.resendTime;
  delete record.resends;
  return changed(draft, "Running.", INDEX_PROGRESS_DELAY_MS);
}

function report(draft: Draft, progress: Progress | undefined): undefined {
  const { record } = draft;
  record.platformDeaths = 0;
  if (progress === undefined) return undefined;
  if (progress.metadata) record.metadata = { ...record.metadata, ...progress.metadata };
  return changed(draft, progress.statusMessage ?? record.statusMessage, INDEX_PROGRESS_DELAY_MS);
}

/** A keep-alive extends the lease from when it was received; it is read late, and may be older than the present end. */
function keepAlive({ record }: Draft, receivedTime: number): undefined {
  record.leaseEndTime = Math.max(record.leaseEndTime ?? 0, receivedTime + record.policy.leaseMs);
}

function sleep(draft: Draft, { ordinal, wakeTime }: Sleep, progress: Progress | undefined): Refusal | undefined {
  const { record } = draft;
  report(draft, progress);
  // Nothing goes on after a cancel request: the work gives way, and that confirms it.
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  const refusal = move(draft, "sleep");
  if (refusal) return refusal;
  endLease(draft);
  record.wakeTime = wakeTime;
  record.sleeps = [...(record.sleeps ?? []), { ordinal, wakeTime }];
  return changed(draft, `Sleeping until ${formatTimestampMs(wakeTime)}.`, INDEX_PROGRESS_DELAY_MS);
}

/** The work goes back unrun; its message follows at the pace of re-sends, since the next consumer may be as old. */
function release(draft: Draft, statusMessage: string): Refusal | undefined {
  const { record } = draft;
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  const refusal = move(draft, "yield");
  if (refusal) return refusal;
  endLease(draft);
  scheduleResend(draft);
  return changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
}

function attemptFailed(draft: Draft, error: Status, retryable: boolean, random: number): Refusal | undefined {
  const { record, now } = draft;
  // Nothing is retried after a cancel request, and what stops because of it was cancelled.
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  record.failures += 1;
  const { maxAttempts } = record.policy;
  if (!retryable || record.failures >= maxAttempts) {
    return move(draft, "fail") ?? end(draft, { error }, error.message);
  }
  const wakeTime = now + backoffMs(record.policy, record.failures, random);
  return backOff(draft, wakeTime, `Attempt ${record.failures} of ${maxAttempts} failed; waiting to try again.`);
}

function backOff(draft: Draft, wakeTime: number, statusMessage: string): Refusal | undefined {
  const refusal = move(draft, "backOff");
  if (refusal) return refusal;
  endLease(draft);
  draft.record.wakeTime = wakeTime;
  return changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
}

// ── Clients ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const CANCELLED_MESSAGE = "The operation was cancelled.";

function cancel(draft: Draft): Refusal | undefined {
  const { record, now } = draft;
  const before = record.state;
  const refusal = move(draft, "cancel");
  if (refusal) return refusal;
  // Repeating it changes nothing.
  if (before === "CANCELLING") return undefined;
  record.cancelRequestTime = now;
  if (isFinal(record.state)) return end(draft, cancelled(CANCELLED_MESSAGE), CANCELLED_MESSAGE);
  record.graceEndTime = now + record.policy.graceMs;
  draft.effects.push({ type: "tellRunner", message: "cancel" });
  return changed(draft, "Cancellation was requested.", INDEX_PROGRESS_DELAY_MS);
}

/** Hides the operation at once. Work under way goes on to its end and is then forgotten; deleting never cancels. */
function remove(draft: Draft): undefined {
  const { record } = draft;
  record.deleteTime = draft.now;
  record.revision += 1;
  emit(draft, "index");
  draft.effects.push({ type: "notifyWaiters" });
  if (isFinal(record.state) && record.policy.snapshot) emit(draft, "snapshot");
}

// ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Settles all that is due by now, in the order of its weight, and names the outbox entries that are due. */
function settle(draft: Draft, random: number): undefined {
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

function settleOne(draft: Draft, due: DueTransition, random: number): Refusal | undefined {
  const { record, now } = draft;
  switch (due) {
    case "passDeadline": {
      if (record.state === "CANCELLING") return confirmCancel(draft, UNCONFIRMED_MESSAGE);
      const message = deadlineMessage(record);
      const error: Status = { code: Code.DEADLINE_EXCEEDED, message, details: [] };
      return move(draft, "fail") ?? end(draft, { error }, message);
    }
    case "endGrace":
      return confirmCancel(draft, UNCONFIRMED_MESSAGE);
    case "loseLease":
      return loseLease(draft, random);
    case "wake": {
      const refusal = move(draft, "wake");
      if (refusal) return refusal;
      delete record.wakeTime;
      record.resendTime = now + record.policy.resendMs;
      draft.effects.push({ type: "send" });
      return changed(draft, "Queued.", INDEX_PROGRESS_DELAY_MS);
    }
    case "resend":
      draft.effects.push({ type: "send" });
      return move(draft, "resend") ?? scheduleResend(draft);
    default:
      return due satisfies never;
  }
}

const UNCONFIRMED_MESSAGE =
  "The operation was cancelled, but its work did not confirm in time that it had stopped, and may still be going on.";

function loseLease(draft: Draft, random: number): Refusal | undefined {
  const { record, now } = draft;
  if (record.state === "CANCELLING") return confirmCancel(draft, UNCONFIRMED_MESSAGE);
  record.deaths += 1;
  record.platformDeaths += 1;
  if (record.platformDeaths >= MAX_PLATFORM_DEATHS) {
    const message =
      `The work of ${record.method} ended ${record.platformDeaths} times in a row without reporting anything: ` +
      "it may exceed the platform's memory or CPU limit.";
    return move(draft, "fail") ?? end(draft, { error: { code: Code.INTERNAL, message, details: [] } }, message);
  }
  // The first death is most likely the platform's own (a deploy, a restart): no delay.
  const delay = record.platformDeaths === 1 ? 0 : backoffMs(record.policy, record.platformDeaths, random);
  return backOff(draft, now + delay, "The attempt was lost with its platform; waiting to try again.");
}

function scheduleResend({ record, now }: Draft): undefined {
  record.resends = (record.resends ?? 0) + 1;
  record.resendTime = now + Math.min(MAX_RESEND_MS, record.policy.resendMs * 2 ** record.resends);
}

// ── The end ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function confirmCancel(draft: Draft, message: string): Refusal | undefined {
  return move(draft, "confirmCancel") ?? end(draft, cancelled(message), message);
}

function cancelled(message: string): Outcome {
  return { error: { code: Code.CANCELLED, message, details: [] } };
}

/** Writes the outcome down, once: a final state has no row in the table, so nothing comes here twice. */
function end(draft: Draft, outcome: Outcome, statusMessage: string): undefined {
  const { record, now, effects } = draft;
  endLease(draft);
  delete record.resendTime;
  delete record.wakeTime;
  record.endTime = now;
  record.expireTime = now + record.policy.retentionMs;
  delete record.inputBytes;
  effects.push({ type: "eraseInput" });
  if (record.deleteTime !== undefined) return;
  record.outcome = outcome;
  changed(draft, statusMessage, 0);
  effects.push({ type: "notifyWaiters" });
  emit(draft, "index");
  if (record.policy.snapshot) emit(draft, "snapshot");
}

/** The current runner, if any, loses its token; whoever still holds it is told to stop. */
function endLease({ record, effects }: Draft): void {
  if (record.fence !== undefined) effects.push({ type: "tellRunner", message: "stop" });
  delete record.fence;
  delete record.leaseEndTime;
  delete record.graceEndTime;
}

/** Something that a client can see changed: a new revision, and the index to be told within `indexDelayMs`. */
function changed({ record, now }: Draft, statusMessage: string, indexDelayMs: number): undefined {
  record.statusMessage = statusMessage;
  record.revision += 1;
  if (record.deleteTime !== undefined) return;
  const dueTime = now + indexDelayMs;
  const entry = record.outbox.index;
  record.outbox.index = { dueTime: Math.min(entry?.dueTime ?? dueTime, dueTime), failures: entry?.failures ?? 0 };
}

// ── The outbox ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Names an outbox effect, to be done at once; its entry says when it is tried again, should nothing more be heard. */
function emit({ record, effects, now }: Draft, effect: OutboxEffect): void {
  const failures = record.outbox[effect]?.failures ?? 0;
  record.outbox[effect] = { dueTime: now + effectRetryMs(failures), failures };
  effects.push({ type: effect });
}

function effectRetryMs(failures: number): number {
  return Math.min(MAX_EFFECT_RETRY_MS, EFFECT_RETRY_MS * 2 ** failures);
}

/** An effect told the world of `revision`; where the record has moved on since, the entry stays. */
function effectDone({ record }: Draft, effect: OutboxEffect, revision: number): Refusal | undefined {
  if (record.outbox[effect] === undefined || record.revision !== revision) return "NOT_ALLOWED";
  delete record.outbox[effect];
  return undefined;
}

function effectFailed({ record, now }: Draft, effect: OutboxEffect): Refusal | undefined {
  const entry = record.outbox[effect];
  if (entry === undefined) return "NOT_ALLOWED";
  const failures = entry.failures + 1;
  record.outbox[effect] = { dueTime: now + effectRetryMs(failures), failures };
  return undefined;
}

/** Nothing is left of an operation that has expired, or that was deleted, has ended, and is gone from index and KV. */
function eraseWhenForgotten({ record, effects, now }: Draft): void {
  if (!isFinal(record.state)) return;
  const told = record.outbox.index === undefined && record.outbox.snapshot === undefined;
  const expired = record.expireTime !== undefined && record.expireTime <= now;
  if (expired || (record.deleteTime !== undefined && told)) effects.push({ type: "erase" });
}
