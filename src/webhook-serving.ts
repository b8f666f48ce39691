// The parts that `webhooks()` brings to a deployment. A deployment without it carries none of their code.
import type { ApiMethod } from "./api/method";
import type { Env } from "./env";
import type { WebhookPort } from "./service/webhook-port";

type QueueConsumer = (batch: MessageBatch, env: Env, ctx: ExecutionContext) => Promise<void>;

/** Made by `webhooks()`, and given to `operations()`. */
export interface WebhookServing {
  rows: readonly ApiMethod[];
  port(this: void, env: Env): WebhookPort;
  /** A consumer that delivers webhooks, and leaves all other messages to `others`. */
  consumer(this: void, others: QueueConsumer): QueueConsumer;
  /** @throws RpcError INTERNAL that names what is missing or wrong. */
  checkSetup(this: void, env: Env): void;
}
