// A record in any state of the lifecycle table: found by letting every event happen, until every state has been seen.
import { nextDueTime } from "../../src/lifecycle/due";
import { newRecord } from "../../src/lifecycle/new-operation";
import type { OperationRecord } from "../../src/lifecycle/record";
import { type State, lifecycle } from "../../src/lifecycle/state";
import { advance } from "../../src/lifecycle/advance";
import { aRecord } from "./a-record";
import { anOperation } from "./an-operation";
import { everyEventIn } from "./every-event";

/** Every way in which an operation can begin. */
export const beginnings: Readonly<Record<string, () => OperationRecord>> = {
  queued: () => aRecord(),
  scheduled: () => aRecord({ scheduleTime: anOperation().createTime + 600_000 }),
  "done elsewhere": () => aRecord({ external: { heartbeatMs: 60_000, hasOwnMetadata: false } }),
  "done elsewhere, with metadata of its own": () => aRecord({ external: { hasOwnMetadata: true } }),
  "done at once": () => aRecord({ outcome: { response: "{}" } }),
  "failed at once": () => aRecord({ outcome: { error: { code: 9, message: "No.", details: [] } } }),
};

/** The states that a stored record can be in: `NEW` is before the start. */
export const recordStates = Object.keys(lifecycle).filter((state) => state !== "NEW") as Exclude<State, "NEW">[];

let found: Map<State, OperationRecord> | undefined;

export function aRecordIn(state: State): OperationRecord {
  if (state === "NEW") return newRecord(anOperation());
  found ??= explore();
  const record = found.get(state);
  if (!record) throw new Error(`no event of everyEvent leads to ${state}`);
  return record;
}

function explore(): Map<State, OperationRecord> {
  const seen = new Map<State, OperationRecord>();
  // A scheduled operation is SLEEPING before its work has begun: the others show that state as it usually is.
  const { scheduled: _, ...others } = beginnings;
  const waiting = Object.values(others).map((begin) => begin());
  for (let record = waiting.shift(); record; record = waiting.shift()) {
    if (seen.has(record.state)) continue;
    seen.set(record.state, record);
    waiting.push(...successors(record));
  }
  return seen;
}

/** The states that a record can reach at once, or at its next due time. */
function successors(record: OperationRecord): OperationRecord[] {
  return [record.createTime + 1, nextDueTime(record) ?? record.createTime].flatMap((now) => {
    const context = {
      fence: record.lease?.fence ?? "",
      newFence: "fence",
      now,
      random: 0.5,
      revision: record.revision,
    };
    return everyEventIn(context).flatMap((event) => {
      const result = advance(record, event, now);
      return result.ok && event.type !== "delete" ? [result.record] : [];
    });
  });
}
