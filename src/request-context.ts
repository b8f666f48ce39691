// The caller of a request, and the ports that serve it.
import { type AuthenticationPorts, authenticate } from "./authentication/authenticate";
import { authenticationConfigFromEnv } from "./authentication/config";
import { rejectCrossSite } from "./authentication/cross-site";
import { type KeySets, keySetsOver } from "./authentication/key-sets";
import { type ApiKeyCache, apiKeysOver, newApiKeyCache } from "./authentication/verify-api-key";
import { type Config, configFromEnv, deploymentFromConfig } from "./config";
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

/** The request that is served, and the deployment that serves it. */
interface Served {
  request: Request;
  env: Env;
  locations: Locations;
  requestId: string;
  permission: Permission | undefined;
  memory: DeploymentMemory;
}

/** @throws RpcError UNAUTHENTICATED for bad credentials, RESOURCE_EXHAUSTED for too many requests of one caller. */
export async function serviceContext(
  served: Served,
  /** Asks the owner's own `authenticate` function. */
  own: AuthenticationPorts["own"],
): Promise<ServiceContext> {
  const { request, env, memory, requestId } = served;
  const { keySets, policyCache } = memory;
  const authentication = authenticationConfigFromEnv(env);
  const apiKeys = apiKeysOver(apiKeyStore(env.KEYS), memory.apiKeys);
  const authenticated = (): Promise<Principal> =>
    authenticate(request, authentication, { keySets, apiKeys, own }, now());
  const { RATE_LIMITER: limiter } = env;
  const principal = await authenticated().catch(async (error: unknown) => {
    // A caller that guesses credentials is counted too.
    await limitRate(limiter, addressOf(request));
    throw error;
  });
  if (limiter) await limitRate(limiter, principal.id || addressOf(request));
  if (principal.isAmbient) rejectCrossSite(request, configFromEnv(env).corsOrigins);
  const authorizer = new Authorizer(
    principal,
    { cache: policyCache, read: policyReader(env.POLICIES), now, authenticate: authenticated },
    requestId,
  );
  return new RequestContext(served, principal, authorizer);
}

/** A method uses a few of these ports. Each is made when it is asked for. */
class RequestContext implements ServiceContext {
  readonly principal: Principal;
  readonly now = now;
  readonly #served: Served;
  readonly #authorizer: Authorizer;

  constructor(served: Served, principal: Principal, authorizer: Authorizer) {
    this.principal = principal;
    this.#served = served;
    this.#authorizer = authorizer;
  }

  get #config(): Config {
    return configFromEnv(this.#served.env);
  }

  get caller(): ServiceContext["caller"] {
    const { principal } = this;
    const { request, requestId } = this.#served;
    return {
      id: principal.id,
      members: principal.members,
      mayUseRequestId: !isAnonymous(principal) || this.#config.auth === "open",
      httpRequestId: requestId,
      origin: new URL(request.url).origin,
      traceparent: traceparentFrom(request.headers.get("traceparent")),
    };
  }

  get apiKeys(): ServiceContext["apiKeys"] {
    return apiKeyStore(this.#served.env.KEYS);
  }

  get authorize(): ServiceContext["authorize"] {
    return (permission, parent) => this.#authorizer.require(permission, parent);
  }

  get authorizeAnew(): ServiceContext["authorizeAnew"] {
    return (permission, parent) => this.#authorizer.requireAnew(permission, parent);
  }

  get judgementEnd(): ServiceContext["judgementEnd"] {
    return () => this.#authorizer.judgementEnd();
  }

  get permit(): ServiceContext["permit"] {
    return operationGate(this.#served.env.OPERATIONS, this.#authorizer);
  }

  get permitLink(): ServiceContext["permitLink"] {
    return linkGate(this.#served.env.OPERATIONS, this.#authorizer);
  }

  get administer(): ServiceContext["administer"] {
    return (action, resource) => this.#authorizer.requireAdministrator(action, resource);
  }

  get iam(): ServiceContext["iam"] {
    const { env, permission, memory } = this.#served;
    const namespaces = { operations: env.OPERATIONS, policies: env.POLICIES };
    return {
      policies: policyStore(namespaces, this.#authorizer, { permission, cache: memory.policyCache, now }),
      hasConfiguredAdmins: hasConfiguredAdmins(env),
    };
  }

  get deployment(): ServiceContext["deployment"] {
    const { locations, memory } = this.#served;
    return {
      ...deploymentFromConfig(this.#config, locations),
      emulation: this.#config.emulation ? memory.emulation : undefined,
    };
  }

  get tokenKeys(): ServiceContext["tokenKeys"] {
    return this.#config.tokenKeys;
  }

  get store(): ServiceContext["store"] {
    return operationStore(this.#served.env.OPERATIONS, this.#authorizer, this.#served.permission);
  }

  get listed(): ServiceContext["listed"] {
    return operationStore(this.#served.env.OPERATIONS, this.#authorizer.ofListed(), this.#served.permission);
  }

  get waits(): ServiceContext["waits"] {
    return operationStore(this.#served.env.OPERATIONS, this.#authorizer, "longrunning.operations.wait");
  }

  get reads(): ServiceContext["reads"] {
    const { store } = this;
    const { snapshots, finishedReads } = this.#config;
    const { env, permission } = this.#served;
    if (!snapshots) return store;
    return operationReads({
      store,
      snapshots: { read: (name) => readSnapshot(env.SNAPSHOTS, name, now()) },
      finishedReads,
      isGranted: async (name) => permission !== undefined && this.#authorizer.isGranted(permission, name),
    });
  }

  get requests(): ServiceContext["requests"] {
    return requestStore(this.#served.env);
  }

  get slots(): ServiceContext["slots"] {
    return slotStore(this.#served.env.SLOTS);
  }

  get spendQuota(): ServiceContext["spendQuota"] {
    const { startQuota: quota } = this.#config;
    const { env, request } = this.#served;
    const { principal } = this;
    return quota && startQuota(quotaStore(env.SLOTS), { quota, principal, address: addressOf(request) });
  }

  get fullShards(): ServiceContext["fullShards"] {
    return this.#served.memory.fullShards;
  }

  get webhooks(): ServiceContext["webhooks"] {
    return this.#served.memory.webhooks?.port(this.#served.env);
  }

  get lists(): ServiceContext["lists"] {
    return operationLists(this.#served.env, this.#served.memory.tokenKeys);
  }

  get usualDurations(): ServiceContext["usualDurations"] {
    return this.#served.memory.usualDurations;
  }
}

/** Of the client; empty where the platform does not say it. */
function addressOf({ headers }: Request): string {
  return headers.get("CF-Connecting-IP") ?? "";
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
