import { describe, expect, test } from "vitest";
import { compileHttpTemplate, matchHttpTemplate } from "../../../src/aip/http-template";

describe("matchHttpTemplate", () => {
  test.each<[template: string, path: string, variables: Record<string, string>]>([
    ["/v1/operations", "/v1/operations", {}],
    ["/v1/echo:wait", "/v1/echo:wait", {}],
    ["/v1/*", "/v1/anything", {}],
    ["/v1/{id}", "/v1/one", { id: "one" }],
    ["/v1/{name=operations/*}", "/v1/operations/1", { name: "operations/1" }],
    ["/v1/{name=operations/*}:cancel", "/v1/operations/1:cancel", { name: "operations/1" }],
    ["/v1/{a=x/*}/y/{b.c}", "/v1/x/1/y/2", { a: "x/1", "b.c": "2" }],
    ["/v1/a.b/{id}", "/v1/a.b/1", { id: "1" }],
    // "**" is any number of segments, none included.
    ["/v1/{name=**/operations/*}", "/v1/operations/1", { name: "operations/1" }],
    ["/v1/{name=**/operations/*}", "/v1/projects/p/operations/1", { name: "projects/p/operations/1" }],
    ["/v1/{name=**/operations/*}", "/v1/a/b/c/d/e/f/operations/1", { name: "a/b/c/d/e/f/operations/1" }],
    ["/v1/{parent=**}/operations", "/v1/projects/p/operations", { parent: "projects/p" }],
    ["/v1/{resource=**}:getIamPolicy", "/v1/projects/p:getIamPolicy", { resource: "projects/p" }],
    ["/v1/{resource=**}:getIamPolicy", "/v1/p:getIamPolicy", { resource: "p" }],
    // A raw colon before the last segment is part of a name; an encoded one is never a verb.
    [
      "/v1/{name=**/operations/*}",
      "/v1/projects/example.com:p/operations/1",
      { name: "projects/example.com:p/operations/1" },
    ],
    ["/v1/{parent=**}/operations", "/v1/projects/example.com:p/operations", { parent: "projects/example.com:p" }],
    ["/v1/{name=operations/*}", "/v1/operations/a%3Acancel", { name: "operations/a%3Acancel" }],
    ["/v1/{name=operations/*}:cancel", "/v1/operations/a%3Await:cancel", { name: "operations/a%3Await" }],
    // An empty segment is let through: it is the name that is wrong, not the route.
    ["/v1/{name=**/operations/*}", "/v1/operations/", { name: "operations/" }],
    ["/v1/{name=**/operations/*}:cancel", "/v1/operations/:cancel", { name: "operations/" }],
    ["/v1/{name=**/operations/*}", "/v1/projects//operations/1", { name: "projects//operations/1" }],
  ])("matches %s with %s", (template, path, variables) => {
    expect(matchHttpTemplate(compileHttpTemplate(template), path)).toEqual(variables);
  });

  test.each([
    ["/v1/operations", "/v1/operations/"],
    ["/v1/operations", "/v2/operations"],
    ["/v1/operations", "/v1/Operations"],
    ["/v1/operations", "/prefix/v1/operations"],
    ["/v1/echo:wait", "/v1/echo"],
    ["/v1/echo:wait", "/v1/echo:waits"],
    ["/v1/echo:wait", "/v1/echo%3Await"],
    ["/v1/a.b/{id}", "/v1/aXb/1"],
    ["/v1/{id}", "/v1/one/two"],
    ["/v1/{id}", "/v1/one:two"],
    ["/v1/{name=operations/*}", "/v1/operations/1:cancel"],
    ["/v1/{name=operations/*}:cancel", "/v1/operations/1"],
    ["/v1/{name=operations/*}:cancel", "/v1/operations/1:cancel:cancel"],
    ["/v1/{name=operations/*}:cancel", "/v1/operations/1:cancelled"],
    ["/v1/{name=operations/*}:cancel", "/v1/operations/1%3Acancel"],
    ["/v1/{name=**/operations/*}", "/v1/operations"],
    ["/v1/{name=**/operations/*}", "/v1/x/operations"],
    ["/v1/{name=**/operations/*}", "/v1/operations/1/x"],
    ["/v1/{name=**/operations/*}", "/v1/myoperations/1"],
    ["/v1/{resource=**}:getIamPolicy", "/v1/projects/p:setIamPolicy"],
  ])("does not match %s with %s", (template, path) => {
    expect(matchHttpTemplate(compileHttpTemplate(template), path)).toBeUndefined();
  });
});

describe("compileHttpTemplate", () => {
  test.each([
    ["/v1/echo:wait", "wait", []],
    ["/v1/{parent=projects/*}/tables:profile", "profile", ["parent"]],
    ["/v1/{a}/{b_c.d}", "", ["a", "b_c.d"]],
    ["/v1/example.com:p/x", "", []],
  ])("finds verb and variables of %s", (template, verb, variables) => {
    expect(compileHttpTemplate(template)).toMatchObject({ template, verb, variables });
  });

  test.each([
    ["", 0],
    [":cancel", 0],
    ["v1/operations", 0],
    ["//operations", 0],
    ["/v1/", 3],
    ["/v1//operations", 3],
    ["/v1/{", 3],
    ["/v1/{}", 3],
    ["/v1/{name=}", 3],
    ["/v1/{name=/a}", 3],
    ["/v1/{name=a/}", 3],
    ["/v1/{name=a*}", 3],
    ["/v1/{name=***}", 3],
    ["/v1/{1name}", 3],
    ["/v1/{na-me}", 3],
    ["/v1/{a}{b}", 7],
    ["/v1/{a={b}}", 3],
    ["/v1/a*", 3],
    ["/v1/x}", 5],
    ["/v1/x{a}", 5],
    ["/v1/{name=operations/*", 3],
    ["/v1/{a}/{a}", 7],
  ])("rejects %j, and names the position", (template, offset) => {
    expect(() => compileHttpTemplate(template)).toThrow(SyntaxError);
    expect(() => compileHttpTemplate(template)).toThrow(`at ${offset}`);
  });

  test("matches a hostile path in linear time", () => {
    const template = compileHttpTemplate("/v1/{name=**/operations/*}:cancel");
    const path = `/v1/${"operations/".repeat(50_000)}:`;
    const begin = performance.now();

    expect(matchHttpTemplate(template, path)).toBeUndefined();
    expect(performance.now() - begin).toBeLessThan(500);
  });
});
