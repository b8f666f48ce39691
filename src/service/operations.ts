// google.longrunning.Operations (google/longrunning/operations.proto): request in, response out, over ports.
import { durationToMs, parseDuration } from "../aip/duration";
import { DEFAULT_PAGE_SIZE, DEFAULT_WAIT_MS, MAX_PAGE_BYTES, MAX_PAGE_SIZE, MAX_WAIT_MS } from "../limits";
import type { OperationAnswer } from "../operation/answer";
import { invalidArgument, notFound } from "../rpc/error";
import type { ListedOperation, OperationLists, OperationStore } from "./ports";

const RESOURCE_TYPE = "google.longrunning.Operation";

export async function getOperation(store: Pick<OperationStore, "get">, name: string): Promise<OperationAnswer> {
  return found(await store.get(name), name);
}

/** Asks the work to stop; success says only that it was asked (AIP-151). Done: nothing changes. */
export async function cancelOperation(store: Pick<OperationStore, "cancel">, name: string): Promise<void> {
  if (!(await store.cancel(name))) throw notFound(RESOURCE_TYPE, name);
}

/** Forgets the operation; it does not cancel it. */
export async function deleteOperation(store: Pick<OperationStore, "delete">, name: string): Promise<void> {
  if (!(await store.delete(name))) throw notFound(RESOURCE_TYPE, name);
}

export interface WaitOperationRequest {
  name: string;
  /** A google.protobuf.Duration in JSON, `"30s"`: more than a minute is capped. */
  timeout?: string | undefined;
  /** Aborted when the client has gone. */
  signal?: AbortSignal | undefined;
}

/** Answers as soon as the operation is done, or with its latest state after the timeout. */
export async function waitOperation(
  store: Pick<OperationStore, "wait">,
  { name, timeout, signal }: WaitOperationRequest,
): Promise<OperationAnswer> {
  return found(await store.wait(name, waitMs(timeout), signal), name);
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

export interface ListOperationsRequest {
  parent: string;
  pageSize?: number | undefined;
}

/** The operations directly under a parent, newest first, as the JSON text of a ListOperationsResponse. */
export async function listOperations(
  lists: OperationLists,
  store: Pick<OperationStore, "get">,
  { parent, pageSize = 0 }: ListOperationsRequest,
): Promise<string> {
  if (pageSize < 0)
    throw invalidArgument([{ field: "pageSize", description: `must not be negative, but is ${pageSize}` }]);
  const limit = pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
  const operations: string[] = [];
  let bytes = 0;
  for (const listed of await lists.page(parent, limit)) {
    const json = await wholeJson(store, listed);
    if (json === undefined) continue;
    bytes += json.length;
    if (bytes > MAX_PAGE_BYTES) break;
    operations.push(json);
  }
  return `{"operations":[${operations.join(",")}]}`;
}

/** What is too large for the index is read from its object; undefined where it was deleted meanwhile. */
async function wholeJson(store: Pick<OperationStore, "get">, listed: ListedOperation): Promise<string | undefined> {
  if (!listed.truncated) return listed.json;
  const { name } = JSON.parse(listed.json) as { name: string };
  const json = (await store.get(name))?.json;
  return json === undefined || typeof json === "string" ? json : new Response(json).text();
}

function found(answer: OperationAnswer | undefined, name: string): OperationAnswer {
  if (!answer) throw notFound(RESOURCE_TYPE, name);
  return answer;
}
