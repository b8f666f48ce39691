// Long GETs (https://cloud.google.com/apis/docs/http): Google's clients send one whose URL passes 2,000 characters as a POST
// with `X-HTTP-Method-Override: GET`, and its query as a form in the body.
import { MAX_FORM_BYTES } from "../limits";
import { parseMediaType } from "./media-type";
import { type RequestBody, bodyError } from "./request-body";

const FORM = "application/x-www-form-urlencoded";
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * The request that is meant: of a GET whose query is a form in the body, the one with that query in its URL, behind what
 * stands there already. Credentials may be in the form too, so it is read before the caller is known: it is small.
 */
export async function requestWithFormQuery(request: Request, method: string, body: RequestBody): Promise<Request> {
  if (!isOverriddenGet(request, method) || body.isAbsent || !hasForm(request)) return request;
  const form = decodedForm(await body.bytes(MAX_FORM_BYTES));
  const url = new URL(request.url);
  url.search = [url.search.slice(1), form].filter((query) => query !== "").join("&");
  return new Request(url, { method, headers: request.headers, signal: request.signal });
}

/**
 * Refuses a body that an overridden GET would ignore: its sender meant it to say something.
 *
 * @throws RpcError INVALID_ARGUMENT
 */
export async function refuseOtherBody(request: Request, method: string, body: RequestBody): Promise<void> {
  if (!isOverriddenGet(request, method) || body.isAbsent || hasForm(request)) return;
  const text = decodedForm(await body.bytes(MAX_FORM_BYTES)).trim();
  // An empty message says nothing, and some clients send one with every POST.
  if (text === "" || text === "{}") return;
  throw bodyError(`of a ${method} must be its query, as ${JSON.stringify(FORM)}`);
}

function isOverriddenGet(request: Request, method: string): boolean {
  return request.method === "POST" && (method === "GET" || method === "HEAD");
}

function hasForm({ headers }: Request): boolean {
  return parseMediaType(headers.get("Content-Type"))?.essence === FORM;
}

function decodedForm(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    // The decoder says no more than that it failed.
    throw bodyError("is not UTF-8");
  }
}
