// The life of one operation as a list of moments, the earliest first, with the coming ones at the end.
import type { Explanation } from "../api/explanations";
import { type Operation, type Tone, codeName, factsOf, standingOf } from "../api/operation";
import type { Suspension } from "../api/suspensions";

export interface Moment {
  time: string;
  title: string;
  text: string;
  tone: Tone;
  /** Whether it has not come yet. */
  isComing: boolean;
}

export function timelineOf(
  operation: Operation,
  explanation: Explanation | undefined,
  suspensions: readonly Suspension[],
): Moment[] {
  const facts = factsOf(operation);
  const own = facts.isDefault ? facts : { createTime: undefined, startTime: undefined, endTime: undefined };
  const past = [
    moment(own.createTime ?? explanation?.createTime, "Created", starterText(explanation)),
    ...(explanation?.attempts === undefined
      ? [moment(own.startTime ?? explanation?.startTime, "Work began", "", "active")]
      : explanation.attempts.flatMap(attemptMoments)),
    ...suspensions.flatMap(suspensionMoments),
    moment(explanation?.cancelRequestTime, "Cancellation was requested", "", "off"),
    endMoment(operation, explanation, own.endTime ?? (operation.done ? explanation?.endTime : undefined)),
  ];
  const coming = (explanation?.next ?? []).map(({ time, event, description }) => ({
    time,
    title: COMING[event] ?? event,
    text: description,
    tone: "idle" as const,
    isComing: true,
  }));
  return [...byTime(past.filter((one) => one !== undefined)), ...byTime(coming)];
}

/** The events of `:explain` that time alone causes. */
const COMING: Readonly<Record<string, string>> = {
  passDeadline: "Deadline",
  endGrace: "End of the grace period",
  missHeartbeat: "Heartbeat is due",
  loseLease: "Lease ends",
  passAttemptLimit: "Attempt's time limit",
  wake: "Goes on",
  resend: "Its message is sent again",
  index: "The list is updated",
  snapshot: "The snapshot is stored",
  expire: "Expires",
  expireSuspension: "The question expires",
};

function moment(time: string | undefined, title: string, text = "", tone: Tone = "idle"): Moment | undefined {
  return time === undefined ? undefined : { time, title, text, tone, isComing: false };
}

function starterText(explanation: Explanation | undefined): string {
  const by = explanation?.starter === undefined ? "" : `by ${explanation.starter}`;
  const of = explanation?.retryOf === undefined ? "" : `as a retry of ${explanation.retryOf}`;
  return [by, of].filter(Boolean).join(", ");
}

const ENDS: Readonly<Record<string, { text: string; tone: Tone }>> = {
  FAILED: { text: "failed", tone: "bad" },
  TIMED_OUT: { text: "took longer than an attempt may", tone: "bad" },
  IDLE: { text: "ended without storing anything", tone: "bad" },
  LOST: { text: "was lost with its runner", tone: "bad" },
};

function attemptMoments({
  number,
  startTime,
  endTime,
  end = "",
  code,
  message = "",
  retryable,
}: NonNullable<Explanation["attempts"]>[number]) {
  const ended = ENDS[end];
  const error = [code, message].filter(Boolean).join(": ");
  const again = retryable === false ? "An error of this kind is not tried again." : "";
  return [
    moment(startTime, `Attempt ${number} began`, "", "active"),
    // The others end the operation, which has a moment of its own.
    ended && moment(endTime, `Attempt ${number} ${ended.text}`, [error, again].filter(Boolean).join("\n"), ended.tone),
  ];
}

function suspensionMoments({ name, prompt, state, createTime, resolveTime, expireTime, resolver }: Suspension) {
  const id = JSON.stringify(name.slice(name.lastIndexOf("/") + 1));
  return [
    moment(createTime, `Asked ${id}`, prompt ?? "", "wait"),
    moment(resolveTime, `Answered ${id}`, resolver === undefined ? "" : `by ${resolver}`, "ok"),
    state === "EXPIRED" ? moment(expireTime, `${id} was not answered`, "", "off") : undefined,
  ];
}

function endMoment(
  operation: Operation,
  explanation: Explanation | undefined,
  endTime: string | undefined,
): Moment | undefined {
  if (!operation.done) return undefined;
  const { label, tone } = standingOf(operation);
  const { error } = operation;
  // The last attempt has said it.
  const isSaid = error !== undefined && explanation?.attempts?.at(-1)?.message === error.message;
  return moment(endTime, label, error && !isSaid ? `${codeName(error.code)}: ${error.message}` : "", tone);
}

/** Moments of one time keep their order. */
function byTime(moments: readonly Moment[]): Moment[] {
  return moments.toSorted((one, other) => Date.parse(one.time) - Date.parse(other.time));
}
