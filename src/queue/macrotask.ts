// A pause after which every promise that can continue has continued.

/**
 * Resolves in a later turn of the event loop, after all microtasks. A timer of 0 ms does the same, and takes more than a
 * millisecond; reading a body takes a thirtieth of that. `macrotask.test.ts` holds that microtasks come first.
 */
export async function macrotask(): Promise<void> {
  await new Response("x").text();
}
