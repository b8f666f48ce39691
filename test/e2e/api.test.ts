// The API from outside: a real table end to end, and one form for every error on every kind of path.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CallError, OperationError, OperationsClient } from "../../src/client";
import { echoWait } from "../../src/worker/echo-wait";
import { tablesProfile } from "../../src/worker/tables-profile";
import { eventually } from "../support/eventually";
import { type ApiError, type Operation, call, json, listAll, postOperation } from "./client";
import { DevServer } from "./dev-server";
import { codeBlocks } from "./session";

const FIXTURES = resolve(import.meta.dirname, "../unit/worker/tables-profile/fixtures");
const MAX_TABLE_BYTES = tablesProfile.input?.maxBytes ?? 0;

let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start();
});

afterAll(async () => {
  await server?.dispose();
});

function profilePath(project: string): string {
  return `/v1/projects/${project}/locations/l/tables:profile`;
}

/** A project of its own for each test: nothing stored is nothing listed. */
async function listed(project: string): Promise<Operation[]> {
  return listAll(`${server.url}/v1/projects/${project}/locations/l/operations`);
}

function postTable(project: string, body: BodyInit, headers: Record<string, string> = {}) {
  return call<Operation & { error: ApiError }>(`${server.url}${profilePath(project)}`, {
    method: "POST",
    headers: { "Content-Type": "text/csv", ...headers },
    body,
    duplex: "half",
  } as RequestInit);
}

async function waitFor({ name }: Operation): Promise<Operation> {
  return postOperation(`${server.url}/v1/${name}:wait`, { timeout: "60s" });
}

/** Rounds what is no integer: a mean is exact to a few units in the last place. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === "number" && !Number.isInteger(part) ? Number(part.toPrecision(14)) : part,
    ),
  ) as unknown;
}

/** Bytes in parts, of a length that is not announced. */
function stream(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const part = Math.min(left, 65_536);
      left -= part;
      if (part === 0) controller.close();
      else controller.enqueue(new Uint8Array(part).fill(0x61));
    },
  });
}

describe("tables:profile", () => {
  test("profiles a table in several scripts like a program in Python", async () => {
    const table = readFileSync(join(FIXTURES, "places.csv"));
    const expected: unknown = JSON.parse(readFileSync(join(FIXTURES, "places.profile.json"), "utf8"));
    const { status, body } = await postTable("fixture", table);
    const done = await waitFor(body);

    expect(status).toBe(200);
    expect(body).toMatchObject({ done: false, metadata: { value: { verb: "profile", rowsDone: 0 } } });
    expect(done.response?.["@type"]).toBe("type.googleapis.com/google.protobuf.Struct");
    expect(rounded(done.response?.["value"])).toEqual(rounded(expected));
    expect(done.metadata.value).toMatchObject({ progressPercent: 100, bytesDone: table.length });
    expect(await listed("fixture")).toEqual([done]);
  });

  test.each([
    ["empty", () => "", 400, "REQUEST_EMPTY"],
    ["too large, and says so", () => new Uint8Array(MAX_TABLE_BYTES + 1).fill(0x61), 413, "REQUEST_TOO_LARGE"],
    ["too large, of unannounced length", () => stream(MAX_TABLE_BYTES + 1), 413, "REQUEST_TOO_LARGE"],
    ["much too large, of unannounced length", () => stream(1.5 * MAX_TABLE_BYTES), 413, "REQUEST_TOO_LARGE"],
  ])("rejects a body that is %s, and stores nothing", async (_, body, status, reason) => {
    const project = "refused";
    const answer = await postTable(project, body());

    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatchObject({ code: status, status: "INVALID_ARGUMENT" });
    expect(answer.text).toContain(reason);
    expect(await listed(project)).toEqual([]);
  });

  test("accepts a body of exactly the limit", async () => {
    const { status, body } = await postTable("limit", stream(MAX_TABLE_BYTES));

    expect(status).toBe(200);
    expect((await waitFor(body)).done).toBe(true);
  });

  test("stores nothing of an upload that breaks off", async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    const part = "a,b\n".repeat(1_000);
    socket.write(
      `POST ${profilePath("broken-off")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n` +
        `Transfer-Encoding: chunked\r\n\r\n${part.length.toString(16)}\r\n${part}\r\n`,
    );
    const { promise: isConnected, resolve: connected } = Promise.withResolvers<void>();
    socket.once("connect", () => connected());
    await isConnected;
    socket.end();
    socket.destroySoon();
    await eventually(() => /interrupted|connection lost|broken-off/i.test(server.output), { timeoutMs: 15_000 });

    expect(await listed("broken-off")).toEqual([]);
  });

  test("ends with code 3 and the position if the table is not UTF-8", async () => {
    const bytes = Buffer.concat([
      Buffer.from("name,city\nAnna,Wien\nJos"),
      Buffer.from([0xe9]),
      Buffer.from(",Lyon\n"),
    ]);
    const { body } = await postTable("latin1", bytes);
    const done = await waitFor(body);

    expect(done.error).toMatchObject({ code: 3 });
    expect(done.error?.message).toMatch(/UTF-8/);
    expect(done.error?.message).toMatch(/\b23\b|\brow 3\b|\bline 3\b/);
  });
});

describe("every error has one form", () => {
  const cases: [string, string, RequestInit, number, string][] = [
    ["an unknown path", "/nothing", {}, 404, "NOT_FOUND"],
    ["an unknown version", "/v2/operations", {}, 404, "NOT_FOUND"],
    ["a path in HTML's manner", "/index.html", {}, 404, "NOT_FOUND"],
    ["an odd number of segments", "/v1/projects/p/locations/operations", {}, 404, "NOT_FOUND"],
    ["an unknown operation", "/v1/operations/nobody", {}, 404, "NOT_FOUND"],
    ["an unknown verb", "/v1/operations/nobody:explode", { method: "POST" }, 404, "NOT_FOUND"],
    ["a wrong method", "/v1/operations/nobody", { method: "PUT", body: "x" }, 405, "UNIMPLEMENTED"],
    ["a wrong method on health", "/healthz", { method: "POST" }, 405, "UNIMPLEMENTED"],
    ["an unknown parameter", "/v1/operations?colour=red", {}, 400, "INVALID_ARGUMENT"],
    ["a negative page size", "/v1/operations?pageSize=-1", {}, 400, "INVALID_ARGUMENT"],
    ["a page token from elsewhere", "/v1/operations?pageToken=guess", {}, 400, "INVALID_ARGUMENT"],
    ["another representation", "/v1/operations?alt=proto", {}, 400, "INVALID_ARGUMENT"],
    ["an empty segment", "/v1/projects//operations/x", {}, 400, "INVALID_ARGUMENT"],
    ["an encoded slash", "/v1/projects/a%2Fb/operations/x", {}, 400, "INVALID_ARGUMENT"],
    ["a control character", "/v1/operations/%00", {}, 400, "INVALID_ARGUMENT"],
    ["half a percent-encoding", "/v1/operations/%E0%A4", {}, 400, "INVALID_ARGUMENT"],
    ["a name that is too long", `/v1/operations/${"x".repeat(1_100)}`, {}, 400, "INVALID_ARGUMENT"],
    ["malformed JSON", "/v1/echo:wait", { ...json({}), body: '{"ttl": ' }, 400, "INVALID_ARGUMENT"],
    ["JSON that is no object", "/v1/echo:wait", json([1]), 400, "INVALID_ARGUMENT"],
    ["JSON that is too deep", "/v1/echo:wait", { ...json({}), body: "[".repeat(200) }, 400, "INVALID_ARGUMENT"],
    ["JSON of another type", "/v1/echo:wait", { method: "POST", body: '{"ttl":"1s"}' }, 400, "INVALID_ARGUMENT"],
    ["an unknown field", "/v1/echo:wait", json({ tll: "1s" }), 400, "INVALID_ARGUMENT"],
    ["a negative ttl", "/v1/echo:wait", json({ ttl: "-1s" }), 400, "INVALID_ARGUMENT"],
    ["two of a oneof", "/v1/echo:wait", json({ ttl: "1s", endTime: "2100-01-01T00:00:00Z" }), 400, "INVALID_ARGUMENT"],
    ["too large a body", "/v1/echo:wait", json({ ttl: "1s", pad: "x".repeat(1_100_000) }), 413, "INVALID_ARGUMENT"],
    ["a type that is not taken", profilePath("typed"), json({}), 400, "INVALID_ARGUMENT"],
    [
      "a charset that is not taken",
      profilePath("typed"),
      { method: "POST", headers: { "Content-Type": "text/csv; charset=latin1" }, body: "a" },
      400,
      "INVALID_ARGUMENT",
    ],
  ];

  test.each(cases)("%s", async (_, path, init, status, code) => {
    const answer = await call<{ error: ApiError }>(`${server.url}${path}`, init);
    const { error } = answer.body;

    expect(answer.status).toBe(status);
    expect(answer.headers.get("Content-Type")).toBe("application/json; charset=UTF-8");
    expect(Object.keys(answer.body)).toEqual(["error"]);
    expect(Object.keys(error).toSorted()).toEqual(["code", "details", "message", "status"]);
    expect(error).toMatchObject({ code: status, status: code });
    expect(error.message).not.toBe("");
    const types = error.details.map((detail) => detail["@type"].replace("type.googleapis.com/google.rpc.", ""));
    expect(types[0]).toBe("ErrorInfo");
    expect(new Set(types).size).toBe(types.length);
    expect(error.details[0]).toMatchObject({
      reason: expect.stringMatching(/^[A-Z][A-Z0-9_]+$/) as unknown,
      domain: expect.any(String) as unknown,
    });
    expect(types.includes("BadRequest")).toBe(code === "INVALID_ARGUMENT");
    expect(answer.headers.has("Allow")).toBe(status === 405);
    expect(answer.text).not.toMatch(/<html|\bat .*\.ts:\d+/i);
  });

  test("HEAD answers like GET, without a body", async () => {
    const response = await fetch(`${server.url}/v1/operations/nobody`, { method: "HEAD" });

    expect(response.status).toBe(404);
    expect(await response.text()).toBe("");
  });

  test("no rejected request has stored anything", async () => {
    expect(await listAll(`${server.url}/v1/operations`)).toEqual([]);
    expect(await listed("typed")).toEqual([]);
  });
});

describe("a deployment without authentication", () => {
  let closed: DevServer;

  beforeAll(async () => {
    closed = await DevServer.start({ vars: { AUTH: undefined } });
  });

  afterAll(async () => {
    await closed?.dispose();
  });

  test.each<[string, string, RequestInit]>([
    ["GET", "/v1/operations", {}],
    ["GET", `/v1/operations/${"0".repeat(64)}`, {}],
    ["DELETE", "/v1/operations/nobody", { method: "DELETE" }],
    ["cancel", "/v1/operations/nobody:cancel", { method: "POST" }],
    ["wait", "/v1/operations/nobody:wait", { method: "POST" }],
    ["echo", "/v1/echo:wait", json({ ttl: "1s" })],
    ["profile", profilePath("closed"), { method: "POST", headers: { "Content-Type": "text/csv" }, body: "a,b\n" }],
    ["create", "/v1/operations", json({ operation: {} })],
    ["credentials of any kind", "/v1/operations?key=open", { headers: { Authorization: "Bearer open" } }],
  ])("rejects %s, and names the variable to set", async (_, path, init) => {
    const { status, body, text } = await call<{ error: ApiError }>(`${closed.url}${path}`, init);

    expect(status).toBe(403);
    expect(body.error).toMatchObject({ code: 403, status: "PERMISSION_DENIED" });
    expect(body.error.details[0]).toMatchObject({ reason: "AUTHENTICATION_NOT_CONFIGURED" });
    expect(text).toContain("AUTH");
  });

  test("is healthy", async () => {
    expect((await fetch(`${closed.url}/healthz`)).status).toBe(200);
  });
});

describe("docs/clients.md", () => {
  const [script = ""] = codeBlocks(
    readFileSync(resolve(import.meta.dirname, "../../docs/clients.md"), "utf8"),
    "python",
  );

  test("shows a client in Python that works, if Python is installed", async () => {
    const result = await promisify(execFile)("python3", [
      "-c",
      script.replace("http://localhost:8787", server.url),
    ]).then(
      ({ stdout }) => stdout,
      (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? "no python3" : Promise.reject(error)),
    );

    // CI installs it (.ci/run) and sets REQUIRE_PYTHON.
    expect(result).toBe(process.env["REQUIRE_PYTHON"] === undefined && result === "no python3" ? result : "hello\n");
  });
});

describe("edge-operations/client", () => {
  const parent = "projects/client/locations/l";
  let client: OperationsClient;

  beforeAll(() => {
    client = new OperationsClient({ baseUrl: server.url });
  });

  test("starts with a raw body, and returns the response with its progress", async () => {
    const percents: unknown[] = [];
    const onProgress = ({ progressPercent }: { progressPercent?: number }) => percents.push(progressPercent);
    const { rowCount } = await client.method(tablesProfile).run({ parent }, { body: "a,b\n1,2\n3,4\n", onProgress });

    expect(rowCount).toBe(2);
    expect(percents.at(-1)).toBe(100);
  });

  test("starts one operation for one requestId, and resumes by name", async () => {
    const echo = client.method(echoWait);
    const request = { ttl: "0.5s", success: { content: "hello" } };
    const [one, other] = await Promise.all([1, 2].map(() => echo.start(request, { requestId: "client-1" })));
    const resumed = client.operation<typeof echoWait>(one?.name ?? "");

    expect(other?.name).toBe(one?.name);
    expect(await resumed.result()).toEqual({ content: "hello" });
    expect(resumed.latest?.metadata).toMatchObject({ endTime: expect.any(String) as string });
  });

  test("cancels, deletes and lists", async () => {
    const profile = client.method(tablesProfile);
    const names = await Promise.all(
      Array.from(
        { length: 3 },
        async () => (await profile.start({ parent: "projects/listed/locations/l" }, { body: "a\n1\n" })).name,
      ),
    );
    const found: string[] = [];
    for await (const { name } of client.list("projects/listed/locations/l", { pageSize: 1 })) found.push(name);
    const echo = await client.method(echoWait).start({ ttl: "60s" });
    await echo.cancel();
    const cancelled = await echo.result().catch((thrown: unknown) => thrown);
    await echo.delete();
    const gone = await echo.get().catch((thrown: unknown) => thrown);

    expect(found.toSorted()).toEqual(names.toSorted());
    expect(cancelled).toBeInstanceOf(OperationError);
    expect(cancelled).toMatchObject({ code: "CANCELLED", operation: echo.name });
    expect(gone).toBeInstanceOf(CallError);
    expect(gone).toMatchObject({ code: "NOT_FOUND", httpStatus: 404 });
  });

  test("validates, and names the violations of a request", async () => {
    const echo = client.method(echoWait);
    await echo.validate({ ttl: "5s" });
    const refused = await echo.start({ ttl: "-5s" }).catch((thrown: unknown) => thrown);

    expect(refused).toMatchObject({ code: "INVALID_ARGUMENT", fieldViolations: [{ field: "ttl" }] });
  });
});
