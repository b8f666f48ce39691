// Events of suspensions: the work stands still, somebody answers, the time for an answer is over.
import { formatTimestampMs } from "../aip/timestamp";
import { INDEX_PROGRESS_DELAY_MS } from "../limits";
import { type Draft, announce, changed, move } from "./draft";
import type { OperationEvent, Refusal } from "./event";
import type { OperationRecord, StoredSuspension, WaitCondition } from "./record";
import { mark, pauseAttempt, remember, report } from "./runner-events";
import { isFinal } from "./state";
import { wake } from "./wake";
import { expired, isResolved, nextResolutionNumber, pendingSuspensions, putSuspension } from "./suspensions";

/** The invocation ends, and the work stands still until it has what it waits for. */
export function suspend(draft: Draft, event: Extract<OperationEvent, { type: "suspend" }>): Refusal | undefined {
  const { record } = draft;
  const { waitsFor, wakeTime, progress } = event;
  report(draft, progress);
  const refusal = move(draft, "suspend", () => {
    pauseAttempt(draft);
    mark(record);
    remember(draft, event);
    record.suspension = { waitsFor };
    if (wakeTime !== undefined) record.wakeTime = wakeTime;
    const statusMessage = progress?.statusMessage ?? waitingMessage(record, waitsFor);
    changed(draft, statusMessage, INDEX_PROGRESS_DELAY_MS);
    if (event.toldRevision === record.revision) delete record.outbox.index;
  });
  if (refusal === undefined && isFinal(record.state)) return undefined;
  // An answer came while the runner did not know it yet.
  const hasCome = waitsFor.answersTo?.some((id) => isResolved(record, id));
  // Work that waits for its children alone waits for nobody outside.
  if (refusal === undefined && !hasCome && waitsFor.answersTo?.length) announce(draft);
  return refusal ?? (hasCome ? wake(draft, "resume") : undefined);
}

function waitingMessage(record: OperationRecord, { answersTo: ids = [], joins }: WaitCondition): string {
  const [first, ...more] = ids;
  if (first === undefined || joins) return `Waiting for ${record.children?.count} child operations.`;
  if (more.length > 0)
    return `Waiting for one of ${ids.length} answers: ${ids.map((id) => JSON.stringify(id)).join(", ")}.`;
  const expireTime = record.suspensions?.find(({ id }) => id === first)?.reached?.expireTime ?? record.deadline;
  return `Waiting for an answer to ${JSON.stringify(first)} until ${formatTimestampMs(expireTime)}.`;
}

/** Somebody outside answers. The first answer wins; one that comes before the work reaches the suspension is kept. */
export function resolve(draft: Draft, event: Extract<OperationEvent, { type: "resolve" }>): Refusal | undefined {
  const { record, now } = draft;
  const { id, payload, digest, resolver } = event;
  const known = record.suspensions?.find((one) => one.id === id) ?? { id, createTime: now };
  if (known.resolution) return "NOT_ALLOWED";
  const answer = { digest, payload: { json: payload }, ...(resolver === undefined ? {} : { resolver }) };
  return settle(draft, [{ ...known, resolution: { time: now, number: nextResolutionNumber(record), answer } }]);
}

/** Pending suspensions whose time is over expire. */
export function expireSuspensions(draft: Draft): Refusal | undefined {
  const { record, now } = draft;
  const first = nextResolutionNumber(record);
  const overdue = pendingSuspensions(record)
    .filter(({ reached }) => (reached?.expireTime ?? Infinity) <= now)
    .map((one, index) => expired(one, now, first + index));
  return settle(draft, overdue);
}

/** Suspensions are answered or have expired: the work goes on if it stands still for one of them. */
function settle(draft: Draft, resolved: readonly StoredSuspension[]): Refusal | undefined {
  const { record, effects } = draft;
  const { answersTo = [] } = record.suspension?.waitsFor ?? {};
  if (resolved.some(({ id }) => answersTo.includes(id))) {
    for (const one of resolved) putSuspension(record, one);
    return wake(draft, "resume");
  }
  return move(draft, "resolve", () => {
    for (const one of resolved) putSuspension(record, one);
    // One that the work has not reached is not to be seen in the operation.
    if (resolved.some(({ reached }) => reached)) changed(draft, record.statusMessage, INDEX_PROGRESS_DELAY_MS);
    if (record.lease) effects.push({ type: "tellAnswers", ids: resolved.map(({ id }) => id) });
  });
}
