// The changes of an operation, for logs and counters: never its request, metadata or result.
import { codeNameFromNumber } from "../rpc/code";
import { attemptNumber } from "./attempt";
import { type DueTransition, dueTransition } from "./due";
import type { OperationEvent } from "./event";
import type { AttemptEnd, OperationRecord } from "./record";
import { type State, isFinal } from "./state";

/** Why it happened: an event, or what of it time brought about. */
export type TransitionCause = Exclude<OperationEvent["type"], "timePasses"> | DueTransition | "expire";

export interface HappenedTransition {
  /** `NEW` at the start. */
  from: State;
  to: State;
  cause: TransitionCause;
  /** Of the attempt that it is about; absent where another system does the work, and where none has begun. */
  attempt?: number;
  end?: AttemptEnd;
  /** The google.rpc.Code that the operation, or else the attempt, ended with. */
  code?: string;
  /** Once done: from its creation to its end. */
  durationMs?: number;
}

/** Events in which the work goes on as it did: they are too many to tell. */
const SILENT: ReadonlySet<OperationEvent["type"]> = new Set<OperationEvent["type"]>([
  "progress",
  "keepAlive",
  "saveStep",
  "saveCheckpoint",
  "saveSleeps",
  "saveSuspensions",
  "saveChildren",
  "setPolicy",
  "noteRetry",
  "effectDone",
  "effectFailed",
  "webhooksTold",
]);

/** The outcome of an event; undefined without a change to report. All that time brings about at once is one. */
export function transitionFromStep(
  before: OperationRecord,
  after: OperationRecord,
  event: OperationEvent,
  now: number,
): HappenedTransition | undefined {
  const cause = causeOf(before, after, event, now);
  if (cause === undefined) return undefined;
  const attempt = after.attempt.attempts?.at(-1);
  const hasEnded = attempt !== undefined && attempt !== before.attempt.attempts?.at(-1);
  return {
    from: before.state,
    to: after.state,
    cause,
    ...(!before.external && before.state !== "NEW" ? { attempt: attemptNumber(before) } : {}),
    ...(hasEnded ? { end: attempt.end, ...codeOf(attempt.error?.code) } : {}),
    ...(isFinal(before.state) ? {} : endOf(after)),
  };
}

function causeOf(
  before: OperationRecord,
  after: OperationRecord,
  event: OperationEvent,
  now: number,
): TransitionCause | undefined {
  if (SILENT.has(event.type)) return undefined;
  switch (event.type) {
    case "timePasses": {
      const { expireTime } = before;
      return dueTransition(before, now) ?? (expireTime !== undefined && expireTime <= now ? "expire" : undefined);
    }
    case "update":
      // Progress that another system reports is as silent as a handler's.
      return before.state === after.state ? undefined : event.type;
    case "cancel":
      return before.cancellation ? undefined : event.type;
    default:
      return event.type;
  }
}

function endOf({ state, outcome, endTime, createTime }: OperationRecord): Partial<HappenedTransition> {
  if (!isFinal(state) || endTime === undefined) return {};
  const error = outcome && "error" in outcome ? outcome.error : undefined;
  return { ...codeOf(error?.code), durationMs: endTime - createTime };
}

function codeOf(code: number | undefined): { code?: string } {
  return code === undefined ? {} : { code: codeNameFromNumber(code) ?? String(code) };
}
