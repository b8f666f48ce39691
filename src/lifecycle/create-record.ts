// A new operation: the record that its object commits before the start is answered.
import { EFFECT_UNHEARD_MS, INDEX_PROGRESS_DELAY_MS } from "../limits";
import { formatTimestampMs } from "../aip/timestamp";
import type { JsonObject } from "../rpc/any";
import { completeProgress, withoutEmptyDetails } from "./draft";
import type { Emulation } from "./emulation";
import type { OperationRecord, Outcome, RunPolicy, Slot } from "./record";
import { nextState } from "./state";

/** The status of work that waits for a consumer. */
export const QUEUED_MESSAGE = "Queued.";

/** What the Worker decides about a new operation. PERSISTED CONTRACT: it crosses from Worker to object. */
export interface NewOperation {
  id: string;
  name: string;
  parent: string;
  apiVersion: string;
  method: string;
  methodVersion: string;
  verb: string;
  target: string;
  policy: RunPolicy;
  /** Milliseconds since 1970, as are all times. */
  createTime: number;
  deadline: number;
  metadata: JsonObject;
  metadataType?: string;
  responseType: string;
  /** The request as JSON text, where it is small enough to stand in the record. */
  request?: string;
  inputBytes?: number;
  inputDigest?: string;
  queue?: string;
  runSlot?: Slot;
  callerSlot?: Slot;
  starter?: string;
  startRequestId?: string;
  traceparent?: string;
  retryOf?: string;
  indexShard?: number;
  jurisdiction?: string;
  emulation?: Emulation;
  /** Set where the work is done elsewhere. */
  external?: { heartbeatMs?: number; hasOwnMetadata: boolean };
  /** Set where the method knew the result at once: the operation is created done. */
  outcome?: Outcome;
}

/** The first record: QUEUED with its message due for re-sending, or in its final state. */
export function createRecord(operation: NewOperation): OperationRecord {
  const { outcome, external, request, ...facts } = operation;
  const record: OperationRecord = {
    schemaVersion: 1,
    ...facts,
    state: "NEW",
    revision: 1,
    failures: 0,
    deaths: 0,
    platformDeaths: 0,
    statusMessage: QUEUED_MESSAGE,
    outbox: {},
  };
  if (external) {
    record.state = mustLead(nextState("NEW", "await"));
    record.statusMessage = "Waiting for its worker.";
    record.startTime = record.createTime;
    record.hasOwnMetadata = external.hasOwnMetadata;
    if (external.heartbeatMs === undefined) return record;
    record.heartbeatMs = external.heartbeatMs;
    record.heartbeatDueTime = record.createTime + external.heartbeatMs;
    return record;
  }
  if (outcome === undefined) {
    record.state = mustLead(nextState("NEW", "enqueue"));
    // Only work that is still to be done needs it.
    if (request !== undefined) record.request = request;
    record.resendTime = record.createTime + record.policy.resendMs;
    // The index hears of its first change within the same time: the alarm that is armed for that now serves both.
    record.outbox.index = { dueTime: record.createTime + INDEX_PROGRESS_DELAY_MS, failures: 0 };
    return record;
  }
  record.state = mustLead(nextState("NEW", "error" in outcome ? "fail" : "succeed"));
  record.statusMessage = "error" in outcome ? outcome.error.message : "Done.";
  record.outcome = withoutEmptyDetails(outcome);
  if (!("error" in outcome)) completeProgress(record);
  record.startTime = record.createTime;
  record.endTime = record.createTime;
  record.expireTime = record.createTime + record.policy.retentionMs;
  const entry = { dueTime: record.createTime + EFFECT_UNHEARD_MS, failures: 0 };
  record.outbox = record.policy.snapshot ? { index: entry, snapshot: entry } : { index: entry };
  return record;
}

function mustLead<T>(state: T | undefined): T {
  if (state === undefined) throw new Error("the lifecycle table refuses a creation");
  return state;
}

/** The message of an operation that ran out of time. */
export function deadlineMessage(record: Pick<OperationRecord, "createTime" | "deadline">): string {
  const seconds = (record.deadline - record.createTime) / 1_000;
  return `The operation did not finish within ${seconds}s of its creation (deadline ${formatTimestampMs(record.deadline)}).`;
}
