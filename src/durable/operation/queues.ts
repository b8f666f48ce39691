// The queues that a deployment binds, by the names of their bindings.
import { laneOf, lanesOf } from "../../lifecycle/lane";
import type { OperationRecord } from "../../lifecycle/record";
import type { OperationEnv, WorkMessage } from "./operation-env";

/** Bindings are known by their names alone: a deployment may have any number of lanes, and queues that methods name. */
export function queueFromEnv(env: OperationEnv, name: string): Queue<WorkMessage> | undefined {
  const binding = Reflect.get(env, name) as Partial<Queue<WorkMessage>> | undefined;
  return typeof binding?.send === "function" ? (binding as Queue<WorkMessage>) : undefined;
}

/** The name of the binding through which an operation's next message goes; undefined where no queue is bound. */
export function laneFromEnv(
  env: OperationEnv,
  record: Pick<OperationRecord, "id" | "queue" | "queueMessage">,
): string | undefined {
  const isBound = (name: string): boolean => queueFromEnv(env, name) !== undefined;
  return laneOf(record, { lanes: lanesOf(Object.keys(env)).filter(isBound), isBound });
}

/** Sends an operation's message through its lane. */
export async function sendWork(env: OperationEnv, record: OperationRecord): Promise<void> {
  const lane = laneFromEnv(env, record);
  const queue = lane === undefined ? undefined : queueFromEnv(env, lane);
  if (!queue) throw new Error("no queue is bound: bind one as QUEUE (wrangler.toml)");
  await queue.send({ id: record.id });
}
