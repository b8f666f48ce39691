// Decodes what a client posts (Streamable HTTP, version 2026-07-28): one JSON-RPC request or notification, whose headers say
// what its body says. https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import {
  EARLIER_VERSIONS,
  META,
  McpError,
  PROTOCOL_VERSION,
  type RequestId,
  TASKS,
  missingCapability,
} from "./protocol";

/** The client that sent a request, as that request describes it. Earlier requests say nothing of it. */
export interface Client {
  /** Whether it speaks {@link PROTOCOL_VERSION}; otherwise an earlier version, which knows neither tasks nor `resultType`. */
  isCurrent: boolean;
  /** Whether it declares the tasks extension. */
  takesTasks: boolean;
  /** Whether it can ask its user for the fields of a form. */
  elicits: boolean;
}

export interface McpRequest {
  id: RequestId;
  method: string;
  params: JsonObject;
  client: Client;
}

export type Message = McpRequest | { notification: string };

/** The id of a request, where there is one: errors name it. */
export function idOf(json: Json | undefined): RequestId | undefined {
  const id = isJsonObject(json) ? json["id"] : undefined;
  return typeof id === "string" || (typeof id === "number" && Number.isInteger(id)) ? id : undefined;
}

/** @throws McpError */
export function messageFrom(json: Json | undefined, headers: Headers): Message {
  if (!isJsonObject(json) || json["jsonrpc"] !== "2.0" || typeof json["method"] !== "string") {
    throw new McpError("INVALID_REQUEST", "The body must be one JSON-RPC 2.0 request or notification.", {
      httpStatus: 400,
    });
  }
  const { method, params = {} } = json;
  if (!("id" in json)) return { notification: method };
  const id = idOf(json);
  if (id === undefined) {
    throw new McpError("INVALID_REQUEST", "id must be a string or an integer.", { httpStatus: 400 });
  }
  if (!isJsonObject(params)) throw new McpError("INVALID_PARAMS", "params must be an object.", { httpStatus: 400 });
  const meta = isJsonObject(params["_meta"]) ? params["_meta"] : {};
  return { id, method, params, client: clientOf(method, { params, meta, headers }) };
}

interface Sent {
  params: JsonObject;
  meta: JsonObject;
  headers: Headers;
}

function clientOf(method: string, sent: Sent): Client {
  const { meta, headers } = sent;
  const inHeader = headers.get("MCP-Protocol-Version");
  const inBody = meta[META.protocolVersion];
  // "A server that supports clients implementing protocol versions earlier than 2025-06-18 MAY treat a request that omits
  // the header as protocol version 2025-03-26."
  if (inBody === undefined && (inHeader === null || EARLIER_VERSIONS.includes(inHeader) || method === "initialize")) {
    return { isCurrent: false, takesTasks: false, elicits: false };
  }
  const requested = typeof inBody === "string" ? inBody : (inHeader ?? "");
  if (requested !== PROTOCOL_VERSION) throw unsupportedVersion(requested);
  if (inHeader === null) throw mismatch("the header MCP-Protocol-Version is missing");
  if (inBody === undefined) throw invalidMeta(META.protocolVersion);
  checkHeader("MCP-Protocol-Version", { value: inHeader, body: requested });
  const methodHeader = headers.get("Mcp-Method");
  if (methodHeader === null) throw mismatch("the header Mcp-Method is missing");
  checkHeader("Mcp-Method", { value: methodHeader, body: method });
  checkName(method, sent);
  const capabilities = meta[META.clientCapabilities];
  if (!isJsonObject(capabilities)) throw invalidMeta(META.clientCapabilities);
  const { extensions, elicitation } = capabilities;
  return {
    isCurrent: true,
    takesTasks: isJsonObject(extensions) && isJsonObject(extensions[TASKS]),
    // "An empty object is equivalent to declaring support for form mode only."
    elicits: isJsonObject(elicitation) && ("form" in elicitation || Object.keys(elicitation).length === 0),
  };
}

/** The parameter that `Mcp-Name` repeats, and whether the header must be there. */
const NAMED: Readonly<Record<string, { param: string; isRequired: boolean }>> = {
  "tools/call": { param: "name", isRequired: true },
  // The extension obliges clients to send it, and obliges no server to reject a request without it.
  "tasks/get": { param: "taskId", isRequired: false },
  "tasks/update": { param: "taskId", isRequired: false },
  "tasks/cancel": { param: "taskId", isRequired: false },
};

function checkName(method: string, { params, headers }: Sent): void {
  const named = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined;
  const body = named && params[named.param];
  if (named === undefined || typeof body !== "string") return;
  const value = headers.get("Mcp-Name");
  if (value !== null) return checkHeader("Mcp-Name", { value: decodedHeader(value), body });
  if (named.isRequired) throw mismatch("the header Mcp-Name is missing");
}

/** `=?base64?…?=` is the Base64 of the UTF-8 of a value that a header cannot hold. */
function decodedHeader(value: string): string {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw mismatch("the header Mcp-Name is not the Base64 of UTF-8");
  }
}

function checkHeader(name: string, { value, body }: { value: string; body: string }): void {
  if (value !== body) throw mismatch(`the header ${name} does not match the value in the body`);
}

function mismatch(problem: string): McpError {
  return new McpError("HEADER_MISMATCH", `Header mismatch: ${problem}`, { httpStatus: 400 });
}

function unsupportedVersion(requested: string): McpError {
  return new McpError("UNSUPPORTED_PROTOCOL_VERSION", "Unsupported protocol version", {
    httpStatus: 400,
    data: { supported: [PROTOCOL_VERSION, ...EARLIER_VERSIONS], requested },
  });
}

function invalidMeta(key: string): McpError {
  return new McpError("INVALID_PARAMS", `params._meta must have ${JSON.stringify(key)}.`, { httpStatus: 400 });
}

/** @throws McpError where the client did not declare the extension on this request. */
export function requireTasks({ takesTasks }: Client): void {
  if (!takesTasks) throw missingCapability({ extensions: { [TASKS]: {} } });
}

export function textParam(params: JsonObject, name: string): string {
  const value = params[name];
  if (typeof value === "string") return value;
  throw new McpError("INVALID_PARAMS", `params.${name} must be a string.`);
}
