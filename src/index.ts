// The library: declare methods, and serve them as long-running operations. The composition root.
import { configFromEnv } from "./config";
import { sweep } from "./cron/sweep";
import { operationLists, operationStore } from "./durable/operation-client";
import type { Env, WorkMessage } from "./env";
import { httpDoor } from "./http/door";
import type { Method } from "./operation/define-method";
import { queueConsumer } from "./queue/consumer";

export { DirectoryObject } from "./durable/directory-object";
export { OperationIndex } from "./durable/operation-index";
export { OperationObject } from "./durable/operation-object";
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
export { Code, type CodeName } from "./rpc/code";
export { RpcError, type RpcErrorOptions, invalidArgument } from "./rpc/error";
export type { FieldViolation, Status } from "./rpc/status";
export type { Env, WorkMessage } from "./env";

/** What a deployment serves. */
export interface OperationsOptions {
  methods: readonly Method[];
}

/**
 * The handlers of a Worker that serves these methods and google.longrunning.Operations.
 *
 * @throws TypeError where two methods have one id, when the Worker starts.
 */
export function operations({ methods }: OperationsOptions) {
  const methodById = new Map(methods.map((method) => [method.id, method]));
  if (methodById.size !== methods.length) {
    throw new TypeError(`two methods have one id: ${methods.map(({ id }) => id).join(", ")}; set "id" in one of them`);
  }
  const door = httpDoor(methods);
  return {
    fetch: (request, env) =>
      door(request, () => ({
        config: configFromEnv(env),
        store: operationStore(env.OPERATIONS),
        lists: operationLists(env.INDEX),
        now: () => Date.now(),
      })),
    queue: queueConsumer(methodById),
    scheduled: sweep,
  } satisfies ExportedHandler<Env, WorkMessage>;
}
