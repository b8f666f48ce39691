// A new operation as the Worker decides it, with everything a test does not care about filled in.
import type { NewOperation } from "../../src/lifecycle/new-operation";
import type { RunPolicy } from "../../src/lifecycle/record";
import { STRUCT_TYPE_URL } from "../../src/rpc/any";

/** When the operations of tests are created: 2026-01-31T12:00:00Z. */
export const CREATE_TIME = Date.UTC(2026, 0, 31, 12);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export function aPolicy(overrides: Partial<RunPolicy> = {}): RunPolicy {
  return {
    graceMs: 30_000,
    retentionMs: 30 * DAY_MS,
    maxAttempts: 5,
    initialBackoffMs: 1_000,
    maxBackoffMs: 10 * MINUTE_MS,
    backoffMultiplier: 2,
    leaseMs: MINUTE_MS,
    resendMs: 30_000,
    snapshot: true,
    ...overrides,
  };
}

export function anOperation(overrides: Partial<NewOperation> = {}): NewOperation {
  const id = "a".repeat(64);
  return {
    id,
    name: `projects/p/locations/l/operations/${id}`,
    parent: "projects/p/locations/l",
    apiVersion: "v1",
    method: "tables:profile",
    methodVersion: "1",
    verb: "profile",
    target: "projects/p/locations/l/tables",
    policy: aPolicy(),
    createTime: CREATE_TIME,
    deadline: CREATE_TIME + HOUR_MS,
    metadata: {},
    responseType: STRUCT_TYPE_URL,
    ...overrides,
  };
}
