import { describe, expect, test } from "vitest";
import { configFromEnv } from "../../../src/config";
import { QUOTA_WINDOW_MS } from "../../../src/limits";
import { type StartQuota, spendingWith, startQuota } from "../../../src/service/start-quota";
import { rpcErrorOf } from "../../support/an-rpc-error";

const NOW = 1_000_000;
const STRANGER = { id: "", isAdmin: false };

/** The keys on which one start is counted. */
async function keysOf(principal: { id: string; isAdmin: boolean }, address: string, quota: StartQuota) {
  const keys: string[] = [];
  const store = {
    spend: async (key: string) => {
      keys.push(key);
      return { ok: true } as const;
    },
  };
  await startQuota(store, { quota, principal, address })?.({ parent: "projects/p", bytes: 1 });
  return keys;
}

const both: StartQuota = { perCaller: { operations: 1 }, perParent: { operations: 1 } };

describe("a start", () => {
  test.each([
    ["2001:db8::1", "2001:db8:0:0:1:2:3:4", true],
    ["2001:db8::1", "2001:db8:0:1::1", false],
    ["2001:db8:0:7::", "2001:db8:0:7:ffff::9", true],
    ["::1", "::2", true],
    ["192.0.2.1", "192.0.2.2", false],
  ])("counts for anonymous callers at %s and %s on one account: %s", async (one, other, isSame) => {
    const [[first], [second]] = [await keysOf(STRANGER, one, both), await keysOf(STRANGER, other, both)];

    expect(first === second).toBe(isSame);
  });

  test("counts for an anonymous caller on the parent's account too, and for no other caller", async () => {
    expect(await keysOf(STRANGER, "192.0.2.1", both)).toHaveLength(2);
    expect(await keysOf({ id: "principal://i/subject/ada", isAdmin: false }, "192.0.2.1", both)).toHaveLength(1);
    expect(await keysOf({ id: "principal://i/subject/root", isAdmin: true }, "192.0.2.1", both)).toEqual([]);
  });

  test("counts for a caller named like an address not on the address's account", async () => {
    const [named] = await keysOf({ id: "192.0.2.1", isAdmin: false }, "", both);

    expect(await keysOf(STRANGER, "192.0.2.1", both)).not.toContain(named);
  });
});

describe("spendingWith", () => {
  test("counts operations and bytes up to their limits", () => {
    const limits = { operations: 2, bytes: 10 };
    const first = spendingWith(undefined, { bytes: 4, limits, now: NOW });

    expect(first).toEqual({ endTime: NOW + QUOTA_WINDOW_MS, operations: 1, bytes: 4 });
    expect(spendingWith(first, { bytes: 6, limits, now: NOW })).toMatchObject({ operations: 2, bytes: 10 });
    expect(spendingWith(first, { bytes: 7, limits, now: NOW })).toBeUndefined();
    expect(spendingWith({ ...first!, operations: 2 }, { bytes: 0, limits, now: NOW })).toBeUndefined();
  });

  test("begins again when the window is over", () => {
    const full = { endTime: NOW, operations: 9, bytes: 9 };

    expect(spendingWith(full, { bytes: 1, limits: { operations: 1 }, now: NOW })).toMatchObject({
      operations: 1,
      bytes: 1,
    });
  });
});

describe("START_QUOTA", () => {
  test.each<[unknown, object | undefined]>([
    [undefined, undefined],
    ["", undefined],
    ['{"perCaller":{"operations":5}}', { perCaller: { operations: 5 } }],
    [{ perParent: { bytes: 1e9, operations: 0 } }, { perParent: { bytes: 1e9, operations: 0 } }],
  ])("accepts %j", (START_QUOTA, quota) => {
    const { startQuota: read } = configFromEnv({ START_QUOTA });

    expect(read && JSON.parse(JSON.stringify(read))).toEqual(quota);
  });

  test.each<[string, unknown]>([
    ["START_QUOTA", "hunter2"],
    ["START_QUOTA", "{}"],
    ["START_QUOTA", []],
    ["START_QUOTA", { perProject: {} }],
    ["START_QUOTA.perCaller", { perCaller: { operations: -1 } }],
    ["START_QUOTA.perCaller", { perCaller: { operations: "5" } }],
    ["START_QUOTA.perParent", { perParent: { hunter2: 1 } }],
  ])("names a wrong %s: %j", async (variable, START_QUOTA) => {
    const error = await rpcErrorOf(() => configFromEnv({ START_QUOTA }));

    expect(error).toMatchObject({ reason: "CONFIGURATION_INVALID", metadata: { variable } });
    expect(error.message).not.toContain("hunter2");
  });
});
