// The deliverer of webhooks: takes an operation's events from its object, sends them, and reports.
import type { WebhookFacts, WebhookWork } from "../contract/webhook";
import type { WebhookMessage } from "../durable/operation/operation-env";
import { callObject, objectById } from "../durable/object-call";
import type { Env } from "../env";
import type { WebhookEvent } from "../lifecycle/record";
import { WEBHOOK_CONCURRENCY, WEBHOOK_PASS_MS } from "../webhook/limits";
import type { WebhookPort } from "../service/webhook-port";
import {
  type Delivery,
  GONE_STATUS,
  type Target,
  afterTry,
  deliveriesOf,
  givenUp,
  isDue,
  reportOf,
} from "../webhook/delivery";
import { eventBody, eventId, operationFromText } from "../webhook/event-body";
import { type RegisteredTarget, registeredTargets } from "./webhook-targets";
import { partOf } from "./other-messages";

type Consumer = (batch: MessageBatch, env: Env, ctx: ExecutionContext) => Promise<void>;

/** A queue handler that delivers webhooks, and leaves all other messages to `others`. */
export function webhookConsumer(portOf: (env: Env) => WebhookPort, others: Consumer): Consumer {
  return async (batch, env, ctx) => {
    const own = batch.messages.filter(({ body }) => isWebhookMessage(body));
    if (own.length === 0) return others(batch, env, ctx);
    const rest = batch.messages.filter((message) => !own.includes(message));
    const port = portOf(env);
    await Promise.all([
      ...own.map((message) => deliverMessage(message as Message<WebhookMessage>, env, port)),
      rest.length > 0 ? others(partOf(batch, rest), env, ctx) : undefined,
    ]);
  };
}

function isWebhookMessage(body: unknown): body is WebhookMessage {
  if (typeof body !== "object" || body === null) return false;
  const { webhooks, ...others } = body as { webhooks?: unknown };
  return typeof webhooks === "string" && Object.keys(others).length === 0;
}

/** A message whose work was lost needs no retry: the object sends another one until it has a report. */
async function deliverMessage(message: Message<WebhookMessage>, env: Env, port: WebhookPort): Promise<void> {
  try {
    await deliver(message.body.webhooks, env, port);
    message.ack();
  } catch (error) {
    const { webhooks: id } = message.body;
    console.warn({ message: "webhooks not delivered", id, attempts: message.attempts, error: String(error) });
    message.retry();
  }
}

async function deliver(id: string, env: Env, port: WebhookPort): Promise<void> {
  const address = objectById(env.OPERATIONS, id);
  const work = await callObject(address, async (stub): Promise<WebhookWork | undefined> => stub.webhooks());
  if (!work) return;
  const facts = JSON.parse(work.json) as WebhookFacts;
  const operation = operationFromText(
    typeof work.operation === "string" ? work.operation : await new Response(work.operation).text(),
  );
  const registered = facts.hasWebhooks ? await registeredTargets(port, facts.parent, Date.now()) : [];
  const own = ownTargets(facts, port);
  const targets = [...own, ...registered];
  const targetsOf = ({ type }: WebhookEvent): Target[] => [...own, ...registered.filter((one) => one.receives(type))];

  const deliveries = deliveriesOf(facts, targetsOf, Date.now());
  const beginTime = Date.now();
  const due = deliveries
    .map((delivery, index) => ({ delivery, index }))
    .filter(({ delivery }) => isDue(delivery, beginTime));
  // One webhook gets its events one after another.
  const byWebhook = [...Map.groupBy(due, ({ delivery }) => delivery.webhook).values()];
  const tryAll = async (): Promise<void> => {
    for (let ofOne = byWebhook.shift(); ofOne; ofOne = byWebhook.shift()) {
      for (const { delivery, index } of ofOne) {
        if (Date.now() - beginTime >= WEBHOOK_PASS_MS) return;
        deliveries[index] = await tried(delivery);
      }
    }
  };
  const tried = async (delivery: Delivery): Promise<Delivery> => {
    const target = targets.find(({ webhook }) => webhook === delivery.webhook);
    const event = facts.webhooks.pending.find(({ number }) => number === delivery.event);
    if (!target || !event) return givenUp(delivery, "the webhook was deleted or disabled");
    return tryOnce(delivery, target, event);
  };
  const tryOnce = async (
    delivery: Delivery,
    target: Target | RegisteredTarget,
    event: WebhookEvent,
  ): Promise<Delivery> => {
    const problem = port.uriProblem(target.uri);
    if (problem !== undefined) return givenUp(delivery, `the URI ${problem}`);
    const isOwn = own.includes(target);
    const body = eventBody(event, operation, isOwn ? facts.webhookConfig?.userMetadata : undefined);
    const outcome = await port.send({ id: eventId(facts, event), body, uri: target.uri, secrets: target.secrets });
    const now = Date.now();
    const isFinal = outcome.status === GONE_STATUS;
    const next = afterTry(delivery, { ...outcome, isFinal }, now, Math.random());
    if ("heard" in target) await target.heard(outcome, now);
    logDelivery(facts, next, outcome.durationMs);
    return next;
  };
  await Promise.all(Array.from({ length: WEBHOOK_CONCURRENCY }, tryAll));
  const report = JSON.stringify(reportOf(facts, deliveries));
  await callObject(address, async (stub): Promise<unknown> => stub.webhooks(report));
}

function ownTargets({ webhookConfig }: WebhookFacts, { signingKeys }: WebhookPort): Target[] {
  // The secret may have been taken away since: nothing is sent unsigned.
  if (!webhookConfig || signingKeys.length === 0) return [];
  return (webhookConfig.uris ?? []).map((uri, index) => ({ webhook: `uris/${index}`, uri, secrets: signingKeys }));
}

/** Never the URI: its path and query may hold a secret. */
function logDelivery({ name }: WebhookFacts, delivery: Delivery, durationMs: number): void {
  const { event: _, type, firstTryTime: _first, lastTryTime: _last, ...facts } = delivery;
  const line = { message: "webhook delivery", operation: name, event: type, ...facts, durationMs };
  if (delivery.state === "FAILED") console.error(line);
  else console.log(line);
}
