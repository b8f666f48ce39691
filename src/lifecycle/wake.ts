// The work continues after a pause: directly, or through the queue.
import { INDEX_PROGRESS_DELAY_MS } from "../limits";
import { directFenceOf, dispatch } from "./claim";
import { type Draft, changed, move, send } from "./draft";
import type { Refusal } from "./event";
import { QUEUED_MESSAGE } from "./start";

/**
 * Direct work goes on directly. Work that was lost with its platform continues through the queue until it has stored something,
 * because another direct run may be lost to the same cause, and the queue repeats at its own pace.
 */
export function wake(draft: Draft, transition: "wake" | "resume"): Refusal | undefined {
  const { record } = draft;
  const directFence = record.attempt.platformDeaths === 0 ? directFenceOf(draft) : undefined;
  return move(draft, directFence === undefined ? transition : "wakeDirectly", () => {
    record.suspension = undefined;
    record.wakeTime = undefined;
    if (directFence !== undefined) return dispatch(draft, directFence);
    send(draft);
    changed(draft, QUEUED_MESSAGE, INDEX_PROGRESS_DELAY_MS);
  });
}
