// google.showcase.v1beta1.Echo.Wait (google/showcase/v1beta1/echo.proto): an operation that is done at a given time.
import { type Duration, parseDuration } from "../aip/duration";
import { type Timestamp, formatTimestamp, parseTimestamp, timestampToMs } from "../aip/timestamp";
import { defineMethod } from "../operation/define-method";
import type { Json, JsonObject } from "../rpc/any";
import { codeNameFromNumber } from "../rpc/code";
import { RpcError, invalidArgument } from "../rpc/error";
import type { FieldViolation } from "../rpc/status";

interface WaitRequest {
  /** When it ends; absent: at once. */
  end: { endTime: Timestamp } | { ttl: Duration } | undefined;
  result: { error: RpcError } | { success: WaitResponse } | undefined;
}

interface WaitResponse {
  content?: string;
}

interface WaitMetadata {
  endTime: string;
}

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
  const violations: FieldViolation[] = [];
  const violate = (field: string, description: string): undefined => void violations.push({ field, description });
  const fields: Partial<Record<(typeof FIELDS)[number], Json>> = {};
  for (const [key, value] of Object.entries(json)) {
    const field = FIELDS.find((name) => name === (PROTO_NAMES[key] ?? key));
    // In proto JSON null is the same as absent.
    if (field === undefined) violate(key, `unknown field; the request has ${FIELDS.join(", ")}`);
    else if (value !== null) fields[field] = value;
  }
  if (fields.endTime !== undefined && fields.ttl !== undefined)
    violate("ttl", "only one of endTime and ttl may be given");
  if (fields.error !== undefined && fields.success !== undefined)
    violate("success", "only one of error and success may be given");
  const end = decodeEnd(fields.endTime, fields.ttl, violate);
  const result = decodeResult(fields.error, fields.success, violate);
  const [first, ...more] = violations;
  if (first) throw invalidArgument([first, ...more]);
  return { end, result };
}

type Violate = (field: string, description: string) => undefined;

function decodeEnd(endTime: Json | undefined, ttl: Json | undefined, violate: Violate): WaitRequest["end"] {
  if (endTime !== undefined) {
    const timestamp = typeof endTime === "string" ? parseTimestamp(endTime) : undefined;
    if (!timestamp) return violate("endTime", 'must be an RFC 3339 timestamp, like "2026-01-31T12:00:00Z"');
    return { endTime: timestamp };
  }
  if (ttl === undefined) return undefined;
  const duration = typeof ttl === "string" ? parseDuration(ttl) : undefined;
  if (!duration) return violate("ttl", 'must be a Duration, like "5s"');
  if (duration.seconds < 0 || duration.nanos < 0) return violate("ttl", "must not be negative");
  if (duration.seconds > MAX_WAIT_SECONDS) return violate("ttl", `must be at most ${MAX_WAIT_SECONDS}s`);
  return { ttl: duration };
}

function decodeResult(error: Json | undefined, success: Json | undefined, violate: Violate): WaitRequest["result"] {
  if (error !== undefined) return decodeError(error, violate);
  if (success === undefined) return undefined;
  if (!isObject(success)) return violate("success", "must be an object");
  const { content, ...unknown } = success;
  for (const key of Object.keys(unknown)) violate(`success.${key}`, "unknown field; a WaitResponse has content");
  if (content !== undefined && content !== null && typeof content !== "string")
    return violate("success.content", "must be a string");
  return { success: typeof content === "string" ? { content } : {} };
}

function decodeError(error: Json, violate: Violate): WaitRequest["result"] {
  if (!isObject(error)) return violate("error", "must be a google.rpc.Status");
  const { code, message = "", details = [], ...unknown } = error;
  for (const key of Object.keys(unknown))
    violate(`error.${key}`, "unknown field; a Status has code, message and details");
  const name = typeof code === "number" ? codeNameFromNumber(code) : undefined;
  if (name === undefined) return violate("error.code", "must be a google.rpc.Code number from 1 to 16");
  if (typeof message !== "string") return violate("error.message", "must be a string");
  if (!Array.isArray(details)) return violate("error.details", "must be a list of google.protobuf.Any");
  const types = new Set<string>();
  const anys = details.map((detail, index) => {
    const type = isObject(detail) ? detail["@type"] : undefined;
    if (!isObject(detail) || typeof type !== "string" || type === "") {
      violate(`error.details[${index}].@type`, "must be a type URL");
      return { "@type": "" };
    }
    if (types.has(type)) violate(`error.details[${index}]`, `a second detail of the type ${type}`);
    types.add(type);
    return Object.assign(detail, { "@type": type });
  });
  return { error: new RpcError(name, message, { details: anys }) };
}

function isObject(json: Json): json is JsonObject {
  return json !== null && typeof json === "object" && !Array.isArray(json);
}
