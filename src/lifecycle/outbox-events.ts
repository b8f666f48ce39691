// How the effects went that reach beyond the object, and when nothing is left to be known of the operation.
import { isExpired } from "./due";
import { type Draft, effectRetryMs } from "./draft";
import type { OperationEvent, OutboxEffect, Refusal } from "./event";
import { LATE_SNAPSHOT_PUT_MS } from "../limits";
import { isFinal } from "./state";

/** An effect told the world of `revision`; where the record has moved on since, the entry stays. */
export function effectDone(draft: Draft, effect: OutboxEffect, revision: number): Refusal | undefined {
  const { record, now } = draft;
  draft.mustSave = outlivesMemory(draft, effect);
  const entry = record.outbox[effect];
  if (entry === undefined || record.revision !== revision) return "NOT_ALLOWED";
  if (effect === "snapshot" && entry.repeated) record.snapshotTime = now;
  if (entry.again) record.outbox[effect] = { dueTime: now + LATE_SNAPSHOT_PUT_MS, failures: 0 };
  else delete record.outbox[effect];
  return undefined;
}

export function effectFailed(draft: Draft, effect: OutboxEffect): Refusal | undefined {
  const { record, now } = draft;
  draft.mustSave = outlivesMemory(draft, effect);
  const entry = record.outbox[effect];
  if (entry === undefined) return "NOT_ALLOWED";
  const failures = entry.failures + 1;
  record.outbox[effect] = { ...entry, dueTime: now + effectRetryMs(record, effect, failures), failures };
  return undefined;
}

/** The deliverer of webhooks has reported. */
export function webhooksTold(
  { record }: Draft,
  { webhooks, nextTime }: Extract<OperationEvent, { type: "webhooksTold" }>,
): Refusal | undefined {
  if (!record.outbox.webhooks) return "NOT_ALLOWED";
  record.webhooks = webhooks;
  if (nextTime === undefined) delete record.outbox.webhooks;
  else record.outbox.webhooks = { dueTime: nextTime, failures: 0 };
  return undefined;
}

/** While a runner works, the index is told time and again. Its channel keeps what it was told last. */
function outlivesMemory({ record }: Draft, effect: OutboxEffect): boolean {
  return effect !== "index" || record.lease === undefined || record.deleteTime !== undefined;
}

/**
 * Nothing is left of an operation that has expired, or that was deleted and has ended, once index and KV know it. An
 * expired operation need not wait for KV, whose entry expires by itself.
 */
export function eraseWhenForgotten({ record, effects, now }: Draft): void {
  const { index, parent, children, snapshot } = record.outbox;
  if (!isFinal(record.state) || (index ?? parent ?? children)) return;
  const isDeleted = record.deleteTime !== undefined && snapshot === undefined;
  if (isExpired(record, now) || isDeleted) effects.push({ type: "erase" });
}
