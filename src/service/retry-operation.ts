// Retrying a failed operation: a new operation of the same method, with the request that the failed one was started with.
import { parseOperationName } from "../aip/resource-name";
import type { Permission } from "../iam/permissions";
import type { Method } from "../method/define-method";
import type { RetryRefusal } from "../lifecycle/retry";
import type { JsonObject } from "../rpc/any";
import { RpcError, notFound } from "../rpc/error";
import type { OperationStore } from "./ports";
import { type Deployment, startOperation } from "./start-operation";
import type { StartSettings } from "./start-settings";
import type { Caller, StartPorts, StartedOperation } from "./start-once";

export interface RetryRequest {
  name: string;
  requestId: string | undefined;
  validateOnly: boolean;
  /** In place of the failed operation's own labels and priority. */
  operationOptions: StartSettings;
  caller: Caller;
  /** Milliseconds since 1970. */
  now: number;
  deployment: Deployment;
  /** By id: those that are deployed now. */
  methods: ReadonlyMap<string, Method>;
}

export type RetryPorts = StartPorts & {
  store: Pick<OperationStore, "retrySource" | "noteRetry">;
  /** Throws where the caller has not the permission on a parent. */
  authorize(this: void, permission: Permission, parent: string): Promise<void>;
};

/** The new operation, durable before this answers; undefined where the request was only to be checked, and is right. */
export async function retryOperation(ports: RetryPorts, retry: RetryRequest): Promise<StartedOperation | undefined> {
  const { name, methods } = retry;
  const source = await ports.store.retrySource(name);
  if (!source) throw notFound("google.longrunning.Operation", name);
  const parent = parseOperationName(name)?.parent ?? "";
  // A role on an operation says nothing of its parent, in which another is started.
  await ports.authorize("longrunning.methods.invoke", parent);
  if (!source.ok) throw refusalError(source.refusal, name);
  const method = methods.get(source.method);
  if (method?.own) await ports.authorize(method.own.permission, parent);
  if (!method) throw notDeployed(source.method);
  // A later version of it may want what the first had not.
  if (method.input) throw refusalError("INPUT_ERASED", name);
  const started = await startOperation(ports, {
    ...retry,
    method,
    json: JSON.parse(source.request) as JsonObject,
    parent,
    target: source.target,
    apiVersion: source.apiVersion,
    input: undefined,
    script: undefined,
    operationOptions: {
      ...(source.labels === undefined ? {} : { labels: source.labels }),
      ...(source.priority === undefined ? {} : { priority: source.priority }),
      ...(source.webhookConfig === undefined ? {} : { webhookConfig: source.webhookConfig }),
      ...retry.operationOptions,
    },
    retryOf: {
      name,
      starter: source.starter,
      starterMembers: source.starterMembers,
    },
  });
  if (started) await noteRetry(ports.store, name, started.name);
  return started;
}

/** For operators that explain the failed one. The retry was started, whether this succeeds or not. */
async function noteRetry(store: RetryPorts["store"], operation: string, retriedBy: string): Promise<void> {
  try {
    await store.noteRetry(operation, retriedBy);
  } catch (error) {
    // Such as an object that runs the code before this method, for minutes after a deploy.
    console.warn({ message: "retry not noted", operation, retriedBy, error: String(error) });
  }
}

const START_ANEW = "Start another operation by its method.";

const reasons: Record<RetryRefusal, string> = {
  NOT_DONE: "has not ended. Cancel it first, or wait.",
  SUCCEEDED: `succeeded, and its request was erased. ${START_ANEW}`,
  CANCELLED: `was cancelled, and its request was erased. ${START_ANEW}`,
  EXTERNAL: "has its work done elsewhere: create another.",
  INPUT_ERASED: `had a streamed body, which was erased when it ended. ${START_ANEW}`,
  REQUEST_ERASED: `has no stored request: it failed at its start, or before requests of failed operations were kept. ${START_ANEW}`,
};

function refusalError(refusal: RetryRefusal, operation: string): RpcError {
  return new RpcError("FAILED_PRECONDITION", `Only a failed operation can be retried: this one ${reasons[refusal]}`, {
    reason: `RETRY_${refusal}`,
    metadata: { operation },
  });
}

function notDeployed(method: string): RpcError {
  const message = `The operation's method ${method} is not deployed. Deploy it, then retry.`;
  return new RpcError("FAILED_PRECONDITION", message, { reason: "METHOD_NOT_DEPLOYED", metadata: { method } });
}
