// One line in the log for each HTTP request (docs/operations.md): which method on what, by whom, how it went. Neither
// query nor body nor header is in it: credentials, filters and payloads come there.
import { nameFromPath, parseOperationName } from "../aip/resource-name";

export interface RequestLine {
  message: "request";
  /** The platform's `cf-ray`, or one that was made: errors and transitions name it too. */
  requestId: string;
  /** The HTTP method. */
  method: string;
  /** The full name of the method that is served; absent where no route knows the path. */
  rpc?: string;
  /** The operation that it is about, or that it started. */
  operation?: string;
  /** Another resource of the request: a parent, a resource. */
  resource?: string;
  /** The caller's id; absent where it was not found out. */
  caller?: string;
  status: number;
  /** Of an error: its google.rpc.Code and its ErrorInfo's reason. */
  code?: string;
  reason?: string;
  /** As the platform's clock tells, which stands still while nothing is waited for. */
  durationMs: number;
}

/** The fields that the stages of a request add to its line. */
export type RequestNotes = Partial<Pick<RequestLine, "rpc" | "operation" | "resource" | "caller" | "code" | "reason">>;

const RAY_ID = /^[0-9a-f]{16}(?:-[A-Z]{3})?$/;

/**
 * The name that Cloudflare gave to the request. Cloudflare's network sets the header and `cf` of every request. A
 * header without `cf` was sent by the client, who could give one name to many requests.
 */
export function requestIdOf(request: Pick<Request, "headers" | "cf">): string {
  const ray = request.cf === undefined ? "" : (request.headers.get("cf-ray") ?? "");
  return RAY_ID.test(ray) ? ray : crypto.randomUUID();
}

/** The resource of a path, from its variables. A malformed name gives none. */
export function notesFromPath(encodedVariables: Readonly<Record<string, string>>): RequestNotes {
  const encoded = encodedVariables["name"] ?? encodedVariables["parent"] ?? encodedVariables["resource"];
  const decoded = encoded === undefined ? undefined : nameFromPath(encoded);
  if (!decoded?.ok) return {};
  return parseOperationName(decoded.value) ? { operation: decoded.value } : { resource: decoded.value };
}
