// The queues that a deployment binds, by the names of their bindings.
import { laneOf, lanesOf } from "../../lifecycle/lane";
import type { OperationRecord } from "../../lifecycle/record";
import type { OperationEnv, WorkMessage } from "./operation-env";

/** Bindings are known by their names alone: a deployment may have any number of lanes, and queues that methods name. */
function bindingsOf(env: OperationEnv): Record<string, unknown> {
  return { ...env };
}

function isQueue(binding: unknown): binding is Queue<WorkMessage> {
  return typeof (binding as Partial<Queue> | undefined)?.send === "function";
}

export function isQueueBound(env: OperationEnv, name: string): boolean {
  return isQueue(bindingsOf(env)[name]);
}

/** The name of the binding through which an operation's next message goes; undefined where no queue is bound. */
export function laneFromEnv(
  env: OperationEnv,
  record: Pick<OperationRecord, "id" | "queue" | "queueMessage">,
): string | undefined {
  const bindings = bindingsOf(env);
  const lanes = lanesOf(Object.keys(bindings).filter((name) => isQueue(bindings[name])));
  return laneOf(record, { lanes, isBound: (name) => isQueue(bindings[name]) });
}

/** Sends an operation's message through its lane. */
export async function sendWork(env: OperationEnv, record: OperationRecord): Promise<void> {
  const lane = laneFromEnv(env, record);
  const queue = lane === undefined ? undefined : bindingsOf(env)[lane];
  if (!isQueue(queue)) throw new Error("no queue is bound: bind one as QUEUE (wrangler.toml)");
  await queue.send({ id: record.id });
}
