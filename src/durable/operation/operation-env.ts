// The bindings that an operation's object uses, and the message that it sends.
import type { FamilyCalls } from "../../contract/child";
import type { OperationIndex } from "../index/operation-index";
import type { SlotsObject } from "../slots/slots-object";

/** A queue message: an id, never a payload. PERSISTED CONTRACT: it is known by having this one field. */
export interface WorkMessage {
  /** The operation's id, which is its object's. */
  id: string;
}

/** A message for the deliverer of webhooks. PERSISTED CONTRACT: it is known by having this one field. */
export interface WebhookMessage {
  /** The id of the operation that has events. */
  webhooks: string;
}

export interface OperationEnv {
  /** Parents and children of operations. */
  OPERATIONS: DurableObjectNamespace<FamilyCalls & Rpc.DurableObjectBranded>;
  INDEX: DurableObjectNamespace<OperationIndex>;
  SLOTS: DurableObjectNamespace<SlotsObject>;
  /** The first lane. Every queue bound as `QUEUE_2`, `QUEUE_3`, … is one more (docs/operations.md). */
  QUEUE: Queue<WorkMessage>;
  /** Where webhooks are served: their queue (docs/webhooks.md). */
  WEBHOOK_QUEUE?: Queue<WebhookMessage>;
  SNAPSHOTS: KVNamespace;
  /** Where it is bound: counters of what happens (docs/operations.md). */
  METRICS?: AnalyticsEngineDataset;
  /** `all` (default), `transitions` or `off`: which lines are logged beside errors and warnings (docs/operations.md). */
  LOG?: string;
}
