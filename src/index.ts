// The library: declare methods, and serve them as long-running operations. The composition root.
import { configFromEnv } from "./config";
import { sweep } from "./cron/sweep";
import { operationLists, operationStore, requestStore, slotStore } from "./durable/operation-client";
import type { Env, WorkMessage } from "./env";
import type { ServiceContext } from "./http/call";
import { httpDoor } from "./http/door";
import { passGate } from "./iam/gate";
import type { Method } from "./operation/define-method";
import { queueConsumer } from "./queue/consumer";
import { type Location, type Locations } from "./service/locations";

export { DirectoryObject } from "./durable/directory-object";
export { OperationIndex } from "./durable/operation-index";
export { OperationObject } from "./durable/operation-object";
export { RequestObject } from "./durable/request-object";
export { SlotsObject } from "./durable/slots-object";
export { defineMethod, type Method } from "./operation/define-method";
export type {
  HttpRule,
  ImmediateResult,
  InputRule,
  MethodDeclaration,
  OperationContext,
  RetryPolicy,
  StartContext,
} from "./operation/method";
export type { InferRequest, RequestSchema } from "./operation/request-schema";
export type { DurationText } from "./aip/duration";
export type { Any, Json, JsonObject } from "./rpc/any";
export { Code, type CodeName } from "./rpc/code";
export { RpcError, type RpcErrorOptions, invalidArgument } from "./rpc/error";
export type { FieldViolation, Status } from "./rpc/status";
export type { Env, WorkMessage } from "./env";
export type { Location } from "./service/locations";

/** What a deployment serves. */
export interface OperationsOptions {
  methods: readonly Method[];
  /** The locations that parents may name, and where their operations live. None declared: any may be named. */
  locations?: readonly Location[];
}

/**
 * The handlers of a Worker that serves these methods and google.longrunning.Operations.
 *
 * @throws TypeError where two methods, or two locations, have one id, when the Worker starts.
 */
export function operations({ methods, locations = [] }: OperationsOptions) {
  const methodById = uniqueById("method", methods, ({ id }) => id);
  const locationById = uniqueById("location", locations, ({ locationId }) => locationId);
  const door = httpDoor(methods);
  return {
    fetch: (request, env) =>
      door(request, {
        allowedOrigins: () => configFromEnv(env).corsOrigins,
        service: async () => serviceContext(env, locationById),
      }),
    queue: queueConsumer(methodById),
    scheduled: sweep,
  } satisfies ExportedHandler<Env, WorkMessage>;
}

function uniqueById<T>(what: string, items: readonly T[], idOf: (item: T) => string): ReadonlyMap<string, T> {
  const byId = new Map(items.map((item) => [idOf(item), item]));
  if (byId.size === items.length) return byId;
  throw new TypeError(`two ${what}s have one id: ${items.map(idOf).join(", ")}`);
}

function serviceContext(env: Env, locations: Locations): ServiceContext {
  const config = configFromEnv(env);
  const { leaseMs, resendMs } = config;
  return {
    gate: () => passGate(config),
    caller: "allUsers",
    deployment: {
      policy: { leaseMs, resendMs, snapshot: config.snapshots },
      locations,
      indexShards: config.indexShards,
      maxOperationsPerCaller: config.maxOperationsPerCaller,
    },
    tokenKeys: config.tokenKeys,
    store: operationStore(env.OPERATIONS),
    requests: requestStore(env.REQUESTS),
    slots: slotStore(env.SLOTS),
    lists: operationLists(env.INDEX),
    now: () => Date.now(),
  };
}
