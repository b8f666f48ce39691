// The bindings and variables of the Worker, as wrangler.toml declares them.
import type { DirectoryObject } from "./durable/directory/directory-object";
import type { KeyObject } from "./durable/key/key-object";
import type { OperationIndex } from "./durable/index/operation-index";
import type { OperationObject } from "./durable/operation/operation-object";
import type { PolicyObject } from "./durable/policy/policy-object";
import type { RequestObject } from "./durable/request/request-object";
import type { SlotsObject } from "./durable/slots/slots-object";

/** A queue message: an id, never a payload. PERSISTED CONTRACT: it is known by having this one field. */
export interface WorkMessage {
  /** The operation's id, which is its object's. */
  id: string;
}

export interface Env {
  OPERATIONS: DurableObjectNamespace<OperationObject>;
  INDEX: DurableObjectNamespace<OperationIndex>;
  POLICIES: DurableObjectNamespace<PolicyObject>;
  KEYS: DurableObjectNamespace<KeyObject>;
  /** Where it is bound: requests of one caller, or address, within its period (docs/access.md). */
  RATE_LIMITER?: RateLimit;
  SLOTS: DurableObjectNamespace<SlotsObject>;
  /** Where a version before wrote requestIds into objects of their own (docs/operations.md, Upgrading). */
  REQUESTS?: DurableObjectNamespace<RequestObject>;
  DIRECTORY: DurableObjectNamespace<DirectoryObject>;
  /** The first lane. Every queue bound as `QUEUE_2`, `QUEUE_3`, … is one more (docs/operations.md). */
  QUEUE: Queue<WorkMessage>;
  SNAPSHOTS: KVNamespace;
  /** Where it is bound: counters of what happens (docs/operations.md). */
  METRICS?: AnalyticsEngineDataset;
  /** `open`: every caller may do all. Unset: every call is refused. Else whose credentials are taken (docs/access.md). */
  AUTH?: unknown;
  /** Members that are administrators always, divided by commas. */
  ADMINS?: string;
  /** How long a claim holds without a keep-alive, in seconds. */
  LEASE_SECONDS?: string;
  /** How long a queue message may stay unclaimed before it is sent again, in seconds. */
  RESEND_SECONDS?: string;
  /** Over how many index shards new operations of a scope are spread; may grow from deploy to deploy. */
  INDEX_SHARDS?: string;
  /** `on`: callers may script what happens, to test their clients (docs/emulation.md). */
  EMULATION?: string;
  /** `*`, or the origins whose pages may call, divided by commas; unset: none. */
  CORS_ORIGINS?: string;
  /** How many operations one caller may have under way; unset: no bound. */
  MAX_OPERATIONS_PER_CALLER?: string;
  /** The quota of starts in a day, for each caller and for strangers under one parent (docs/access.md). */
  START_QUOTA?: unknown;
  /** A secret: one or two keys that seal page tokens, instead of each scope's own. */
  PAGE_TOKEN_KEYS?: string;
  /** How long one invocation of the queue consumer works before it gives way to another, in seconds. */
  INVOCATION_SECONDS?: string;
  /** `all` (default) or `off`: whether finished operations are put into KV. */
  KV_SNAPSHOTS?: string;
  /** `all` (default), `transitions` or `off`: which lines are logged beside errors and warnings (docs/operations.md). */
  LOG?: string;
  /** `strong` (default) or `edge`: whether a finished operation is read from its object, or first of all from KV. */
  FINISHED_READS?: string;
}
