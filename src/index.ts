// The library: declare methods, and serve them as long-running operations. The composition root.
import { authenticate } from "./authentication/authenticate";
import { authenticationConfigFromEnv } from "./authentication/config";
import { rejectCrossSite } from "./authentication/cross-site";
import { keySetsOver } from "./authentication/key-sets";
import { type ApiKeys, apiKeysOver } from "./authentication/verify-api-key";
import { configFromEnv } from "./config";
import { sweep } from "./cron/sweep";
import {
  operationLists,
  operationStore,
  quotaStore,
  requestStore,
  slotStore,
} from "./durable/operation/operation-client";
import { operationGate } from "./durable/operation/operation-gate";
import { apiKeyStore } from "./durable/key/key-object";
import { policyReader, policyStore } from "./durable/policy/policy-client";
import type { Env } from "./env";
import type { ServiceContext } from "./api/call";
import { httpDoor } from "./http/door";
import type { RequestLine } from "./http/request-line";
import { traceparentFrom } from "./http/traceparent";
import { readSnapshot } from "./kv/snapshots";
import { PolicyCache } from "./iam/policy-cache";
import type { Permission } from "./iam/permissions";
import { type Principal, isAnonymous } from "./iam/principal";
import { RATE_LIMIT_RETRY_SECONDS } from "./limits";
import type { Method } from "./method/define-method";
import { checkOptions } from "./method/declaration-check";
import { UsualDurations } from "./service/usual-durations";
import { queueConsumer } from "./queue/consumer";
import { RpcError } from "./rpc/error";
import { retryInfo } from "./rpc/status";
import { setupCheck } from "./setup";
import { Authorizer } from "./service/authorizer";
import { FullShards } from "./service/full-shards";
import { operationReads } from "./service/operation-reads";
import { startQuota } from "./service/start-quota";
import { type Location, type Locations } from "./service/locations";

export { DirectoryObject } from "./durable/directory/directory-object";
export { KeyObject } from "./durable/key/key-object";
export { OperationIndex } from "./durable/index/operation-index";
export { OperationObject } from "./durable/operation/operation-object";
export { PolicyObject } from "./durable/policy/policy-object";
export { RequestObject } from "./durable/request/request-object";
export { SlotsObject } from "./durable/slots/slots-object";
export { defineMethod, type Method } from "./method/define-method";
export type {
  HttpRule,
  ImmediateResult,
  InputRule,
  MethodDeclaration,
  OperationContext,
  RetryPolicy,
  StartContext,
} from "./method/method";
export type { InferRequest, RequestSchema } from "./method/request-schema";
export type { DurationText } from "./aip/duration";
export type { Any, Json, JsonObject } from "./rpc/any";
export { Code, type CodeName } from "./rpc/code";
export type { RpcErrorOptions } from "./rpc/error";
export { RpcError, invalidArgument } from "./rpc/own-error";
export type { FieldViolation, Status } from "./rpc/status";
export type { Env, WorkMessage } from "./env";
export type { Location } from "./service/locations";

/** The options of a deployment. */
export interface OperationsOptions {
  methods: readonly Method[];
  /**
   * The locations that parents may name, and where their operations live. Without a declaration, any location may be
   * named.
   */
  locations?: readonly Location[];
  /**
   * The handler of your own queues' messages. This Worker has one queue handler, the library's: it takes the messages that
   * name an operation, and hands this one all the others, a batch of them alone unchanged. Without it they are retried,
   * never acknowledged.
   */
  queue?(this: void, batch: MessageBatch, env: Env, ctx: ExecutionContext): void | Promise<void>;
}

/**
 * The handlers of a Worker that serves these methods and google.longrunning.Operations.
 *
 * @throws TypeError where two methods, or two locations, have one id, when the Worker starts.
 */
export function operations(options: OperationsOptions) {
  checkOperationsOptions(options);
  const { methods, locations = [], queue } = options;
  const methodById = uniqueById("method", methods, ({ id }) => id);
  const locationById = uniqueById("location", locations, ({ locationId }) => locationId);
  const door = httpDoor(methods);
  const requireSetup = setupCheck(methods);
  return {
    fetch: (request: Request, env: Env) =>
      door(request, {
        allowedOrigins: () => configFromEnv(env).corsOrigins,
        service: async (asked, requestId, permission) => {
          requireSetup(env, configFromEnv(env));
          return serviceContext(asked, env, { locations: locationById, requestId, permission });
        },
        checkSetup: () => requireSetup(env, configFromEnv(env)),
        log: requestLog(env),
      }),
    queue: queueConsumer(methodById, queue),
    scheduled: sweep,
    /** For tools that describe the deployment (`npm run proto`); the runtime does not look at it. */
    methods,
  } satisfies ExportedHandler<Env> & Pick<OperationsOptions, "methods">;
}

const OPTIONS: Record<keyof Required<OperationsOptions>, true> = { methods: true, locations: true, queue: true };

/** JavaScript is checked as TypeScript is. */
function checkOperationsOptions(options: unknown): void {
  checkOptions("operations()", options, OPTIONS);
  const { methods, queue } = options as Record<string, unknown>;
  if (!Array.isArray(methods)) {
    throw new TypeError(
      "operations() takes { methods: [...] }, a list of what defineMethod has made; [] serves work done elsewhere alone",
    );
  }
  const index = methods.findIndex((method: Partial<Method> | undefined) => typeof method?.prepare !== "function");
  if (index >= 0) throw new TypeError(`operations(): methods[${index}] is not what defineMethod makes`);
  if (queue !== undefined && typeof queue !== "function")
    throw new TypeError("operations(): queue must be a function (batch, env, ctx), the handler of your own queues");
}

function uniqueById<T>(what: string, items: readonly T[], idOf: (item: T) => string): ReadonlyMap<string, T> {
  const byId = new Map(items.map((item) => [idOf(item), item]));
  if (byId.size === items.length) return byId;
  throw new TypeError(`two ${what}s have one id: ${items.map(idOf).join(", ")}`);
}

/** The caches of an isolate, each bounded in age and number. */
const keySets = keySetsOver((input, init) => fetch(input, init));
const apiKeysByEnv = new WeakMap<Env, ApiKeys>();
const policyCache = new PolicyCache();
const usualDurations = new UsualDurations();
const fullShards = new FullShards();

/** One line in the log for each request, unless the deployment does without. */
function requestLog({ LOG = "" }: Pick<Env, "LOG">): (line: RequestLine) => void {
  if (LOG === "off" || LOG === "transitions") return () => {};
  return (line) => (line.status >= 500 ? console.warn(line) : console.log(line));
}

function now(): number {
  return Date.now();
}

async function serviceContext(
  request: Request,
  env: Env,
  { locations, requestId, permission }: { locations: Locations; requestId: string; permission: Permission | undefined },
): Promise<ServiceContext> {
  const config = configFromEnv(env);
  const apiKeys = apiKeysByEnv.get(env) ?? apiKeysOver(apiKeyStore(env.KEYS));
  apiKeysByEnv.set(env, apiKeys);
  const address = request.headers.get("CF-Connecting-IP") ?? "";
  const authentication = authenticationConfigFromEnv(env);
  const authenticated = (): Promise<Principal> => authenticate(request, authentication, { keySets, apiKeys }, now());
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
  const { leaseMs, resendMs, indexShards, maxOperationsPerCaller, tokenKeys } = config;
  const store = operationStore(env.OPERATIONS, authorizer, permission);
  return {
    caller: {
      id: principal.id,
      mayUseRequestId: !isAnonymous(principal) || config.auth === "open",
      httpRequestId: requestId,
      traceparent: traceparentFrom(request.headers.get("traceparent")),
    },
    principal,
    apiKeys: apiKeyStore(env.KEYS),
    authorize: (asked, parent) => authorizer.require(asked, parent),
    authorizeAnew: (asked, parent) => authorizer.requireAnew(asked, parent),
    judgementEnd: () => authorizer.judgementEnd(),
    permit: operationGate(env.OPERATIONS, authorizer),
    administer: (action, resource) => authorizer.requireAdministrator(action, resource),
    iam: {
      policies: policyStore(namespaces, authorizer, { permission, cache: policyCache, now }),
      hasConfiguredAdmins: hasConfiguredAdmins(env),
    },
    deployment: {
      policy: { leaseMs, resendMs, snapshot: config.snapshots },
      locations,
      indexShards,
      maxOperationsPerCaller,
      emulation: config.emulation,
    },
    tokenKeys,
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
    lists: operationLists(env.INDEX),
    now,
    usualDurations,
  };
}

function hasConfiguredAdmins(env: Env): boolean {
  const config = authenticationConfigFromEnv(env);
  return config.mode === "open" || (config.mode === "credentials" && config.admins.size > 0);
}

/** Too many requests of one caller, or of one address without credentials. */
async function limitRate(limiter: RateLimit | undefined, key: string): Promise<void> {
  if (!limiter || (await limiter.limit({ key })).success) return;
  throw new RpcError("RESOURCE_EXHAUSTED", "You send too many requests. Send fewer, and later.", {
    reason: "RATE_LIMIT_EXCEEDED",
    details: [retryInfo(RATE_LIMIT_RETRY_SECONDS)],
    headers: { "Retry-After": String(RATE_LIMIT_RETRY_SECONDS) },
  });
}
