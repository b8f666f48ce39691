// Exponential backoff with full jitter (AIP-194).

export interface Backoff {
  initialBackoffMs: number;
  maxBackoffMs: number;
  backoffMultiplier: number;
}

/** Milliseconds before try number `failures` + 1: uniform between 0 and the exponential bound. `random` is 0 ≤ r < 1. */
export function backoffMs(backoff: Backoff, failures: number, random: number): number {
  const bound = backoff.initialBackoffMs * backoff.backoffMultiplier ** Math.max(0, failures - 1);
  return Math.floor(random * Math.min(backoff.maxBackoffMs, bound));
}
