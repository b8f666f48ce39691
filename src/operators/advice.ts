// Advice for operators about an operation that does not progress as it should.
import { EXPLANATION_LATE_MS, EXPLANATION_RESENDS } from "../limits";
import { nextDueTime } from "../lifecycle/due";
import type { OperationRecord } from "../lifecycle/record";
import { isFinal } from "../lifecycle/state";
import type { LiveFacts } from "./facts";
import { when } from "./words";

export function advice(record: OperationRecord, live: LiveFacts, now: number): string[] {
  return [
    ...unclaimed(record, live, now),
    ...slotHolders(record, live),
    ...lateAlarm(record, live, now),
    ...outboxTrouble(record),
    ...lostAttempts(record),
  ];
}

function unclaimed(record: OperationRecord, live: LiveFacts, now: number): string[] {
  const { state, queueMessage, method, methodVersion } = record;
  const { resends = 0, undeployed } = queueMessage ?? {};
  if (state !== "QUEUED" || live.runSlot?.ahead !== undefined) return [];
  if (undeployed) {
    return [`Deploy a Worker that declares ${method} with the version ${JSON.stringify(methodVersion)}, or cancel it.`];
  }
  if (resends < EXPLANATION_RESENDS) return [];
  return [
    live.lane === undefined
      ? "No queue is bound: bind one as QUEUE in wrangler.toml and deploy again."
      : `No consumer has claimed the work${sinceLastClaim(record, now)}, though its message was sent ${resends + 1} times. Check that wrangler.toml has ` +
        `a [[queues.consumers]] for the queue bound as ${live.lane}, that the Worker's default export has the queue ` +
        "handler of operations() and not its fetch alone, that the queue delivers (`npx wrangler queues info` with its " +
        'name), and look in the log for "claim not reached".',
  ];
}

/** The time from which on certainly nothing was claimed: the creation, or the end of the last attempt. */
function sinceLastClaim({ pause, attempt, createTime }: OperationRecord, now: number): string {
  // The record does not have the time at which the invocation before a sleep ended.
  if (pause) return "";
  return ` since ${when(attempt.attempts?.at(-1)?.endTime ?? createTime, now)}`;
}

function slotHolders({ state, runSlot }: OperationRecord, live: LiveFacts): string[] {
  if (state !== "QUEUED" || !runSlot || live.runSlot?.ahead === undefined) return [];
  return [
    "Look at the operations of its method and parent that run (`done = false`), or raise the method's maxConcurrent.",
  ];
}

function lateAlarm(record: OperationRecord, { alarmTime }: LiveFacts, now: number): string[] {
  const dueTime = nextDueTime(record);
  if (dueTime === undefined) return [];
  if (alarmTime === undefined) {
    return [
      "No alarm is armed, though something is due: any read of it settles what is, and the index's alarm and the sweep do.",
    ];
  }
  if (alarmTime >= now - EXPLANATION_LATE_MS) return [];
  return [
    `Its alarm was due at ${when(alarmTime, now)} and has not fired: look at the platform's status; any read settles what is due.`,
  ];
}

function outboxTrouble({ outbox, indexShard = 0, jurisdiction }: OperationRecord): string[] {
  const messages: string[] = [];
  if ((outbox.index?.failures ?? 0) > 0) {
    const place = jurisdiction === undefined ? "" : ` in the jurisdiction ${JSON.stringify(jurisdiction)}`;
    messages.push(
      `The index (shard ${indexShard}${place}) cannot be told, so lists lag: look in the log for "effect failed" with effect "index".`,
    );
  }
  if ((outbox.snapshot?.failures ?? 0) > 0) {
    messages.push('KV cannot be told: look in the log for "effect failed" with effect "snapshot".');
  }
  return messages;
}

function lostAttempts({ state, method, attempt }: OperationRecord): string[] {
  const { platformDeaths } = attempt;
  if (isFinal(state) || platformDeaths < 2) return [];
  return [
    `Its last ${platformDeaths} attempts died without a word: look at ${method}'s memory and CPU time, and for deploys at those times.`,
  ];
}
