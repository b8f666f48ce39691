import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TableValueCounts } from "../../../../src/worker/tables-profile/value-counts";

describe("TableValueCounts", () => {
  const limits = { valuesPerColumn: 100, bytesPerTable: 60_000 };

  test("counts exactly up to the bound of a column, and marks that there are more values", () => {
    const counts = new TableValueCounts(1, limits);
    for (let i = 0; i < 100; i++) counts.add(0, `v${i}`);
    expect(counts.facts(0)).not.toHaveProperty("distinctCountIsMinimum");

    for (let i = 0; i < 50; i++) counts.add(0, `w${i}`);

    expect(counts.facts(0)).toMatchObject({
      distinctCount: 101,
      distinctCountIsMinimum: true,
      mostFrequentIsPartial: true,
    });
  });

  test("stops counting the column with the most memory when the table's memory is used up", () => {
    const counts = new TableValueCounts(10, limits);
    for (let i = 0; i < 90; i++) {
      for (let column = 0; column < 9; column++) counts.add(column, `${i % 50}`);
      counts.add(9, `${i} ${"wide".repeat(40)}`);
    }

    expect(counts.facts(9)).toHaveProperty("distinctCountIsMinimum");
    for (let column = 0; column < 9; column++) {
      expect(counts.facts(column)).toMatchObject({ distinctCount: 50 });
      expect(counts.facts(column)).not.toHaveProperty("distinctCountIsMinimum");
    }
  });

  test("counts the leading values at its bound exactly to the end", () => {
    const counts = new TableValueCounts(1, limits);
    for (let i = 0; i < 20_000; i++) {
      counts.add(0, `v${i}`);
      if (i % 10 === 0) counts.add(0, "often");
      if (i % 20 === 0) counts.add(0, "seldom");
    }

    expect(counts.facts(0).mostFrequent.slice(0, 3)).toEqual([
      { value: "often", count: 2_000 },
      { value: "seldom", count: 1_000 },
      { value: "v0", count: 1 },
    ]);
  });

  test("never returns a wrong count", () => {
    const values = fc.array(fc.nat(20).map(String), { maxLength: 200 });
    const property = fc.property(fc.integer({ min: 1, max: 30 }), values, (valuesPerColumn, column) => {
      const counts = new TableValueCounts(1, { ...limits, valuesPerColumn });
      for (const value of column) counts.add(0, value);
      const { distinctCount, distinctCountIsMinimum = false, mostFrequent } = counts.facts(0);

      const trueCount = new Set(column).size;
      expect(distinctCountIsMinimum).toBe(trueCount > valuesPerColumn);
      expect(distinctCount).toBe(Math.min(trueCount, valuesPerColumn + 1));
      for (const { value, count } of mostFrequent) expect(count).toBe(column.filter((one) => one === value).length);
    });

    fc.assert(property);
    expect.hasAssertions();
  });

  test("recognizes a seen value while it counts all values", () => {
    const counts = new TableValueCounts(1, { ...limits, valuesPerColumn: 1 });

    const seenBefore = ["a", "a", "b", "c", "c", "a"].map((value) => counts.add(0, value).seenBefore);

    // After that it knows the most frequent ones.
    expect(seenBefore).toEqual([false, true, false, false, false, true]);
  });

  test("orders values of equal count by code point", () => {
    const counts = new TableValueCounts(1);
    for (const value of ["😀", "\ufb01", "b", "a", "c", "z", "z"]) counts.add(0, value);

    expect(counts.facts(0).mostFrequent.map(({ value }) => value)).toEqual(["z", "a", "b", "c", "\ufb01"]);
  });
});
