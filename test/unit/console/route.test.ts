import { describe, expect, test } from "vitest";
import { type Route, hashFromRoute, routeFromHash } from "../../../src/console/route";

const routes: [string, Route][] = [
  ["#/operations", { page: "list", parent: "", filter: "" }],
  ["#/projects/p/operations?filter=done+%3D+true", { page: "list", parent: "projects/p", filter: "done = true" }],
  ["#/projects/p/operations/1", { page: "operation", name: "projects/p/operations/1" }],
  ["#/projects/a%20b/operations/1", { page: "operation", name: "projects/a b/operations/1" }],
  ["#/start?method=%2Fv1%2Fecho%3Await", { page: "start", method: "/v1/echo:wait" }],
  ["#/elsewhere", { page: "unknown", path: "elsewhere" }],
];

describe("an address of the console", () => {
  test.each(routes)("%s is read, and written again", (hash, route) => {
    expect(routeFromHash(hash)).toEqual(route);
    expect(hashFromRoute(route)).toBe(hash);
  });

  test.each(["", "#", "#/"])("%j is the list of the service root", (hash) => {
    expect(routeFromHash(hash)).toEqual({ page: "list", parent: "", filter: "" });
  });

  test("keeps a filter with a question mark", () => {
    const route: Route = { page: "list", parent: "", filter: 'name = "?a=b&c"' };
    expect(routeFromHash(hashFromRoute(route))).toEqual(route);
  });
});
