// Suspensions of a record: the named points at which its work waits for somebody outside.
import type { OperationRecord, StoredSuspension, SuspensionReport } from "./record";
import { nextState } from "./state";

/** Those that the work has reached and that were not answered, in the order in which it reached them. */
export function pendingSuspensions({ suspensions = [] }: Pick<OperationRecord, "suspensions">): StoredSuspension[] {
  return suspensions.filter((one) => one.reached && !one.resolution);
}

/** Whether the work has reached a suspension that was answered or has expired. */
export function isResolved({ suspensions = [] }: OperationRecord, id: string): boolean {
  return suspensions.some((one) => one.id === id && one.reached && one.resolution);
}

/** When the next pending suspension expires; undefined: none does, or nothing continues. */
export function suspensionDueTime(record: OperationRecord): number | undefined {
  if (record.suspensions === undefined || nextState(record.state, "resolve") === undefined) return undefined;
  const times = pendingSuspensions(record).map(({ reached }) => reached?.expireTime ?? Infinity);
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** The work reached suspensions, was given their outcomes, or refused answers that came before it reached them. */
export function reportSuspensions(record: OperationRecord, reports: readonly SuspensionReport[], now: number): void {
  for (const told of reports) {
    const known = record.suspensions?.find(({ id }) => id === told.id);
    putSuspension(record, reported(record, known ?? { id: told.id, createTime: now }, told, now));
  }
}

function reported(
  record: OperationRecord,
  known: StoredSuspension,
  { reached, order, refusedAnswer }: SuspensionReport,
  now: number,
): StoredSuspension {
  let next = known;
  if (reached && !known.reached) {
    // A deleted operation cannot be answered: its suspensions expire at once.
    const isDeleted = record.deleteTime !== undefined;
    const expireTime = isDeleted ? now : Math.min(reached.expireTime, record.deadline);
    next = { ...next, createTime: now, reached: { ...reached, expireTime } };
  }
  if (reached?.linkToken !== undefined && known.reached && known.reached.linkToken === undefined)
    next = { ...next, reached: { ...known.reached, linkToken: reached.linkToken } };
  if (refusedAnswer !== undefined && known.resolution?.number === refusedAnswer) {
    const { resolution: _, ...pending } = next;
    next = pending;
  }
  if (order !== undefined && next.order === undefined) next = { ...next, order };
  // Nothing is waited for after a cancel request.
  if (record.cancellation && !next.resolution)
    next = { ...next, resolution: { time: now, number: nextResolutionNumber(record) } };
  return next;
}

export function putSuspension(record: OperationRecord, suspension: StoredSuspension): void {
  const { suspensions = [] } = record;
  const isKnown = suspensions.some(({ id }) => id === suspension.id);
  record.suspensions = isKnown
    ? suspensions.map((one) => (one.id === suspension.id ? suspension : one))
    : [...suspensions, suspension];
}

/** Resolutions are numbered as they come, so that a race has the same winner in each replay. */
export function nextResolutionNumber({ suspensions = [] }: OperationRecord): number {
  return 1 + Math.max(0, ...suspensions.map(({ resolution }) => resolution?.number ?? 0));
}

/** A suspension that was not answered in time. */
export function expired(suspension: StoredSuspension, time: number, number: number): StoredSuspension {
  return { ...suspension, resolution: { time, number } };
}

/** The work waits for nothing any more: it was asked to stop, or has ended. */
export function expirePending(record: OperationRecord, now: number): void {
  const first = nextResolutionNumber(record);
  for (const [index, one] of pendingSuspensions(record).entries())
    putSuspension(record, expired(one, now, first + index));
}

/** A deleted operation cannot be answered: its pending suspensions are due to expire. */
export function hurryPending(record: OperationRecord, now: number): void {
  for (const one of pendingSuspensions(record))
    if (one.reached) putSuspension(record, { ...one, reached: { ...one.reached, expireTime: now } });
}

/** Answers are the work's: what is left of them after the end tells a repeated answer from another. */
export function eraseAnswers(record: OperationRecord): void {
  if (!record.suspensions) return;
  record.suspensions = record.suspensions.map((one) => {
    if (!one.resolution?.answer) return one;
    const { payload: _, ...answer } = one.resolution.answer;
    return { ...one, resolution: { ...one.resolution, answer } };
  });
}
