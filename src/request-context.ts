// The caller of a request, and the ports that serve it.
import { type AuthenticationPorts, authenticate } from "./authentication/authenticate";
import { authenticationConfigFromEnv } from "./authentication/config";
import { rejectCrossSite } from "./authentication/cross-site";
import { type KeySets, keySetsOver } from "./authentication/key-sets";
import { type ApiKeyCache, apiKeysOver, newApiKeyCache } from "./authentication/verify-api-key";
import { configFromEnv, deploymentFromConfig } from "./config";
import {
  type TokenKeyCache,
  newTokenKeyCache,
  operationLists,
  operationStore,
  quotaStore,
  requestStore,
  slotStore,
} from "./durable/operation/operation-client";
import { linkGate, operationGate } from "./durable/operation/operation-gate";
import { apiKeyStore } from "./durable/key/key-object";
import { policyReader, policyStore } from "./durable/policy/policy-client";
import type { Env } from "./env";
import type { ServiceContext } from "./api/call";
import { traceparentFrom } from "./http/request-line";
import { readSnapshot } from "./kv/snapshots";
import { PolicyCache } from "./iam/policy-cache";
import type { Permission } from "./iam/permissions";
import { type Principal, isAnonymous } from "./iam/principal";
import { RATE_LIMIT_RETRY_SECONDS } from "./limits";
import { UsualDurations } from "./service/usual-durations";
import { RpcError } from "./rpc/error";
import { retryInfo } from "./rpc/status";
import { Authorizer } from "./service/authorizer";
import { FullShards } from "./service/full-shards";
import { operationReads } from "./service/operation-reads";
import type { DecodeScript } from "./service/emulation";
import { startQuota } from "./service/start-quota";
import type { Locations } from "./service/locations";
import type { WebhookServing } from "./webhook-serving";

/** The caches that an isolate keeps between the requests of one deployment. Each is bounded in age or number. */
export interface DeploymentMemory {
  keySets: KeySets;
  apiKeys: ApiKeyCache;
  tokenKeys: TokenKeyCache;
  policyCache: PolicyCache;
  usualDurations: UsualDurations;
  fullShards: FullShards;
  webhooks: WebhookServing | undefined;
  emulation: DecodeScript | undefined;
}

export function newDeploymentMemory(options: Pick<DeploymentMemory, "webhooks" | "emulation">): DeploymentMemory {
  return {
    ...options,
    keySets: keySetsOver((input, init) => fetch(input, init)),
    apiKeys: newApiKeyCache(),
    tokenKeys: newTokenKeyCache(),
    policyCache: new PolicyCache(),
    usualDurations: new UsualDurations(),
    fullShards: new FullShards(),
  };
}

/** @throws RpcError UNAUTHENTICATED for bad credentials, RESOURCE_EXHAUSTED for too many requests of one caller. */
export async function serviceContext(
  request: Request,
  env: Env,
  {
    locations,
    requestId,
    permission,
    memory,
    own,
  }: {
    locations: Locations;
    requestId: string;
    permission: Permission | undefined;
    memory: DeploymentMemory;
    /** Asks the owner's own `authenticate` function. */
    own: AuthenticationPorts["own"];
  },
): Promise<ServiceContext> {
  const config = configFromEnv(env);
  const { keySets, policyCache, fullShards, usualDurations } = memory;
  const apiKeys = apiKeysOver(apiKeyStore(env.KEYS), memory.apiKeys);
  const address = request.headers.get("CF-Connecting-IP") ?? "";
  const authentication = authenticationConfigFromEnv(env);
  const authenticated = (): Promise<Principal> =>
    authenticate(request, authentication, { keySets, apiKeys, own }, now());
  const principal = await authenticated().catch(async (error: unknown) => {
    // A caller that guesses credentials is counted too.
    await limitRate(env.RATE_LIMITER, address);
    throw error;
  });
  await limitRate(env.RATE_LIMITER, principal.id || address);
  if (principal.isAmbient) rejectCrossSite(request, config.corsOrigins);
  const authorizer = new Authorizer(
    principal,
    { cache: policyCache, read: policyReader(env.POLICIES), now, authenticate: authenticated },
    requestId,
  );
  const namespaces = { operations: env.OPERATIONS, policies: env.POLICIES };
  const store = operationStore(env.OPERATIONS, authorizer, permission);
  return {
    caller: {
      id: principal.id,
      members: principal.members,
      mayUseRequestId: !isAnonymous(principal) || config.auth === "open",
      httpRequestId: requestId,
      // Asked for by starts alone.
      get origin() {
        return new URL(request.url).origin;
      },
      traceparent: traceparentFrom(request.headers.get("traceparent")),
    },
    principal,
    apiKeys: apiKeyStore(env.KEYS),
    authorize: (asked, parent) => authorizer.require(asked, parent),
    authorizeAnew: (asked, parent) => authorizer.requireAnew(asked, parent),
    judgementEnd: () => authorizer.judgementEnd(),
    permit: operationGate(env.OPERATIONS, authorizer),
    permitLink: linkGate(env.OPERATIONS, authorizer),
    administer: (action, resource) => authorizer.requireAdministrator(action, resource),
    iam: {
      policies: policyStore(namespaces, authorizer, { permission, cache: policyCache, now }),
      hasConfiguredAdmins: hasConfiguredAdmins(env),
    },
    deployment: {
      ...deploymentFromConfig(config, locations),
      emulation: config.emulation ? memory.emulation : undefined,
    },
    tokenKeys: config.tokenKeys,
    store,
    listed: operationStore(env.OPERATIONS, authorizer.ofListed(), permission),
    waits: operationStore(env.OPERATIONS, authorizer, "longrunning.operations.wait"),
    reads: config.snapshots
      ? operationReads({
          store,
          snapshots: { read: (name) => readSnapshot(env.SNAPSHOTS, name, now()) },
          finishedReads: config.finishedReads,
          isGranted: async (name) => permission !== undefined && authorizer.isGranted(permission, name),
        })
      : store,
    requests: requestStore(env),
    slots: slotStore(env.SLOTS),
    spendQuota:
      config.startQuota && startQuota(quotaStore(env.SLOTS), { quota: config.startQuota, principal, address }),
    fullShards,
    webhooks: memory.webhooks?.port(env),
    lists: operationLists(env, memory.tokenKeys),
    now,
    usualDurations,
  };
}

function hasConfiguredAdmins(env: Env): boolean {
  const config = authenticationConfigFromEnv(env);
  return config.mode === "open" || config.admins.size > 0;
}

/** Too many requests of one caller, or of one address without credentials. */
async function limitRate(limiter: RateLimit | undefined, key: string): Promise<void> {
  if (!limiter || (await limiter.limit({ key })).success) return;
  throw new RpcError("RESOURCE_EXHAUSTED", "You send too many requests. Try again later.", {
    reason: "RATE_LIMIT_EXCEEDED",
    details: [retryInfo(RATE_LIMIT_RETRY_SECONDS)],
    headers: { "Retry-After": String(RATE_LIMIT_RETRY_SECONDS) },
  });
}

function now(): number {
  return Date.now();
}
