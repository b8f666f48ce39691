// One line in the log for each HTTP request (docs/operations.md). It has no query, body or header: secrets come there.
import { MAX_TRACEPARENT_CHARACTERS } from "../limits";
import { nameFromPath, parseOperationName } from "../aip/resource-name";

export interface RequestLine {
  message: "request";
  /** The platform's `cf-ray`, or one that was made: errors and transitions name it too. */
  requestId: string;
  method: string;
  /** The full name of the method that is served; absent where no route knows the path. */
  rpc?: string;
  operation?: string;
  resource?: string;
  caller?: string;
  status: number;
  /** Of an error: its google.rpc.Code and its ErrorInfo's reason. */
  code?: string;
  reason?: string;
  /** As the platform's clock tells, which stands still while nothing is waited for. */
  durationMs: number;
}

export type RequestNotes = Partial<Pick<RequestLine, "rpc" | "operation" | "resource" | "caller" | "code" | "reason">>;

const RAY_ID = /^[0-9a-f]{16}(?:-[A-Z]{3})?$/;

/**
 * The name that Cloudflare gave to the request. Cloudflare's network sets the header and `cf` of every request. A
 * header without `cf` was sent by the client, who could give one name to many requests.
 */
export function requestIdOf(request: Pick<Request, "headers" | "cf">): string {
  // The header is read first: reading `cf` takes the runtime longer than all else here.
  const ray = request.headers.get("cf-ray") ?? "";
  return RAY_ID.test(ray) && request.cf !== undefined ? ray : crypto.randomUUID();
}

/** The resource of a path, from its variables. A malformed name gives none. */
export function notesFromPath(encodedVariables: Readonly<Record<string, string>>): RequestNotes {
  const encoded = encodedVariables["name"] ?? encodedVariables["parent"] ?? encodedVariables["resource"];
  const decoded = encoded === undefined ? undefined : nameFromPath(encoded);
  if (!decoded?.ok) return {};
  return parseOperationName(decoded.value) ? { operation: decoded.value } : { resource: decoded.value };
}

// The `traceparent` header (W3C Trace Context, section 3.2.2): the trace that a request belongs to.

// traceparent    = version "-" trace-id "-" parent-id "-" trace-flags ;
// version        = 2HEXDIGLC ; "ff" is not allowed
// trace-id       = 32HEXDIGLC ; all zeroes are not allowed
// parent-id      = 16HEXDIGLC ; all zeroes are not allowed
// trace-flags    = 2HEXDIGLC ;
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The trace of a request, in version 00 of the header; undefined if the header is missing or malformed.
 * "If a higher version is detected, […] the vendor MUST use these fields to construct the new traceparent field
 * according to the highest version of the specification known to it": of the flags, version 00 knows `sampled`.
 */
export function traceparentFrom(header: string | null): string | undefined {
  if (header === null || header.length > MAX_TRACEPARENT_CHARACTERS) return undefined;
  const [, version, traceId, parentId, flags = "", rest] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || (version === "00" && rest !== undefined)) return undefined;
  const knownFlags = version === "00" ? flags : `0${Number.parseInt(flags, 16) & 1}`;
  return `00-${traceId}-${parentId}-${knownFlags}`;
}
