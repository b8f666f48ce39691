// Events by clients: update, poll, cancel, delete.
import { INDEX_PROGRESS_DELAY_MS, LATE_SNAPSHOT_PUT_MS } from "../limits";
import { type Draft, changed, emit, end, fail, move, stopChildren, without } from "./draft";
import { countsPolls, instructionOf } from "./emulation";
import type { Refusal, Update } from "./event";
import { isExternal, isFinal } from "./state";
import { expirePending, hurryPending } from "./suspensions";

/** Work elsewhere reports, and may complete. */
export function update(draft: Draft, { metadata, outcome }: Update): Refusal | undefined {
  const { record, now } = draft;
  const { external } = record;
  if (!external) return "NOT_ALLOWED";
  record.external = {
    ...external,
    ...(external.heartbeatMs === undefined ? {} : { heartbeatDueTime: now + external.heartbeatMs }),
    ...(metadata ? { hasOwnMetadata: true } : {}),
    ...(outcome ? { completion: outcome.completion } : {}),
  };
  if (metadata) {
    record.metadataType = metadata.type;
    record.metadata = metadata.fields;
  }
  if (outcome) {
    record.responseType = outcome.responseType ?? record.responseType;
    const { value } = outcome;
    if ("error" in value) return move(draft, "completeInError", () => fail(draft, value.error));
    return move(draft, "complete", () => end(draft, value, "Done."));
  }
  return move(draft, "update", () => changed(draft, "Running.", INDEX_PROGRESS_DELAY_MS));
}

/** A client asked for the operation. At the poll that its script names, the operation has failed. */
export function poll(draft: Draft): Refusal | undefined {
  const { record } = draft;
  const { emulation } = record;
  if (!emulation || !countsPolls(record)) return "NOT_ALLOWED";
  record.emulation = { ...emulation, polled: emulation.polled + 1 };
  const now = instructionOf(record.emulation);
  // The poll counts even where the table rejects the failure: in a finished operation, and in one that was asked to stop.
  if (now && "error" in now) move(draft, "failByScript", () => fail(draft, now.error));
  return undefined;
}

export function cancel(draft: Draft): Refusal | undefined {
  const { record, now } = draft;
  const isRepeated = record.cancellation !== undefined;
  record.cancellation ??= { cancelRequestTime: now };
  return move(draft, record.external?.hasOwnMetadata ? "cancelUnseen" : "cancel", () => {
    if (isRepeated) return;
    if (record.lease) record.lease = without(record.lease, "attemptEndTime");
    record.cancellation = { cancelRequestTime: now, graceEndTime: now + record.policy.graceMs };
    expirePending(record, now);
    stopChildren(draft);
    draft.effects.push({ type: "tellRunner", message: "cancel" });
    changed(draft, "Cancellation was requested.", INDEX_PROGRESS_DELAY_MS);
  });
}

/** Hides the operation at once. Work under way goes on to its end and is then forgotten; deleting never cancels. */
export function remove(draft: Draft, requestId: string | undefined): void {
  const { record, now } = draft;
  record.deleteTime = now;
  if (requestId !== undefined) record.deleteRequestId = requestId;
  record.revision += 1;
  delete record.outbox.webhooks;
  hurryPending(record, now);
  emit(draft, "index");
  if (record.child) emit(draft, "parent");
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
