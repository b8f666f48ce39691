// Answers of the Operations service over HTTP.
import { MAX_POLL_SECONDS, MIN_POLL_SECONDS } from "../limits";
import type { OperationAnswer, ReadAnswer } from "../contract/answer";
import type { ServiceContext } from "./call";
import { JSON_TYPE } from "./media-type";

/** What polls are timed by. */
type Clock = Pick<ServiceContext, "now" | "usualDurations">;

/** An Operation. While it runs, `Retry-After` suggests when to ask again; once it is done, its duration is remembered. */
export function operationResponse(answer: ReadAnswer, clock: Clock): Response {
  const headers: Record<string, string> = { "Content-Type": JSON_TYPE };
  if (answer.etag !== undefined) headers["ETag"] = answer.etag;
  if ("snapshot" in answer) Object.assign(headers, snapshotHeaders(answer.snapshot, clock.now()));
  else {
    if (!answer.done) headers["Retry-After"] = String(pollSeconds(answer, clock));
    const { method, tookMs } = answer.pace ?? {};
    if (method !== undefined && tookMs !== undefined) clock.usualDurations.observe(method, tookMs);
  }
  return new Response(answer.json, { headers });
}

/** Cache-Status (RFC 9211) says that a snapshot answered, Age (RFC 9111) since when it may have been deleted unseen. */
function snapshotHeaders({ endTime }: { endTime: number | undefined }, now: number): Record<string, string> {
  const cacheStatus = { "Cache-Status": "operation-snapshots; hit" };
  if (endTime === undefined) return cacheStatus;
  return { ...cacheStatus, Age: String(Math.max(0, Math.floor((now - endTime) / 1_000))) };
}

/** Until it usually is done; what takes longer than usual, or has no usual duration, a tenth of its age. */
function pollSeconds({ createTime, pace }: OperationAnswer, { now, usualDurations }: Clock): number {
  const ageMs = now() - createTime;
  const usualMs = pace && (pace.usualMs ?? usualDurations.of(pace.method));
  const remainingMs = usualMs === undefined ? 0 : usualMs - ageMs;
  const seconds = Math.ceil((remainingMs > 0 ? remainingMs : ageMs / 10) / 1_000);
  return Math.min(MAX_POLL_SECONDS, Math.max(MIN_POLL_SECONDS, seconds));
}

/** A GET of an Operation: 304 where the client has this state already (RFC 9110, If-None-Match). */
export async function conditionalOperationResponse(
  request: Request,
  answer: ReadAnswer,
  clock: Clock,
): Promise<Response> {
  const response = operationResponse(answer, clock);
  if (!matchesNone(request.headers.get("If-None-Match"), answer.etag)) return response;
  await response.body?.cancel();
  const headers = new Headers(response.headers);
  headers.delete("Content-Type");
  return new Response(null, { status: 304, headers });
}

function matchesNone(ifNoneMatch: string | null, etag: string | undefined): boolean {
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
