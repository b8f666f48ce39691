// The tasks extension (io.modelcontextprotocol/tasks, version 2026-07-28): each operation that the caller may get is a task,
// whatever started it. https://modelcontextprotocol.io/extensions/tasks
import { pollSeconds } from "../api/answer";
import { formatTimestampMs } from "../aip/timestamp";
import { parseOperationName } from "../aip/resource-name";
import type { ReadAnswer } from "../contract/answer";
import type { Permission } from "../iam/permissions";
import { MAX_MCP_RESULT_BYTES } from "../limits";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { cancelOperation, getOperation } from "../service/operations";
import { listSuspensions, resolveSuspension } from "../service/suspensions";
import type { AgentCall, Service } from "./agent-call";
import { type SuspensionJson, elicitationOf, suspensionId } from "./elicitation";
import { textParam } from "./message";
import { McpError } from "./protocol";
import { CANCELLED, type OperationJson, errorResult, progressText, resultOfDone } from "./tool-result";

/** A task as `tasks/get` has it, or a notification. */
export type DetailedTask = JsonObject & { taskId: string; status: TaskStatus };

type TaskStatus = "working" | "input_required" | "completed" | "failed" | "cancelled";

/** An operation as it was read, parsed. */
export interface ReadOperation {
  read: ReadAnswer;
  /** Without its response, where that is too large for a result. */
  operation: OperationJson;
  isTooLarge: boolean;
}

export async function getTask(call: AgentCall, params: JsonObject): Promise<DetailedTask> {
  const taskId = textParam(params, "taskId");
  const service = await call.service("longrunning.operations.get");
  return taskFrom(call, await readTask(service, taskId), service);
}

/** @throws McpError INVALID_PARAMS for a task that is not there, and for one that the caller may not get: the same error. */
export async function readTask(service: Service, taskId: string): Promise<ReadOperation> {
  if (!parseOperationName(taskId)) throw unknownTask();
  try {
    return await parsed(await getOperation(service, taskId), taskId);
  } catch (error) {
    throw isHidden(error) ? unknownTask() : error;
  }
}

function unknownTask(): McpError {
  return new McpError("INVALID_PARAMS", "Task not found: no task of this id is there for you.");
}

/** Whether an error says that the caller may learn nothing of the operation. */
export function isHidden(error: unknown): boolean {
  return error instanceof RpcError && (error.code === "NOT_FOUND" || error.code === "PERMISSION_DENIED");
}

/** Reads an answer, as far as a result may be large. */
export async function parsed(read: ReadAnswer, name: string): Promise<ReadOperation> {
  const text = await boundedText(read.json);
  if (text !== undefined) return { read, operation: JSON.parse(text) as OperationJson, isTooLarge: false };
  return { read, operation: { name, done: read.done }, isTooLarge: true };
}

async function boundedText(json: string | ReadableStream<Uint8Array>): Promise<string | undefined> {
  if (typeof json === "string") return json.length <= MAX_MCP_RESULT_BYTES ? json : undefined;
  await json.cancel();
  return undefined;
}

/** The task that an operation is, in the caller's eyes. */
export async function taskFrom(call: AgentCall, found: ReadOperation, service: Service): Promise<DetailedTask> {
  const { read, operation } = found;
  const facts = factsOf(found, service);
  if (read.done) return { ...facts, ...outcomeOf(found) };
  const isPending = "life" in read ? (read.life?.isPending ?? false) : false;
  const waiting = isPending ? await inputOf(call, operation.name, service) : undefined;
  if (waiting) return { ...facts, ...waiting };
  return { ...facts, status: "working" };
}

function factsOf({ read, operation }: ReadOperation, service: Service): JsonObject & { taskId: string } {
  const life = "life" in read ? read.life : undefined;
  const endTime = "snapshot" in read ? read.snapshot.endTime : undefined;
  const ofMetadata = isJsonObject(operation.metadata?.["value"])
    ? operation.metadata["value"]["createTime"]
    : undefined;
  const createdAt =
    "createTime" in read
      ? formatTimestampMs(read.createTime)
      : typeof ofMetadata === "string"
        ? ofMetadata
        : formatTimestampMs(endTime ?? service.now());
  const updateTime = life?.updateTime ?? endTime;
  const statusMessage = progressText(operation, life?.statusMessage);
  return {
    taskId: operation.name,
    ...(statusMessage === "" ? {} : { statusMessage }),
    createdAt,
    lastUpdatedAt: updateTime === undefined ? createdAt : formatTimestampMs(updateTime),
    ttlMs: life && "createTime" in read ? life.expireTime - read.createTime : null,
    ...(read.done || "snapshot" in read ? {} : { pollIntervalMs: pollSeconds(read, service) * 1_000 }),
  };
}

/** The end of a task: what the call would have been answered, had the client waited. */
function outcomeOf({ operation, isTooLarge }: ReadOperation): JsonObject & { status: TaskStatus } {
  if (isTooLarge) return completedWith(tooLargeResult(operation.name));
  if (operation.error?.code === CANCELLED) return { status: "cancelled", statusMessage: operation.error.message };
  const result = resultOfDone(operation);
  if (!(result instanceof McpError)) return completedWith(result);
  const { code, message, data } = result;
  return {
    status: "failed",
    statusMessage: message,
    error: { code, message, ...(data === undefined ? {} : { data }) },
  };
}

/** "The structure matches the result type of the original request", `resultType` included: clients check it. */
function completedWith(result: JsonObject): JsonObject & { status: TaskStatus } {
  return { status: "completed", result: { resultType: "complete", ...result } };
}

export function tooLargeResult(name: string): JsonObject {
  return errorResult(
    `The result has more than ${MAX_MCP_RESULT_BYTES} bytes, too many for a tool's result. It is at GET /v1/${name} of the HTTP API.`,
  );
}

/** The input that a task waits for: the client's own, where it can give any, or another caller's. */
async function inputOf(
  { client, may }: AgentCall,
  name: string,
  { store }: Service,
): Promise<(JsonObject & { status: TaskStatus }) | undefined> {
  const pending = await pendingOf(store, name);
  if (pending.length === 0) return undefined;
  const questions = pending.map(({ prompt, ...one }) => prompt ?? suspensionId({ ...one })).join("; ");
  // A caller that may not answer is not asked: the starter of a refund does not approve it.
  const rights = await may([RESOLVE], name);
  if (!rights.has(RESOLVE)) {
    return { status: "working", statusMessage: `Waits for an answer that you may not give: ${questions}` };
  }
  const requests = pending.map((one) => [suspensionId(one), client.elicits ? elicitationOf(one) : undefined] as const);
  const asked = requests.filter(([, request]) => request !== undefined);
  if (asked.length === pending.length) {
    return {
      status: "input_required",
      statusMessage: questions,
      inputRequests: Object.fromEntries(asked) as JsonObject,
    };
  }
  const unasked = pending.filter((_, index) => requests[index]?.[1] === undefined);
  const paths = unasked.map((one) => `POST /v1/${one.name}:resolve`).join(", ");
  const statusMessage = `Waits for an answer over the HTTP API: ${questions} (${paths})`;
  if (asked.length === 0) return { status: "working", statusMessage };
  return { status: "input_required", statusMessage, inputRequests: Object.fromEntries(asked) as JsonObject };
}

const RESOLVE = "longrunning.operations.resolve" satisfies Permission;

async function pendingOf(store: Service["store"], name: string): Promise<SuspensionJson[]> {
  const { suspensions = [] } = JSON.parse(await listSuspensions(store, name)) as { suspensions?: SuspensionJson[] };
  return suspensions.filter(({ state }) => state === "PENDING");
}

export async function updateTask(call: AgentCall, params: JsonObject): Promise<JsonObject> {
  const taskId = textParam(params, "taskId");
  const responses = params["inputResponses"];
  if (!isJsonObject(responses)) throw new McpError("INVALID_PARAMS", "params.inputResponses must be an object.");
  if (!parseOperationName(taskId)) throw unknownTask();
  const { store } = await call.service("longrunning.operations.get");
  const pending = await pendingOf(store, taskId).catch((error: unknown): never => {
    throw isHidden(error) ? unknownTask() : error;
  });
  const answers = pending.flatMap((one): { name: string; payload: Json }[] => {
    // A declined or cancelled elicitation is no answer: the suspension stays pending.
    const response = responses[suspensionId(one)];
    if (!isJsonObject(response) || response["action"] !== "accept") return [];
    return [{ name: one.name, payload: response["content"] ?? {} }];
  });
  if (answers.length === 0) return {};
  const service = await call.service(RESOLVE);
  for (const { name, payload } of answers) await resolve(service, { operation: taskId, name, payload });
  return {};
}

/** "A server SHOULD ignore any responses mapped to a key that is not currently outstanding." */
const NOT_OUTSTANDING: ReadonlySet<string> = new Set([
  "SUSPENSION_RESOLVED",
  "SUSPENSION_EXPIRED",
  "OPERATION_DONE",
  "OPERATION_CANCELLING",
]);

async function resolve(
  { store, principal }: Service,
  answer: { operation: string; name: string; payload: Json },
): Promise<void> {
  try {
    await resolveSuspension(store, { ...answer, linkToken: undefined, principal });
  } catch (error) {
    if (!(error instanceof RpcError) || !NOT_OUTSTANDING.has(error.reason)) throw error;
  }
}

export async function cancelTask(call: AgentCall, params: JsonObject): Promise<JsonObject> {
  await cancel(call, textParam(params, "taskId"));
  return {};
}

/** @throws McpError INVALID_PARAMS for a task that the caller may not get, RpcError for one that it may not cancel. */
async function cancel(call: AgentCall, taskId: string): Promise<void> {
  if (!parseOperationName(taskId)) throw unknownTask();
  const { store } = await call.service("longrunning.operations.cancel");
  try {
    await cancelOperation(store, taskId);
  } catch (error) {
    if (!isHidden(error)) throw error;
    // Of a task that it may get, the caller is told that it may not cancel it.
    await readTask(await call.service("longrunning.operations.get"), taskId);
    throw error;
  }
}
