// Pauses: a turn of the event loop, and a time.

/**
 * Resolves in a later turn of the event loop, after all microtasks. A timer of 0 ms does the same, and takes more than a
 * millisecond; reading a body takes a thirtieth of that. `macrotask.test.ts` holds that microtasks come first.
 */
export async function macrotask(): Promise<void> {
  await new Response("x").text();
}

/** Resolves after so many milliseconds. In production it also sets the clock, which stands still between I/O. */
export function afterMs(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
