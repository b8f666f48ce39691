// The port of webhooks: a deployment that serves none has none (docs/webhooks.md).
import type { StoredWebhook } from "../contract/webhook";
import type { WebhookConfig } from "../lifecycle/record";
import { invalidArgument } from "../rpc/error";

/** The outcome of one try to deliver an event. */
export interface Try {
  isDelivered: boolean;
  /** Absent without an answer. */
  status?: number;
  /** Why it failed, in words of the service. */
  problem?: string;
  durationMs: number;
}

/** An event, ready to be sent. */
export interface OutgoingEvent {
  id: string;
  body: string;
  uri: string;
  secrets: readonly string[];
}

export interface WebhookPort {
  /** Whether webhooks are registered at or above a parent. A list that was read lately counts. */
  areAbove(this: void, parent: string): Promise<boolean>;
  /** The webhooks of a resource, as they were read lately. */
  list(this: void, resource: string): Promise<readonly StoredWebhook[]>;
  /** The same, as they are. */
  read(this: void, resource: string): Promise<readonly StoredWebhook[]>;
  /** Replaces the webhooks of a resource by what `change` makes of them, at once; `change` may be called again. */
  change(
    this: void,
    resource: string,
    change: (webhooks: readonly StoredWebhook[]) => StoredWebhook[],
  ): Promise<readonly StoredWebhook[]>;
  /** Why a webhook cannot have this URI; undefined: it can. */
  uriProblem(this: void, uri: string): string | undefined;
  /** The keys that sign the events of a start's own webhooks, the present one first. */
  signingKeys: readonly string[];
  send(this: void, event: OutgoingEvent): Promise<Try>;
  /** 32 random bytes. */
  randomBytes(this: void): Uint8Array;
  /** Checks the webhooks of a start. @throws RpcError INVALID_ARGUMENT */
  checkConfig(this: void, config: WebhookConfig): void;
}

/** @throws RpcError INVALID_ARGUMENT where the deployment does not serve webhooks, or these cannot be. */
export function checkWebhookConfig(port: Pick<WebhookPort, "checkConfig"> | undefined, config: WebhookConfig): void {
  if (port) return port.checkConfig(config);
  throw invalidArgument([
    {
      field: "operationOptions.webhookConfig",
      description: ADD_WEBHOOKS,
    },
  ]);
}

/** For the owner of a deployment. */
export const ADD_WEBHOOKS = "needs `webhooks: webhooks()` of edge-operations/webhooks in operations()";
