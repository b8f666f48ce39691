// Cross-site requests. If the caller is known by something that a browser sends by itself (a cookie, or the header that a proxy
// makes of one), any page could call with the caller's rights. So a change must come from a page that may call.
// https://www.w3.org/TR/fetch-metadata/, https://fetch.spec.whatwg.org/#cors-safelisted-request-header
import { RpcError } from "../rpc/error";

/** The types that a form, or a script without a preflight request, can send. */
const SIMPLE_TYPES: ReadonlySet<string> = new Set([
  "",
  "application/x-www-form-urlencoded",
  "multipart/form-data",
  "text/plain",
]);
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Throws PERMISSION_DENIED if a page of another origin may have made the browser send the request. A client other than
 * a browser sends neither `Origin` nor `Sec-Fetch-Site`. `allowed` are origins beside the service's own. "any" does not
 * count: that every origin may read public data does not allow it to make changes with someone's rights.
 */
export function rejectCrossSite(request: Request, allowed: "any" | readonly string[]): void {
  const { headers } = request;
  // A page of any origin may open a WebSocket, and read what comes.
  if (SAFE_METHODS.has(request.method) && headers.get("Upgrade") === null) return;
  const origin = headers.get("Origin");
  const site = headers.get("Sec-Fetch-Site");
  const isOwn =
    origin === new URL(request.url).origin || (origin === null && (site === null || site === "same-origin"));
  const isAllowed = origin !== null && allowed !== "any" && allowed.includes(origin);
  if (!isOwn && !isAllowed && site !== "none") {
    throw crossSite("comes from a page of another origin. Add the page's origin to CORS_ORIGINS if it may call.");
  }
  const type = (headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  // Only POST comes without a preflight request.
  if (request.method === "POST" && SIMPLE_TYPES.has(type)) {
    throw crossSite(
      'has no Content-Type that a form cannot send. Send "Content-Type: application/json", without a body too.',
    );
  }
}

function crossSite(problem: string): RpcError {
  return new RpcError(
    "PERMISSION_DENIED",
    `A browser sends the caller's cookie or proxy header by itself, and the request ${problem}`,
    { reason: "CROSS_SITE_REQUEST" },
  );
}
