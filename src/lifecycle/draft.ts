// The parts of a step that every kind of event is made of: the table, the end, the outbox. Each changes a draft.
import {
  EFFECT_RETRY_MS,
  EFFECT_UNHEARD_MS,
  MAX_PENDING_WEBHOOK_EVENTS,
  MAX_EFFECT_RETRY_MS,
  MAX_RESEND_MS,
  MAX_SNAPSHOT_RETRY_MS,
} from "../limits";
import { Code } from "../rpc/code";
import type { Status } from "../rpc/status";
import type { Effect, OutboxEffect, Refusal } from "./event";
import type { OperationRecord, Outcome, QueueMessage } from "./record";
import { keepsRequest } from "./retry";
import { type Transition, nextState } from "./state";
import { eraseAnswers, expirePending } from "./suspensions";

/** Makes the token for a runner that the object calls; undefined: it calls none. */
export type DirectFence = () => string | undefined;

/** A step in the making: the next record, what is to be done after it is saved, and the time (milliseconds since 1970). */
export interface Draft {
  record: OperationRecord;
  effects: Effect[];
  now: number;
  directFence?: DirectFence | undefined;
  /** Whether the change must outlive the object's memory. One that need not is repeated, or made good, by what follows a crash. */
  mustSave: boolean;
  /** The change is one step more, behind many: it may be stored apart from the record. */
  isStep: boolean;
}

/**
 * Follows the table, or rejects. Every change of state goes through here. `act` is the transition's part in it. Where the
 * table leads to CANCELLED, the operation ends as cancelled instead, with `cancelMessage`.
 */
export function move(
  draft: Draft,
  transition: Transition,
  act: () => void,
  cancelMessage = CANCELLED_MESSAGE,
): Refusal | undefined {
  const next = nextState(draft.record.state, transition);
  if (next === undefined) return "NOT_ALLOWED";
  Object.assign(draft.record, { state: next });
  if (next === "CANCELLED") end(draft, { error: { code: Code.CANCELLED, message: cancelMessage } }, cancelMessage);
  else act();
  return undefined;
}

export const CANCELLED_MESSAGE = "The operation was cancelled.";
export const UNCONFIRMED_MESSAGE =
  "The operation was cancelled, but its work did not confirm the stop in time and may still run.";

/** Writes the outcome down, once: a final state has no row in the table, so nothing comes here twice. */
export function end(draft: Draft, outcome: Outcome, statusMessage: string): void {
  const { record, now, effects } = draft;
  // Queued, it may have waited for a slot: its place goes to the next.
  if (record.runSlot && record.queueMessage) effects.push({ type: "releaseSlot", slot: record.runSlot });
  endLease(draft);
  record.queueMessage = undefined;
  record.wakeTime = undefined;
  record.suspension = undefined;
  expirePending(record, now);
  eraseAnswers(record);
  record.endTime = now;
  record.expireTime = now + record.policy.retentionMs;
  if (record.external) record.external = without(record.external, "heartbeatDueTime");
  if (record.cancellation) record.cancellation = without(record.cancellation, "graceEndTime");
  if (!keepsRequest(record)) {
    record.request = undefined;
    record.starterMembers = undefined;
  }
  record.work = undefined;
  effects.push({ type: "eraseWork" });
  // Children that were started since the cancel request are cancelled too.
  if (record.cancellation) stopChildren(draft);
  if (record.callerSlot) effects.push({ type: "releaseSlot", slot: record.callerSlot });
  if (record.deleteTime !== undefined) return;
  record.outcome = withoutEmptyDetails(outcome);
  if (!("error" in outcome)) completeProgress(record);
  changed(draft, statusMessage, 0);
  effects.push({ type: "notifyWaiters" });
  emit(draft, "index");
  if (record.policy.snapshot) emit(draft, "snapshot");
  if (record.child) emit(draft, "parent");
  announce(draft);
}

/** The operation has come to rest: an event for webhooks, where any may be for it. */
export function announce(draft: Draft): void {
  const { record, now } = draft;
  if (!(record.webhookConfig || record.hasWebhooks) || record.deleteTime !== undefined) return;
  const { count = 0, pending = [] } = record.webhooks ?? {};
  const event = { number: count + 1, type: `operation.${record.state.toLowerCase()}`, time: now };
  const latest = [...pending, event].slice(-MAX_PENDING_WEBHOOK_EVENTS);
  record.webhooks = { ...record.webhooks, count: event.number, pending: latest };
  emit(draft, "webhooks");
}

/** The child operations that are not detached are cancelled. */
export function stopChildren(draft: Draft): void {
  if (draft.record.children) emit(draft, "children");
}

/** Proto3 JSON leaves empty lists out. */
export function withoutEmptyDetails(outcome: Outcome): Outcome {
  if (!("error" in outcome) || (outcome.error.details ?? []).length > 0) return outcome;
  const { details: _, ...error } = outcome.error;
  return { error };
}

/** Success is 100 percent in the default metadata. A script of the emulation says itself how far it has come. */
export function completeProgress(record: OperationRecord): void {
  const hasDefaultMetadata = record.metadataType === undefined && record.external?.hasOwnMetadata !== true;
  if (!hasDefaultMetadata || record.emulation) return;
  record.metadata = { ...record.metadata, progressPercent: 100 };
}

/** The current runner, if there is one, loses its token and is told to stop. */
export function endLease({ record, effects }: Draft): void {
  if (!record.lease) return;
  record.lease = undefined;
  effects.push({ type: "tellRunner", message: "stop" });
  if (record.runSlot) effects.push({ type: "releaseSlot", slot: record.runSlot });
}

/** A part of a record without one of its fields. */
export function without<Part extends object, Field extends keyof Part>(part: Part, field: Field): Omit<Part, Field> {
  const { [field]: _, ...rest } = part;
  return rest;
}

/** Something that a client can see changed: a new revision, and the index to be told within `indexDelayMs`. */
export function changed({ record, now }: Draft, statusMessage: string, indexDelayMs: number): void {
  record.statusMessage = statusMessage;
  record.revision += 1;
  if (record.deleteTime !== undefined) return;
  const dueTime = now + indexDelayMs;
  const entry = record.outbox.index;
  record.outbox.index = { dueTime: Math.min(entry?.dueTime ?? dueTime, dueTime), failures: entry?.failures ?? 0 };
}

export function fail(draft: Draft, error: Status): void {
  end(draft, { error }, error.message);
}

/** Its message is sent, and is due again when no consumer has claimed the work in time. */
export function send({ record, effects, now }: Draft): void {
  record.queueMessage = { ...record.queueMessage, resendTime: now + record.policy.resendMs };
  effects.push({ type: "send" });
}

export function scheduleResend({ record, now }: Draft, facts: Pick<QueueMessage, "undeployed"> = {}): void {
  const resends = (record.queueMessage?.resends ?? 0) + 1;
  const resendTime = now + Math.min(MAX_RESEND_MS, record.policy.resendMs * 2 ** resends);
  record.queueMessage = { ...record.queueMessage, ...facts, resends, resendTime };
}

/** Names an outbox effect, to be done at once; its entry says when it is retried, should nothing more be heard. */
export function emit({ record, effects, now }: Draft, effect: OutboxEffect): void {
  const entry = record.outbox[effect];
  const isMessage = effect === "webhooks";
  const failures = entry ? entry.failures + (isMessage ? 1 : 0) : 0;
  const repeated = effect === "snapshot" && entry ? { repeated: true } : {};
  const unheardMs = isMessage ? record.policy.resendMs : EFFECT_UNHEARD_MS;
  const dueTime = now + Math.max(unheardMs, effectRetryMs(record, effect, failures));
  record.outbox[effect] = { ...entry, ...repeated, dueTime, failures };
  effects.push({ type: effect });
}

/**
 * Until a failed effect is retried. The effects that hide a deleted operation, and the index, wait minutes at most.
 */
export function effectRetryMs(
  { deleteTime }: Pick<OperationRecord, "deleteTime">,
  effect: OutboxEffect,
  failures: number,
): number {
  const isPut = effect !== "index" && deleteTime === undefined;
  return Math.min(isPut ? MAX_SNAPSHOT_RETRY_MS : MAX_EFFECT_RETRY_MS, EFFECT_RETRY_MS * 2 ** failures);
}
