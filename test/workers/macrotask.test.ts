// The pause between two outcomes that a handler is given, in the runtime whose event loop it relies on.
import { expect, test } from "vitest";
import { macrotask } from "../../src/queue/macrotask";

// "Resolves in a later turn of the event loop, after all microtasks."
test("every ready promise continues before a macrotask is over", async () => {
  let depth = 0;
  const deep = async (): Promise<void> => {
    for (; depth < 20_000; depth += 1) await Promise.resolve();
  };
  const isThrough = deep();
  await macrotask();

  expect(depth).toBe(20_000);
  await isThrough;
});
