// Attempts: each begins anew after a failure or a death; an invocation that resumes after a sleep belongs to the last one.
import type { OperationRecord } from "./record";

/** The number of the present attempt, 1 for the first. */
export function attemptNumber(record: Pick<OperationRecord, "failures" | "deaths">): number {
  return record.failures + record.deaths + 1;
}
