// The writes that a record's type allows: states that the lifecycle table led to, and whole parts.
import type { OperationRecord } from "../../src/lifecycle/record";

export function forge(record: OperationRecord): OperationRecord[] {
  // @ts-expect-error -- the state is written by `move` alone
  record.state = "FAILED";
  return [
    // @ts-expect-error -- a copy cannot have a state that does not come from the table
    { ...record, state: "FAILED" },
    // @ts-expect-error -- a lease has a token
    { ...record, lease: { leaseEndTime: 1 } },
    // @ts-expect-error -- a queue message that was sent again has a time
    { ...record, queueMessage: { resends: 1 } },
  ];
}
