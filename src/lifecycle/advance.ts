// Advances an operation by one event: decides, and does no I/O. The object saves what it returns, then performs the effects.
import { MAX_RECORDED_RETRIES } from "../limits";
import { claim } from "./claim";
import { childrenEnded, saveChildren } from "./child-events";
import { cancel, poll, remove, update } from "./client-events";
import { type DirectFence, type Draft, end, move } from "./draft";
import type { Effect, OperationEvent, Refusal } from "./event";
import { effectDone, effectFailed, eraseWhenForgotten, webhooksTold } from "./outbox-events";
import { type NewOperation, newRecord } from "./new-operation";
import type { OperationRecord } from "./record";
import {
  attemptFailed,
  channelLost,
  hold,
  keepAlive,
  release,
  report,
  saveCheckpoint,
  saveSleeps,
  saveStep,
  saveSuspensions,
  sleep,
  slotFreed,
  yieldWork,
} from "./runner-events";
import { start } from "./start";
import { resolve, suspend } from "./suspension-events";
import { settle } from "./time-events";

/** The outcome of an event: the next record and its effects, or the reason why nothing changed. */
export type Advance =
  | { ok: true; record: OperationRecord; effects: Effect[]; mustSave: boolean; isStep: boolean }
  | { ok: false; refusal: Refusal };

/** The start of an operation. */
export interface Started extends Pick<Extract<Advance, { ok: true }>, "record" | "effects"> {
  /** The record before it. */
  before: OperationRecord;
}

/** Starts an operation, at `now` or when it was created. `directFence`: where its object calls the runner. */
export function started(operation: NewOperation, directFence?: DirectFence, now = 0): Started {
  const before = newRecord(operation);
  const result = advance(before, { ...operation, type: "start" }, Math.max(operation.createTime, now), directFence);
  if (!result.ok) throw new Error(`start: ${result.refusal}`);
  return { before, ...result };
}

/** The record of an operation that has just started. */
export function startedRecord(operation: NewOperation, directFence?: DirectFence): OperationRecord {
  return started(operation, directFence).record;
}

/**
 * Lets one event happen to an operation at `now` (milliseconds since 1970). `directFence` makes the token for a runner that the
 * object calls if the event starts or wakes the work; absent: the work goes through the queue. The record passed in is not
 * changed.
 */
export function advance(
  record: OperationRecord,
  event: OperationEvent,
  now: number,
  directFence?: DirectFence,
): Advance {
  const mustSave = !REPEATABLE.has(event.type);
  const draft: Draft = {
    record: { ...record, outbox: { ...record.outbox } },
    effects: [],
    now,
    directFence,
    mustSave,
    isStep: false,
  };
  const refusal = apply(draft, event);
  if (refusal !== undefined) return { ok: false, refusal };
  eraseWhenForgotten(draft);
  return { ok: true, record: draft.record, effects: draft.effects, mustSave: draft.mustSave, isStep: draft.isStep };
}

/** Events whose change may be lost with the object's memory, unless they say otherwise. */
const REPEATABLE: ReadonlySet<OperationEvent["type"]> = new Set<OperationEvent["type"]>([
  // The next report repeats it, and so does the runner that opens another channel. The end brings the last one along.
  "progress",
  // The channel knows when it received the last one.
  "keepAlive",
  // Time passes again. The index is told again.
  "timePasses",
  "effectDone",
  "effectFailed",
]);

function apply(draft: Draft, event: OperationEvent): Refusal | undefined {
  const { record } = draft;
  if ("fence" in event && event.type !== "claim" && event.fence !== record.lease?.fence) return "FENCED";
  if (record.state === "NEW" && event.type !== "start") return "NOT_ALLOWED";
  switch (event.type) {
    case "start":
      return start(draft, event);
    case "claim":
      return claim(draft, event.fence);
    case "hold":
      return hold(draft);
    case "slotFreed":
      return slotFreed(draft);
    case "progress":
      return move(draft, "report", () => report(draft, event.progress));
    case "keepAlive":
      return move(draft, "report", () => keepAlive(draft, event.receivedTime));
    case "channelLost":
      if (record.lease?.channelLostTime !== undefined) return "NOT_ALLOWED";
      return move(draft, "report", () => channelLost(draft));
    case "sleep":
      return sleep(draft, event);
    case "suspend":
      return suspend(draft, event);
    case "saveSuspensions":
      return move(draft, "report", () => saveSuspensions(draft, event));
    case "resolve":
      return record.deleteTime === undefined ? resolve(draft, event) : "GONE";
    case "saveChildren":
      return saveChildren(draft, event);
    case "childrenEnded":
      return childrenEnded(draft);
    case "saveStep":
      return move(draft, "report", () => saveStep(draft, event));
    case "saveCheckpoint":
      return move(draft, "report", () => saveCheckpoint(draft, event));
    case "saveSleeps":
      return move(draft, "report", () => saveSleeps(draft, event));
    case "yield":
      return yieldWork(draft, event);
    case "release":
      return release(draft, event.statusMessage);
    case "succeed":
      report(draft, event.progress);
      return move(draft, "succeed", () => end(draft, event.outcome, "Done."));
    case "attemptFailed":
      report(draft, event.progress);
      return attemptFailed(draft, { end: "FAILED", error: event.error, isRetryable: event.retryable }, event.random);
    case "update":
      return record.deleteTime === undefined ? update(draft, event.update) : "GONE";
    case "setPolicy":
      if (record.deleteTime !== undefined) return "GONE";
      record.iamPolicy = event.policy;
      return undefined;
    case "noteRetry":
      if (record.deleteTime !== undefined) return "GONE";
      record.retriedBy = [...(record.retriedBy ?? []), event.by].slice(-MAX_RECORDED_RETRIES);
      return undefined;
    case "poll":
      return record.deleteTime === undefined ? poll(draft) : "GONE";
    case "cancel":
      return record.deleteTime === undefined ? cancel(draft) : "GONE";
    case "delete":
      if (record.deleteTime !== undefined) return "GONE";
      remove(draft, event.requestId);
      return undefined;
    case "timePasses":
      settle(draft, event.random);
      return undefined;
    case "effectDone":
      return effectDone(draft, event.effect, event.revision);
    case "effectFailed":
      return effectFailed(draft, event.effect);
    case "webhooksTold":
      return webhooksTold(draft, event);
    default:
      return event satisfies never;
  }
}
