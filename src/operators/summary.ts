// Why an operation is where it is, in plain sentences.
import { MAX_PLATFORM_DEATHS } from "../limits";
import { attemptNumber } from "../lifecycle/attempt";
import type { AttemptEnd, EndedAttempt, OperationRecord } from "../lifecycle/record";
import { isFinal } from "../lifecycle/state";
import { pendingSuspensions } from "../lifecycle/suspensions";
import { undeployedMessage } from "../lifecycle/undeployed";
import type { LiveFacts } from "./facts";
import { errorText, length, sentence, when } from "./words";

export function summary(record: OperationRecord, live: LiveFacts, now: number): string {
  return [deletion(record, now), whereItIs(record, live, now)].filter((text) => text !== "").join(" ");
}

function deletion({ deleteTime, state }: OperationRecord, now: number): string {
  if (deleteTime === undefined) return "";
  const hidden = `It was deleted at ${when(deleteTime, now)} and is hidden from clients`;
  return isFinal(state)
    ? `${hidden}; it is forgotten once index and KV know.`
    : `${hidden}; its work goes on to its end, and what it comes to is dropped.`;
}

function whereItIs(record: OperationRecord, live: LiveFacts, now: number): string {
  switch (record.state) {
    case "NEW":
      return "It is being created.";
    case "QUEUED":
      return queued(record, live);
    case "RUNNING":
      return `${running(record, now)} ${runner(record, live, now)}`;
    case "SLEEPING":
      if (record.attempt.attemptStartTime === undefined && record.wakeTime === record.scheduleTime) {
        return `It is scheduled: its work begins at ${when(record.wakeTime ?? now, now)}.`;
      }
      return `Its work set a durable timer: attempt ${attemptNumber(record)} goes on at ${when(record.wakeTime ?? now, now)}.`;
    case "SUSPENDED":
      return suspended(record, live, now);
    case "BACKING_OFF":
      return sentence(`${lastAttempt(record, now)} It waits to be tried again`);
    case "CANCELLING":
      return `${cancelRequest(record, now)} Its runner was told and has not ended yet. ${runner(record, live, now)}`;
    case "EXTERNAL":
      return `Its work is done elsewhere, by whoever calls PATCH on it. ${heartbeat(record, now)}`;
    case "EXTERNAL_CANCELLING":
      return `${cancelRequest(record, now)} Whoever does its work has to react to it. ${heartbeat(record, now)}`;
    case "SUCCEEDED":
    case "FAILED":
    case "CANCELLED":
      return ended(record, now);
    default:
      return record.state satisfies never;
  }
}

function suspended(record: OperationRecord, { endedChildren }: LiveFacts, now: number): string {
  const { answersTo = [], joins = [] } = record.suspension?.waitsFor ?? {};
  const joined = joins.map(({ places, atLeast }) => {
    const count = places.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    const soFar = `of its ${record.children?.count} children ${endedChildren} have ended`;
    return `It waits until ${atLeast} of ${count} child operations have ended; ${soFar}.`;
  });
  const waits = pendingSuspensions(record)
    .filter(({ id }) => answersTo.includes(id))
    .map(({ id, createTime, reached }) => {
      const until = when(reached?.expireTime ?? record.deadline, now);
      const link = reached?.linkToken === undefined ? "" : ", and whoever has its link";
      return (
        `It waits for an answer to ${JSON.stringify(id)} since ${when(createTime, now)}, until ${until}: whoever has ` +
        `longrunning.operations.resolve on it may answer (roles/longrunning.approver, administrators)${link}.`
      );
    });
  return [...waits, ...joined].join(" ");
}

function queued(record: OperationRecord, { runSlot, lane }: LiveFacts): string {
  const work = queuedWork(record);
  if (record.runSlot && runSlot?.ahead !== undefined) {
    const { key, limit } = record.runSlot;
    return `${work} waits for a slot: ${runSlot.holders} of ${limit} of ${JSON.stringify(key)} are taken, and ${runSlot.ahead} wait before it.`;
  }
  const times = (record.queueMessage?.resends ?? 0) + 1;
  const through = lane === undefined ? "" : ` through ${lane}`;
  const sent = times === 1 ? `its message was sent${through}` : `its message was sent ${times} times, last${through}`;
  return sentence(`${work} waits for a consumer: ${sent}, and no consumer has claimed it${said(record)}`);
}

function queuedWork(record: OperationRecord): string {
  const number = attemptNumber(record);
  if (record.pause) return `Attempt ${number} is to go on, and`;
  return number === 1 ? "It has not run yet, and" : `Attempt ${number} is to begin, and`;
}

/** The part of the status message that adds to the state: the reason why a consumer returned the work. */
function said(record: OperationRecord): string {
  return record.queueMessage?.undeployed ? `. A consumer gave it back: ${undeployedMessage(record)}` : "";
}

function running(record: OperationRecord, now: number): string {
  const since = record.attempt.attemptStartTime ?? record.startTime;
  const began = since === undefined ? "" : ` since ${when(since, now)}`;
  return `Attempt ${attemptNumber(record)} runs${began}.`;
}

function runner({ lease }: OperationRecord, live: LiveFacts, now: number): string {
  const until = `its lease holds until ${when(lease?.leaseEndTime ?? 0, now)}`;
  if (!live.isConnected) return `Its runner has lost its channel; ${until}, and within it the runner may come back.`;
  const heard =
    live.lastKeepAliveTime === undefined
      ? "has sent no keep-alive yet"
      : `sent its last sign of life at ${when(live.lastKeepAliveTime, now)}`;
  return `Its runner is connected and ${heard}; ${until}.`;
}

function cancelRequest({ cancellation }: OperationRecord, now: number): string {
  return `Cancellation was requested at ${when(cancellation?.cancelRequestTime ?? 0, now)}.`;
}

function heartbeat({ external }: OperationRecord, now: number): string {
  const { heartbeatMs, heartbeatDueTime = 0 } = external ?? {};
  if (heartbeatMs === undefined) return "It has no heartbeat timeout.";
  return `Its last report came at ${when(heartbeatDueTime - heartbeatMs, now)}, and it may be silent for ${length(heartbeatMs)}.`;
}

const endOf: Record<AttemptEnd, string> = {
  FAILED: "failed",
  TIMED_OUT: "took longer than it may",
  IDLE: "reached the limit of its invocations without storing anything",
  LOST: "was lost: its lease ran out without a word, as when its platform ends it",
};

function lastAttempt({ attempt }: OperationRecord, now: number): string {
  const last = attempt.attempts?.at(-1);
  return last ? attemptText(last, now) : "";
}

function attemptText({ number, end, endTime, error }: EndedAttempt, now: number): string {
  const reason = error === undefined ? "" : `, with ${errorText(error)}`;
  return sentence(`Attempt ${number} ${endOf[end]} at ${when(endTime, now)}${reason}`);
}

function ended(record: OperationRecord, now: number): string {
  const time = when(record.endTime ?? now, now);
  const { outcome } = record;
  if (record.state === "SUCCEEDED") return `It succeeded at ${time}.`;
  const error = outcome && "error" in outcome ? ` with ${errorText(outcome.error)}` : "";
  if (record.state === "CANCELLED") return sentence(`It was cancelled at ${time}${error}`);
  return `${sentence(`It failed at ${time}${error}`)} ${whyForGood(record)}`.trim();
}

/** The reason why a failed attempt was not retried. */
function whyForGood({ attempt, policy }: OperationRecord): string {
  const { attempts = [], attemptStartTime, failures, platformDeaths } = attempt;
  const last = attempts.at(-1);
  // Ended by its deadline, in the middle of an attempt, or without one.
  if (!last || attemptStartTime !== undefined) return "";
  if (last.end === "LOST" && platformDeaths >= MAX_PLATFORM_DEATHS)
    return `It was lost ${platformDeaths} times in a row, as often as it may be.`;
  if (!last.isRetryable) return "The handler threw an RpcError with a code that is not retried; only UNAVAILABLE is.";
  if (failures >= policy.maxAttempts)
    return `That was its last attempt: ${failures} of ${policy.maxAttempts} have failed.`;
  return "";
}
