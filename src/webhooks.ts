// edge-operations/webhooks: tells other systems of the end of operations (docs/webhooks.md).
import { randomBytes } from "node:crypto";
import { webhookMethods } from "./api/webhooks";
import { configFromEnv } from "./config";
import { queueFromEnv } from "./durable/operation/queues";
import { sendWebhooks, webhookDoor } from "./durable/operation/webhook-door";
import { newWebhookCache, parentDoor, webhookStore } from "./durable/policy/webhook-store";
import { doors } from "./durable/webhook-doors";
import type { Env } from "./env";
import { missing } from "./setup";
import { webhookConsumer } from "./queue/webhook-deliverer";
import { sendEvent } from "./queue/webhook-sender";
import type { WebhookPort } from "./service/webhook-port";
import { uriProblem } from "./webhook/uri-check";
import { checkWebhookConfig, hostsFrom, signingKeysFrom } from "./webhook/webhook-config";
import type { WebhookServing } from "./webhook-serving";

export type { WebhookServing } from "./webhook-serving";

/**
 * Webhooks of a deployment: registered ones, and those of single starts.
 *
 * @example
 * export default operations({ methods, webhooks: webhooks() });
 */
export function webhooks(): WebhookServing {
  const cache = newWebhookCache();
  const storeOf = ({ POLICIES }: Pick<Env, "POLICIES">) => webhookStore(POLICIES, cache, () => Date.now());
  Object.assign(doors, {
    operation: webhookDoor,
    parent: parentDoor,
    send: sendWebhooks,
    areAbove: (env, parent) => storeOf(env as Env).areAbove(parent),
  } satisfies typeof doors);
  const port = (env: Env): WebhookPort => {
    const signingKeys = signingKeysFrom(env.WEBHOOK_SIGNING_KEYS);
    const rules = { allowsLoopback: configFromEnv(env).auth === "open", hosts: hostsFrom(env.WEBHOOK_HOSTS) };
    const problemOf = (uri: string): string | undefined => uriProblem(uri, rules);
    return {
      ...storeOf(env),
      signingKeys,
      uriProblem: problemOf,
      send: sendEvent,
      randomBytes: () => randomBytes(32),
      checkConfig: (config) => checkWebhookConfig(config, { signingKeys, uriProblem: problemOf }),
    };
  };
  return {
    rows: webhookMethods,
    port,
    consumer: (others) => webhookConsumer(port, others),
    checkSetup: (env) => {
      if (queueFromEnv(env, "WEBHOOK_QUEUE")) return;
      throw missing("WEBHOOK_QUEUE", QUEUE_LINES);
    },
  };
}

const QUEUE_LINES =
  '[[queues.producers]] with binding = "WEBHOOK_QUEUE" and queue = "edge-operations-webhooks", and a [[queues.consumers]] ' +
  "of the same queue (docs/webhooks.md): webhooks() sends its events through it";
