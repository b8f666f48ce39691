// google.longrunning.Operations, and what operators ask: request in, response out, over ports.
import { durationToMs, parseDuration } from "../aip/duration";
import { DEFAULT_WAIT_MS, MAX_WAIT_MS, MIN_WAIT_RETURN_MS } from "../limits";
import type { ReadAnswer } from "../contract/answer";
import { invalidArgument, notFound } from "../rpc/error";
import type { Status } from "../rpc/status";
import { emulatedError } from "./emulation";
import type { OperationReads, OperationStore, SignalledRequest, Watching } from "./ports";
import { idOfEvent, knownFromId } from "./watch-id";

const RESOURCE_TYPE = "google.longrunning.Operation";

export interface GetPorts {
  reads: Pick<OperationReads, "get" | "wait">;
  store: Pick<OperationStore, "poll">;
}

export interface WaitForChange {
  /** If-None-Match: the states that the client has. */
  known: string;
  timeoutMs: number;
  request?: SignalledRequest | undefined;
}

/** The operation; with `change`, as soon as it is in another state than the client has, or the time is over. */
export async function getOperation(
  { reads, store }: GetPorts,
  name: string,
  change?: WaitForChange,
): Promise<ReadAnswer> {
  if (change) return found(await reads.wait(name, change.timeoutMs, change), name);
  const read = found(await reads.get(name), name);
  if (!("countsPolls" in read)) return read;
  const answer = await store.poll(name);
  if (answer?.emulatedError !== undefined) throw emulatedError(JSON.parse(answer.emulatedError) as Status);
  return found(answer, name);
}

/** Asks the work to stop; success says only that it was asked (AIP-151). Done: nothing changes. */
export async function cancelOperation(store: Pick<OperationStore, "cancel">, name: string): Promise<void> {
  if (!(await store.cancel(name))) throw notFound(RESOURCE_TYPE, name);
}

/** Forgets the operation; it does not cancel it. */
export async function deleteOperation(store: Pick<OperationStore, "delete">, name: string): Promise<void> {
  if (!(await store.delete(name))) throw notFound(RESOURCE_TYPE, name);
}

/** Why the operation is where it is, and what happens next: edge_operations.v1.OperationExplanation as JSON. */
export async function explainOperation(store: Pick<OperationStore, "explain">, name: string): Promise<string> {
  const json = await store.explain(name);
  if (json === undefined) throw notFound(RESOURCE_TYPE, name);
  return json;
}

export interface WaitOperationRequest {
  name: string;
  /** A google.protobuf.Duration in JSON, `"30s"`: more than a minute is capped. */
  timeout?: string | undefined;
  request?: SignalledRequest | undefined;
}

/** Answers as soon as the operation is done, or with its latest state after the timeout. */
export async function waitOperation(
  reads: Pick<OperationReads, "wait">,
  { name, timeout, request }: WaitOperationRequest,
): Promise<ReadAnswer> {
  return found(await reads.wait(name, waitMs(timeout), { request }), name);
}

/**
 * The states of an operation from the one that the client has, by the id of its last event; undefined: it has the last one. Any
 * other text is ignored.
 */
export async function watchOperation(
  reads: Pick<OperationReads, "watch">,
  { name, lastEventId, request }: WatchOperationRequest,
): Promise<Watching | undefined> {
  const { known, outputOffset } = knownFromId(lastEventId);
  const watched = found(await reads.watch(name, { known, outputOffset, request }), name);
  if (!("done" in watched)) return watched;
  const id = idOfEvent(watched.etag, outputOffset);
  if (id !== lastEventId) return { id, next: async () => watched, retryMs: MIN_WAIT_RETURN_MS, probe() {}, close() {} };
  if (typeof watched.json !== "string") await watched.json.cancel();
  return undefined;
}

export interface WatchOperationRequest {
  name: string;
  lastEventId?: string | undefined;
  request?: SignalledRequest | undefined;
}

/** A part of the text that the work has written, from an offset on. */
export async function getOutput(
  store: Pick<OperationStore, "output">,
  { name, offset }: { name: string; offset: number },
): Promise<{ text: string; nextOffset: number; done: boolean }> {
  if (offset < 0) throw invalidArgument([{ field: "offset", description: "must be zero or more" }]);
  const { text, nextOffset, done } = found(await store.output(name, offset), name);
  return { text, nextOffset, done };
}

function waitMs(timeout: string | undefined): number {
  if (timeout === undefined) return DEFAULT_WAIT_MS;
  const duration = parseDuration(timeout);
  if (!duration || durationToMs(duration) < 0 || duration.nanos < 0) {
    const description = `must be a Duration of zero or more, like "30s", not ${JSON.stringify(timeout.slice(0, 40))}`;
    throw invalidArgument([{ field: "timeout", description }]);
  }
  return Math.min(MAX_WAIT_MS, durationToMs(duration));
}

function found<Answer>(answer: Answer | undefined, name: string): Answer {
  if (!answer) throw notFound(RESOURCE_TYPE, name);
  return answer;
}
