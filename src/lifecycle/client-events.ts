// What clients do to an operation: update, cancel, delete.
import { INDEX_PROGRESS_DELAY_MS, LATE_SNAPSHOT_PUT_MS } from "../limits";
import { CANCELLED_MESSAGE, type Draft, cancelled, changed, confirmCancel, emit, end, move } from "./draft";
import type { Refusal, Update } from "./event";
import { isExternal, isFinal } from "./state";

/** Work elsewhere reports, and may complete. A cancel request that its own metadata cannot show ends it at once. */
export function update(draft: Draft, { metadata, outcome }: Update): Refusal | undefined {
  const { record, now } = draft;
  const refusal = move(draft, "update");
  if (refusal) return refusal;
  if (record.heartbeatMs !== undefined) record.heartbeatDueTime = now + record.heartbeatMs;
  if (metadata) {
    record.hasOwnMetadata = true;
    record.metadataType = metadata.type;
    record.metadata = metadata.fields;
  }
  if (outcome) {
    record.completion = outcome.completion;
    record.responseType = outcome.responseType ?? record.responseType;
    const { value } = outcome;
    if ("error" in value) return move(draft, "fail") ?? end(draft, value, value.error.message);
    return move(draft, "succeed") ?? end(draft, value, "Done.");
  }
  if (record.state === "EXTERNAL_CANCELLING" && record.hasOwnMetadata) return confirmCancel(draft, CANCELLED_MESSAGE);
  return changed(
    draft,
    record.cancelRequestTime === undefined ? "Running." : record.statusMessage,
    INDEX_PROGRESS_DELAY_MS,
  );
}

export function cancel(draft: Draft): Refusal | undefined {
  const { record, now } = draft;
  const refusal = move(draft, "cancel");
  if (refusal) return refusal;
  // Repeating it changes nothing.
  if (record.cancelRequestTime !== undefined) return undefined;
  record.cancelRequestTime = now;
  delete record.attemptEndTime;
  // Its worker's own metadata has no field in which a request could be seen.
  if (record.hasOwnMetadata) return confirmCancel(draft, CANCELLED_MESSAGE);
  if (isFinal(record.state)) return end(draft, cancelled(CANCELLED_MESSAGE), CANCELLED_MESSAGE);
  record.graceEndTime = now + record.policy.graceMs;
  draft.effects.push({ type: "tellRunner", message: "cancel" });
  return changed(draft, "Cancellation was requested.", INDEX_PROGRESS_DELAY_MS);
}

/** Hides the operation at once. Work under way goes on to its end and is then forgotten; deleting never cancels. */
export function remove(draft: Draft, requestId: string | undefined): undefined {
  const { record, now } = draft;
  record.deleteTime = now;
  if (requestId !== undefined) record.deleteRequestId = requestId;
  record.revision += 1;
  emit(draft, "index");
  draft.effects.push({ type: "notifyWaiters" });
  // Nothing works on it here, and nothing can end it there any more.
  if (record.callerSlot && isExternal(record.state))
    draft.effects.push({ type: "releaseSlot", slot: record.callerSlot });
  if (!isFinal(record.state) || !record.policy.snapshot) return;
  // KV knows no order: a put that nobody has confirmed may arrive behind the removal, also from before a crash.
  const latestPut = record.outbox.snapshot ? now : record.snapshotTime;
  // The failures of the put say nothing of the removal.
  if (record.outbox.snapshot) record.outbox.snapshot = { ...record.outbox.snapshot, failures: 0 };
  emit(draft, "snapshot");
  if (latestPut !== undefined && now < latestPut + LATE_SNAPSHOT_PUT_MS && record.outbox.snapshot)
    record.outbox.snapshot.again = true;
}
