// The result of a handler whose response message is JSON text already: stored, or a stream.
import { MAX_POLL_SECONDS, MIN_POLL_SECONDS } from "../limits";
import type { OperationAnswer, ReadAnswer } from "../contract/answer";
import type { Watching } from "../service/ports";
import type { ServiceContext } from "./call";

/** A response as JSON, which the door passes on as it is. */
export class JsonAnswer {
  readonly json: string | ReadableStream<Uint8Array>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(json: string | ReadableStream<Uint8Array>, headers: Readonly<Record<string, string>> = {}) {
    this.json = json;
    this.headers = headers;
  }
}

/** The events of a watch of an operation; undefined: its client has the last one. */
export class EventsAnswer {
  readonly name: string;
  readonly watching: Watching | undefined;

  constructor(name: string, watching: Watching | undefined) {
    this.name = name;
    this.watching = watching;
  }
}

type Clock = Pick<ServiceContext, "now" | "usualDurations">;

/** An Operation. While it runs, `Retry-After` suggests when to ask again; once it is done, its duration is remembered. */
export function operationAnswer(
  read: ReadAnswer,
  clock: Clock,
  others: Readonly<Record<string, string>> = {},
): JsonAnswer {
  const headers: Record<string, string> = { ...others };
  if (read.etag !== undefined) headers["ETag"] = read.etag;
  if ("snapshot" in read) Object.assign(headers, snapshotHeaders(read.snapshot, clock.now()));
  else {
    if (!read.done) headers["Retry-After"] = String(pollSeconds(read, clock));
    const { method, tookMs } = read.pace ?? {};
    if (method !== undefined && tookMs !== undefined) clock.usualDurations.observe(method, tookMs);
  }
  return new JsonAnswer(read.json, headers);
}

/** Cache-Status (RFC 9211) says that a snapshot answered, Age (RFC 9111) since when it may have been deleted unseen. */
function snapshotHeaders({ endTime }: { endTime: number | undefined }, now: number): Record<string, string> {
  const cacheStatus = { "Cache-Status": "operation-snapshots; hit" };
  if (endTime === undefined) return cacheStatus;
  return { ...cacheStatus, Age: String(Math.max(0, Math.floor((now - endTime) / 1_000))) };
}

/** Until it usually is done. An operation that takes longer, or has no usual duration: a tenth of its age. */
export function pollSeconds({ createTime, pace }: OperationAnswer, { now, usualDurations }: Clock): number {
  const ageMs = now() - createTime;
  const usualMs = pace && (pace.usualMs ?? usualDurations.of(pace.method));
  const remainingMs = usualMs === undefined ? 0 : usualMs - ageMs;
  const seconds = Math.ceil((remainingMs > 0 ? remainingMs : ageMs / 10) / 1_000);
  return Math.min(MAX_POLL_SECONDS, Math.max(MIN_POLL_SECONDS, seconds));
}
