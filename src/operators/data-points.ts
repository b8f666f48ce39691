// The counters for Workers Analytics Engine (docs/operations.md). Never a name, a caller or a payload.
import { MAX_METRIC_INDEX_CHARACTERS } from "../limits";
import type { OperationRecord } from "../lifecycle/record";
import { isFinal } from "../lifecycle/state";
import type { HappenedTransition } from "../lifecycle/transition";

export type CountedEvent = "started" | "finished" | "retried" | "leaseLost";

/** The layout is a contract with queries and dashboards: fields are only ever added at the end. */
export interface DataPoint {
  /** The sampling key: the method's id, cut to what Analytics Engine takes. */
  indexes: [string];
  /** The event, the method's id, the code (`OK`, or a google.rpc.Code), how an attempt ended, the cause. */
  blobs: [event: CountedEvent, method: string, code: string, end: string, cause: string];
  /** 1; from creation to end in milliseconds, of `finished`; the attempt's number. */
  doubles: [count: number, durationMs: number, attempt: number];
}

export function dataPointsFromTransition(record: OperationRecord, transition: HappenedTransition): DataPoint[] {
  return eventsOf(transition).map((event) => {
    const { code = event === "finished" ? "OK" : "", end = "", cause, durationMs = 0, attempt = 0 } = transition;
    return {
      indexes: [record.method.slice(0, MAX_METRIC_INDEX_CHARACTERS)],
      blobs: [event, record.method, code, end, cause],
      doubles: [1, event === "finished" ? durationMs : 0, attempt],
    };
  });
}

function eventsOf({ from, to, end, durationMs }: HappenedTransition): CountedEvent[] {
  const isFinished = isFinal(to) && durationMs !== undefined;
  return [
    ...(from === "NEW" ? (["started"] as const) : []),
    ...(end === "LOST" ? (["leaseLost"] as const) : []),
    // An attempt that came to nothing, and is followed by another.
    ...(end !== undefined && !isFinal(to) ? (["retried"] as const) : []),
    ...(isFinished ? (["finished"] as const) : []),
  ];
}
