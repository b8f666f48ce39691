// A pace for many of something, as load is sent.
import { setTimeout as sleep } from "node:timers/promises";

/** Waits, from now on, until the n-th of them (from 0) may begin: `perSecond` of them do in a second. */
export function paceOf(perSecond: number): (number: number) => Promise<void> {
  const beginTime = performance.now();
  return async (number) => {
    const waitMs = beginTime + (number * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
  };
}
