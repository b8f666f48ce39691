import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_MAX_ATTEMPTS } from "../../../src/limits";
import { backoffMs } from "../../../src/lifecycle/backoff";

const backoff = { initialBackoffMs: 1_000, maxBackoffMs: 10_000, backoffMultiplier: 2 };

// AIP-194: exponential backoff; full jitter: uniform between 0 and the exponential bound.
test.each([
  [1, 1_000],
  [2, 2_000],
  [3, 4_000],
  [4, 8_000],
  [5, 10_000],
  [100, 10_000],
  [100_000, 10_000],
])("after %i failures the bound is %i ms", (failures, bound) => {
  expect(backoffMs(backoff, failures, 0)).toBe(0);
  expect(backoffMs(backoff, failures, 0.5)).toBe(bound / 2);
  expect(backoffMs(backoff, failures, 1 - Number.EPSILON)).toBe(bound - 1);
});

test("the backoff is a whole number of milliseconds within the bound, whatever was declared", () => {
  const declared = fc.record({
    initialBackoffMs: fc.nat({ max: 10 ** 10 }),
    maxBackoffMs: fc.nat({ max: 10 ** 10 }),
    backoffMultiplier: fc.double({ min: 1, max: 10, noNaN: true }),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  fc.assert(
    fc.property(declared, fc.integer({ min: 1, max: MAX_MAX_ATTEMPTS }), random, (policy, failures, chance) => {
      const wait = backoffMs(policy, failures, chance);

      expect(Number.isSafeInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(policy.maxBackoffMs);
    }),
  );
});
