import { describe, expect, test } from "vitest";
import {
  holdsOn,
  policyResourceProblem,
  policyResources,
  resourceFromParent,
  resourceType,
} from "../../../src/iam/policy-resources";

function parentOf(pairs: number): string {
  return Array.from({ length: pairs }, (_, index) => `c${index}/i${index}`).join("/");
}

describe("policyResources", () => {
  test.each([
    [
      "projects/p/locations/l/operations/x",
      ["projects/p/locations/l/operations/x", "projects/p/locations/l", "projects/p", "operations"],
    ],
    ["projects/p/operations/x", ["projects/p/operations/x", "projects/p", "operations"]],
    ["operations/x", ["operations/x", "operations"]],
    ["projects/p/locations/l", ["projects/p/locations/l", "projects/p", "operations"]],
    ["projects/p", ["projects/p", "operations"]],
    ["operations", ["operations"]],
    ["", ["operations"]],
    [
      "projects/p/locations/l/tables/t/operations/x",
      [
        "projects/p/locations/l/tables/t/operations/x",
        "projects/p/locations/l/tables/t",
        "projects/p/locations/l",
        "projects/p",
        "operations",
      ],
    ],
    // The part before the first wildcard.
    ["projects/p/locations/-", ["projects/p", "operations"]],
    ["projects/p/locations/-/tables/t", ["projects/p", "operations"]],
    ["projects/-/locations/l", ["operations"]],
    // An operation above another lends it nothing.
    ["operations/x/operations/y", ["operations/x/operations/y", "operations"]],
  ])("returns for %j %j", (name, expected) => {
    expect(policyResources(name)).toEqual(expected);
  });

  test("returns a bounded number, however deep the name is", () => {
    expect(policyResources(`${parentOf(200)}/operations/x`)).toHaveLength(1 + 8 + 1);
    expect(policyResources(parentOf(200))).toHaveLength(8 + 1);
  });
});

test.each([
  "operations",
  "operations/x",
  "projects/p",
  "projects/p/locations/l",
  `${parentOf(200)}/operations/x`,
  parentOf(8),
])("%s may have a policy", (resource) => {
  expect(policyResourceProblem(resource)).toBeUndefined();
});

test.each(["", "projects", "projects/p/operations", parentOf(9)])("%j may have no policy", (resource) => {
  expect(policyResourceProblem(resource)).toContain("a policy stands on");
});

test.each([
  ["", "operations"],
  ["projects/p", "projects/p"],
  ["projects/p/locations/-", "projects/p"],
])("a list under %j checks the permission on %s", (parent, resource) => {
  expect(resourceFromParent(parent)).toBe(resource);
});

test.each<[string, string, boolean]>([
  ["operations", "projects/p", true],
  ["projects/p", "projects/p", true],
  ["projects/p", "projects/p/locations/l/operations/1", true],
  ["projects/p", "projects/pq", false],
  ["projects/p/locations/l", "projects/p", false],
  ["operations/1", "operations/10", false],
])("a grant on %s holds on %s: %s", (ancestor, name, holds) => {
  expect(holdsOn(ancestor, name)).toBe(holds);
});

test.each([
  ["projects/p/locations/l/operations/1", "google.longrunning.Operation"],
  ["projects/p/locations/l", "google.cloud.location.Location"],
  ["projects/p", "cloudresourcemanager.googleapis.com/Project"],
  ["projects/p/regions/r", "google.longrunning.Operations"],
  ["operations", "google.longrunning.Operations"],
])("the type of %s is %s", (name, type) => {
  expect(resourceType(name)).toBe(type);
});
