// Tool calls as HTTP requests, for each form of a binding (google.api.http).
import { describe, expect, it } from "vitest";
import { type Method, defineMethod } from "../../../src/method/define-method";
import type { HttpRule, InputRule } from "../../../src/method/method";
import { startRequest } from "../../../src/mcp/start-request";
import type { JsonObject } from "../../../src/rpc/any";
import { RpcError } from "../../../src/rpc/error";

function methodAt(http: HttpRule, input?: InputRule): Method {
  return defineMethod({
    http,
    request: (json: JsonObject) => json,
    ...(input ? { input } : {}),
    run: async () => ({}),
  });
}

function rejection(method: Method, args: JsonObject): string {
  try {
    startRequest(method, args);
  } catch (error) {
    return RpcError.from(error).message;
  }
  throw new Error("it was not rejected");
}

describe("startRequest", () => {
  it("takes the path's variables out of a whole body", () => {
    const method = methodAt({ post: "/v1/{parent=projects/*}/things:make", body: "*" });

    expect(startRequest(method, { parent: "projects/a b:c", size: 3 })).toEqual({
      path: "/v1/projects/a%20b%3Ac/things:make",
      body: '{"size":3}',
      contentType: "application/json",
    });
  });

  it("takes a nested variable out of its object, and changes no argument", () => {
    const method = methodAt({ post: "/v1/{thing.name=things/*}:make", body: "*" });
    const args = { thing: { name: "things/1", color: "red" } };

    expect(startRequest(method, args)).toMatchObject({ path: "/v1/things/1:make", body: '{"thing":{"color":"red"}}' });
    expect(args.thing.name).toBe("things/1");
  });

  it("sends the other fields in the query if the body is one field", () => {
    const method = methodAt({ post: "/v1/things:make", body: "thing" });
    const args = { thing: { color: "red" }, tags: ["a", "b&c"], at: { x: 1 }, loud: true };

    expect(startRequest(method, args)).toEqual({
      path: "/v1/things:make?tags=a&tags=b%26c&at.x=1&loud=true",
      body: '{"color":"red"}',
      contentType: "application/json",
    });
  });

  it("sends all fields in the query if there is no body", () => {
    expect(startRequest(methodAt({ post: "/v1/things:make" }), { size: 3 })).toEqual({
      path: "/v1/things:make?size=3",
      body: undefined,
      contentType: undefined,
    });
  });

  it("sends a raw body as text, or decoded from Base64", () => {
    const http = { post: "/v1/things:read" };
    const text = methodAt(http, { contentTypes: ["text/csv"], maxBytes: 99 });
    const image = methodAt(http, { contentTypes: ["image/png"], maxBytes: 99 });

    expect(startRequest(text, { input: "a,b" })).toMatchObject({ body: "a,b", contentType: "text/csv" });
    expect(startRequest(image, { input: "AQI=" })).toMatchObject({ body: new Uint8Array([1, 2]) });
    expect(rejection(image, { input: "*" })).toBe("input: must be Base64");
    expect(rejection(image, {})).toBe("input: is required");
  });

  it.each<[JsonObject, string]>([
    [{}, 'parent: is required; must have the form "projects/{id}"'],
    [{ parent: 3 }, 'parent: is required; must have the form "projects/{id}"'],
    [{ parent: "folders/f" }, 'parent: must have the form "projects/{id}"'],
    [{ parent: "projects/p/q" }, 'parent: must have the form "projects/{id}"'],
  ])("rejects the path of %j", (args, message) => {
    expect(rejection(methodAt({ post: "/v1/{parent=projects/*}/things:make", body: "*" }), args)).toBe(message);
  });

  it("cannot be led to another path by a variable", () => {
    const method = methodAt({ post: "/v1/{parent=projects/*}/things:make", body: "*" });

    expect(startRequest(method, { parent: "projects/p?x=1#y" }).path).toBe("/v1/projects/p%3Fx%3D1%23y/things:make");
    for (const id of [".", "..", "%2E%2E/.."])
      expect(rejection(method, { parent: `projects/${id}` })).toContain("parent");
  });
});
