// The patrol: a walk of the sweep over a shard's running operations, so that each is checked now and then.
import { MAX_PATROL_ROWS, PATROL_AGE_MS, PATROL_INTERVAL_MS } from "../limits";
import type { RowKey } from "./page";

/** Where the walk stands. PERSISTED CONTRACT. */
export interface Patrol {
  /** When it began, in milliseconds since 1970. */
  startTime: number;
  /** The last row of the part before; absent: at its beginning, or, if it has begun, at its end. */
  after?: RowKey;
}

/** The next part of a walk: rows of what runs, oldest first. */
export interface PatrolPart {
  patrol: Patrol;
  /** A younger operation is left to its own alarm. */
  createdBefore: number;
  limit: number;
}

/** The part that is to be walked now; undefined: a walk has ended, and the next does not begin yet. */
export function nextPatrolPart(stored: Patrol | undefined, now: number): PatrolPart | undefined {
  const rests = stored !== undefined && !stored.after && now - stored.startTime < PATROL_INTERVAL_MS;
  if (rests) return undefined;
  const patrol = stored?.after ? stored : { startTime: now };
  return { patrol, createdBefore: now - PATROL_AGE_MS, limit: MAX_PATROL_ROWS };
}

/** How the walk stands behind a part that had these rows. */
export function patrolBehind({ patrol, limit }: PatrolPart, rows: readonly RowKey[]): Patrol {
  const { startTime } = patrol;
  const last = rows.at(-1);
  if (!last || rows.length < limit) return { startTime };
  return { startTime, after: { createTime: last.createTime, id: last.id } };
}
