// The slots that an operation holds, and whether it may use one.
import type { OperationRecord } from "./record";
import { isExternal, isFinal, nextState } from "./state";

/**
 * Whether an operation holds the slot of this key: the run slot while a runner has a lease, the caller's slot until the end.
 * Deleted work of another system holds no caller's slot, because no request can end it.
 */
export function holdsSlot(record: OperationRecord, key: string): boolean {
  const { state, runSlot, callerSlot, lease, deleteTime } = record;
  if (runSlot?.key === key) return lease !== undefined;
  return callerSlot?.key === key && !isFinal(state) && !(deleteTime !== undefined && isExternal(state));
}

/** Whether a runner may claim the work, if it has a slot. */
export function isClaimable({ state }: OperationRecord): boolean {
  return nextState(state, "claim") !== undefined;
}
