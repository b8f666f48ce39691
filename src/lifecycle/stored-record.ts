// Between the record in memory, which has parts, and the record in storage, which has all their fields side by side.
// PERSISTED CONTRACT: so every version reads what any other has stored, also after a rollback.
import type {
  Attempts,
  Cancellation,
  External,
  Lease,
  OperationRecord,
  Pause,
  QueueMessage,
  RecordParts,
  Suspended,
  StoredWork,
} from "./record";
import { waitsForDeployment } from "./undeployed";

type PartFields = Attempts & Lease & Pause & Suspended & QueueMessage & StoredWork & External & Cancellation;

/** The record as it is stored (docs/storage-schema.md). */
export type StoredRecord = Omit<OperationRecord, keyof RecordParts> &
  Attempts &
  Partial<Omit<PartFields, keyof Attempts>>;

/** The part that a field belongs to. */
const partOf: Readonly<Record<keyof PartFields, keyof RecordParts>> = {
  failures: "attempt",
  deaths: "attempt",
  platformDeaths: "attempt",
  attemptStartTime: "attempt",
  attempts: "attempt",
  marks: "attempt",
  marksAtClaim: "attempt",
  idleInvocations: "attempt",
  fence: "lease",
  leaseEndTime: "lease",
  channelLostTime: "lease",
  attemptEndTime: "lease",
  resumes: "pause",
  attemptRemainingMs: "pause",
  waitsFor: "suspension",
  resendTime: "queueMessage",
  resends: "queueMessage",
  undeployed: "queueMessage",
  sleeps: "work",
  steps: "work",
  stepFailures: "work",
  stepTries: "work",
  checkpoint: "work",
  joins: "work",
  hasOwnMetadata: "external",
  heartbeatMs: "external",
  heartbeatDueTime: "external",
  completion: "external",
  cancelRequestTime: "cancellation",
  graceEndTime: "cancellation",
};

/** The fields without which a part means nothing: what an earlier version left of it is dropped. */
const tagOf: Partial<Record<keyof RecordParts, keyof PartFields>> = {
  lease: "fence",
  pause: "resumes",
  suspension: "waitsFor",
  queueMessage: "resendTime",
  external: "hasOwnMetadata",
  cancellation: "cancelRequestTime",
};

/** A field that this version does not know is one of a later version: it is kept. */
export function recordFromStored(stored: StoredRecord): OperationRecord {
  const facts: Record<string, unknown> = {};
  const parts: Record<string, Record<string, unknown>> = {};
  for (const [field, value] of Object.entries(stored)) {
    const part = (partOf as Record<string, keyof RecordParts | undefined>)[field];
    const tag = part && tagOf[part];
    if (part === undefined) facts[field] = value;
    else if (tag === undefined || stored[tag] !== undefined) (parts[part] ??= {})[field] = value;
  }
  // An earlier version says only by the status that no deployment has the method.
  if (parts["queueMessage"] && waitsForDeployment(stored)) parts["queueMessage"]["undeployed"] = true;
  return { ...facts, ...parts } as unknown as OperationRecord;
}

export function storedFromRecord(record: OperationRecord): StoredRecord {
  const {
    attempt,
    lease,
    pause,
    suspension,
    queueMessage,
    work,
    external,
    cancellation,
    wakeTime,
    request,
    starterMembers,
    ...facts
  } = record;
  return {
    ...facts,
    ...attempt,
    ...lease,
    ...pause,
    ...suspension,
    ...queueMessage,
    ...work,
    ...external,
    ...cancellation,
    ...(wakeTime === undefined ? {} : { wakeTime }),
    ...(request === undefined ? {} : { request }),
    ...(starterMembers === undefined ? {} : { starterMembers }),
  };
}
