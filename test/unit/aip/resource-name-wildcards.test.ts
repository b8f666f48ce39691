// AIP-159: "-" in place of a collection id stands for any.
import { describe, expect, test } from "vitest";
import { matchesParent, parentBeforeWildcard } from "../../../src/aip/resource-name";

describe("parentBeforeWildcard", () => {
  test.each([
    ["projects/p/locations/-", "projects/p/locations/"],
    ["projects/p/locations/-/models/-", "projects/p/locations/"],
    ["projects/p/locations/l/models/-", "projects/p/locations/l/models/"],
    ["projects/-", "projects/"],
  ])("returns for %s the parent %s", (parent, prefix) => {
    expect(parentBeforeWildcard(parent)).toBe(prefix);
  });

  test.each(["", "projects/p", "projects/-p", "projects/p-", "projects/--", "-/p", "projects/p/-/l"])(
    "returns nothing for %j",
    (parent) => {
      expect(parentBeforeWildcard(parent)).toBeUndefined();
    },
  );
});

describe("matchesParent", () => {
  test.each([
    ["projects/p/locations/a", "projects/p/locations/-"],
    ["projects/p/locations/-a", "projects/p/locations/-"],
    ["projects/p/locations/a/models/m", "projects/p/locations/-/models/-"],
    ["projects/p/locations/a/models/m", "projects/p/locations/-/models/m"],
    ["projects/p/locations/a", "projects/p/locations/a"],
    ["", ""],
  ])("matches %j with %j", (parent, pattern) => {
    expect(matchesParent(parent, pattern)).toBe(true);
  });

  test.each([
    ["projects/p", "projects/p/locations/-"],
    ["projects/p/locations/a/models/m", "projects/p/locations/-"],
    ["projects/q/locations/a", "projects/p/locations/-"],
    ["projects/p/regions/a", "projects/p/locations/-"],
    ["projects/p/locations/a/models/n", "projects/p/locations/-/models/m"],
    ["projects/p/locations/ab", "projects/p/locations/a"],
    ["projects/p/x/a", "projects/p/-/a"],
  ])("does not match %j with %j", (parent, pattern) => {
    expect(matchesParent(parent, pattern)).toBe(false);
  });
});
