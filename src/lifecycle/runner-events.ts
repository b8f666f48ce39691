// Events by runners: the claim, progress, stored steps, and the end of an invocation.
import { formatTimestampMs } from "../aip/timestamp";
import {
  INDEX_PROGRESS_DELAY_MS,
  LOST_CHANNEL_LEASE_MS,
  MAX_IDLE_INVOCATIONS,
  MAX_METADATA_CHARACTERS,
  MAX_UNSAVED_REVISIONS,
  STEPS_IN_RECORD,
  SLEEP_IN_PLACE_MS,
} from "../limits";
import type { JsonObject } from "../rpc/any";
import { Code } from "../rpc/code";
import type { Status } from "../rpc/status";
import { type AttemptFailure, rememberAttempt } from "./attempt";
import { backoffMs } from "./backoff";
import { type Draft, changed, endLease, fail, move, scheduleResend, send, without } from "./draft";
import type { OperationEvent, Progress, Refusal } from "./event";
import type { AttemptMemory, OperationRecord, Sleep, StepTries, StoredStep } from "./record";
import { reportSuspensions } from "./suspensions";

/** It stays queued. A freed slot brings its message back, or else the next re-send. */
export function hold(draft: Draft): Refusal | undefined {
  const { record } = draft;
  return move(draft, "hold", () => {
    scheduleResend(draft);
    const message = `Waiting for a slot: ${record.runSlot?.limit ?? 0} of its kind run at the same time.`;
    if (record.statusMessage !== message) changed(draft, message, INDEX_PROGRESS_DELAY_MS);
  });
}

export function slotFreed(draft: Draft): Refusal | undefined {
  return move(draft, "resend", () => send(draft));
}

export function report(draft: Draft, progress: Progress | undefined): void {
  const { record } = draft;
  if (progress === undefined) return;
  if (progress.metadata) record.metadata = mergedMetadata(record.metadata, progress.metadata);
  changed(draft, progress.statusMessage ?? record.statusMessage, INDEX_PROGRESS_DELAY_MS);
}

/**
 * The reports of one invocation fit. If they exceed the limit together with earlier ones, the earlier ones are dropped.
 */
function mergedMetadata(earlier: JsonObject, reported: JsonObject): JsonObject {
  const merged = { ...earlier, ...reported };
  return JSON.stringify(merged).length <= MAX_METADATA_CHARACTERS ? merged : reported;
}

/** A keep-alive extends the lease from when it was received; it is read late, and may be older than the present end. */
export function keepAlive(draft: Draft, receivedTime: number): void {
  const { record } = draft;
  if (!record.lease) return;
  // The loss of the channel is stored, and so is its end.
  if (record.lease.channelLostTime !== undefined) draft.mustSave = true;
  const leaseEndTime = Math.max(record.lease.leaseEndTime, receivedTime + record.policy.leaseMs);
  record.lease = { ...without(record.lease, "channelLostTime"), leaseEndTime };
}

/**
 * The lease is shortened to what a living runner needs to open another channel. Keep-alives that only the lost channel knew
 * of may have extended the lease past the end that is stored, so a runner always has this long.
 */
export function channelLost({ record, now }: Draft): void {
  if (!record.lease) return;
  const leaseEndTime = now + Math.min(record.policy.leaseMs, LOST_CHANNEL_LEASE_MS);
  record.lease = { ...record.lease, channelLostTime: now, leaseEndTime };
  // An object that lost its memory too has shown revisions that are not stored. No later one must be among them.
  record.revision += MAX_UNSAVED_REVISIONS;
}

export function sleep(draft: Draft, event: Extract<OperationEvent, { type: "sleep" }>): Refusal | undefined {
  const { record } = draft;
  const { ordinal, wakeTime, progress } = event;
  report(draft, progress);
  return move(draft, "sleep", () => {
    pauseAttempt(draft);
    mark(record);
    record.wakeTime = wakeTime;
    // An earlier version's runner names the one sleep alone.
    remember(draft, { sleeps: [{ ordinal, wakeTime }], ...event });
    // A status message of the handler's own stays, and a script's pauses are not to be seen.
    const saysMore = record.emulation !== undefined || progress?.statusMessage !== undefined;
    const isRetry = record.work?.stepTries?.some(({ retryTime }) => retryTime === wakeTime) ?? false;
    const until = formatTimestampMs(wakeTime);
    const rest = isRetry ? `Waiting until ${until} to try a step again.` : `Sleeping until ${until}.`;
    const statusMessage = saysMore ? record.statusMessage : rest;
    changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
    if (event.toldRevision === record.revision) delete record.outbox.index;
  });
}

/** The wake times are stored, so that a replay after a crash waits no longer. An attempt's limit does not count a sleep. */
export function saveSleeps(
  draft: Draft,
  { sleeps = [], stepTries = [], restsUntil, ...memory }: Extract<OperationEvent, { type: "saveSleeps" }>,
): void {
  const { record, now } = draft;
  const { work = {} } = record;
  const isNew =
    sleeps.some((told) => !work.sleeps?.some((known) => isSameSleep(known, told))) ||
    stepTries.some((told) => !work.stepTries?.some((known) => isSameTry(known, told)));
  remember(draft, { ...memory, sleeps, stepTries });
  // A runner that did not receive the answer sends it again.
  if (!isNew) return;
  mark(record);
  const attemptEndTime = record.lease?.attemptEndTime;
  if (record.lease === undefined || attemptEndTime === undefined) return;
  // An earlier version's runner waits for sleeps alone, and does nothing else until the first is over.
  const wakeTimes = [restsUntil ?? sleeps.map(({ wakeTime }) => wakeTime)].flat().filter((wakeTime) => wakeTime > now);
  const sleepMs = Math.min(...wakeTimes, SLEEP_IN_PLACE_MS + now) - now;
  if (wakeTimes.length > 0) record.lease = { ...record.lease, attemptEndTime: attemptEndTime + sleepMs };
}

function isSameTry(one: StepTries, other: StepTries): boolean {
  return one.name === other.name && one.failures === other.failures;
}

/** The lease ends and the attempt goes on later: what is left of its time is kept. */
export function pauseAttempt(draft: Draft): void {
  const { record, now } = draft;
  const attemptEndTime = record.lease?.attemptEndTime;
  record.pause = {
    resumes: true,
    ...(attemptEndTime === undefined ? {} : { attemptRemainingMs: Math.max(0, attemptEndTime - now) }),
  };
  endLease(draft);
}

/** The work got on, so it fails no more at the same place. Progress is no proof: a poison input reports it, too. */
export function mark(record: OperationRecord): void {
  const { marks = 0, ...attempt } = without(record.attempt, "idleInvocations");
  record.attempt = { ...attempt, marks: marks + 1, platformDeaths: 0 };
}

/** Takes what the attempt has to remember: what comes later of the same sleep, or step, replaces what came before. */
export function remember(draft: Draft, memory: AttemptMemory): void {
  const { sleeps = [], stepFailures = [], stepTries = [], suspensions = [], joins = [], startedChildren = 0 } = memory;
  const { record, now } = draft;
  if (record.children && startedChildren > record.children.started)
    record.children = { ...record.children, started: startedChildren };
  if (joins.length > 0) record.work = { ...record.work, joins: [...(record.work?.joins ?? []), ...joins] };
  if (sleeps.length > 0) {
    const kept = (record.work?.sleeps ?? []).filter((known) => !sleeps.some((told) => isSameSleep(known, told)));
    record.work = { ...record.work, sleeps: [...kept, ...sleeps] };
  }
  if (stepFailures.length > 0) {
    const isTold = (name: string): boolean => stepFailures.some((told) => told.name === name);
    const kept = (record.work?.stepFailures ?? []).filter(({ name }) => !isTold(name));
    record.work = { ...record.work, stepFailures: [...kept, ...stepFailures] };
    forgetTries(record, isTold);
  }
  if (stepTries.length > 0) {
    forgetTries(record, (name) => stepTries.some((told) => told.name === name));
    record.work = { ...record.work, stepTries: [...(record.work?.stepTries ?? []), ...stepTries] };
  }
  if (suspensions.length === 0) return;
  reportSuspensions(record, suspensions, now);
  const isSeen = suspensions.some(({ reached, refusedAnswer }) => reached || refusedAnswer !== undefined);
  if (isSeen) changed(draft, record.statusMessage, INDEX_PROGRESS_DELAY_MS);
}

/** A step that has its outcome is not retried. */
function forgetTries(record: OperationRecord, isOver: (name: string) => boolean): void {
  const { stepTries } = record.work ?? {};
  if (!stepTries?.some(({ name }) => isOver(name))) return;
  const kept = stepTries.filter(({ name }) => !isOver(name));
  record.work = kept.length > 0 ? { ...record.work, stepTries: kept } : without(record.work ?? {}, "stepTries");
}

function isSameSleep(one: Sleep, other: Sleep): boolean {
  return one.ordinal === other.ordinal && one.name === other.name && one.attempt === other.attempt;
}

export function saveSuspensions(draft: Draft, memory: AttemptMemory): void {
  remember(draft, memory);
  mark(draft.record);
}

/** A step is stored once; a runner that did not hear so says it again. */
export function saveStep(
  draft: Draft,
  { step: stored, ...memory }: Extract<OperationEvent, { type: "saveStep" }>,
): void {
  const { record } = draft;
  remember(draft, memory);
  const steps = record.work?.steps ?? [];
  const names = stepNames(steps);
  if (names.has(stored.name)) return;
  record.work = { ...record.work, steps: [...steps, stored] };
  namesOf.delete(steps);
  namesOf.set(record.work.steps!, names.add(stored.name));
  forgetTries(record, (name) => name === stored.name);
  mark(record);
  draft.isStep = steps.length >= STEPS_IN_RECORD && !hasMemory(memory);
}

/** Of an event that carries it, too: such an event has no other list. */
function hasMemory(memory: AttemptMemory): boolean {
  const isAnyListed = Object.values(memory).some((part) => Array.isArray(part) && part.length > 0);
  return isAnyListed || (memory.startedChildren ?? 0) > 0;
}

const namesOf = new WeakMap<readonly StoredStep[], Set<string>>();

/** The names of a list of steps. The list with one more takes them over, so a step costs the same however many went before. */
export function stepNames(steps: readonly StoredStep[]): Set<string> {
  const names = namesOf.get(steps) ?? new Set(steps.map(({ name }) => name));
  namesOf.set(steps, names);
  return names;
}

/** The record with steps that were stored apart from it. */
export function withSteps(record: OperationRecord, apart: readonly StoredStep[]): OperationRecord {
  const { steps = [] } = record.work ?? {};
  const added = apart.filter(({ name }) => !stepNames(steps).has(name));
  if (added.length === 0) return record;
  const restored = { ...record, work: { ...record.work, steps: [...steps, ...added] } };
  for (const _ of added) mark(restored);
  return restored;
}

export function saveCheckpoint(
  draft: Draft,
  { cursor, ...memory }: Extract<OperationEvent, { type: "saveCheckpoint" }>,
): void {
  const { record } = draft;
  remember(draft, memory);
  if (record.work?.checkpoint === cursor) return;
  record.work = { ...record.work, checkpoint: cursor };
  mark(record);
}

/** The invocation yields to another. Two in a row that stored nothing would go on for ever: that is a failed attempt. */
export function yieldWork(draft: Draft, event: Extract<OperationEvent, { type: "yield" }>): Refusal | undefined {
  const { record } = draft;
  report(draft, event.progress);
  // A failure that the handler caught is decided, and so is a sleep that is over: the next invocation continues from them.
  const remembers = hasMemory(event);
  const { marks = 0, marksAtClaim = 0, idleInvocations: idleBefore = 0 } = record.attempt;
  const idleInvocations = remembers || marks > marksAtClaim ? 0 : idleBefore + 1;
  if (idleInvocations >= MAX_IDLE_INVOCATIONS) {
    record.attempt = { ...record.attempt, idleInvocations: 0 };
    const error = idleError(record, event.invocationMs);
    return attemptFailed(draft, { end: "IDLE", error, isRetryable: true }, event.random);
  }
  return move(draft, "yield", () => {
    remember(draft, event);
    if (remembers) mark(record);
    record.attempt = { ...record.attempt, idleInvocations };
    pauseAttempt(draft);
    send(draft);
    // The list can be filtered by the state. The next claim mostly comes within the delay, so that both are told at once.
    changed(draft, record.statusMessage, INDEX_PROGRESS_DELAY_MS);
  });
}

function idleError({ method }: OperationRecord, invocationMs: number): Status {
  const message =
    `The work of ${method} reached the limit of ${invocationMs / 1_000}s per invocation ` +
    `${MAX_IDLE_INVOCATIONS} times in a row without finishing a step or saving a checkpoint: divide it into op.step ` +
    "calls that end within the limit, or save op.checkpoint and go on from op.resumeFrom.";
  return { code: Code.DEADLINE_EXCEEDED, message };
}

/** The work goes back unrun; its message follows at the pace of re-sends, since the next consumer may be as old. */
export function release(draft: Draft, statusMessage: string): Refusal | undefined {
  return move(draft, "release", () => {
    pauseAttempt(draft);
    scheduleResend(draft, { undeployed: true });
    changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
  });
}

export function attemptFailed(
  draft: Draft,
  failure: AttemptFailure & { error: Status },
  random: number,
): Refusal | undefined {
  const { record } = draft;
  const { maxAttempts } = record.policy;
  const failures = record.attempt.failures + 1;
  const isLast = !failure.isRetryable || failures >= maxAttempts;
  return move(draft, isLast ? "fail" : "backOff", () => {
    rememberAttempt(draft, failure);
    record.attempt = { ...record.attempt, failures };
    if (isLast) return fail(draft, failure.error);
    const delayMs = backoffMs(record.policy, failures, random);
    return backOff(draft, delayMs, `Attempt ${failures} of ${maxAttempts} failed; waiting to try again.`);
  });
}

/** The lease ends, and another attempt follows after a delay. */
export function backOff(draft: Draft, delayMs: number, statusMessage: string): void {
  endLease(draft);
  draft.record.wakeTime = draft.now + delayMs;
  changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
}
