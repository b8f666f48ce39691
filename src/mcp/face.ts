// mcp(): the face that agents see. It serves one endpoint without sessions: every request says all that is needed.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
import { withCors } from "../http/cors";
import type { Face, FacePorts, MakeFace } from "../http/face";
import { RequestBody, readJson } from "../http/request-body";
import { type RequestNotes, requestIdOf } from "../http/request-line";
import type { Permission } from "../iam/permissions";
import { isAnonymous } from "../iam/principal";
import { MAX_BODY_BYTES, MCP_CACHE_MS, PREFLIGHT_MAX_AGE_SECONDS } from "../limits";
import type { Method } from "../method/define-method";
import { checkOptions } from "../method/declaration-check";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { type AgentCall, reachOf } from "./agent-call";
import { callTool } from "./call-tool";
import { listen } from "./listen";
import { type McpRequest, idOf, messageFrom, requireTasks } from "./message";
import { METADATA_PATHS, challenge, protectedResourceMetadata } from "./protected-resource";
import {
  EARLIER_VERSIONS,
  MCP_PATH,
  META,
  McpError,
  PROTOCOL_VERSION,
  type RequestId,
  TASKS,
  errorResponse,
  mcpErrorFromRpcError,
  resultResponse,
} from "./protocol";
import { cancelTask, getTask, updateTask } from "./tasks";
import { EXPLAIN_TOOL, type MethodTool, PLAIN_TOOLS, methodTools } from "./tools";

/** How the service presents itself to agents. */
export interface McpOptions {
  /** The server's name. Default: `edge-operations`. */
  name?: string;
  /** Its version. Default: `1`. */
  version?: string;
  /** Tells models how to use the service as a whole. */
  instructions?: string;
}

const OPTIONS: Record<keyof Required<McpOptions>, true> = { name: true, version: true, instructions: true };

/**
 * Serves the methods of a deployment to agents: `operations({ methods, mcp: mcp() })`.
 *
 * @throws TypeError where an option is wrong, or a method cannot be a tool as it is declared, when the Worker starts.
 */
export function mcp(options: McpOptions = {}): MakeFace {
  checkOptions("mcp()", options, OPTIONS);
  return (methods) => faceOf(methods, options);
}

interface Server {
  tools: ReadonlyMap<string, MethodTool>;
  options: McpOptions;
  info: JsonObject;
}

function faceOf(methods: readonly Method[], options: McpOptions): Face {
  const { name = "edge-operations", version = "1" } = options;
  const server: Server = { tools: methodTools(methods), options, info: { name, version } };
  return (request, ports) => {
    const { origin, pathname } = new URL(request.url);
    if (METADATA_PATHS.includes(pathname) && (request.method === "GET" || request.method === "HEAD")) {
      return Promise.resolve(protectedResourceMetadata(origin, ports.issuers(), name));
    }
    return pathname === MCP_PATH ? serve(server, request, ports) : undefined;
  };
}

interface Exchange {
  request: Request;
  ports: FacePorts;
  body: RequestBody;
  requestId: string;
  /** Of the JSON-RPC request, when it is known. */
  id: RequestId | undefined;
  notes: RequestNotes;
}

async function serve(server: Server, request: Request, ports: FacePorts): Promise<Response> {
  const startTime = Date.now();
  const body = new RequestBody(request);
  const exchange: Exchange = { request, ports, body, requestId: requestIdOf(request), id: undefined, notes: {} };
  const answered = await answer(server, exchange).catch((error: unknown) => answerError(error, exchange));
  const response = withCors(request, answered, ports.cors());
  await body.drain();
  const { notes, requestId } = exchange;
  const durationMs = Date.now() - startTime;
  ports.log({ message: "request", requestId, method: request.method, ...notes, status: response.status, durationMs });
  return response;
}

async function answer(server: Server, exchange: Exchange): Promise<Response> {
  const { request, ports, body, requestId, notes } = exchange;
  checkOrigin(request, ports);
  if (request.method === "OPTIONS") return optionsResponse();
  if (request.method !== "POST") return new Response(null, { status: 405, headers: { Allow: ALLOW } });
  // The caller is judged before the body is read.
  const reach = reachOf({ request, requestId, ports });
  const { principal, caller } = await reach.service(undefined);
  notes.caller = principal.id || "anonymous";
  const isStranger = isAnonymous(principal) && !caller.mayUseRequestId;
  // So that a client begins to log in. Where everybody may start work, agents may too.
  if (isStranger && !(await reach.may([INVOKE], ROOT)).has(INVOKE)) throw credentialsMissing();
  const json = await readMessage(request, body);
  exchange.id = idOf(json);
  const message = messageFrom(json, request.headers);
  if ("notification" in message) {
    notes.rpc = `mcp:${message.notification.slice(0, MAX_METHOD_CHARACTERS)}`;
    return new Response(null, { status: 202 });
  }
  const { id, method, params, client } = message;
  notes.rpc = `mcp:${method.slice(0, MAX_METHOD_CHARACTERS)}`;
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (!handler || (handler.of && !handler.of(message))) {
    throw new McpError("METHOD_NOT_FOUND", `Method not found: ${method.slice(0, MAX_METHOD_CHARACTERS)}`, {
      httpStatus: client.isCurrent ? 404 : 200,
    });
  }
  if (handler.isOfTasks) requireTasks(client);
  const named = params["taskId"];
  if (typeof named === "string" && handler.isOfTasks) notes.operation = named.slice(0, MAX_NAME_CHARACTERS);
  const meta = isJsonObject(params["_meta"]) ? params["_meta"] : {};
  const traceparent = typeof meta["traceparent"] === "string" ? meta["traceparent"] : undefined;
  const call = { ...reachOf({ request, requestId, ports, traceparent }), client };
  const handled = await handler.handle(server, { call, params, id });
  return handled instanceof Response ? handled : resultResponse(id, completed(server, client.isCurrent, handled));
}

/** Of a name or method in the log: no more of what a client made up. */
const MAX_METHOD_CHARACTERS = 64;
const MAX_NAME_CHARACTERS = 256;

const ALLOW = "POST, OPTIONS";
const ROOT = "operations";
const INVOKE = "longrunning.methods.invoke" satisfies Permission;
const EXPLAIN = "longrunning.operations.explain" satisfies Permission;

async function readMessage(request: Request, body: RequestBody): Promise<Json | undefined> {
  try {
    return await readJson(request, body, MAX_BODY_BYTES);
  } catch (error) {
    const { code, message, httpStatus = 400 } = RpcError.from(error);
    if (code === "INTERNAL") throw error;
    throw new McpError("PARSE_ERROR", message, { httpStatus });
  }
}

/** "Servers MUST validate the Origin header on all incoming connections to prevent DNS rebinding attacks." */
function checkOrigin(request: Request, ports: FacePorts): void {
  const origin = request.headers.get("Origin");
  if (origin === null) return;
  const { origins } = ports.cors();
  if (origins === "any" || origins.includes(origin)) return;
  throw new McpError("INVALID_REQUEST", "CORS_ORIGINS does not have this Origin.", { httpStatus: 403 });
}

function optionsResponse(): Response {
  const headers = {
    Allow: ALLOW,
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers":
      "accept,authorization,content-type,mcp-method,mcp-name,mcp-protocol-version,mcp-session-id,x-goog-api-key",
    "Access-Control-Max-Age": String(PREFLIGHT_MAX_AGE_SECONDS),
  };
  return new Response(null, { status: 204, headers });
}

function credentialsMissing(): RpcError {
  return new RpcError("UNAUTHENTICATED", "Send credentials: an API key, or a token of an issuer in the metadata.", {
    reason: "CREDENTIALS_MISSING",
  });
}

interface Asked {
  call: AgentCall;
  params: JsonObject;
  id: RequestId;
}

interface Handler {
  isOfTasks?: true;
  /** Whether the client's version of the protocol has the method. */
  of?(this: void, request: McpRequest): boolean;
  handle(this: void, server: Server, asked: Asked): JsonObject | Promise<JsonObject | Response>;
}

const handlers: Readonly<Record<string, Handler>> = {
  "server/discover": { of: ({ client }) => client.isCurrent, handle: (server) => discover(server) },
  initialize: { of: ({ client }) => !client.isCurrent, handle: (server, { params }) => initialize(server, params) },
  ping: { of: ({ client }) => !client.isCurrent, handle: () => ({}) },
  "tools/list": { handle: (server, asked) => listTools(server, asked) },
  "tools/call": { handle: ({ tools }, { call, params }) => callTool(call, tools, params) },
  "tasks/get": { isOfTasks: true, handle: (_, { call, params }) => getTask(call, params) },
  "tasks/update": { isOfTasks: true, handle: (_, { call, params }) => updateTask(call, params) },
  "subscriptions/listen": {
    of: ({ client }) => client.isCurrent,
    handle: (_, { call, params, id }) => listen(call, params, id),
  },
  "tasks/cancel": { isOfTasks: true, handle: (_, { call, params }) => cancelTask(call, params) },
};

function discover({ options: { instructions } }: Server): JsonObject {
  return {
    supportedVersions: [PROTOCOL_VERSION, ...EARLIER_VERSIONS],
    capabilities: { tools: {}, extensions: { [TASKS]: {} } },
    ...(instructions === undefined ? {} : { instructions }),
    ttlMs: MCP_CACHE_MS,
    cacheScope: "public",
  };
}

/** The handshake of earlier versions. Nothing of it is kept. */
function initialize({ info, options: { instructions } }: Server, { protocolVersion }: JsonObject): JsonObject {
  const [latest = PROTOCOL_VERSION] = EARLIER_VERSIONS;
  const version =
    typeof protocolVersion === "string" && EARLIER_VERSIONS.includes(protocolVersion) ? protocolVersion : latest;
  return {
    protocolVersion: version,
    capabilities: { tools: {} },
    serverInfo: info,
    ...(instructions === undefined ? {} : { instructions }),
  };
}

/** The tools that the caller may use somewhere, in the order of their declaration. */
async function listTools({ tools }: Server, { call: { client, may }, params }: Asked): Promise<JsonObject> {
  if (params["cursor"] !== undefined) throw new McpError("INVALID_PARAMS", "cursor is not one of an earlier answer.");
  const rights = await may([INVOKE, EXPLAIN], ROOT);
  // The right to start work under a parent may be held on that parent alone, which a call names.
  const callable = [...tools.values()].filter(({ hasParent }) => hasParent || rights.has(INVOKE));
  const listed = callable.map((tool) => (client.takesTasks ? tool.definition : tool.plainDefinition));
  const plain = client.takesTasks ? [] : PLAIN_TOOLS;
  return {
    tools: [...listed, ...plain, ...(rights.has(EXPLAIN) ? [EXPLAIN_TOOL] : [])],
    ...(client.isCurrent ? { ttlMs: MCP_CACHE_MS, cacheScope: "private" } : {}),
  };
}

/** A result in the form of the client's version. */
function completed({ info }: Server, isCurrent: boolean, result: JsonObject): JsonObject {
  if (!isCurrent) return result;
  return { resultType: "complete", ...result, _meta: { [META.serverInfo]: info } };
}

function answerError(thrown: unknown, { request, id, requestId, notes }: Exchange): Response {
  const error = thrown instanceof McpError ? thrown : fromService(thrown, { request, requestId, notes });
  return errorResponse(id, error);
}

function fromService(
  thrown: unknown,
  { request, requestId, notes }: Pick<Exchange, "request" | "requestId" | "notes">,
): McpError {
  const error = RpcError.from(thrown);
  Object.assign(notes, { code: error.code, reason: error.reason });
  if (error.code === "INTERNAL") {
    const { cause } = error;
    const inner = cause instanceof Error ? (cause.stack ?? cause.message) : cause;
    console.error({ message: error.message, requestId, reason: error.reason, path: MCP_PATH, error: inner });
  }
  const answered = mcpErrorFromRpcError(error);
  if (error.code !== "UNAUTHENTICATED") return answered;
  const headers = { "WWW-Authenticate": challenge(new URL(request.url).origin, answered.headers["WWW-Authenticate"]) };
  const { code, message, httpStatus, data } = answered;
  return new McpError(code, message, { httpStatus, headers, ...(data === undefined ? {} : { data }) });
}
