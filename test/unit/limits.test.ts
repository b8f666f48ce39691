// Numbers that must fit into what the platform gives, whoever changes them.
import { expect, test } from "vitest";
import {
  CLAIM_TIMEOUT_MS,
  DEFAULT_INVOCATION_MS,
  DEFAULT_LEASE_MS,
  INVOCATION_GRACE_MS,
  KEEP_ALIVES_PER_LEASE,
  LOST_CHANNEL_LEASE_MS,
  MAX_INDEXED_ANY_BYTES,
  MAX_LABELS,
  MAX_LABEL_CHARACTERS,
  MAX_SHARD_BYTES,
  PLATFORM_INVOCATION_MS,
} from "../../src/limits";

/** The CPU time of an invocation, where `limits.cpu_ms` says nothing else. */
const CPU_LIMIT_MS = 30_000;

test("a claim, the work, its grace period and the final message end within the platform's 15 minutes", () => {
  const longestMs = CLAIM_TIMEOUT_MS + DEFAULT_INVOCATION_MS + INVOCATION_GRACE_MS;

  expect(PLATFORM_INVOCATION_MS).toBe(15 * 60_000);
  expect(longestMs + 2 * LOST_CHANNEL_LEASE_MS).toBeLessThanOrEqual(PLATFORM_INVOCATION_MS);
});

test("a lease outlasts a runner that computes for its whole CPU limit while its clock stands still", () => {
  expect(DEFAULT_LEASE_MS).toBeGreaterThanOrEqual(2 * CPU_LIMIT_MS + 15_000);
  // The last keep-alive before it began to compute may be as old as two of them lie apart.
  expect(DEFAULT_LEASE_MS / KEEP_ALIVES_PER_LEASE + CPU_LIMIT_MS).toBeLessThan(DEFAULT_LEASE_MS);
});

test("an index shard holds two million of the largest rows without labels, and stays half a gigabyte below an object's limit", () => {
  // Beside metadata and response a row has its keys, its facts and its indexes.
  const largestRowBytes = 2 * MAX_INDEXED_ANY_BYTES + 400;
  // As JSON: two texts in quotes, a colon and a comma.
  const largestLabelsBytes = MAX_LABELS * (2 * MAX_LABEL_CHARACTERS + 6);

  expect(MAX_SHARD_BYTES / largestRowBytes).toBeGreaterThan(2_000_000);
  expect(MAX_SHARD_BYTES / (largestRowBytes + largestLabelsBytes)).toBeGreaterThan(650_000);
  expect(MAX_SHARD_BYTES + 500_000_000).toBeLessThan(10_000_000_000);
});
