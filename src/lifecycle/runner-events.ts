// What a runner says of its operation: the claim, progress, stored steps, and how its invocation ended.
import { formatTimestampMs } from "../aip/timestamp";
import {
  INDEX_PROGRESS_DELAY_MS,
  LOST_CHANNEL_LEASE_MS,
  MAX_IDLE_INVOCATIONS,
  MAX_METADATA_CHARACTERS,
} from "../limits";
import type { JsonObject } from "../rpc/any";
import { Code } from "../rpc/code";
import type { Status } from "../rpc/status";
import { type AttemptFailure, rememberAttempt } from "./attempt";
import { backoffMs } from "./backoff";
import {
  CANCELLED_MESSAGE,
  type Draft,
  backOff,
  changed,
  confirmCancel,
  end,
  endLease,
  move,
  scheduleResend,
} from "./draft";
import type { OperationEvent, Progress, Refusal } from "./event";
import type { AttemptMemory, OperationRecord, Sleep } from "./record";

export function claim(draft: Draft, fence: string): Refusal | undefined {
  const refusal = move(draft, "claim");
  if (refusal) return refusal;
  const { record, now } = draft;
  record.fence = fence;
  record.leaseEndTime = now + record.policy.leaseMs;
  record.startTime ??= now;
  record.marksAtClaim = record.marks ?? 0;
  const attemptMs = (record.resumes ? record.attemptRemainingMs : undefined) ?? record.policy.attemptTimeoutMs;
  if (attemptMs !== undefined) record.attemptEndTime = now + attemptMs;
  if (!record.resumes) record.attemptStartTime = now;
  delete record.resumes;
  delete record.attemptRemainingMs;
  delete record.resendTime;
  delete record.resends;
  return changed(draft, "Running.", INDEX_PROGRESS_DELAY_MS);
}

/** It stays queued; a freed slot brings its message back, or else the next re-send. */
export function hold(draft: Draft): Refusal | undefined {
  const refusal = move(draft, "hold");
  if (refusal) return refusal;
  const { record } = draft;
  scheduleResend(draft);
  const message = `Waiting for a slot: ${record.runSlot?.limit ?? 0} of its kind run at the same time.`;
  return record.statusMessage === message ? undefined : changed(draft, message, INDEX_PROGRESS_DELAY_MS);
}

export function slotFreed(draft: Draft): Refusal | undefined {
  const refusal = move(draft, "resend");
  if (refusal) return refusal;
  const { record, now } = draft;
  record.resendTime = now + record.policy.resendMs;
  draft.effects.push({ type: "send" });
  return undefined;
}

export function report(draft: Draft, progress: Progress | undefined): undefined {
  const { record } = draft;
  if (progress === undefined) return undefined;
  if (progress.metadata) record.metadata = mergedMetadata(record.metadata, progress.metadata);
  return changed(draft, progress.statusMessage ?? record.statusMessage, INDEX_PROGRESS_DELAY_MS);
}

/** What an invocation reports fits; together with what earlier ones reported it may not: then that gives way. */
function mergedMetadata(earlier: JsonObject, reported: JsonObject): JsonObject {
  const merged = { ...earlier, ...reported };
  return JSON.stringify(merged).length <= MAX_METADATA_CHARACTERS ? merged : reported;
}

/** A keep-alive extends the lease from when it was received; it is read late, and may be older than the present end. */
export function keepAlive({ record }: Draft, receivedTime: number): undefined {
  record.leaseEndTime = Math.max(record.leaseEndTime ?? 0, receivedTime + record.policy.leaseMs);
  delete record.channelLostTime;
}

/**
 * The lease is shortened to what a living runner needs to open another channel. Keep-alives that only the lost channel knew
 * of may have extended the lease past the end that is stored, so a runner always has this long.
 */
export function channelLost({ record, now }: Draft): Refusal | undefined {
  if (record.channelLostTime !== undefined) return "NOT_ALLOWED";
  record.channelLostTime = now;
  record.leaseEndTime = now + Math.min(record.policy.leaseMs, LOST_CHANNEL_LEASE_MS);
  return undefined;
}

export function sleep(draft: Draft, event: Extract<OperationEvent, { type: "sleep" }>): Refusal | undefined {
  const { record } = draft;
  const { ordinal, wakeTime, progress } = event;
  report(draft, progress);
  // Nothing goes on after a cancel request: the work gives way, and that confirms it.
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  const refusal = move(draft, "sleep");
  if (refusal) return refusal;
  pauseAttempt(draft);
  mark(record);
  record.wakeTime = wakeTime;
  // An earlier version's runner names the one sleep alone.
  remember(record, { sleeps: [{ ordinal, wakeTime }], ...event });
  // A status message of the handler's own stays, and a script's pauses are not to be seen.
  const saysMore = record.emulation !== undefined || progress?.statusMessage !== undefined;
  const statusMessage = saysMore ? record.statusMessage : `Sleeping until ${formatTimestampMs(wakeTime)}.`;
  return changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
}

/** The lease ends and the attempt goes on later: what is left of its time is kept. */
export function pauseAttempt(draft: Draft): void {
  const { record, now } = draft;
  if (record.attemptEndTime !== undefined) record.attemptRemainingMs = Math.max(0, record.attemptEndTime - now);
  record.resumes = true;
  endLease(draft);
}

/**
 * The work got on: whatever went wrong before, it did not go wrong at the same place. Progress says no such thing: what
 * dies at its last row has reported all the others.
 */
export function mark(record: OperationRecord): void {
  record.marks = (record.marks ?? 0) + 1;
  record.platformDeaths = 0;
  delete record.idleInvocations;
}

/** Takes what the attempt has to remember: what comes later of the same sleep, or step, replaces what came before. */
function remember(record: OperationRecord, { sleeps = [], stepFailures = [] }: AttemptMemory): void {
  if (sleeps.length > 0) {
    const kept = (record.sleeps ?? []).filter((known) => !sleeps.some((told) => isSameSleep(known, told)));
    record.sleeps = [...kept, ...sleeps];
  }
  if (stepFailures.length > 0) {
    const kept = (record.stepFailures ?? []).filter((known) => !stepFailures.some(({ name }) => name === known.name));
    record.stepFailures = [...kept, ...stepFailures];
  }
}

function isSameSleep(one: Sleep, other: Sleep): boolean {
  return one.ordinal === other.ordinal && one.name === other.name && one.attempt === other.attempt;
}

/** A step is stored once; a runner that did not hear so says it again. */
export function saveStep(
  { record }: Draft,
  { step: stored, ...memory }: Extract<OperationEvent, { type: "saveStep" }>,
): undefined {
  remember(record, memory);
  const steps = record.steps ?? [];
  if (steps.some(({ name }) => name === stored.name)) return;
  record.steps = [...steps, stored];
  mark(record);
}

export function saveCheckpoint(
  { record }: Draft,
  { cursor, ...memory }: Extract<OperationEvent, { type: "saveCheckpoint" }>,
): undefined {
  remember(record, memory);
  if (record.checkpoint === cursor) return;
  record.checkpoint = cursor;
  mark(record);
}

/** The invocation gives way to another. Two in a row that stored nothing would go on for ever: that is a failed attempt. */
export function yieldWork(draft: Draft, event: Extract<OperationEvent, { type: "yield" }>): Refusal | undefined {
  const { record, now } = draft;
  report(draft, event.progress);
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  remember(record, event);
  // A failure that the handler caught is decided, and so is a sleep that is over: the next invocation goes on from them.
  if (event.sleeps !== undefined || event.stepFailures !== undefined) mark(record);
  const gotOn = (record.marks ?? 0) > (record.marksAtClaim ?? 0);
  record.idleInvocations = gotOn ? 0 : (record.idleInvocations ?? 0) + 1;
  if (record.idleInvocations >= MAX_IDLE_INVOCATIONS) {
    record.idleInvocations = 0;
    const message =
      `The work of ${record.method} reached the limit of ${event.invocationMs / 1_000}s per invocation ` +
      `${MAX_IDLE_INVOCATIONS} times in a row without finishing a step or saving a checkpoint: divide it into op.step ` +
      "calls that end within the limit, or save op.checkpoint and go on from op.resumeFrom.";
    const error: Status = { code: Code.DEADLINE_EXCEEDED, message, details: [] };
    return attemptFailed(draft, { end: "IDLE", error, isRetryable: true }, event.random);
  }
  const refusal = move(draft, "yield");
  if (refusal) return refusal;
  pauseAttempt(draft);
  record.resendTime = now + record.policy.resendMs;
  draft.effects.push({ type: "send" });
  // The list can be filtered by the state. The next claim mostly comes within the delay, so that both are told at once.
  return changed(draft, record.statusMessage, INDEX_PROGRESS_DELAY_MS);
}

/** The work goes back unrun; its message follows at the pace of re-sends, since the next consumer may be as old. */
export function release(draft: Draft, statusMessage: string): Refusal | undefined {
  const { record } = draft;
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  const refusal = move(draft, "yield");
  if (refusal) return refusal;
  pauseAttempt(draft);
  scheduleResend(draft);
  return changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
}

export function attemptFailed(
  draft: Draft,
  failure: AttemptFailure & { error: Status },
  random: number,
): Refusal | undefined {
  const { record, now } = draft;
  const { error, isRetryable } = failure;
  // Nothing is retried after a cancel request, and what stops because of it was cancelled.
  if (record.state === "CANCELLING") return confirmCancel(draft, CANCELLED_MESSAGE);
  rememberAttempt(draft, failure);
  record.failures += 1;
  const { maxAttempts } = record.policy;
  if (!isRetryable || record.failures >= maxAttempts) {
    return move(draft, "fail") ?? end(draft, { error }, error.message);
  }
  const wakeTime = now + backoffMs(record.policy, record.failures, random);
  return backOff(draft, wakeTime, `Attempt ${record.failures} of ${maxAttempts} failed; waiting to try again.`);
}
