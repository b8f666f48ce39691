// The places of what objects do for webhooks: empty where the Worker serves no webhooks.
import type { OperationAnswer } from "../contract/answer";
import type { StoredWebhooks, WebhookWork } from "../contract/webhook";
import type { OperationEvent } from "../lifecycle/event";
import type { OperationRecord } from "../lifecycle/record";
import type { OperationEnv } from "./operation/operation-env";

/** The part of an operation's life that the door of webhooks uses. */
export interface DeliveredLife {
  readonly record: OperationRecord | undefined;
  answer(record: OperationRecord): OperationAnswer;
  apply(event: OperationEvent): unknown;
}

interface WebhookDoors {
  /** Whether webhooks are registered at or above a parent, for starts that no request of a client makes. */
  areAbove(this: void, env: object, parent: string): Promise<boolean>;
  /** Sends a message to the deliverer. */
  send(this: void, env: OperationEnv, record: OperationRecord): Promise<void>;
  /** Of an operation. `report`: a WebhookReport as JSON text; absent: the deliverer asks for work. */
  operation(this: void, life: DeliveredLife, report: string | undefined): WebhookWork | undefined;
  /** Of a parent. `next`: replaces its webhooks; undefined is returned where they have changed since. */
  parent(this: void, kv: SyncKvStorage, next: StoredWebhooks | undefined): StoredWebhooks | undefined;
}

/** The platform makes objects by their classes alone: webhooks() notes the doors. */
export const doors: Partial<WebhookDoors> = {};
