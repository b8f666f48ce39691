// Why an operation is where it is and what happens next: an answer for operators, in sentences and in fields.
import { formatTimestampMs } from "../aip/timestamp";
import { MAX_PLATFORM_DEATHS } from "../limits";
import { type Json, type JsonObject } from "../rpc/any";
import { codeNameFromNumber } from "../rpc/code";
import { attemptNumber } from "../lifecycle/attempt";
import { OUTBOX_EFFECTS } from "../lifecycle/event";
import { nextDueTime } from "../lifecycle/due";
import type { EndedAttempt, OperationRecord } from "../lifecycle/record";
import { type RetryRefusal, retryRefusal } from "../lifecycle/retry";
import { isFinal } from "../lifecycle/state";
import { advice } from "./advice";
import type { LiveFacts } from "./facts";
import { nextEvents } from "./next-events";
import { summary } from "./summary";

/** An edge_operations.v1.OperationExplanation as JSON. It has no payload, no token and no policy. */
export function explanation(record: OperationRecord, live: LiveFacts, now: number): JsonObject {
  return defined({
    name: record.name,
    state: record.state,
    done: isFinal(record.state),
    summary: summary(record, live, now),
    next: nextEvents(record, now).map(({ event, time, description }) => ({
      event,
      time: formatTimestampMs(time),
      description,
    })),
    advice: advice(record, live, now),
    method: record.method,
    methodVersion: record.methodVersion,
    statusMessage: record.statusMessage,
    createTime: timestamp(record.createTime),
    startTime: timestamp(record.startTime),
    endTime: timestamp(record.endTime),
    scheduleTime: timestamp(record.scheduleTime),
    deadline: timestamp(record.deadline),
    expireTime: timestamp(record.expireTime),
    cancelRequestTime: timestamp(record.cancellation?.cancelRequestTime),
    deleteTime: timestamp(record.deleteTime),
    alarmTime: timestamp(live.alarmTime),
    dueTime: timestamp(nextDueTime(record)),
    attempts: attemptsOf(record),
    attemptCounts: attemptCounts(record),
    lease: lease(record, live),
    queue: queue(record, live),
    progress: progress(record),
    outbox: outbox(record),
    webhookDeliveries: record.webhooks?.deliveries as Json | undefined,
    runSlot: runSlot(record, live),
    callerSlot: record.callerSlot && { key: record.callerSlot.key, limit: record.callerSlot.limit },
    heartbeat: heartbeat(record),
    waiters: live.waiters,
    labels: record.labels && { ...record.labels },
    priority: record.priority,
    starter: record.starter,
    startRequestId: record.startRequestId,
    retryOf: record.retryOf,
    retriedBy: record.retriedBy && [...record.retriedBy],
    parentOperation: record.child?.parentOperation,
    children: record.children?.count,
    retry: record.state === "FAILED" ? retryText(record) : undefined,
    indexShard: record.indexShard ?? 0,
    jurisdiction: record.jurisdiction,
  });
}

/** The fields that there are. */
function defined(fields: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject;
}

function timestamp(time: number | undefined): string | undefined {
  return time === undefined ? undefined : formatTimestampMs(time);
}

/** Those that ended, as far as they are remembered, and the present one. */
function attemptsOf(record: OperationRecord): Json[] {
  const ended = (record.attempt.attempts ?? []).map(attemptJson);
  const { state } = record;
  const { attemptStartTime } = record.attempt;
  if (attemptStartTime === undefined) return ended;
  const present = defined({
    number: attemptNumber(record),
    startTime: timestamp(attemptStartTime),
    endTime: timestamp(record.endTime),
    // An event that ends an operation in the middle of an attempt also ends the attempt: success, cancellation, the
    // deadline.
    end: isFinal(state) ? endWithOperation(record) : undefined,
  });
  return [...ended, present];
}

function attemptJson({ number, startTime, endTime, end, error, isRetryable }: EndedAttempt): JsonObject {
  return defined({
    number,
    startTime: timestamp(startTime),
    endTime: timestamp(endTime),
    end,
    code: error && (codeNameFromNumber(error.code) ?? String(error.code)),
    message: error?.message,
    retryable: isRetryable,
  });
}

function endWithOperation({ state }: OperationRecord): string {
  return state === "FAILED" ? "DEADLINE_EXCEEDED" : state;
}

function attemptCounts(record: OperationRecord): JsonObject | undefined {
  // Work done elsewhere has no attempts, whatever it has come to.
  if (record.external) return undefined;
  const { policy } = record;
  const { failures, deaths, platformDeaths } = record.attempt;
  return {
    failed: failures,
    maxFailed: policy.maxAttempts,
    lost: deaths,
    lostInARow: platformDeaths,
    maxLostInARow: MAX_PLATFORM_DEATHS,
  };
}

function lease(record: OperationRecord, live: LiveFacts) {
  if (!record.lease) return undefined;
  const { leaseEndTime, channelLostTime, attemptEndTime } = record.lease;
  return defined({
    endTime: timestamp(leaseEndTime),
    connected: live.isConnected,
    lastKeepAliveTime: timestamp(live.lastKeepAliveTime),
    channelLostTime: timestamp(channelLostTime),
    attemptEndTime: timestamp(attemptEndTime),
    graceEndTime: timestamp(record.cancellation?.graceEndTime),
  });
}

function queue({ queueMessage }: OperationRecord, { lane }: LiveFacts) {
  if (!queueMessage) return undefined;
  const { resends = 0, resendTime } = queueMessage;
  return defined({ lane, sends: resends + 1, nextSendTime: timestamp(resendTime) });
}

/** The stored state from which a replay continues. */
function progress({ state, work = {}, inputBytes }: OperationRecord) {
  if (isFinal(state)) return undefined;
  const { steps, checkpoint, sleeps } = work;
  return defined({
    steps: steps?.length,
    checkpointed: checkpoint === undefined ? undefined : true,
    sleeps: sleeps?.length,
    inputBytes: inputBytes === undefined ? undefined : String(inputBytes),
  });
}

function outbox({ outbox: entries }: OperationRecord): Json[] {
  return OUTBOX_EFFECTS.flatMap((effect) => {
    const entry = entries[effect];
    return entry ? [{ effect, nextTime: timestamp(entry.dueTime) ?? "", failures: entry.failures }] : [];
  });
}

const retryTexts: Partial<Record<RetryRefusal, string>> = {
  EXTERNAL: "Its work was done elsewhere: whoever created it creates another.",
  INPUT_ERASED: "It cannot be retried: it had a streamed body, which is erased. Start another by its method.",
};

function retryText(record: OperationRecord): string {
  const refusal = retryRefusal(record);
  const text = refusal && retryTexts[refusal];
  return text ?? `POST /v1/${record.name}:retry starts it again, as a new operation with the same request.`;
}

function runSlot({ runSlot: slot }: OperationRecord, { runSlot: standing }: LiveFacts) {
  if (!slot) return undefined;
  return defined({
    key: slot.key,
    limit: slot.limit,
    held: standing?.isHeld,
    holders: standing?.holders,
    waiters: standing?.waiters,
    ahead: standing?.ahead,
  });
}

function heartbeat({ external }: OperationRecord) {
  const { heartbeatMs, heartbeatDueTime } = external ?? {};
  if (heartbeatMs === undefined) return undefined;
  return defined({ timeout: `${heartbeatMs / 1_000}s`, dueTime: timestamp(heartbeatDueTime) });
}
