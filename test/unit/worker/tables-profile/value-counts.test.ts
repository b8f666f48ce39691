import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { murmurHash32 } from "../../../../src/worker/tables-profile/murmur-hash";
import { SpaceSaving } from "../../../../src/worker/tables-profile/space-saving";
import { TableValueCounts } from "../../../../src/worker/tables-profile/value-counts";

function countsOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

describe("SpaceSaving", () => {
  test("keeps its guarantee over any stream, from any exact beginning", () => {
    const value = fc.nat(60).map((n) => String(Math.floor(n ** 2 / 60)));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(value, { maxLength: 80 }),
        fc.array(value, { maxLength: 300 }),
        (capacity, before, after) => {
          const sketch = new SpaceSaving(capacity, countsOf(before));
          for (const text of after) sketch.add(text, murmurHash32(text));

          const watched = new Map(sketch.lowerBounds());
          expect(watched.size).toBeLessThanOrEqual(2 * capacity);
          expect(sketch.floor).toBeLessThanOrEqual((before.length + after.length) / (capacity + 1));
          for (const [text, count] of countsOf([...before, ...after])) {
            expect(watched.get(text) ?? 0).toBeLessThanOrEqual(count);
            expect((watched.get(text) ?? 0) + sketch.floor).toBeGreaterThanOrEqual(count);
          }
        },
      ),
    );
  });
});

test("SpaceSaving tells apart values of one hash", () => {
  expect(murmurHash32("v103071")).toBe(murmurHash32("v35822"));
  const sketch = new SpaceSaving(2, new Map([["v35822", 3]]));

  for (const value of ["v103071", "v35822", "v103071", "a", "b", "c"]) sketch.add(value, murmurHash32(value));

  expect(Object.fromEntries(sketch.lowerBounds())).toMatchObject({ v35822: 4, v103071: 2 });
});

describe("TableValueCounts", () => {
  const limits = { valuesPerColumn: 100, bytesPerTable: 60_000 };

  test("counts exactly up to the bound of a column and estimates beyond it", () => {
    const counts = new TableValueCounts(1, limits);
    for (let i = 0; i < 100; i++) counts.add(0, `v${i}`);
    expect(counts.facts(0)).not.toHaveProperty("distinctCountIsEstimate");

    counts.add(0, "one more");

    expect(counts.facts(0)).toMatchObject({
      distinctCount: 101,
      distinctCountIsEstimate: true,
      mostFrequentIsEstimate: true,
    });
  });

  test("estimates the column that takes the most memory when the table's is used up", () => {
    const counts = new TableValueCounts(10, limits);
    for (let i = 0; i < 90; i++) {
      for (let column = 0; column < 9; column++) counts.add(column, `${i % 50}`);
      counts.add(9, `${i} ${"wide".repeat(40)}`);
    }

    expect(counts.facts(9)).toHaveProperty("distinctCountIsEstimate");
    for (let column = 0; column < 9; column++) {
      expect(counts.facts(column)).toMatchObject({ distinctCount: 50 });
      expect(counts.facts(column)).not.toHaveProperty("distinctCountIsEstimate");
    }
  });

  test("finds the frequent values among very many others", () => {
    const counts = new TableValueCounts(1, limits);
    for (let i = 0; i < 20_000; i++) {
      counts.add(0, `v${i}`);
      if (i % 10 === 0) counts.add(0, "often");
      if (i % 20 === 0) counts.add(0, "seldom");
    }

    const { mostFrequent, distinctCount } = counts.facts(0);

    expect(mostFrequent.slice(0, 2)).toEqual([
      { value: "often", count: 2_000 },
      { value: "seldom", count: 1_000 },
    ]);
    expect(mostFrequent[2]?.count).toBe(1);
    expect(Math.abs(distinctCount - 20_002)).toBeLessThan(700);
  });

  test("knows a value that it has seen, while it counts exactly", () => {
    const counts = new TableValueCounts(1, { ...limits, valuesPerColumn: 1 });

    expect(["a", "a", "b", "a"].map((value) => counts.add(0, value).seenBefore)).toEqual([false, true, false, false]);
  });

  test("orders values of equal count by code point", () => {
    const counts = new TableValueCounts(1);
    for (const value of ["😀", "\ufb01", "b", "a", "c", "z", "z"]) counts.add(0, value);

    expect(counts.facts(0).mostFrequent.map(({ value }) => value)).toEqual(["z", "a", "b", "c", "\ufb01"]);
  });
});
