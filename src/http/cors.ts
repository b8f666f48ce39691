// Cross-origin requests (Fetch standard, CORS): browsers of the configured origins may call; by default of none.
import { PREFLIGHT_MAX_AGE_SECONDS } from "../limits";

/** `any`, or the origins that may call. */
export type AllowedOrigins = "any" | readonly string[];

export interface CorsRules {
  origins: AllowedOrigins;
  /** Whether a page of one of the origins may send cookies along. */
  credentials: boolean;
}

/** The headers that a page may send and read beside those that every page may. */
const REQUEST_HEADERS =
  "authorization,content-encoding,content-type,if-match,if-none-match,last-event-id,prefer,x-goog-api-client,x-goog-api-key,x-goog-fieldmask,x-http-method-override";
const RESPONSE_HEADERS = "age,allow,cache-status,etag,preference-applied,retry-after,www-authenticate";

/** Adds what lets the origin of a request read its answer; an origin that is not allowed gets the answer as it is. */
export function withCors(request: Request, response: Response, { origins: allowed, credentials }: CorsRules): Response {
  if (allowed !== "any" && allowed.length === 0) return response;
  const shared = new Response(response.body, response);
  shared.headers.append("Vary", "Origin");
  const origin = request.headers.get("Origin");
  if (origin === null || !(allowed === "any" || allowed.includes(origin))) return shared;
  shared.headers.set("Access-Control-Allow-Origin", origin);
  if (credentials && allowed !== "any") shared.headers.set("Access-Control-Allow-Credentials", "true");
  shared.headers.set("Access-Control-Expose-Headers", RESPONSE_HEADERS);
  return shared;
}

/** The answer to OPTIONS on a known path: its methods, and for a browser's preflight what a page may send. */
export function optionsResponse(request: Request, methods: readonly string[]): Response {
  const headers = new Headers({ Allow: [...methods, "OPTIONS"].join(", ") });
  if (request.headers.has("Access-Control-Request-Method")) {
    headers.set("Access-Control-Allow-Methods", methods.join(", "));
    headers.set("Access-Control-Allow-Headers", REQUEST_HEADERS);
    headers.set("Access-Control-Max-Age", String(PREFLIGHT_MAX_AGE_SECONDS));
  }
  return new Response(null, { status: 204, headers });
}
