// JSON-RPC 2.0 as the Model Context Protocol, version 2026-07-28, uses it: results, errors, and their HTTP statuses.
// https://modelcontextprotocol.io/specification/2026-07-28/basic
import { Code, httpStatusByCode } from "../rpc/code";
import type { RpcError } from "../rpc/error";
import type { Json, JsonObject } from "../rpc/any";

/** The endpoint. */
export const MCP_PATH = "/mcp";

export const PROTOCOL_VERSION = "2026-07-28";

/** Versions with a handshake (`initialize`). They are served without sessions, and without tasks. */
export const EARLIER_VERSIONS: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26"];

export const TASKS = "io.modelcontextprotocol/tasks";

/** Keys of `_meta`. */
export const META = {
  protocolVersion: "io.modelcontextprotocol/protocolVersion",
  clientCapabilities: "io.modelcontextprotocol/clientCapabilities",
  serverInfo: "io.modelcontextprotocol/serverInfo",
  subscriptionId: "io.modelcontextprotocol/subscriptionId",
} as const;

export type RequestId = string | number;

const ERRORS = {
  PARSE_ERROR: -32_700,
  INVALID_REQUEST: -32_600,
  METHOD_NOT_FOUND: -32_601,
  INVALID_PARAMS: -32_602,
  INTERNAL_ERROR: -32_603,
  HEADER_MISMATCH: -32_020,
  MISSING_CLIENT_CAPABILITY: -32_021,
  UNSUPPORTED_PROTOCOL_VERSION: -32_022,
} as const;

interface McpErrorOptions {
  /** 200 where the request itself was in order. */
  httpStatus?: number;
  data?: Json;
  headers?: Readonly<Record<string, string>>;
}

/** An error that is answered as a JSON-RPC error. */
export class McpError extends Error {
  override readonly name = "McpError";
  readonly code: number;
  readonly httpStatus: number;
  readonly data: Json | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: keyof typeof ERRORS | number,
    message: string,
    { httpStatus = 200, data, headers = {} }: McpErrorOptions = {},
  ) {
    super(message);
    this.code = typeof code === "number" ? code : ERRORS[code];
    this.httpStatus = httpStatus;
    this.data = data;
    this.headers = headers;
  }
}

/**
 * An error of the API. "New error codes for purposes not defined by this specification SHOULD be allocated outside the
 * JSON-RPC reserved range": they are those of google.rpc.Code.
 */
export function mcpErrorFromRpcError(error: RpcError): McpError {
  const { code, message, reason, details, headers } = error;
  const data = { reason, ...(details.length > 0 ? { details: [...details] } : {}) };
  if (code === "INTERNAL") return new McpError("INTERNAL_ERROR", message, { httpStatus: 500, data });
  if (code === "INVALID_ARGUMENT") return new McpError("INVALID_PARAMS", message, { data });
  const httpStatus = error.httpStatus ?? httpStatusByCode[code];
  return new McpError(Code[code], message, { httpStatus, data, headers });
}

export function missingCapability(capabilities: JsonObject): McpError {
  return new McpError("MISSING_CLIENT_CAPABILITY", "Missing required client capability", {
    httpStatus: 400,
    data: { requiredCapabilities: capabilities },
  });
}

export function resultResponse(id: RequestId, result: JsonObject): Response {
  return jsonResponse({ jsonrpc: "2.0", id, result });
}

export function errorResponse(
  id: RequestId | undefined,
  { code, message, data, httpStatus, headers }: McpError,
): Response {
  const error = { code, message, ...(data === undefined ? {} : { data }) };
  return jsonResponse({ jsonrpc: "2.0", ...(id === undefined ? {} : { id }), error }, { status: httpStatus, headers });
}

function jsonResponse(json: JsonObject, { status = 200, headers = {} }: ResponseInit = {}): Response {
  const all = new Headers(headers);
  all.set("Content-Type", "application/json");
  return new Response(JSON.stringify(json), { status, headers: all });
}
