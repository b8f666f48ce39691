// tools/call: starts an operation and answers with its result if that comes soon, else with a task, or with the running
// operation for a client without tasks, which continues by the plain tools.
import { MAX_MCP_RESULT_BYTES, MCP_QUICK_MS, MCP_WAIT_MS } from "../limits";
import { type JsonObject, isJsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { parseOperationName } from "../aip/resource-name";
import { cancelOperation, explainOperation, getOperation } from "../service/operations";
import type { CodeName } from "../rpc/code";
import type { AgentCall } from "./agent-call";
import { textParam } from "./message";
import { McpError } from "./protocol";
import { startRequest } from "./start-request";
import { type ReadOperation, isHidden, parsed, taskFrom, tooLargeResult } from "./tasks";
import {
  type OperationJson,
  errorResult,
  operationResult,
  refusedResult,
  resultOfDone,
  runningResult,
  structuredResult,
  textResult,
} from "./tool-result";
import type { MethodTool } from "./tools";

export async function callTool(
  call: AgentCall,
  tools: ReadonlyMap<string, MethodTool>,
  params: JsonObject,
): Promise<JsonObject> {
  const name = textParam(params, "name");
  const { arguments: args = {} } = params;
  if (!isJsonObject(args)) throw new McpError("INVALID_PARAMS", "params.arguments must be an object.");
  const tool = tools.get(name);
  const plain = Object.hasOwn(plainTools, name) ? plainTools[name] : undefined;
  if (!tool && !plain) throw new McpError("INVALID_PARAMS", `Unknown tool: ${JSON.stringify(name.slice(0, 128))}`);
  try {
    return tool ? await start(call, tool, args) : await plain!(call, operationArgument(args));
  } catch (error) {
    if (error instanceof RpcError && !NO_RESULT.has(error.code)) return refusedResult(error);
    throw error;
  }
}

/** Errors that no other arguments would mend. */
const NO_RESULT: ReadonlySet<CodeName> = new Set<CodeName>(["INTERNAL", "UNAUTHENTICATED", "UNAVAILABLE"]);

async function start(call: AgentCall, { method }: MethodTool, args: JsonObject): Promise<JsonObject> {
  if (method.mcp && method.mcp.annotations?.idempotentHint && args["requestId"] === undefined) {
    return errorResult("INVALID_ARGUMENT: requestId: is required");
  }
  const request = startRequest(method, args);
  const started = (await call.post(request.path, request)) as unknown as OperationJson;
  if (started.done) {
    const isTooLarge = JSON.stringify(started).length > MAX_MCP_RESULT_BYTES;
    return finished({ operation: started, isTooLarge });
  }
  const waited = await waitFor(call, started.name, MCP_QUICK_MS);
  if (!waited) return runningResult(started);
  const { service, found } = waited;
  if (found.read.done) return finished(found);
  if (!call.client.takesTasks) return runningResult(found.operation);
  return { ...(await taskFrom(call, found, service)), resultType: "task" };
}

function finished({ operation, isTooLarge }: Pick<ReadOperation, "operation" | "isTooLarge">): JsonObject {
  if (isTooLarge) return tooLargeResult(operation.name);
  const result = resultOfDone(operation);
  if (result instanceof McpError) throw result;
  return result;
}

/** Undefined where the caller may not wait: an anonymous caller is no starter. Then it could not get a task either. */
async function waitFor(call: AgentCall, name: string, timeoutMs: number) {
  try {
    const service = await call.service("longrunning.operations.wait");
    const read = await service.reads.wait(name, timeoutMs, { request: call });
    return read && { service, found: await parsed(read, name) };
  } catch (error) {
    // The operation was started: whatever happens to the wait, its answer is the operation.
    if (isHidden(error) || (error instanceof RpcError && LOST_WAIT.has(error.code))) return undefined;
    throw error;
  }
}

const LOST_WAIT: ReadonlySet<CodeName> = new Set<CodeName>(["UNAVAILABLE", "UNAUTHENTICATED"]);

function operationArgument(args: JsonObject): string {
  const { name, ...others } = args;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new McpError("INVALID_PARAMS", `There is no argument ${JSON.stringify(other)}.`);
  return typeof name === "string" ? name : "";
}

type PlainTool = (call: AgentCall, name: string) => Promise<JsonObject>;

const plainTools: Readonly<Record<string, PlainTool>> = {
  get_operation: ofOperation(async (call, name) => {
    const service = await call.service("longrunning.operations.get");
    return described(await parsed(await getOperation(service, name), name));
  }),
  wait_operation: ofOperation(async (call, name) => {
    const service = await call.service("longrunning.operations.wait");
    const read = await service.reads.wait(name, MCP_WAIT_MS, { request: call });
    return read ? described(await parsed(read, name)) : unknownOperation(name);
  }),
  cancel_operation: ofOperation(async (call, name) => {
    const { store } = await call.service("longrunning.operations.cancel");
    await cancelOperation(store, name);
    return textResult("The work was asked to stop. Call get_operation to see how it ended.");
  }),
  explain_operation: ofOperation(async (call, name) => {
    const { store } = await call.service("longrunning.operations.explain");
    return structuredResult(JSON.parse(await explainOperation(store, name)) as JsonObject);
  }),
};

/** A malformed name, an unknown operation and another caller's get the same answer. */
function ofOperation(tool: PlainTool): PlainTool {
  return async (call, name) => {
    if (!parseOperationName(name)) return unknownOperation(name);
    try {
      return await tool(call, name);
    } catch (error) {
      if (isHidden(error)) return unknownOperation(name);
      throw error;
    }
  };
}

function unknownOperation(name: string): JsonObject {
  const quoted = JSON.stringify(name.slice(0, 128));
  return errorResult(
    `No operation ${quoted} is there for you, or you may not do this to it. name must be one of an earlier result.`,
  );
}

function described({ operation, isTooLarge }: ReadOperation): JsonObject {
  if (isTooLarge) return tooLargeResult(operation.name);
  if (!operation.done) return runningResult(operation);
  return operationResult(
    operation,
    operation.error ? `The work failed: ${operation.error.message}` : "The work is done.",
  );
}
