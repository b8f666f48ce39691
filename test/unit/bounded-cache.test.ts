import { describe, expect, test } from "vitest";
import { BoundedCache } from "../../src/bounded-cache";

describe("BoundedCache", () => {
  test("returns a value until it is too old", () => {
    const cache = new BoundedCache<string>({ maxEntries: 2, maxAgeMs: 1_000 });
    cache.set("a", "value", 5_000);

    expect(cache.get("a", 5_999)).toBe("value");
    expect(cache.get("a", 6_000)).toBeUndefined();
    expect(cache.peek("a")).toEqual({ value: "value", time: 5_000 });
  });

  test("evicts the least recently used value when it is full", () => {
    const cache = new BoundedCache<number>({ maxEntries: 2 });
    cache.set("a", 1);
    cache.set("b", 2);
    cache.get("a");
    cache.set("c", 3);

    expect(["a", "b", "c"].map((key) => cache.get(key))).toEqual([1, undefined, 3]);
  });

  test("replaces a value without evicting another", () => {
    const cache = new BoundedCache<number>({ maxEntries: 2 });
    cache.set("a", 1);
    cache.set("b", 2);
    cache.set("b", 3);

    expect(["a", "b"].map((key) => cache.get(key))).toEqual([1, 3]);
  });
});
