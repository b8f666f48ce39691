// Paths in the forms in which clients, proxies and hands write them (api.md, section 1).
import { describe, expect, test } from "vitest";
import { knock } from "../../support/a-door";
import { violatedFields } from "../../support/an-rpc-error";

describe("a path whose ordinary characters are percent-encoded", () => {
  test.each([
    ["GET", "/v1/%70rojects/p/operations/1"],
    ["GET", "/%76%31/projects/p/operations/1"],
    ["GET", "/v1/projects/%70/%6fperations/1"],
    ["GET", "/v1/projects/p/%6Fperations/1"],
    ["POST", "/v1/projects/p/operations/1:%63ancel"],
    ["POST", "/v1/%65cho:wait"],
    ["GET", "/%68ealthz"],
    ["GET", "/openapi%2ejson"],
  ])("is the same path: %s %s", async (method, path) => {
    expect((await knock(method, path)).status).toBe(200);
  });

  test.each([
    ["/v1/projects/p/operations/1%2541", "projects/p/operations/1%41"],
    ["/v1/projects/p%3Aq/operations/%31", "projects/p:q/operations/1"],
    ["/v1/operations/projects%2F%70%2Foperations%2F1", "projects/p/operations/1"],
  ])("is decoded once: %s", async (path, name) => {
    const { calls } = await knock("GET", path);

    expect(calls.at(-1)?.[1]).toBe(name);
  });

  test("has no verb after an encoded colon", async () => {
    expect((await knock("POST", "/v1/projects/p/operations/1%3Acancel")).status).toBe(405);
  });
});

describe("an empty segment, or a slash at the end", () => {
  test.each([
    ["GET", "/v1/operations/1/"],
    ["GET", "/v1/operations/"],
    ["GET", "/v1/projects/p/operations/"],
    ["GET", "/v1/projects/p//operations/1"],
    ["GET", "/v1/projects//operations/1"],
    ["GET", "/v1/projects/p//operations"],
    ["GET", "/v1/projects/p/operations//1"],
    ["DELETE", "/v1/projects/p/operations/1//"],
    ["GET", "/v1/projects/p/operations/%31/"],
  ])("is INVALID_ARGUMENT: %s %s", async (method, path) => {
    const { status, error, calls } = await knock(method, path);

    expect(status).toBe(400);
    expect(violatedFields(error?.details ?? [])).toEqual(["name"]);
    expect(calls).toEqual([]);
  });
});

describe('a "-" in place of a collection', () => {
  test.each([
    ["GET", "/v1/-/p/locations/l/operations", "name"],
    ["GET", "/v1/projects/p/-/l/operations", "name"],
    ["GET", "/v1/projects/p/-/-/operations", "name"],
    ["GET", "/v1/-/p/operations/1", "name"],
    ["POST", "/v1/projects/p/-/l/operations", "parent"],
    ["POST", "/v1/-/p:getIamPolicy", "resource"],
    ["GET", "/v1/projects/p/%2D/l/operations", "name"],
  ])("is INVALID_ARGUMENT: %s %s", async (method, path, field) => {
    const { status, error, calls } = await knock(method, path);

    expect(status).toBe(400);
    expect(violatedFields(error?.details ?? [])).toEqual([field]);
    expect(calls).toEqual([]);
  });
});

test("the error of an unknown path has no ResourceInfo", async () => {
  const { error } = await knock("GET", "/v1/nothing");

  const types = error?.details.map((detail) => detail["@type"].replace("type.googleapis.com/google.rpc.", ""));

  expect(types).toEqual(["ErrorInfo", "Help"]);
});

test.each(["%ff", "%c3x", "a%ed%a0%80", "%f5%80%80%80"])(
  "a query that is not UTF-8 is rejected, and the error names the parameter: filter=metadata.film=%s",
  async (bytes) => {
    // Bytes that are replaced would give a well-formed filter.
    const { error, calls } = await knock("GET", `/v1/projects/p/operations?pageSize=1&filter=metadata.film%3D${bytes}`);

    expect(violatedFields(error?.details ?? [])).toEqual(["filter"]);
    expect(calls).toEqual([]);
  },
);

test.each(["name.x", "operations.name", "operations.error.code,nextPageToken"])(
  "fields=%s accepts dots",
  async (fields) => {
    const { status, error } = await knock("POST", `/v1/projects/p/operations?fields=${fields}`, {
      headers: { "X-HTTP-Method-Override": "GET" },
    });

    // The field may be wrong, the dot is not.
    expect([status, error?.message ?? ""].join(" ")).toMatch(fields === "name.x" ? /400 .*"name"/ : /^(?!400)/);
  },
);

describe("the documents that Google's clients read", () => {
  test("have batchPath in discovery", async () => {
    expect((await knock("GET", "/$discovery/rest")).json["batchPath"]).toBe("batch");
  });

  test("have the parameter access_token in discovery", async () => {
    expect((await knock("GET", "/$discovery/rest")).json["parameters"]).toHaveProperty("access_token");
  });

  test("have /healthz in OpenAPI", async () => {
    expect((await knock("GET", "/openapi.json")).json["paths"]).toHaveProperty("/healthz");
  });
});
