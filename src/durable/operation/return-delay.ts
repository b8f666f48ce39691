// When waiters return that were interrupted together: a crowd of any size comes at a constant rate.
import { MAX_WAIT_RETURN_MS, MIN_WAIT_RETURN_MS, WAITERS_RETURNING_PER_SECOND } from "../../limits";

/** The crowd that returns with this waiter: the number of waiters when it subscribed, and its failures since. */
export interface Crowd {
  waiters: number;
  failures: number;
}

/**
 * How long a waiter stays away after an interruption; `random` is 0 ≤ r < 1. Each waits from half of its window to all of
 * it, and the n-th waiter's window is n / WAITERS_RETURNING_PER_SECOND seconds, so that a crowd of any size returns at a
 * constant rate (ln 4 times that number) and a few return at once.
 */
export function resubscribeDelayMs({ waiters, failures }: Crowd, random: number): number {
  const backoffMs = Math.min(MAX_WAIT_RETURN_MS, MIN_WAIT_RETURN_MS * 2 ** failures);
  return jittered(Math.max(backoffMs, crowdWindowMs(waiters)), random);
}

/** How long a waiter that was told to come and get the answer stays away: one of a few, not at all. */
export function returnDelayMs(waiters: number, random: number): number {
  const windowMs = crowdWindowMs(waiters);
  return windowMs < MIN_WAIT_RETURN_MS ? 0 : jittered(windowMs, random);
}

function crowdWindowMs(waiters: number): number {
  return (waiters / WAITERS_RETURNING_PER_SECOND) * 1_000;
}

function jittered(windowMs: number, random: number): number {
  return (windowMs / 2) * (1 + random);
}
