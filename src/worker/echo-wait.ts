// google.showcase.v1beta1.Echo.Wait (google/showcase/v1beta1/echo.proto): an operation that is done at a given time.
import { defineMethod } from "edge-operations";
import {
  type MessageType,
  RpcStatus,
  duration,
  message,
  messageField,
  oneof,
  refine,
  string,
  timestamp,
} from "edge-operations/protobuf";
import { type Duration, parseDuration } from "../aip/duration";
import { type Timestamp, formatTimestamp, parseTimestamp, timestampToMs } from "../aip/timestamp";
import type { Violate } from "../protobuf/refine";
import { errorStatus } from "../protobuf/rpc-status";
import { rpcErrorFromStatus } from "../rpc/decode";
import type { RpcError } from "../rpc/error";

const WaitResponse = message("google.showcase.v1beta1.WaitResponse", { content: string(1) });
type WaitResponse = MessageType<typeof WaitResponse>;

const WaitMetadata = message("google.showcase.v1beta1.WaitMetadata", { endTime: timestamp(1) });

const WaitRequestMessage = message("google.showcase.v1beta1.WaitRequest", {
  end: oneof(
    { endTime: timestamp(1), ttl: duration(4, { description: "From the call on." }) },
    { description: "Its end. By default at once." },
  ),
  response: oneof(
    { error: messageField(2, RpcStatus), success: messageField(3, WaitResponse) },
    { description: "The result. By default an empty response." },
  ),
});

interface WaitRequest {
  /** When it ends; absent: at once. */
  end: { endTime: Timestamp } | { ttl: Duration } | undefined;
  result: { error: RpcError } | { success: WaitResponse } | undefined;
}

/** The longest wait: a month, as the method's own timeout allows. */
const MAX_WAIT_SECONDS = 30 * 86_400;

const waitRequest = refine(WaitRequestMessage, (request, violate): WaitRequest => {
  const { endTime, ttl, error, success } = request;
  const failure = error && errorStatus(error, ["error"], violate);
  return {
    end: endOf({ endTime, ttl }, violate),
    result: failure ? { error: rpcErrorFromStatus(failure) } : success && { success },
  };
});

export const echoWait = defineMethod({
  http: { post: "/v1beta1/echo:wait", body: "*" },
  request: waitRequest,
  responseType: WaitResponse,
  metadataType: WaitMetadata,
  timeout: "31d",
  dispatch: "direct",
  usualDuration: (request, { createTime }) => {
    const ms = timestampToMs(endTimestamp(request, createTime)) - createTime.getTime();
    return `${Math.min(Math.max(0, ms), MAX_WAIT_SECONDS * 1_000)}ms`;
  },
  initialMetadata: (request, { createTime }) => ({
    endTime: formatTimestamp(endTimestamp(request, createTime)),
  }),
  immediate: (request, { createTime }) =>
    timestampToMs(endTimestamp(request, createTime)) <= createTime.getTime() ? resultOf(request) : undefined,
  async run(request, operation) {
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

function endOf({ endTime, ttl }: { endTime?: string | undefined; ttl?: string | undefined }, violate: Violate) {
  const timestampOfEnd = endTime === undefined ? undefined : parseTimestamp(endTime);
  if (timestampOfEnd) return { endTime: timestampOfEnd };
  const length = ttl === undefined ? undefined : parseDuration(ttl);
  if (!length) return undefined;
  if (length.seconds < 0 || length.nanos < 0) return violate(["ttl"], "must not be negative");
  if (length.seconds > MAX_WAIT_SECONDS) return violate(["ttl"], `must be at most ${MAX_WAIT_SECONDS}s`);
  return { ttl: length };
}
