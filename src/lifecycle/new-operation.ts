// A new operation, and its start: the first step of its life.
import { INDEX_PROGRESS_DELAY_MS } from "../limits";
import type { JsonObject } from "../rpc/any";
import { type Draft, changed, end, fail, move, send } from "./draft";
import type { Emulation } from "./emulation";
import type { Refusal } from "./event";
import type { External, OperationRecord, Outcome, RunPolicy, Slot } from "./record";
import { newState } from "./state";

/** The status of work that waits for a consumer. */
export const QUEUED_MESSAGE = "Queued.";

/** The Worker's decisions about a new operation. PERSISTED CONTRACT: it crosses from Worker to object. */
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
  /** The object sets it, where a requestId started the operation. */
  requestKey?: string;
  jurisdiction?: string;
  emulation?: Emulation;
  /** Set where the work is done elsewhere. */
  external?: NewExternal;
  /** Set where the method knew the result at once: the operation is created done. */
  outcome?: Outcome;
}

type NewExternal = Pick<External, "heartbeatMs" | "hasOwnMetadata">;

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

/** Starts an operation: its work is queued or done elsewhere, or its result was known at once. */
export function start(draft: Draft, { request, external, outcome }: Start): Refusal | undefined {
  const { record, now } = draft;
  if (external) return move(draft, "await", () => awaitWorker(draft, external));
  if (outcome === undefined) return move(draft, "enqueue", () => enqueue(draft, request));
  record.startTime = now;
  return "error" in outcome
    ? move(draft, "failAtOnce", () => fail(draft, outcome.error))
    : move(draft, "succeedAtOnce", () => end(draft, outcome, "Done."));
}

function awaitWorker({ record, now }: Draft, { heartbeatMs, hasOwnMetadata }: NewExternal): void {
  // The index has it already: its STARTING row says the same.
  record.revision += 1;
  record.statusMessage = "Waiting for its worker.";
  record.startTime = now;
  record.external = {
    hasOwnMetadata,
    ...(heartbeatMs === undefined ? {} : { heartbeatMs, heartbeatDueTime: now + heartbeatMs }),
  };
}

/** The index is told of the first change within the resend time, so one alarm serves both. */
function enqueue(draft: Draft, request: string | undefined): void {
  if (request === undefined) draft.effects.push({ type: "storeRequest" });
  else draft.record.request = request;
  send(draft);
  changed(draft, QUEUED_MESSAGE, INDEX_PROGRESS_DELAY_MS);
}
