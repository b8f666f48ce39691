// Values that cross between an operation's object, the deliverer of its webhooks, and the objects of parents. PERSISTED CONTRACT.
import type { OperationRecord } from "../lifecycle/record";

/** An operation's events for webhooks, given to one deliverer at a time. */
export interface WebhookWork {
  /** {@link WebhookFacts} as JSON text. */
  json: string;
  /** The operation as GET gives it. It ends behind `"response":` where its response is too large for an event. */
  operation: string | ReadableStream<Uint8Array>;
}

export type WebhookFacts = Pick<OperationRecord, "id" | "name" | "parent" | "webhookConfig" | "hasWebhooks"> & {
  webhooks: NonNullable<OperationRecord["webhooks"]>;
};

export const WEBHOOK_STATES = ["ENABLED", "DISABLED", "DISABLED_DUE_TO_FAILED_DELIVERIES"] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/** A registered webhook, in the object of its parent. All times are milliseconds since 1970. */
export interface StoredWebhook {
  id: string;
  uri: string;
  /** Empty: every event. */
  subscribedEvents: string[];
  displayName: string;
  state: WebhookState;
  /** The present secret, `whsec_…`. */
  secret: string;
  /** The secret before it, which signs along for a time. */
  earlierSecret?: string;
  earlierSecretEndTime?: number;
  createTime: number;
  updateTime: number;
  /** Since when every try has failed; absent: the latest try succeeded, or there was none. */
  failingSinceTime?: number;
}

/** The webhooks of one parent. */
export interface StoredWebhooks {
  /** Counts the changes. */
  revision: number;
  webhooks: StoredWebhook[];
}
