// op.map: a step for each item, a bounded number at a time.
import { describe, expect, test } from "vitest";
import type { MapOptions } from "../../../src/index";
import { MAX_STEPS, MAX_STEP_NAMES_CHARACTERS } from "../../../src/limits";
import { aContext, isPending } from "./a-context";

/** Items whose steps end when a test says so. */
function heldItems() {
  const begun: string[] = [];
  const held = new Map<string, PromiseWithResolvers<string>>();
  const run = (item: string): Promise<string> => {
    begun.push(item);
    const promise = Promise.withResolvers<string>();
    held.set(item, promise);
    return promise.promise;
  };
  return { begun, run, end: (item: string) => held.get(item)?.resolve(`of ${item}`), held };
}

describe("op.map", () => {
  test("runs a bounded number of steps at a time, and gives their results in the order of the items", async () => {
    const { op, saved } = aContext();
    const { begun, run, end } = heldItems();
    const results = op.map(["a", "b", "c", "d"], run, { concurrency: 2 });
    expect(await isPending(results)).toBe(true);
    expect(begun).toEqual(["a", "b"]);
    for (const [item, expected] of [
      ["b", "abc"],
      ["c", "abcd"],
      ["d", "abcd"],
    ] as const) {
      end(item);
      expect(await isPending(results)).toBe(true);
      expect(begun.join("")).toBe(expected);
    }
    end("a");

    expect(await results).toEqual(["of a", "of b", "of c", "of d"]);
    expect(saved.map(([name]) => name)).toEqual(["1", "2", "3", "0"]);
  });

  test("runs six at a time by default", async () => {
    const { op } = aContext();
    const { begun, run } = heldItems();
    expect(await isPending(op.map(["a", "b", "c", "d", "e", "f", "g", "h"], run))).toBe(true);

    expect(begun).toHaveLength(6);
  });

  test("names each step by its key", async () => {
    const { op, saved } = aContext();
    await op.map(["a", "b"], () => 1, { key: (item, index) => `send ${item} ${index}` });

    expect(saved.map(([name]) => name)).toEqual(["send a 0", "send b 1"]);
  });

  test("reuses the results that are stored", async () => {
    const steps = [{ name: "1", place: 0, result: '"stored"', order: 1 }];
    const { op } = aContext({ steps });

    expect(await op.map(["a", "b", "c"], (item) => item)).toEqual(["a", "stored", "c"]);
  });

  test("begins no step after a failure, and fails with it when those under way have ended", async () => {
    const { op, saved } = aContext();
    const { begun, run, end, held } = heldItems();
    const results = op.map(["a", "b", "c"], run, { concurrency: 2 });
    expect(await isPending(results)).toBe(true);
    held.get("b")?.reject(new Error("first"));
    expect(await isPending(results)).toBe(true);
    end("a");

    await expect(results).rejects.toThrow("first");
    expect(begun).toEqual(["a", "b"]);
    expect(saved).toEqual([["0", '"of a"']]);
  });

  test("gives each step the declared tries and time", async () => {
    const { op, untilAwake } = aContext({ sleepInPlaceMs: 3_000 });
    const tries: string[] = [];
    const run = (item: string, { attempt }: { attempt: number }): string => {
      tries.push(`${item} ${attempt}`);
      if (attempt === 1) throw new Error("not now");
      return item;
    };
    const results = op.map(["a", "b"], run, { retry: { initialBackoff: "1s" }, timeout: "10s" });
    await untilAwake(results);

    expect(tries).toEqual(["a 1", "b 1", "a 2", "b 2"]);
  });

  test("of no items has no results", async () => {
    expect(await aContext().op.map([], () => 1)).toEqual([]);
  });

  test("of thousands of stored items costs each as little as one", async () => {
    const steps = Array.from({ length: MAX_STEPS }, (_, n) => ({ name: `${n}`, place: n, result: "1", order: n + 1 }));
    const { op } = aContext({ steps });
    const start = performance.now();
    const results = await op.map(steps, () => 0, { concurrency: 50 });

    expect(results).toEqual(steps.map(() => 1));
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test.each<[string, unknown, unknown, object, string]>([
    ["items that are no array", "abc", () => 1, {}, "op.map takes an array and a function"],
    ["no function", [], undefined, {}, "op.map takes an array and a function"],
    ["no concurrency", [1], () => 1, { concurrency: 0 }, "op.map: concurrency is 0; it may be from 1 to"],
    [
      "half a step at a time",
      [1],
      () => 1,
      { concurrency: 1.5 },
      "op.map: concurrency is 1.5; it must be a whole number",
    ],
    ["a key that is a text", [1], () => 1, { key: "a" }, "op.map: key is a function that names an item's step"],
    ["a key that gives no text", [1], () => 1, { key: () => 7 }, "op.step takes a name and a function"],
    ["an unknown option", [1], () => 1, { timeouts: "1s" }, 'op.map: options has an unknown option "timeouts"'],
    ["two items of one name", [1, 2], () => 1, { key: () => "a" }, "in op.map by its key"],
    [
      "names that are too long together",
      Array.from({ length: 1_100 }, (_, n) => n),
      () => 1,
      { key: (n: number) => `${n}`.padStart(250), concurrency: 1_100 },
      `at most ${MAX_STEP_NAMES_CHARACTERS} characters together`,
    ],
  ])("rejects %s, which ends the operation", async (_case, items, run, options, text) => {
    const { op, ending } = aContext();
    op.map(items as number[], run as () => number, options as MapOptions<number>).catch(() => undefined);
    const ended = await ending();

    expect(ended).toMatchObject({ type: "failed", error: { reason: "LIBRARY_MISUSE" } });
    expect(ended).toMatchObject({ error: { message: expect.stringContaining(text) as string } });
  });
});
