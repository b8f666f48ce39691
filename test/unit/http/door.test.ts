import { afterEach, describe, expect, test, vi } from "vitest";
import { httpDoor } from "../../../src/http/door";
import { locations } from "../../../src/api/locations";
import { API_VERSIONS } from "../../../src/api/method";
import { operationMethods } from "../../../src/api/operations";
import type { OperationAnswer, Pace } from "../../../src/contract/answer";
import { UsualDurations } from "../../../src/service/usual-durations";
import { RpcError } from "../../../src/rpc/error";
import { knock } from "../../support/a-door";
import { anAnswer } from "../../support/a-service";
import { aBodyStream } from "../../support/a-body-stream";
import { violatedFields } from "../../support/an-rpc-error";

const NAME = "projects/p/locations/l/operations/1";
const json = { "Content-Type": "application/json" };

afterEach(() => {
  vi.restoreAllMocks();
});

/** A path that a route takes: `**` is some parent, `*` some segment. */
function examplePath(template: string): string {
  return template
    .replaceAll(/\{[a-z]+=([^}]+)\}/g, "$1")
    .replaceAll("**", "projects/p")
    .replaceAll("*", "x");
}

const everyRoute = [...operationMethods, ...locations]
  .flatMap(({ http }) => http)
  .flatMap(({ method, template }) =>
    API_VERSIONS.map((version) => [method, examplePath(template.replace("{version}", version))] as const),
  );

// "A deployment without any authentication configured answers every API call with 403 PERMISSION_DENIED".
describe("a deployment without configuration", () => {
  test.each([...everyRoute, ["POST", "/v1/echo:wait"] as const, ["POST", "/v1beta1/echo:wait"] as const])(
    "rejects %s %s before it looks at anything",
    async (method, path) => {
      const { status, error, reason, calls } = await knock(method, path, { auth: "" });

      expect(status).toBe(403);
      expect(error).toMatchObject({ code: 403, status: "PERMISSION_DENIED" });
      expect(reason).toBe("AUTHENTICATION_NOT_CONFIGURED");
      expect(calls).toEqual([]);
    },
  );

  test.each(["GET", "HEAD"])("serves %s /healthz, whatever the configuration is", async (method) => {
    const door = httpDoor([]);
    const response = await door(new Request("https://api.example/healthz", { method }), {
      cors: () => ({ origins: [], credentials: false }),
      checkSetup: async () => [],
      log: () => {},
      service: () => Promise.reject(new Error("nothing of the deployment is asked for")),
    });

    expect(response.status).toBe(200);
  });
});

describe("the root", () => {
  test("names the documents and the methods", async () => {
    const { status, json: page } = await knock("GET", "/");

    expect(status).toBe(200);
    expect(page["documents"]).toContain("/openapi.json");
    expect(page["methods"]).toContain("GET /v1/{name=**/operations/*}");
  });

  test("goes to the owner's handler, if there is one", async () => {
    const door = httpDoor([]);
    const response = await door(new Request("https://api.example/"), {
      cors: () => ({ origins: [], credentials: false }),
      checkSetup: async () => [],
      log: () => {},
      service: () => Promise.reject(new Error("nothing of the deployment is asked for")),
      other: () => new Response("the owner's"),
    });

    expect(await response.text()).toBe("the owner's");
  });
});

describe("an unknown path", () => {
  test.each([
    "/v1",
    "/v1/",
    "/v2/operations",
    "/V1/operations",
    "/healthz/",
    "/v1/healthz",
    "//v1/operations",
    "/v1/operations/1/x",
    "/v1/operations/1:frobnicate",
    "/v1/operations:frobnicate",
    // An odd number of parent segments.
    "/v1/projects/operations",
    "/v1/projects/operations/1",
    "/v1/projects/p/locations/operations/1",
    "/v1//operations",
    "/v1//operations/1",
  ])("is 404 with the reason: %s", async (path) => {
    for (const method of ["GET", "POST", "DELETE", "PATCH", "PUT"]) {
      const { status, error, reason } = await knock(method, path);

      expect(status).toBe(404);
      expect(error).toMatchObject({ code: 404, status: "NOT_FOUND" });
      expect(reason).toBe("ROUTE_NOT_FOUND");
    }
  });

  test("is quoted up to a bound", async () => {
    const { text } = await knock("GET", `/${"x".repeat(10_000)}`);

    expect(text.length).toBeLessThan(1_000);
  });
});

// "a known path with a method it does not take is 405 (`UNIMPLEMENTED`, reason METHOD_NOT_ALLOWED) with `Allow`".
describe("a method that a path does not have", () => {
  test.each([
    ["PUT", `/v1/${NAME}`, ["GET", "HEAD", "DELETE"]],
    ["POST", `/v1/${NAME}`, ["GET", "HEAD", "DELETE"]],
    ["DELETE", "/v1/operations", ["GET", "HEAD"]],
    ["GET", `/v1/${NAME}:cancel`, ["POST"]],
    ["HEAD", `/v1/${NAME}:wait`, ["POST"]],
    ["DELETE", `/v1/${NAME}:cancel`, ["POST"]],
    ["GET", "/v1/echo:wait", ["POST"]],
    ["POST", "/healthz", ["GET", "HEAD"]],
  ])("is 405 with the allowed methods: %s %s", async (method, path, allowed) => {
    const { status, headers, error, calls } = await knock(method, path);

    expect(status).toBe(405);
    expect(headers.get("Allow")?.split(", ")).toEqual(expect.arrayContaining(allowed));
    expect(error?.status).toBe(method === "HEAD" ? undefined : "UNIMPLEMENTED");
    expect(calls).toEqual([]);
  });
});

describe("GetOperation", () => {
  test.each(API_VERSIONS)("returns the operation under %s, with its ETag", async (version) => {
    const { status, headers, text, calls } = await knock("GET", `/${version}/${NAME}`);

    expect(status).toBe(200);
    expect(text).toBe('{"name":"operations/1","done":false}');
    expect(headers.get("Content-Type")).toBe("application/json; charset=UTF-8");
    expect(headers.get("ETag")).toBe('"1"');
    expect(calls).toEqual([["get", NAME]]);
  });

  // "HEAD answers as GET without a body."
  test("answers HEAD as GET, without a body", async () => {
    const get = await knock("GET", `/v1/${NAME}`);
    const head = await knock("HEAD", `/v1/${NAME}`);

    expect(head.status).toBe(get.status);
    expect([...head.headers]).toEqual([...get.headers]);
    expect(head.text).toBe("");
  });

  test.each([
    ["/v1/operations/a%3Acancel", "operations/a:cancel"],
    ["/v1/projects/example.com:p/operations/1", "projects/example.com:p/operations/1"],
    ["/v1/projects/%E2%82%AC/operations/1", "projects/€/operations/1"],
    ["/v1/a/b/c/d/e/f/operations/1", "a/b/c/d/e/f/operations/1"],
    // "with `n` a percent-encoded full name is `GET /v1/{name}`: the stock google-gax client sends it."
    [`/v1/operations/${encodeURIComponent(NAME)}`, NAME],
    [`/v1/operations/${encodeURIComponent(NAME).toLowerCase()}`, NAME],
    ["/v1/operations/operations%2F1", "operations/1"],
    [`/v1/operations/${encodeURIComponent("projects/a:b/operations/1")}`, "projects/a:b/operations/1"],
  ])("decodes the segments of %s once", async (path, name) => {
    expect((await knock("GET", path)).calls).toEqual([["get", name]]);
  });

  test("names the missing operation in NOT_FOUND", async () => {
    const { status, error } = await knock("GET", `/v1/${NAME}`, { store: { get: async () => undefined } });

    expect(status).toBe(404);
    expect(error?.details).toContainEqual(
      expect.objectContaining({
        "@type": "type.googleapis.com/google.rpc.ResourceInfo",
        resourceType: "google.longrunning.Operation",
        resourceName: NAME,
      }),
    );
  });

  test.each(['"1"', 'W/"1"', '"0", "1"', "*"])("answers 304 without a body to If-None-Match: %s", async (etag) => {
    const { status, text, headers } = await knock("GET", `/v1/${NAME}`, { headers: { "If-None-Match": etag } });

    expect(status).toBe(304);
    expect(text).toBe("");
    expect(headers.get("ETag")).toBe('"1"');
  });

  test.each(['"2"', "1", '"10"', ""])("answers 200 to If-None-Match: %j", async (etag) => {
    expect((await knock("GET", `/v1/${NAME}`, { headers: { "If-None-Match": etag } })).status).toBe(200);
  });

  test.each([`/v1/${NAME}:explain`, "/v1/projects/p/locations"])(
    "alone is conditional: %s is answered whole to If-None-Match: *",
    async (path) => {
      expect((await knock("GET", path, { headers: { "If-None-Match": "*" } })).status).toBe(200);
    },
  );

  // "While it runs, `Retry-After` suggests the next poll."
  test.each([
    [0, "1"],
    [60_000, "6"],
    [86_400_000, "60"],
    [-60_000, "1"],
  ])("suggests when to poll again for an operation %d ms old", async (age, seconds) => {
    const store = { get: async () => anAnswer({ createTime: anAnswer().createTime - age }) };

    expect((await knock("GET", `/v1/${NAME}`, { store })).headers.get("Retry-After")).toBe(seconds);
  });

  test.each<[string, number, Pace, string]>([
    ["when the method's declaration expects it to be done", 0, { method: "m", usualMs: 20_000 }, "20"],
    ["the rest of it", 12_500, { method: "m", usualMs: 20_000 }, "8"],
    ["no later than in a minute", 0, { method: "m", usualMs: 3_600_000 }, "60"],
    ["a tenth of its age, once it takes longer", 40_000, { method: "m", usualMs: 20_000 }, "4"],
    ["a tenth of its age, where none of its method was seen", 40_000, { method: "m" }, "4"],
  ])("suggests when to poll again: %s", async (_, age, pace, seconds) => {
    const store = { get: async () => anAnswer({ createTime: anAnswer().createTime - age, pace }) };

    expect((await knock("GET", `/v1/${NAME}`, { store })).headers.get("Retry-After")).toBe(seconds);
  });

  test("suggests to poll again when other operations of the method, as seen, were done", async () => {
    const usualDurations = new UsualDurations();
    const retryAfter = async (answer: Partial<OperationAnswer>) => {
      const store = { get: async () => anAnswer(answer) };
      return (await knock("GET", `/v1/${NAME}`, { store, usualDurations })).headers.get("Retry-After");
    };

    expect(await retryAfter({ done: true, pace: { method: "slow", tookMs: 30_000 } })).toBeNull();

    expect(await retryAfter({ pace: { method: "slow" } })).toBe("30");
    expect(await retryAfter({ pace: { method: "other" } })).toBe("1");
    expect(await retryAfter({ pace: { method: "slow", usualMs: 5_000 } })).toBe("5");
  });

  test("suggests nothing once it is done", async () => {
    const store = { get: async () => anAnswer({ done: true }) };

    expect((await knock("GET", `/v1/${NAME}`, { store })).headers.get("Retry-After")).toBeNull();
  });
});

describe("a malformed name", () => {
  const malformed = [
    "operations/",
    "projects//locations/l/operations/1",
    "projects/p/locations/l/operations/",
    "operations/%00",
    "operations/%0A",
    "operations/%FF",
    "operations/%",
    "projects/a%2Fb/operations/1",
    "projects/-/operations/1",
    "projects/p/locations/-/operations/1",
    "operations/-",
    `operations/${"a".repeat(1_014)}`,
  ];

  test.each(malformed)("is INVALID_ARGUMENT on `name` in every method: %s", async (name) => {
    for (const [method, verb] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", ":cancel"],
      ["POST", ":wait"],
    ] as const) {
      const { status, error, calls } = await knock(method, `/v1/${name}${verb}`);

      expect(status).toBe(400);
      expect(error?.status).toBe("INVALID_ARGUMENT");
      expect(violatedFields(error?.details ?? [])).toEqual(["name"]);
      expect(calls).toEqual([]);
    }
  });

  test.each(["operations/a%2Fb", "operations/x%2Foperations%2F%00", "operations/projects%2Fp"])(
    "is INVALID_ARGUMENT, because only an operation's name may have encoded slashes: %s",
    async (name) => {
      const { status, error } = await knock("GET", `/v1/${name}`);

      expect(status).toBe(400);
      expect(violatedFields(error?.details ?? [])).toEqual(["name"]);
    },
  );

  // "One exception: `GET`".
  test.each(["DELETE", "POST"])("is not accepted encoded as a whole by %s", async (method) => {
    const verb = method === "POST" ? ":cancel" : "";
    const { status, calls } = await knock(method, `/v1/operations/${encodeURIComponent(NAME)}${verb}`);

    expect(status).toBe(400);
    expect(calls).toEqual([]);
  });
});

describe("a query that repeats a parameter", () => {
  test("is read by the door, not by the router, which copies the values for each repetition", async () => {
    const concat = vi.spyOn(Array.prototype, "concat");

    const answer = await knock("GET", `/v1/operations?${"b=1&".repeat(1_000)}`);

    expect(answer.status).toBe(400);
    expect(concat.mock.calls.length).toBeLessThan(100);
    concat.mockRestore();
  });
});

describe("unknown parameters and fields", () => {
  test.each([
    ["GET", `/v1/${NAME}?view=full`, ["view"]],
    ["GET", `/v1/${NAME}?page_size=5`, ["page_size"]],
    ["GET", `/v1/${NAME}?name=${NAME}`, ["name"]],
    ["DELETE", `/v1/${NAME}?name=`, ["name"]],
    ["DELETE", `/v1/${NAME}?force=true`, ["force"]],
    ["POST", `/v1/${NAME}:cancel?timeout=1s`, ["timeout"]],
    ["POST", `/v1/${NAME}:wait?timeOut=1s&x=1`, ["timeOut", "x"]],
    ["GET", "/v1/operations?orderBy=name", ["orderBy"]],
    ["GET", "/v1/operations?pageSize=-1", ["pageSize"]],
    ["GET", "/v1/operations?pageSize=many", ["pageSize"]],
    ["GET", "/v1/operations?name=projects/other", ["name"]],
    ["POST", "/v1/projects/-/operations", ["parent"]],
    ["GET", "/v1/operations?alt=proto", ["alt"]],
    ["POST", "/v1/echo:wait?foo=1", ["foo"]],
  ])("are named in the error: %s %s, %j", async (method, path, fields) => {
    const { status, error, calls } = await knock(method, path);

    expect(status).toBe(400);
    expect(error?.status).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error?.details ?? [])).toEqual(fields);
    expect(calls).toEqual([]);
  });

  test.each([
    [":cancel", '{"force":true}', ["force"]],
    [":cancel", '{"a":1,"b":2}', ["a", "b"]],
    [":cancel", '{"name":"operations/other"}', ["name"]],
    [":cancel", "[]", ["body"]],
    [":wait", '{"timeout":30}', ["timeout"]],
    [":wait", '{"timeout":"soon"}', ["timeout"]],
    [":wait", '{"timeout":"-1s"}', ["timeout"]],
    [":wait", '{"timeout":"-0.000000001s"}', ["timeout"]],
    [":wait", '{"deadline":"1s"}', ["deadline"]],
  ])("are named in the error: POST %s with %s, %j", async (verb, body, fields) => {
    const { status, error, calls } = await knock("POST", `/v1/${NAME}${verb}`, { body, headers: json });

    expect(status).toBe(400);
    expect(violatedFields(error?.details ?? [])).toEqual(fields);
    expect(calls).toEqual([]);
  });
});

// "Empty is always `200` with `{}`."
describe("CancelOperation and DeleteOperation", () => {
  test.each<[string, BodyInit | undefined, Record<string, string>]>([
    ["no body", undefined, {}],
    ["zero bytes", "", {}],
    ["zero bytes of another type", "", { "Content-Type": "text/plain" }],
    ["an empty object", "{}", json],
    ["the name itself", JSON.stringify({ name: NAME }), json],
  ])("cancel with %s", async (_, body, headers) => {
    const { status, text, calls } = await knock("POST", `/v1/${NAME}:cancel`, { body, headers });

    expect(status).toBe(200);
    expect(text).toBe("{}");
    expect(calls).toEqual([["cancel", NAME]]);
  });

  test("reject a body of another type", async () => {
    const { status, error } = await knock("POST", `/v1/${NAME}:cancel`, {
      body: "a=1",
      headers: { "Content-Type": "text/plain" },
    });

    expect(status).toBe(400);
    expect(violatedFields(error?.details ?? [])).toEqual(["body"]);
  });

  test("delete", async () => {
    const { status, text, calls } = await knock("DELETE", `/v1/${NAME}`);

    expect({ status, text, calls }).toEqual({ status: 200, text: "{}", calls: [["delete", NAME]] });
  });

  test.each([
    ["DELETE", ""],
    ["POST", ":cancel"],
    ["POST", ":wait"],
  ])("return NOT_FOUND for an unknown operation: %s%s", async (method, verb) => {
    const store = { delete: async () => false, cancel: async () => false, wait: async () => undefined };
    const { status, error } = await knock(method, `/v1/${NAME}${verb}`, { store });

    expect(status).toBe(404);
    expect(error?.status).toBe("NOT_FOUND");
  });
});

// "default 30 s, more is capped at 60 s".
describe("WaitOperation", () => {
  test.each<[string, string | undefined, number]>([
    ["", undefined, 30_000],
    ["", "{}", 30_000],
    ["?timeout=5s", undefined, 5_000],
    ["", '{"timeout":"5s"}', 5_000],
    ["?timeout=5s", '{"timeout":"5s"}', 5_000],
    ["?timeout=0s", undefined, 0],
    ["?timeout=0.0001s", undefined, 1],
    ["?timeout=60s", undefined, 60_000],
    ["?timeout=3600s", undefined, 60_000],
    ["?$alt=json&timeout=315576000000s", undefined, 60_000],
  ])("waits with query %j and body %j for %d ms", async (query, body, ms) => {
    const { status, calls } = await knock("POST", `/v1/${NAME}:wait${query}`, { body, headers: json });

    expect(status).toBe(200);
    expect(calls).toEqual([["wait", NAME, ms, expect.anything()]]);
  });

  test("rejects two timeouts that differ", async () => {
    const { error } = await knock("POST", `/v1/${NAME}:wait?timeout=5s`, { body: '{"timeout":"6s"}', headers: json });

    expect(violatedFields(error?.details ?? [])).toEqual(["timeout"]);
  });
});

describe("a method that starts operations", () => {
  test.each([
    ["/v1/echo:wait", "v1"],
    ["/v1beta1/echo:wait", "v1beta1"],
    ["/ui/echo:wait", "v1"],
  ])("starts at %s an operation of the version %s", async (path, apiVersion) => {
    const { status, calls } = await knock("POST", path, { body: '{"ttl":"5s"}', headers: json });
    const [, started] = calls.find(([method]) => method === "start") ?? [];

    expect(status).toBe(200);
    expect(started).toMatchObject({
      name: "operations/new",
      method: "echo:wait",
      verb: "wait",
      apiVersion,
      target: "echo",
    });
  });

  test.each([
    ['{"ttl":"-1s"}', ["ttl"]],
    ['{"frob":1}', ["frob"]],
    ["{", ["body"]],
  ])("starts nothing if the body is %s", async (body, fields) => {
    const { status, error, calls } = await knock("POST", "/v1/echo:wait", { body, headers: json });

    expect(status).toBe(400);
    expect(violatedFields(error?.details ?? [])).toEqual(fields);
    expect(calls.filter(([method]) => method === "start")).toEqual([]);
  });

  test("returns Retry-After if the operation could not be listed", async () => {
    const store = { start: async () => ({ ok: false, refusal: "INDEX_UNAVAILABLE" }) as const };
    const { status, headers, error } = await knock("POST", "/v1/echo:wait", {
      store,
      body: '{"ttl":"5s"}',
      headers: json,
    });

    expect(status).toBe(503);
    expect(error?.status).toBe("UNAVAILABLE");
    expect(headers.get("Retry-After")).toBe("1");
  });

  test("answers 413 to more than 1 MiB", async () => {
    const body = JSON.stringify({ success: { content: "x".repeat(1_024 * 1_024) } });
    const { status, error, reason } = await knock("POST", "/v1/echo:wait", { body, headers: json });

    expect(status).toBe(413);
    expect(error).toMatchObject({ code: 413, status: "INVALID_ARGUMENT" });
    expect(reason).toBe("REQUEST_TOO_LARGE");
    expect(violatedFields(error?.details ?? [])).toEqual(["body"]);
  });
});

// "The body is drained (bounded) before an error is answered".
test.each([
  ["/v2/nowhere", 404],
  [`/v1/${NAME}`, 405],
  ["/v1/operations/%00:cancel", 400],
  ["/v1/echo:wait?foo=1", 400],
])("the door reads the body of a request to %s to its end before it answers %i", async (path, expected) => {
  const { stream, taken } = aBodyStream({ pieces: 50, pieceBytes: 1_000 });
  const { status } = await knock("POST", path, { body: stream });

  expect(status).toBe(expected);
  expect(taken()).toBe(50);
});

describe("an internal error", () => {
  test("is INTERNAL with the request's id, and without its text", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue(undefined);
    const store = { get: () => Promise.reject(new Error("hunter2 at secret.ts:5")) };
    const { status, error, text } = await knock("GET", `/v1/${NAME}`, { store });

    expect(status).toBe(500);
    expect(error?.status).toBe("INTERNAL");
    expect(text).not.toContain("hunter2");
    expect(error?.details).toContainEqual(
      expect.objectContaining({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string }),
    );
    expect(JSON.stringify(log.mock.calls)).toContain("hunter2");
  });

  test("is returned unchanged if it is an RpcError", async () => {
    const store = { get: () => Promise.reject(new RpcError("DATA_LOSS", "Gone for good.")) };

    expect((await knock("GET", `/v1/${NAME}`, { store })).error).toMatchObject({ code: 500, status: "DATA_LOSS" });
  });

  test("names the wrong variable of the configuration, and not its value", async () => {
    vi.spyOn(console, "error").mockReturnValue(undefined);
    const door = httpDoor([]);
    const wrong = new RpcError("INTERNAL", "The deployment's configuration is wrong: AUTH …", {
      reason: "CONFIGURATION_INVALID",
    });
    const response = await door(new Request(`https://api.example/v1/${NAME}`), {
      cors: () => ({ origins: [], credentials: false }),
      checkSetup: async () => [],
      log: () => {},
      service: () => Promise.reject(wrong),
    });

    expect(response.status).toBe(500);
    expect(await response.text()).toContain("CONFIGURATION_INVALID");
  });
});
