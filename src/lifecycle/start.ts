// The start of an operation: the first step of its life.
import { formatTimestampMs } from "../aip/timestamp";
import { INDEX_PROGRESS_DELAY_MS } from "../limits";
import { directFenceOf, dispatch } from "./claim";
import { type Draft, changed, end, fail, move, send } from "./draft";
import type { Refusal } from "./event";
import type { NewExternal, Start } from "./new-operation";

export const QUEUED_MESSAGE = "Queued.";

/** Starts an operation: its work is queued, scheduled, run by its object, or done elsewhere, or its result was known at once. */
export function start(draft: Draft, { request, external, outcome }: Start): Refusal | undefined {
  const { record, now } = draft;
  const directFence = directFenceOf(draft);
  if (external) return move(draft, "await", () => awaitWorker(draft, external));
  const { scheduleTime } = record;
  if (scheduleTime !== undefined && scheduleTime > now) {
    return move(draft, "schedule", () => schedule(draft, request, scheduleTime));
  }
  if (outcome === undefined && directFence !== undefined) {
    return move(draft, "dispatch", () => {
      keepRequest(draft, request);
      dispatch(draft, directFence);
    });
  }
  if (outcome === undefined) return move(draft, "enqueue", () => enqueue(draft, request));
  record.startTime = now;
  return "error" in outcome
    ? move(draft, "failAtOnce", () => fail(draft, outcome.error))
    : move(draft, "succeedAtOnce", () => end(draft, outcome, "Done."));
}

function awaitWorker({ record, now }: Draft, { heartbeatMs, hasOwnMetadata }: NewExternal): void {
  // The index has it already: its STARTING row says the same.
  record.revision += 1;
  record.statusMessage = "Waiting for its worker.";
  record.startTime = now;
  record.external = {
    hasOwnMetadata,
    ...(heartbeatMs === undefined ? {} : { heartbeatMs, heartbeatDueTime: now + heartbeatMs }),
  };
}

/** The index is told of the first change within the resend time, so one alarm serves both. */
function enqueue(draft: Draft, request: string | undefined): void {
  keepRequest(draft, request);
  send(draft);
  changed(draft, QUEUED_MESSAGE, INDEX_PROGRESS_DELAY_MS);
}

function schedule(draft: Draft, request: string | undefined, scheduleTime: number): void {
  keepRequest(draft, request);
  draft.record.wakeTime = scheduleTime;
  changed(draft, `Scheduled: its work begins at ${formatTimestampMs(scheduleTime)}.`, INDEX_PROGRESS_DELAY_MS);
}

function keepRequest({ record, effects }: Draft, request: string | undefined): void {
  if (request === undefined) effects.push({ type: "storeRequest" });
  else record.request = request;
}
