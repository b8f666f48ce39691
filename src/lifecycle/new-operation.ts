// A new operation: the Worker's decisions about it, and its record before it starts.
import type { External, OperationFacts, OperationRecord } from "./record";
import { newState } from "./state";

/** The Worker's decisions about a new operation. PERSISTED CONTRACT: it crosses from Worker to object. */
export interface NewOperation
  extends
    OperationFacts,
    Pick<OperationRecord, "metadata" | "metadataType" | "responseType" | "request" | "emulation" | "outcome"> {
  /** Set where the work is done elsewhere. */
  external?: NewExternal;
}

export type NewExternal = Pick<External, "heartbeatMs" | "hasOwnMetadata">;

/** The facts on which the start of an operation depends. */
export type Start = Pick<NewOperation, "request" | "external" | "outcome">;

/** The record of an operation that has not started: what the Worker decided about it. */
export function newRecord(operation: NewOperation): OperationRecord {
  const { request: _request, external: _external, outcome: _outcome, ...facts } = operation;
  return {
    schemaVersion: 1,
    ...facts,
    state: newState,
    revision: 0,
    attempt: { failures: 0, deaths: 0, platformDeaths: 0 },
    statusMessage: "",
    outbox: {},
  };
}
