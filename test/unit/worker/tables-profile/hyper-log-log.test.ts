import { describe, expect, test } from "vitest";
import { HyperLogLog } from "../../../../src/worker/tables-profile/hyper-log-log";
import { murmurHash32 } from "../../../../src/worker/tables-profile/murmur-hash";
import { HYPERLOGLOG_PRECISION_BITS } from "../../../../src/worker/tables-profile/table-limits";

// From another implementation, murmurhash3js-revisited 3.0.0, given the UTF-16LE bytes.
test.each([
  ["", 0],
  ["a", 1867108634],
  ["ab", 374890698],
  ["abc", 1118836419],
  ["hello, world", 2217074432],
  ["東京", 588546683],
  ["😀 town", 1126564402],
])("murmurHash32 of %j is MurmurHash3's", (text, hash) => {
  expect(murmurHash32(text)).toBe(hash);
});

const families: [name: string, value: (i: number) => string][] = [
  ["numerals", (i) => String(i)],
  ["padded keys", (i) => `user-${String(i).padStart(8, "0")}`],
  ["dates apart by minutes", (i) => new Date(i * 60_000).toISOString()],
];

describe.each(families)("HyperLogLog over %s", (_, value) => {
  test("stays within three standard errors from one value to thirty thousand", () => {
    const standardError = 1.04 / Math.sqrt(2 ** HYPERLOGLOG_PRECISION_BITS);
    const sketch = new HyperLogLog(HYPERLOGLOG_PRECISION_BITS);
    let added = 0;
    for (const count of [0, 1, 10, 100, 1_000, 5_000, 10_000, 20_000, 30_000]) {
      for (; added < count; added++) sketch.add(murmurHash32(value(added)));
      expect(Math.abs(sketch.count() - count), `${count}`).toBeLessThanOrEqual(3 * standardError * count);
    }
  });

  test("does not count a value twice", () => {
    const sketch = new HyperLogLog(HYPERLOGLOG_PRECISION_BITS);
    for (let i = 0; i < 2_000; i++) sketch.add(murmurHash32(value(i % 100)));
    expect(sketch.count()).toBeGreaterThan(95);
    expect(sketch.count()).toBeLessThan(105);
  });
});

test("HyperLogLog has the standard error that it states", () => {
  const [runs, count, precisionBits] = [100, 2_000, 8];
  let squares = 0;
  for (let run = 0; run < runs; run++) {
    const sketch = new HyperLogLog(precisionBits);
    for (let i = 0; i < count; i++) sketch.add(murmurHash32(`${run}/${i}`));
    squares += (sketch.count() / count - 1) ** 2;
  }
  const error = Math.sqrt(squares / runs);
  expect(error).toBeLessThan(1.25 * (1.04 / Math.sqrt(2 ** precisionBits)));
  expect(error).toBeGreaterThan(0.75 * (1.04 / Math.sqrt(2 ** precisionBits)));
});
