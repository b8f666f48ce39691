// The ports of the bulk verbs. The service acts for the caller that started one, whose right was judged on the parent.
import { configFromEnv, deploymentFromConfig } from "./config";
import {
  operationLists,
  operationStore,
  newTokenKeyCache,
  requestStore,
  slotStore,
} from "./durable/operation/operation-client";
import { doors } from "./durable/webhook-doors";
import type { Env } from "./env";
import { PolicyCache } from "./iam/policy-cache";
import { EVERYONE_MAY, type Principal } from "./iam/principal";
import { MAX_PAGE_ROUNDS, SLOT_RETRY_SECONDS } from "./limits";
import type { Method } from "./method/define-method";
import { RpcError, unavailable } from "./rpc/error";
import { Authorizer, type AuthorizerPorts } from "./service/authorizer";
import type { Bulk, BulkPorts } from "./service/bulk-operations";
import { FullShards } from "./service/full-shards";
import type { Locations } from "./service/locations";
import { type RetryPorts, retryOperation } from "./service/retry-operation";
import { readShards } from "./service/shard-pages";

export interface BulkDeployment {
  /** By id. */
  methods: ReadonlyMap<string, Method>;
  locations: Locations;
}

export function bulkPorts(env: Env, { methods, locations }: BulkDeployment): BulkPorts {
  const config = configFromEnv(env);
  const { indexShards } = config;
  const lists = operationLists(env, newTokenKeyCache());
  const slots = slotStore(env.SLOTS);
  const requests = requestStore(env);
  const fullShards = new FullShards();
  const webhooks = { areAbove: async (parent: string) => (await doors.areAbove?.(env, parent)) ?? false };
  const deployment = deploymentFromConfig(config, locations);
  const retry = async (ports: Pick<RetryPorts, "store" | "authorize">, name: string, bulk: Bulk): Promise<void> => {
    await retryOperation(
      { ...ports, requests, slots, fullShards, webhooks },
      {
        name,
        // One for each operation, so that a repetition finds the retry that it has started.
        requestId: `${bulk.name} ${name}`,
        validateOnly: false,
        operationOptions: {},
        caller: {
          id: "",
          members: [],
          ...bulk.caller,
          mayUseRequestId: true,
          httpRequestId: bulk.name,
          traceparent: bulk.traceparent,
        },
        now: now(),
        deployment,
        methods,
      },
    );
  };
  return {
    page: (request) => readShards({ lists, locations, indexShards }, { ...request, returnPartialSuccess: false }),
    pageCalls: MAX_PAGE_ROUNDS * indexShards,
    act: async (verb, name, bulk) => {
      const authorizer = new Authorizer(principalOf(bulk), NO_POLICIES, bulk.name);
      const store = operationStore(env.OPERATIONS, authorizer, `longrunning.operations.${verb}`);
      if (verb === "cancel") return store.cancel(name);
      if (verb === "delete") {
        await store.delete(name);
        // One that is not there was deleted before.
        return true;
      }
      const authorize: RetryPorts["authorize"] = (permission, parent) => authorizer.require(permission, parent);
      return retry({ store, authorize }, name, bulk).then(() => true, wasRetried);
    },
  };
}

/** Whether an operation was retried whose retry was answered with an error. */
function wasRetried(error: unknown): boolean {
  const { code, message } = RpcError.from(error);
  switch (code) {
    // The retry was started before, and was deleted.
    case "ALREADY_EXISTS":
      return true;
    case "NOT_FOUND":
    case "FAILED_PRECONDITION":
    case "INVALID_ARGUMENT":
      return false;
    case "RESOURCE_EXHAUSTED":
      // The attempt fails, and another one continues with the page: slots that are all taken are free later.
      throw unavailable(message, SLOT_RETRY_SECONDS);
    default:
      throw error;
  }
}

/** The caller, in the lines of the audit. An open deployment knows none. */
function principalOf({ caller }: Bulk): Principal {
  return caller ? { ...caller, grants: [], isAdmin: true } : EVERYONE_MAY;
}

/** Nothing is judged again, so no policy is read and no credentials are checked. */
const NO_POLICIES: AuthorizerPorts = { cache: new PolicyCache(), now, read: unused, authenticate: unused };

function now(): number {
  return Date.now();
}

function unused(): never {
  throw new TypeError("a bulk verb judges no one");
}
