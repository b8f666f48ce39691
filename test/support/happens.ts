// Lets events that must be allowed happen to a record, one after another.
import { expect } from "vitest";
import type { Effect, OperationEvent } from "../../src/lifecycle/event";
import type { OperationRecord } from "../../src/lifecycle/record";
import { advance } from "../../src/lifecycle/advance";
import { deepFreeze } from "./deep-freeze";

/** One event at `now`: the next record and the effects. */
export function happens(
  record: OperationRecord,
  event: OperationEvent,
  now: number,
): { record: OperationRecord; effects: Effect[] } {
  const result = advance(deepFreeze(record), event, now);
  if (!result.ok) expect.fail(`${event.type} was refused in ${record.state}: ${result.refusal}`);
  return result;
}

/** The record after several events, each at its time. */
export function afterEvents(record: OperationRecord, ...events: [OperationEvent, number][]): OperationRecord {
  let present = record;
  for (const [event, now] of events) present = happens(present, event, now).record;
  return present;
}
