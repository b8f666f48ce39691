// The body of an event (api.md's shape of Google's webhooks): what happened, when, and the operation as GET gives it.
import { formatTimestampMs } from "../aip/timestamp";
import type { WebhookFacts } from "../contract/webhook";
import type { WebhookEvent } from "../lifecycle/record";
import { MAX_WEBHOOK_RESPONSE_BYTES } from "./limits";
import type { JsonObject } from "../rpc/any";
import { fitsUtf8 } from "../rpc/utf8";

const RESPONSE_BEGINS = ',"response":';

/** The operation as JSON, without a response that is too large. `text` may end where such a response begins. */
export function operationFromText(text: string): JsonObject {
  if (text.endsWith(RESPONSE_BEGINS)) return JSON.parse(`${text.slice(0, -RESPONSE_BEGINS.length)}}`) as JsonObject;
  const { response, ...operation } = JSON.parse(text) as JsonObject;
  if (response === undefined || !fitsUtf8(JSON.stringify(response), MAX_WEBHOOK_RESPONSE_BYTES)) return operation;
  return { ...operation, response };
}

export function eventBody({ type, time }: WebhookEvent, operation: JsonObject, userMetadata: unknown): string {
  return JSON.stringify({ type, timestamp: formatTimestampMs(time), data: { operation, userMetadata } });
}

/** The same for each try, and for each webhook. */
export function eventId({ id }: Pick<WebhookFacts, "id">, { number }: Pick<WebhookEvent, "number">): string {
  return `evt_${id}_${number}`;
}
