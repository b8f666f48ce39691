// google.showcase.v1beta1.Echo.Wait (google/showcase/v1beta1/echo.proto): an operation that is done at a given time.
import { type Duration, parseDuration } from "../aip/duration";
import { type Timestamp, formatTimestamp, parseTimestamp, timestampToMs } from "../aip/timestamp";
import { defineMethod } from "../operation/define-method";
import type { Json, JsonObject } from "../rpc/any";
import { Violations, decodeStatus, isJsonObject, rpcErrorFromStatus } from "../rpc/decode";
import type { RpcError } from "../rpc/error";

interface WaitRequest {
  /** When it ends; absent: at once. */
  end: { endTime: Timestamp } | { ttl: Duration } | undefined;
  result: { error: RpcError } | { success: WaitResponse } | undefined;
}

interface WaitResponse {
  content?: string;
}

type WaitMetadata = {
  endTime: string;
};

/** The longest wait: a month, as the method's own timeout allows. */
const MAX_WAIT_SECONDS = 30 * 86_400;

export const echoWait = defineMethod({
  http: { post: "/v1beta1/echo:wait", body: "*" },
  request: decodeWaitRequest,
  responseType: "google.showcase.v1beta1.WaitResponse",
  metadataType: "google.showcase.v1beta1.WaitMetadata",
  timeout: "31d",
  initialMetadata: (request, { createTime }): WaitMetadata => ({
    endTime: formatTimestamp(endTimestamp(request, createTime)),
  }),
  immediate: (request, { createTime }) =>
    timestampToMs(endTimestamp(request, createTime)) <= createTime.getTime() ? resultOf(request) : undefined,
  async run(request, operation): Promise<WaitResponse> {
    await operation.sleepUntil(new Date(timestampToMs(endTimestamp(request, operation.createTime))));
    const result = resultOf(request);
    if ("error" in result) throw result.error;
    return result.response;
  },
});

function resultOf({ result }: WaitRequest): { error: RpcError } | { response: WaitResponse } {
  if (result && "error" in result) return result;
  return { response: result?.success ?? {} };
}

function endTimestamp({ end }: WaitRequest, createTime: Date): Timestamp {
  if (end && "endTime" in end) return end.endTime;
  const createMs = createTime.getTime();
  const seconds = Math.floor(createMs / 1_000) + (end?.ttl.seconds ?? 0);
  const nanos = (createMs % 1_000) * 1_000_000 + (end?.ttl.nanos ?? 0);
  return nanos < 1_000_000_000 ? { seconds, nanos } : { seconds: seconds + 1, nanos: nanos - 1_000_000_000 };
}

// ── Decoding: every problem is a violation of its own ───────────────────────────────────────────────────────────────

const FIELDS = ["endTime", "ttl", "error", "success"] as const;
const PROTO_NAMES: Readonly<Record<string, string>> = { end_time: "endTime" };

function decodeWaitRequest(json: JsonObject): WaitRequest {
  const violations = new Violations();
  const fields: Partial<Record<(typeof FIELDS)[number], Json>> = {};
  for (const [key, value] of Object.entries(json)) {
    const field = FIELDS.find((name) => name === (PROTO_NAMES[key] ?? key));
    // In proto JSON null is the same as absent.
    if (field === undefined) violations.add(key, `unknown field; the request has ${FIELDS.join(", ")}`);
    else if (value !== null) fields[field] = value;
  }
  if (fields.endTime !== undefined && fields.ttl !== undefined) {
    violations.add("ttl", "only one of endTime and ttl may be given");
  }
  if (fields.error !== undefined && fields.success !== undefined) {
    violations.add("success", "only one of error and success may be given");
  }
  const end = decodeEnd(fields.endTime, fields.ttl, violations);
  const result = decodeResult(fields.error, fields.success, violations);
  violations.throwIfAny();
  return { end, result };
}

function decodeEnd(endTime: Json | undefined, ttl: Json | undefined, violations: Violations): WaitRequest["end"] {
  if (endTime !== undefined) {
    const timestamp = typeof endTime === "string" ? parseTimestamp(endTime) : undefined;
    if (!timestamp) return violations.add("endTime", 'must be an RFC 3339 timestamp, like "2026-01-31T12:00:00Z"');
    return { endTime: timestamp };
  }
  if (ttl === undefined) return undefined;
  const duration = typeof ttl === "string" ? parseDuration(ttl) : undefined;
  if (!duration) return violations.add("ttl", 'must be a Duration, like "5s"');
  if (duration.seconds < 0 || duration.nanos < 0) return violations.add("ttl", "must not be negative");
  if (duration.seconds > MAX_WAIT_SECONDS) return violations.add("ttl", `must be at most ${MAX_WAIT_SECONDS}s`);
  return { ttl: duration };
}

function decodeResult(
  error: Json | undefined,
  success: Json | undefined,
  violations: Violations,
): WaitRequest["result"] {
  if (error !== undefined) {
    const status = decodeStatus(error, "error", violations);
    return status && { error: rpcErrorFromStatus(status) };
  }
  if (success === undefined) return undefined;
  if (!isJsonObject(success)) return violations.add("success", "must be an object");
  const { content, ...unknown } = success;
  for (const key of Object.keys(unknown)) violations.add(`success.${key}`, "unknown field; a WaitResponse has content");
  if (content !== undefined && content !== null && typeof content !== "string") {
    return violations.add("success.content", "must be a string");
  }
  return { success: typeof content === "string" ? { content } : {} };
}
