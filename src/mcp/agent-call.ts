// One request of an agent: what the methods of the protocol reach the service by, always as the caller of the request.
import type { Call } from "../api/call";
import type { FacePorts } from "../http/face";
import type { Permission } from "../iam/permissions";
import { RpcError } from "../rpc/error";
import type { Any, JsonObject } from "../rpc/any";
import { type CodeName } from "../rpc/code";
import type { Client } from "./message";

export type Service = Call["service"];

export interface AgentCall extends Reach {
  client: Client;
}

/** The service, as the caller of the request reaches it. */
export interface Reach {
  signal: AbortSignal;
  /** The ports of a method that asks operations for a permission. */
  service(this: void, permission: Permission | undefined): Promise<Service>;
  /** The answer of the HTTP API to a POST. @throws RpcError as the API answers it. */
  post(this: void, path: string, sent: Posted): Promise<JsonObject>;
  /** Those of the permissions that the caller has on a resource. */
  may(this: void, permissions: readonly Permission[], resource: string): Promise<ReadonlySet<string>>;
}

export interface Posted {
  body: string | Uint8Array | undefined;
  contentType: string | undefined;
}

interface Source {
  request: Request;
  requestId: string;
  ports: FacePorts;
  /** Of the message's `_meta`, for a request without the header. */
  traceparent?: string | undefined;
}

export function reachOf({ request, requestId, ports, traceparent }: Source): Reach {
  // Credentials of a query do not count: "Access tokens MUST NOT be included in the URI query string."
  const { origin, pathname } = new URL(request.url);
  const headers = new Headers(request.headers);
  for (const name of OF_THE_POST) headers.delete(name);
  if (traceparent !== undefined && !headers.has("traceparent")) headers.set("traceparent", traceparent);
  const { cf, signal } = request;
  const own = new Request(origin + pathname, { headers, ...(cf ? { cf } : {}) });
  const post = async (path: string, { body, contentType }: Posted): Promise<JsonObject> => {
    const posted = new Headers(headers);
    if (contentType !== undefined) posted.set("Content-Type", contentType);
    const asked = new Request(origin + path, {
      method: "POST",
      headers: posted,
      ...(body === undefined ? {} : { body }),
      ...(cf ? { cf } : {}),
    });
    const response = await ports.door(asked, { ...ports, other: undefined, log: () => {} });
    const json = (await response.json()) as JsonObject;
    if (response.ok) return json;
    throw rpcErrorFrom(json, response);
  };
  return {
    signal,
    service: (permission) => ports.service(own, requestId, permission),
    post,
    may: async (permissions, resource) => {
      const path = `/v1/${resource.split("/").map(encodeURIComponent).join("/")}:testIamPermissions`;
      const answer = await post(path, { body: JSON.stringify({ permissions }), contentType: "application/json" });
      return new Set((answer["permissions"] ?? []) as string[]);
    },
  };
}

/** Headers that say something of the posted message, and nothing of its sender. */
const OF_THE_POST = [
  "Accept",
  "Content-Encoding",
  "Content-Length",
  "Content-Type",
  "If-Match",
  "If-None-Match",
  "Prefer",
  "X-Goog-FieldMask",
  "X-HTTP-Method-Override",
];

/** The error of an answer (AIP-193), as it was thrown. */
function rpcErrorFrom(json: JsonObject, response: Response): RpcError {
  const {
    status,
    message,
    details = [],
  } = json["error"] as {
    status: CodeName;
    message: string;
    details?: (Any & { reason?: string })[];
  };
  const info = details.find((detail) => detail["@type"].endsWith("google.rpc.ErrorInfo"));
  const kept = ["WWW-Authenticate", "Retry-After"].flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  return new RpcError(status, message, {
    reason: (info?.reason ?? status) as never,
    details: details.filter((detail) => detail !== info),
    headers: Object.fromEntries(kept) as Record<string, string>,
  });
}
