// The bindings and variables of the Worker, as its configuration declares them: those of every object, and the Worker's own.
import type { DirectoryObject } from "./durable/directory/directory-object";
import type { IndexEnv } from "./durable/index/operation-index";
import type { KeyEnv } from "./durable/key/key-object";
import type { OperationEnv } from "./durable/operation/operation-env";
import type { OperationObject } from "./durable/operation/operation-object";
import type { PolicyObject } from "./durable/policy/policy-object";
import type { RequestEnv, RequestObject } from "./durable/request/request-object";
import type { SlotsEnv } from "./durable/slots/slots-object";
import type { OBJECT_CLASSES } from "./platform/configuration";

export interface Env extends OperationEnv, IndexEnv, SlotsEnv, KeyEnv, RequestEnv {
  OPERATIONS: DurableObjectNamespace<OperationObject>;
  POLICIES: DurableObjectNamespace<PolicyObject>;
  /** Where a version before wrote requestIds into objects of their own (docs/operations.md, Upgrading). */
  REQUESTS?: DurableObjectNamespace<RequestObject>;
  DIRECTORY: DurableObjectNamespace<DirectoryObject>;
  /** Where it is bound: requests of one caller, or address, within its period (docs/access.md). */
  RATE_LIMITER?: RateLimit;
  /** `open`: every caller may do all. Unset: every call is rejected. Else whose credentials are taken (docs/access.md). */
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
  /** `on`: pages of those origins may send cookies along; unset: they may not. */
  CORS_CREDENTIALS?: string;
  /** How many operations one caller may have under way; unset: no bound. */
  MAX_OPERATIONS_PER_CALLER?: string;
  /** The quota of starts in a day, for each caller and for strangers under one parent (docs/access.md). */
  START_QUOTA?: unknown;
  /** A secret: one or two keys that sign the events of starts' own webhooks (docs/webhooks.md). */
  WEBHOOK_SIGNING_KEYS?: string;
  /** The hosts that webhooks may have, divided by commas; unset: every public host. */
  WEBHOOK_HOSTS?: string;
  /** A secret: one or two keys that seal page tokens, instead of each scope's own. */
  PAGE_TOKEN_KEYS?: string;
  /** How long one invocation of the queue consumer works before it yields to another, in seconds. */
  INVOCATION_SECONDS?: string;
  /** `all` (default) or `off`: whether finished operations are put into KV. */
  KV_SNAPSHOTS?: string;
  /** `strong` (default) or `edge`: whether a finished operation is read from its object, or first of all from KV. */
  FINISHED_READS?: string;
}

type ObjectBinding = keyof typeof OBJECT_CLASSES;

/** The environment as a deployment configures it. A class that the Worker exports needs no binding. */
export type DeploymentEnv = Omit<Env, ObjectBinding> & Partial<Pick<Env, ObjectBinding>>;
