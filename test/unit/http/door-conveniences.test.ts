import { describe, expect, test } from "vitest";
import { httpDoor } from "../../../src/http/door";
import type { AllowedOrigins } from "../../../src/http/cors";
import { aService } from "../../support/a-service";
import { knock } from "../../support/a-door";

const NAME = "operations/1";
const OPERATION = { json: `{"name":"${NAME}","done":true}`, etag: '"7"', done: true, createTime: 0 };
const store = { get: () => Promise.resolve(OPERATION), delete: () => Promise.resolve(true) };

async function knockFrom(
  origin: string,
  allowedOrigins: AllowedOrigins,
  { credentials = false, ...init }: Omit<RequestInit, "credentials"> & { credentials?: boolean } = {},
): Promise<Response> {
  const { context } = aService({ store });
  const headers = { ...(init.headers as Record<string, string>), Origin: origin };
  return httpDoor([])(new Request(`https://api.example/v1/${NAME}`, { ...init, headers }), {
    cors: () => ({ origins: allowedOrigins, credentials }),
    checkSetup: async () => [],
    log: () => {},
    service: async () => context,
  });
}

describe("cross-origin requests", () => {
  test("get no permission by default", async () => {
    const response = await knockFrom("https://app.example", []);

    expect(response.status).toBe(200);
    expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  test("from a configured origin may read the answer and its headers", async () => {
    const response = await knockFrom("https://app.example", ["https://app.example"]);

    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://app.example");
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("etag");
    expect(response.headers.get("Vary")).toBe("Origin");
  });

  test("from another origin get no permission, with Vary for caches", async () => {
    const response = await knockFrom("https://evil.example", ["https://app.example"]);

    expect(response.headers.get("Access-Control-Allow-Origin")).toBeNull();
    expect(response.headers.get("Vary")).toBe("Origin");
  });

  test.each<[AllowedOrigins, boolean, string | null]>([
    [["https://app.example"], true, "true"],
    [["https://app.example"], false, null],
    [["https://other.example"], true, null],
    ["any", true, null],
  ])("from %j with cookies: %s is %s", async (origins, credentials, allowed) => {
    const response = await knockFrom("https://app.example", origins, { credentials });

    expect(response.headers.get("Access-Control-Allow-Credentials")).toBe(allowed);
  });

  test("are preflighted without a call to the operation", async () => {
    const response = await knockFrom("https://app.example", "any", {
      method: "OPTIONS",
      headers: { "Access-Control-Request-Method": "DELETE" },
    });

    expect(response.status).toBe(204);
    expect(response.headers.get("Access-Control-Allow-Methods")?.split(", ")).toEqual(
      expect.arrayContaining(["GET", "HEAD", "DELETE", "PATCH"]),
    );
    expect(response.headers.get("Access-Control-Allow-Headers")).toContain("authorization");
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://app.example");
  });
});

test("OPTIONS on a known path returns its methods", async () => {
  const { status, headers } = await knock("OPTIONS", `/v1/${NAME}`);

  expect(status).toBe(204);
  expect(headers.get("Allow")).toContain("DELETE");
});

test("OPTIONS on an unknown path returns 404", async () => {
  expect((await knock("OPTIONS", "/v1/nothing")).error).toMatchObject({ code: 404, status: "NOT_FOUND" });
});

test("X-HTTP-Method-Override on a POST replaces the method", async () => {
  const { status, calls } = await knock("POST", `/v1/${NAME}`, {
    store,
    headers: { "X-HTTP-Method-Override": "DELETE" },
  });

  expect(status).toBe(200);
  expect(calls.map(([method]) => method)).toEqual(["delete"]);
});

test("a long X-HTTP-Method-Override is cut in the answer and in the log", async () => {
  const headers = { "X-HTTP-Method-Override": "x".repeat(20_000) };
  const { status, text, lines } = await knock("POST", `/v1/${NAME}`, { store, headers });

  expect(status).toBe(405);
  expect(text.length).toBeLessThan(2_000);
  expect(JSON.stringify(lines).length).toBeLessThan(1_000);
});

test("X-HTTP-Method-Override on a GET is ignored", async () => {
  const { status, calls } = await knock("GET", `/v1/${NAME}`, {
    store,
    headers: { "X-HTTP-Method-Override": "DELETE" },
  });

  expect(status).toBe(200);
  expect(calls.map(([method]) => method)).toEqual(["get"]);
});

test("prettyPrint=true indents the answer", async () => {
  const { text } = await knock("GET", `/v1/${NAME}?$prettyPrint=true`, { store });

  expect(text).toBe(`{\n  "name": "${NAME}",\n  "done": true\n}`);
});

test("fields=… keeps the named fields of an answer, and its ETag", async () => {
  const { text, headers } = await knock("GET", `/v1/${NAME}?fields=done`, { store });

  expect(text).toBe('{"done":true}');
  expect(headers.get("ETag")).toBe('"7"');
});

test("an unknown field is rejected before any work", async () => {
  const { status, calls } = await knock("DELETE", `/v1/${NAME}?fields=name`, { store });

  expect(status).toBe(400);
  expect(calls).toEqual([]);
});

describe("the documents that describe the service", () => {
  test.each(["/openapi.json", "/$discovery/rest?version=v1"])("%s needs no permission", async (path) => {
    const { status, json } = await knock("GET", path);

    expect(status).toBe(200);
    expect(Object.keys(json).length).toBeGreaterThan(3);
  });

  test.each(["/openapi.json", "/$discovery/rest"])(
    "%s is rejected if the deployment rejects every call",
    async (path) => {
      expect(await knock("GET", path, { auth: "" })).toMatchObject({
        status: 403,
        reason: "AUTHENTICATION_NOT_CONFIGURED",
      });
    },
  );
});
