// The registered webhooks of an operation, and what their deliveries say of them.
import type { StoredWebhook } from "../contract/webhook";
import { WEBHOOK_WINDOW_MS } from "../webhook/limits";
import type { Try, WebhookPort } from "../service/webhook-port";
import { secretsOf, webhookName, webhookResources } from "../service/webhooks";
import { ROOT } from "../iam/policy-resources";
import { GONE_STATUS, type Target } from "../webhook/delivery";

export interface RegisteredTarget extends Target {
  receives(this: void, type: string): boolean;
  /** Notes how a try went, where that changes the webhook. */
  heard(this: void, outcome: Try, now: number): Promise<void>;
}

/** Those that are enabled, the nearest parent's first. */
export async function registeredTargets(port: WebhookPort, parent: string, now: number): Promise<RegisteredTarget[]> {
  const resources = webhookResources(parent);
  const lists = await Promise.all(resources.map((resource) => port.list(resource)));
  return lists.flatMap((webhooks, index) =>
    webhooks
      .filter(({ state }) => state === "ENABLED")
      .map((webhook) => registeredTarget(port, resources[index] ?? ROOT, webhook, now)),
  );
}

function registeredTarget(port: WebhookPort, resource: string, webhook: StoredWebhook, now: number): RegisteredTarget {
  const { id, uri, subscribedEvents } = webhook;
  const name = webhookName(resource === ROOT ? "" : resource, id);
  return {
    webhook: name,
    uri,
    secrets: secretsOf(webhook, now),
    receives: (type) => subscribedEvents.length === 0 || subscribedEvents.includes(type),
    heard: async (outcome, time) => {
      if (afterOutcome(webhook, outcome, time) === webhook) return;
      const change = (one: StoredWebhook): StoredWebhook => (one.id === id ? afterOutcome(one, outcome, time) : one);
      const webhooks = await port.change(resource, (all) => all.map(change));
      const { state } = webhooks.find((one) => one.id === id) ?? {};
      if (state === "DISABLED_DUE_TO_FAILED_DELIVERIES")
        console.error({ message: "webhook disabled: its deliveries failed", webhook: name, status: outcome.status });
    },
  };
}

/** The webhook after a try; the same object where nothing changes. */
export function afterOutcome(webhook: StoredWebhook, { isDelivered, status }: Try, now: number): StoredWebhook {
  const { failingSinceTime, ...others } = webhook;
  if (isDelivered) return failingSinceTime === undefined ? webhook : others;
  const since = failingSinceTime ?? now;
  const isOver = status === GONE_STATUS || now - since >= WEBHOOK_WINDOW_MS;
  if (isOver && webhook.state === "ENABLED")
    return { ...webhook, failingSinceTime: since, state: "DISABLED_DUE_TO_FAILED_DELIVERIES", updateTime: now };
  return failingSinceTime === undefined ? { ...webhook, failingSinceTime: since } : webhook;
}
