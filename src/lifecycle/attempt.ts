// Attempts: each begins again after a failure or a death; an invocation that resumes after a sleep belongs to the last one.
import { MAX_ATTEMPT_MESSAGE_CHARACTERS, MAX_RECORDED_ATTEMPTS } from "../limits";
import type { Status } from "../rpc/status";
import { type Draft, without } from "./draft";
import type { AttemptEnd, EndedAttempt, OperationRecord } from "./record";

/** The number of the present attempt, 1 for the first. */
export function attemptNumber({ attempt }: Pick<OperationRecord, "attempt">): number {
  return attempt.failures + attempt.deaths + 1;
}

/** How an attempt came to nothing. */
export interface AttemptFailure {
  end: AttemptEnd;
  error?: Status;
  isRetryable: boolean;
}

/** Writes down that the present attempt has ended, before it is counted. The oldest yield. */
export function rememberAttempt({ record, now }: Draft, { end, error, isRetryable }: AttemptFailure): void {
  const { attemptStartTime, attempts = [], ...attempt } = record.attempt;
  const ended: EndedAttempt = {
    number: attemptNumber(record),
    ...(attemptStartTime === undefined ? {} : { startTime: attemptStartTime }),
    endTime: now,
    end,
    ...(error === undefined ? {} : { error: cut(error) }),
    isRetryable,
  };
  record.attempt = { ...attempt, attempts: [...attempts, ended].slice(-MAX_RECORDED_ATTEMPTS) };
  forgetAttempt(record, end);
}

/**
 * A failed step is run again by the next attempt, and what only the present one meant by a sleep is not the next one's. An
 * attempt that was lost has not failed, so the next one continues with its tries of steps.
 */
function forgetAttempt(record: OperationRecord, end: AttemptEnd): void {
  if (!record.work) return;
  record.work = without(record.work, "stepFailures");
  if (end !== "LOST") record.work = without(record.work, "stepTries");
  const { sleeps } = record.work;
  if (sleeps?.some(({ isOfAttempt }) => isOfAttempt)) {
    record.work = { ...record.work, sleeps: sleeps.filter(({ isOfAttempt }) => !isOfAttempt) };
  }
  // Storage keeps no empty part, and an object that was evicted reads the same record as one that was not.
  if (Object.keys(record.work).length === 0) record.work = undefined;
}

function cut({ code, message }: Status): Pick<Status, "code" | "message"> {
  if (message.length <= MAX_ATTEMPT_MESSAGE_CHARACTERS) return { code, message };
  return { code, message: `${message.slice(0, MAX_ATTEMPT_MESSAGE_CHARACTERS - 1)}…` };
}
