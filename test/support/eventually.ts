// Waits for what no hook of the runtime tells of. Where there is a hook (an alarm, a batch, an answer), use that.

export interface EventuallyOptions {
  /** How long at most. */
  timeoutMs?: number;
  /** Between two looks. */
  intervalMs?: number;
}

/** Calls `look` until it neither throws nor gives undefined or false, and gives what it gave; fails with its last failure. */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { timeoutMs = 5_000, intervalMs = 5 }: EventuallyOptions = {},
): Promise<Exclude<T, undefined | false>> {
  // The monotonic clock: tests set the other one by hand.
  const endTime = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      failure = new Error(`still ${String(value)} after ${timeoutMs} ms`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= endTime) throw failure;
    await new Promise((resolve) => {
      setTimeout(resolve, intervalMs);
    });
  }
}
