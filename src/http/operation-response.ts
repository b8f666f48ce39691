// Answers of the Operations service over HTTP.
import { MAX_POLL_SECONDS, MIN_POLL_SECONDS } from "../limits";
import type { OperationAnswer } from "../operation/answer";
import { JSON_TYPE } from "./media-type";

/** An Operation. While it runs, `Retry-After` suggests when to ask again: the longer it has run, the later. */
export function operationResponse(answer: OperationAnswer, now: number): Response {
  const headers: Record<string, string> = { "Content-Type": JSON_TYPE, ETag: answer.etag };
  if (!answer.done) headers["Retry-After"] = String(pollSeconds(now - answer.createTime));
  return new Response(answer.json, { headers });
}

function pollSeconds(ageMs: number): number {
  return Math.round(Math.min(MAX_POLL_SECONDS, Math.max(MIN_POLL_SECONDS, ageMs / 10_000)));
}

/** A GET of an Operation: 304 where the client has this state already (RFC 9110, If-None-Match). */
export async function conditionalOperationResponse(
  request: Request,
  answer: OperationAnswer,
  now: number,
): Promise<Response> {
  const response = operationResponse(answer, now);
  if (!matchesNone(request.headers.get("If-None-Match"), answer.etag)) return response;
  await response.body?.cancel();
  const headers = new Headers(response.headers);
  headers.delete("Content-Type");
  return new Response(null, { status: 304, headers });
}

function matchesNone(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false;
  return ifNoneMatch.split(",").some((candidate) => {
    const tag = candidate.trim().replace(/^W\//, "");
    return tag === "*" || tag === etag;
  });
}

export function emptyResponse(): Response {
  return jsonResponse("{}");
}

export function jsonResponse(json: string | ReadableStream<Uint8Array>): Response {
  return new Response(json, { headers: { "Content-Type": JSON_TYPE } });
}
