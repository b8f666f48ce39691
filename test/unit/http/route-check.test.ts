// Methods whose paths cannot be told apart, and unknown paths that are near a known one.
import { describe, expect, test } from "vitest";
import { httpDoor } from "../../../src/http/door";
import { compileRoutes } from "../../../src/http/route";
import { routeHint } from "../../../src/http/unmatched";
import { apiMethods } from "../../../src/api/methods";
import { defineMethod } from "../../../src/method/define-method";
import { knock } from "../../support/a-door";

const aMethod = (post: string, id?: string) =>
  defineMethod({
    ...(id === undefined ? {} : { id }),
    http: { post, body: "*" },
    request: (json) => json,
    run: async () => ({}),
  });

describe("operations() › rejects", () => {
  test.each([
    ["/v1/{parent=projects/*}/reports:generate", "/v1/{parent=projects/*}/reports:generate"],
    ["/v1/{parent=projects/*}/reports:generate", "/v1/{name=projects/*}/reports:generate"],
    ["/v1/{parent=projects/*}/reports:generate", "/v1beta1/{parent=projects/*}/reports:generate"],
  ])("two methods at one path: %s and %s", (one, other) => {
    expect(() => httpDoor([aMethod(one, "one"), aMethod(other, "other")])).toThrow(
      "the methods one and other are both served at POST /v1/",
    );
  });

  // honojs/hono 2964.
  test.each([
    ["/v1/{parent=projects/*}/things:make", "/v1/projects/p/things:make"],
    ["/v1/{name=**}/things:make", "/v1/{parent=projects/*}/things:make"],
    ["/v1/{name=projects/**}:make", "/v1/{name=projects/*/things/*}:make"],
  ])("a method that an earlier one hides: %s hides %s", (general, special) => {
    expect(() => httpDoor([aMethod(general, "general"), aMethod(special, "special")])).toThrow(
      "the method special is never served: general comes before it and takes all paths of POST /v1/",
    );
    expect(() => httpDoor([aMethod(special, "special"), aMethod(general, "general")])).not.toThrow();
  });

  test.each([
    ["/v1/{name=operations/*}:cancel", "CancelOperation"],
    ["/v1/{name=projects/*/locations/*/operations/*}:wait", "WaitOperation"],
    ["/v1/{name=**}:cancel", "CancelOperation"],
    ["/v1/{parent=projects/*}/operations", "CreateOperation"],
    ["/v1/operations", "CreateOperation"],
    ["/v1/{name=projects/*/tables/*}:setIamPolicy", "SetIamPolicy"],
    ["/v1/apiKeys", "CreateApiKey"],
    ["/v1/{name=operations/*}:retry", "RetryOperation"],
  ])("%s, which would answer in place of %s", (post, shadowed) => {
    expect(() => httpDoor([aMethod(post, "mine")])).toThrow(
      new RegExp(`the method mine is served at POST .*${shadowed} of the service`),
    );
  });

  test.each([
    "/v1/echo:wait",
    "/v1/{parent=projects/*}/operationReports",
    "/v2/{name=projects/*}:cancel",
    "/v1/{name=projects/*/jobs/*}:cancelJob",
  ])("no method like %s", (post) => {
    expect(() => httpDoor([aMethod(post, "mine")])).not.toThrow();
  });
});

describe("an unknown path", () => {
  test.each([
    ["/v1/echo:wiat", "Did you mean POST /v1/echo:wait?"],
    ["/v1/projects/p/echo:wait", "echo:wait is served at POST /v1/echo:wait."],
    ["/v1/operations/1:cancle", "Did you mean POST /v1/{name=**/operations/*}:cancel?"],
    ["/operations/1", "Did you mean /v1/operations/1? Paths begin with a version."],
  ])("%s gets the suggestion %s", async (path, hint) => {
    const { error } = await knock("POST", path);

    expect(error).toMatchObject({ code: 404, status: "NOT_FOUND" });
    expect(error?.message).toContain(hint);
  });

  test("without its parent gets the full path of its method", () => {
    const compiled = compileRoutes(apiMethods([aMethod("/v1/{parent=projects/*/locations/*}/tables:profile")]));

    expect(routeHint(compiled, "/v1/tables:profile")).toBe(
      " tables:profile is served at POST /v1/{parent=projects/*/locations/*}/tables:profile.",
    );
  });

  test.each(["/v1/nothing:like", "/v1", `/v1/${"echo:wait".repeat(200)}`])("%.30s gets no suggestion", async (path) => {
    expect((await knock("POST", path)).error?.message).toMatch(/^No method is served at "[^"]*"\.$/);
  });
});
