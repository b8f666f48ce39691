// One call: what every handler of the HTTP door is given.
import { nameFromPath } from "../aip/resource-name";
import { invalidArgument } from "../rpc/error";
import type { OperationLists, OperationReads, OperationStore, RequestStore, SlotStore } from "../service/ports";
import type { AdministratorAction } from "../service/authorizer";
import type { SpendQuota } from "../service/start-quota";
import type { TokenKeys } from "../service/page-token";
import type { Deployment } from "../service/start-operation";
import type { FullShards } from "../service/full-shards";
import type { IamService } from "../service/iam-policy";
import type { Caller } from "../service/start-once";
import type { ApiKeyStore } from "../authentication/api-key-store";
import type { Principal } from "../iam/principal";
import type { UsualDurations } from "../service/usual-durations";
import type { Permission } from "../iam/permissions";
import { parseQuery } from "./query";
import type { RequestBody } from "./request-body";
import type { RequestNotes } from "./request-line";

/** The services' ports and the configuration, made once per request by the composition root. */
export interface ServiceContext {
  /** Who calls: a requestId and an operation are the caller's own. */
  caller: Caller;
  /** Throws where the caller has not the permission on a parent. */
  authorize: (permission: Permission, parent: string) => Promise<void>;
  /** The same, judged anew, credentials included. */
  authorizeAnew: (permission: Permission, parent: string) => Promise<void>;
  /** Until when what is judged now may be relied on. */
  judgementEnd: () => number;
  /** Throws where the caller has not the permission on an operation, by its own policy and starter too. */
  permit: (permission: Permission, name: string) => Promise<void>;
  /** Throws where the caller is no administrator of the deployment. */
  administer: (action: AdministratorAction, resource: string) => void;
  iam: IamService;
  principal: Principal;
  apiKeys: ApiKeyStore;
  deployment: Deployment;
  store: OperationStore;
  /** The operations of a list that the caller may have: who may list a parent may see what is in it. */
  listed: Pick<OperationStore, "get">;
  /** What GetOperation and WaitOperation read: the store, or a snapshot in its place. */
  reads: OperationReads;
  requests: RequestStore;
  /** What this isolate remembers of full index shards. */
  fullShards: FullShards;
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
  request: Request;
  url: URL;
  body: RequestBody;
  /** The version of the path: `v1`, `v1beta1`, `ui`. */
  version: string;
  /** The query parameters that the method takes, beside the system parameters. */
  parameters: readonly string[];
  /** The path's variables as they came, still percent-encoded. */
  encodedVariables: Readonly<Record<string, string>>;
  service: ServiceContext;
  /** What the request's line in the log says of it. */
  notes: RequestNotes;
}

export type Handler = (call: Call) => Promise<Response>;

/** The API version that an operation's metadata names: `ui` is another door to `v1`. */
export function apiVersionOf({ version }: Call): string {
  return version === "ui" ? "v1" : version;
}

/** A name in the path, decoded once and checked; a malformed one is INVALID_ARGUMENT. */
export function pathName(call: Call, variable: string): string {
  const name = nameFromPath(call.encodedVariables[variable] ?? "");
  if (!name.ok) throw invalidArgument([{ field: variable, description: name.description }]);
  // AIP-159: "-" stands for a resource id.
  if (name.value.split("/").some((segment, index) => index % 2 === 0 && segment === "-")) {
    const description = `"-" stands for an id, not for a collection, in ${JSON.stringify(name.value)}`;
    throw invalidArgument([{ field: variable, description }]);
  }
  return name.value;
}

/** A name in the path in which the wildcard `-` is INVALID_ARGUMENT too. */
export function pathVariable(call: Call, variable: string): string {
  return withoutWildcard(variable, pathName(call, variable));
}

/** A name in which no collection id is the wildcard `-`. */
export function withoutWildcard(field: string, name: string): string {
  const isWildcard = name.split("/").some((segment, index) => index % 2 === 1 && segment === "-");
  if (!isWildcard) return name;
  throw invalidArgument([
    { field, description: `"-" stands for any resource only in lists, not in ${JSON.stringify(name)}` },
  ]);
}

/** The query of a call, which has nothing but what its method takes. */
export function queryOf({ url, parameters }: Call): Record<string, string> {
  return parseQuery(url.searchParams, parameters);
}
