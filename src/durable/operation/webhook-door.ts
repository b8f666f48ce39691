// The door by which the deliverer of webhooks comes to an operation's object. Only a Worker that serves webhooks carries it.
import { type WebhookFacts, type WebhookWork } from "../../contract/webhook";
import { isVisible, operationJsonParts } from "../../contract/resource";
import type { WebhookReport } from "../../lifecycle/event";
import type { OperationRecord } from "../../lifecycle/record";
import { MAX_PENDING_WEBHOOK_EVENTS } from "../../limits";
import { MAX_WEBHOOK_RESPONSE_BYTES, WEBHOOK_CLAIM_MS } from "../../webhook/limits";
import type { OperationEnv } from "./operation-env";
import type { DeliveredLife } from "../webhook-doors";

/** Until when a deliverer alone has the events. In memory: where it is lost, events may be sent twice. */
const claims = new WeakMap<DeliveredLife, number>();

/** `report`: a WebhookReport as JSON text; absent: the deliverer asks for work. */
export function webhookDoor(life: DeliveredLife, report: string | undefined): WebhookWork | undefined {
  if (report === undefined) return work(life);
  claims.delete(life);
  take(life, JSON.parse(report) as WebhookReport);
  return undefined;
}

/** Sends the message for the deliverer. */
export async function sendWebhooks({ WEBHOOK_QUEUE: queue }: OperationEnv, { id }: OperationRecord): Promise<void> {
  if (!queue) throw new Error("no queue is bound as WEBHOOK_QUEUE (docs/webhooks.md)");
  await queue.send({ webhooks: id });
}

function work(life: DeliveredLife): WebhookWork | undefined {
  const { record } = life;
  const now = Date.now();
  if (!record?.outbox.webhooks || !isVisible(record, now) || now < (claims.get(life) ?? 0)) return undefined;
  claims.set(life, now + WEBHOOK_CLAIM_MS);
  return { json: JSON.stringify(factsOf(record)), operation: bodyOf(life, record) };
}

function factsOf({ id, name, parent, webhookConfig, hasWebhooks, webhooks }: OperationRecord): Partial<WebhookFacts> {
  return { id, name, parent, webhookConfig, hasWebhooks, webhooks } as Partial<WebhookFacts>;
}

/** Without a response that is too large for receivers. */
function bodyOf(life: DeliveredLife, record: OperationRecord): WebhookWork["operation"] {
  const { outcome } = record;
  const bytes = outcome && "responseBytes" in outcome ? outcome.responseBytes : 0;
  return bytes > MAX_WEBHOOK_RESPONSE_BYTES ? operationJsonParts(record).head : life.answer(record).json;
}

/**
 * Events that the deliverer does not know yet are sent to it at once. Of two deliverers at the same time the last report counts:
 * what the other one has sent may be sent twice.
 */
function take(life: DeliveredLife, { nextTime, ...told }: WebhookReport): void {
  const { webhooks } = life.record ?? {};
  if (!webhooks) return;
  const later = webhooks.pending.filter(({ number }) => number > told.count);
  const pending = [...told.pending, ...later].slice(-MAX_PENDING_WEBHOOK_EVENTS);
  const next = { ...told, count: webhooks.count, pending };
  life.apply({ type: "webhooksTold", webhooks: next, nextTime: later.length > 0 ? Date.now() : nextTime });
}
