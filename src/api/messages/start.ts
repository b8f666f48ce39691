// The options of every call that starts an operation, in the query or in the body.
import { parseTimestamp, timestampToMs } from "../../aip/timestamp";
import { MAX_SCHEDULE_AHEAD_MS } from "../../limits";
import { bool, int32, mapOf, messageField, repeated, string, struct, timestamp } from "../../protobuf/fields";
import { type MessageType, message } from "../../protobuf/message";
import { Violations } from "../../rpc/decode";
import { type StartSettings, checkLabels } from "../../service/start-settings";

/** The deployment that serves webhooks checks its URIs. */
const WebhookConfig = message("edge_operations.v1.WebhookConfig", {
  uris: repeated(string(1, { description: "At most 4." })),
  userMetadata: struct(2),
});

export const OperationOptions = message("edge_operations.v1.OperationOptions", {
  labels: mapOf(
    "string",
    string(1, {
      description:
        "Labels of the operation, at most 64. Keys: a lowercase letter, then at most 62 of a-z, 0-9, _ and -. Values: at most 63 of them.",
    }),
  ),
  scheduleTime: timestamp(2, {
    description: "The begin of the work, at most 366 days ahead. The deadline counts from it. A past time means now.",
  }),
  priority: int32(3, {
    description: "The order of operations that wait for one slot: lower ones first. 0 by default.",
  }),
  webhookConfig: messageField(4, WebhookConfig),
});

export const StartParameters = message("edge_operations.v1.StartParameters", {
  requestId: string(1, {
    description:
      "Makes the call idempotent: the same id of one caller returns the first operation. 1 to 64 characters of A-Z, a-z, 0-9, - and _.",
  }),
  validateOnly: bool(2, { description: "Only checks the request." }),
  operationOptions: messageField(3, OperationOptions, {
    description: "Labels, the time at which the work begins, and its priority.",
  }),
});

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;
export interface StartOptions {
  requestId: string | undefined;
  validateOnly: boolean;
  operationOptions: StartSettings;
}

/** The parameters with their defaults. @throws RpcError INVALID_ARGUMENT naming each that is wrong. */
export function startOptions(
  { requestId, validateOnly = false, operationOptions = {} }: MessageType<typeof StartParameters>,
  now: number,
): StartOptions {
  const violations = new Violations();
  if (requestId !== undefined && !REQUEST_ID.test(requestId)) {
    violations.add("requestId", "must be 1 to 64 characters of A-Z, a-z, 0-9, - and _");
  }
  const settings = settingsFrom(operationOptions, now, violations);
  violations.throwIfAny();
  return { requestId, validateOnly, operationOptions: settings };
}

function settingsFrom(
  { labels = {}, scheduleTime, priority = 0, webhookConfig }: MessageType<typeof OperationOptions>,
  now: number,
  violations: Violations,
): StartSettings {
  checkLabels(labels, violations);
  const beginMs = scheduleTime === undefined ? undefined : beginningFrom(scheduleTime, now, violations);
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(beginMs === undefined ? {} : { scheduleTime: beginMs }),
    ...(priority === 0 ? {} : { priority }),
    ...(webhookConfig === undefined ? {} : { webhookConfig }),
  };
}

/** Milliseconds since 1970; of a time in the past too, because a repeated request must stay the same request. */
function beginningFrom(text: string, now: number, violations: Violations): number | undefined {
  const time = parseTimestamp(text);
  const ms = time && timestampToMs(time);
  if (ms !== undefined && ms - now <= MAX_SCHEDULE_AHEAD_MS) return ms;
  return violations.add("operationOptions.scheduleTime", "must be at most 366 days ahead");
}
