// One call: all that a handler is given beside the request.
import type { ApiKeyStore } from "../authentication/api-key";
import type { Permission } from "../iam/permissions";
import type { Principal } from "../iam/principal";
import type { PresentedLink } from "../contract/suspension";
import type { StreamedInput } from "../contract/answer";
import type { UsualDurations } from "../service/usual-durations";
import type { JsonObject } from "../rpc/any";
import type { AdministratorAction } from "../service/authorizer";
import type { FullShards } from "../service/full-shards";
import type { IamService } from "../service/iam-policy";
import type { TokenKeys } from "../service/page-token";
import type {
  OperationLists,
  OperationReads,
  OperationStore,
  RequestStore,
  SignalledRequest,
  SlotStore,
} from "../service/ports";
import type { Caller } from "../service/start-once";
import type { Deployment } from "../service/start-operation";
import type { SpendQuota } from "../service/start-quota";
import type { WebhookPort } from "../service/webhook-port";
import type { StartOptions } from "./messages/start";

/** The services' ports and the configuration, made once per request by the composition root. */
export interface ServiceContext {
  /** The caller. A requestId and an operation belong to it. */
  caller: Caller;
  /** Throws where the caller has not the permission on a parent. */
  authorize: (permission: Permission, parent: string) => Promise<void>;
  authorizeAnew: (permission: Permission, parent: string) => Promise<void>;
  /** Until when what is judged now may be relied on. */
  judgementEnd: () => number;
  /** Throws where the caller has not the permission on an operation, by its own policy and starter too. */
  permit: (permission: Permission, name: string) => Promise<void>;
  permitLink: (link: PresentedLink) => Promise<void>;
  /** Throws where the caller is no administrator of the deployment. */
  administer: (action: AdministratorAction, resource: string) => void;
  iam: IamService;
  principal: Principal;
  apiKeys: ApiKeyStore;
  deployment: Deployment;
  /** The operations, each of which is asked for the method's permission. */
  store: OperationStore;
  /** The same for a start that waits: it waits as WaitOperation does. */
  waits: Pick<OperationStore, "wait">;
  /** The operations of a list that the caller may have: who may list a parent may see what is in it. */
  listed: Pick<OperationStore, "get">;
  /** The source of GetOperation and WaitOperation: the store, or a snapshot in its place. */
  reads: OperationReads;
  requests: RequestStore;
  fullShards: FullShards;
  /** undefined: the deployment serves no webhooks. */
  webhooks: WebhookPort | undefined;
  slots: SlotStore;
  /** Counts what callers start in a day; undefined: nothing is counted. */
  spendQuota: SpendQuota | undefined;
  lists: OperationLists;
  /** The deployment's own page token keys; undefined: each scope's. */
  tokenKeys: TokenKeys | undefined;
  now: () => number;
  /** How long operations have taken, as this isolate has seen it. */
  usualDurations: UsualDurations;
}

export interface Call {
  service: ServiceContext;
  /**
   * The name in the path, on which the permission was judged: an operation, a parent (empty for the root), a resource.
   */
  resource: string;
  /** The resource that the path acts on: the path without version and verb, decoded. */
  target: string;
  apiVersion: string;
  headers: Headers;
  request: SignalledRequest;
  /** Of a method that starts an operation. */
  start: StartOptions;
  sent: JsonObject;
  /** A body that is no JSON. */
  input: StreamedInput | undefined;
  inputProblem: () => Error | undefined;
  notes: { operation?: string; resource?: string };
}
