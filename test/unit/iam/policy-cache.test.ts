import { describe, expect, test } from "vitest";
import { type Policy, policyFromBindings } from "../../../src/iam/policy";
import { PolicyCache } from "../../../src/iam/policy-cache";

const NOW = Date.UTC(2026, 10, 21);
const aPolicy = (revision = 1): Policy => policyFromBindings([], revision);

describe("PolicyCache", () => {
  test("keeps a policy for less than 30 s from the begin of its read", () => {
    const cache = new PolicyCache();
    cache.put("projects/p", aPolicy(), NOW);

    expect(cache.get("projects/p", NOW + 29_999)).toEqual(aPolicy());
    expect(cache.get("projects/p", NOW + 30_000)).toBeUndefined();
    expect(cache.get("projects/q", NOW)).toBeUndefined();
  });

  test.each([
    ["that began later", NOW + 1, NOW],
    ["of the same time and a later revision", NOW, NOW],
  ])("keeps a policy %s", (_, readTime, slowReadTime) => {
    const cache = new PolicyCache();
    cache.put("projects/p", aPolicy(2), readTime);
    cache.put("projects/p", aPolicy(1), slowReadTime);

    expect(cache.get("projects/p", NOW + 2)).toEqual(aPolicy(2));
  });

  test("accepts a later read, also of a policy that was created again", () => {
    const cache = new PolicyCache();
    cache.put("projects/p", aPolicy(7), NOW);
    cache.put("projects/p", aPolicy(0), NOW + 1);

    expect(cache.get("projects/p", NOW + 2)).toEqual(aPolicy(0));
  });

  test("evicts the least recently used of more than 1,000", () => {
    const cache = new PolicyCache();
    for (let index = 0; index < 1_000; index += 1) cache.put(`projects/${index}`, aPolicy(), NOW);
    cache.get("projects/0", NOW);
    cache.put("projects/new", aPolicy(), NOW);

    expect(cache.get("projects/0", NOW)).toBeDefined();
    expect(cache.get("projects/1", NOW)).toBeUndefined();
    expect(cache.get("projects/new", NOW)).toBeDefined();
  });
});
