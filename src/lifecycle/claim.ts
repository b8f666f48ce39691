// The claim of the work for a runner: by a consumer that comes for it, or by the object that calls a runner itself.
import { INDEX_PROGRESS_DELAY_MS } from "../limits";
import { type Draft, changed, move } from "./draft";
import type { Refusal } from "./event";

export function claim(draft: Draft, fence: string): Refusal | undefined {
  return move(draft, "claim", () => takeWork(draft, fence));
}

/** The token for a runner that the object calls; undefined: the work goes through the queue. */
export function directFenceOf({ record, directFence }: Draft): string | undefined {
  return record.dispatch === "direct" ? directFence?.() : undefined;
}

/** The object calls a runner with the claim: a part of the transitions that lead to a direct run. */
export function dispatch(draft: Draft, fence: string): void {
  takeWork(draft, fence);
  // The runner must find its claim whatever becomes of the object's memory.
  draft.mustSave = true;
  draft.effects.push({ type: "run" });
}

function takeWork(draft: Draft, fence: string): void {
  const { record, now } = draft;
  const attemptMs = record.pause?.attemptRemainingMs ?? record.policy.attemptTimeoutMs;
  record.lease = {
    fence,
    leaseEndTime: now + record.policy.leaseMs,
    ...(attemptMs === undefined ? {} : { attemptEndTime: now + attemptMs }),
  };
  record.startTime ??= now;
  const { marks = 0 } = record.attempt;
  record.attempt = { ...record.attempt, marksAtClaim: marks, ...(record.pause ? {} : { attemptStartTime: now }) };
  record.pause = undefined;
  record.queueMessage = undefined;
  changed(draft, "Running.", INDEX_PROGRESS_DELAY_MS);
}
