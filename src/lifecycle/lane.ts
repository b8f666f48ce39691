// Lanes: the queues that carry work. The platform runs at most 250 consumers of one queue and starts more only after a
// batch has ended, so a deployment binds several queues, and a message that nobody claims is sent again through the next.
import type { OperationRecord } from "./record";

const LANE_BINDING = /^QUEUE(?:_(\d+))?$/;

/** The lanes among the names of a deployment's bindings, in their order: `QUEUE`, `QUEUE_2`, `QUEUE_3`, … */
export function lanesOf(bindings: readonly string[]): string[] {
  return bindings.filter((name) => LANE_BINDING.test(name)).toSorted((a, b) => laneNumber(a) - laneNumber(b));
}

function laneNumber(name: string): number {
  return Number(LANE_BINDING.exec(name)?.[1] ?? 1);
}

/**
 * The binding through which an operation's next message goes: the queue that its method names, as long as that is bound;
 * otherwise a lane. Ids are random, so some of their digits spread operations evenly over the lanes. Each re-send takes
 * the next lane.
 */
export function laneOf(
  { id, queue, queueMessage }: Pick<OperationRecord, "id" | "queue" | "queueMessage">,
  { lanes, isBound }: { lanes: readonly string[]; isBound: (binding: string) => boolean },
): string | undefined {
  if (queue !== undefined && isBound(queue)) return queue;
  const resends = queueMessage?.resends ?? 0;
  return lanes[(Number.parseInt(id.slice(24, 32), 16) + resends) % lanes.length];
}
