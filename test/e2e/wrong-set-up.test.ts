// Workers that are set up wrongly, in the runtime itself: the first call and /healthz say what to change.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Workers } from "./workers";

const METHOD = `const service = operations({ methods: [defineMethod({
  http: { post: "/v1/things:make", body: "*" }, request: (json) => json, run: async () => ({}) })] });`;

/** Each Worker's main module, after the classes and the service. */
const WORKERS = {
  alone: "export default { fetch: service.fetch };",
  unscheduled: "export default { fetch: service.fetch, queue: service.queue };",
  wrapped: `let calls = 0;
    export default {
      fetch: (request, env) => (request.url.endsWith("/calls") ? Response.json(calls) : service.fetch(request, env)),
      queue: (batch, env, ctx) => { calls += 1; return service.queue(batch, env, ctx); },
      scheduled: (controller, env) => service.scheduled(controller, env),
    };`,
  unmigrated: "export default service;",
};

let workers: Workers;

beforeAll(async () => {
  const imports =
    'import { defineMethod, operations } from "edge-operations"; export * from "edge-operations/objects";';
  workers = await Workers.start(
    Object.entries(WORKERS).map(([name, exported]) => ({
      name,
      contents: `${imports} ${METHOD} ${exported}`,
      variables: { AUTH: "open" },
      useSQLite: name !== "unmigrated",
    })),
  );
});

afterAll(() => workers?.dispose());

async function call(name: keyof typeof WORKERS, path: string, method = "GET") {
  const response = await workers.fetch(name, path, { method });
  return { status: response.status, text: await response.text() };
}

describe("a Worker", () => {
  test("fails the first call and /healthz with the line to write if it exports fetch alone", async () => {
    const calls = [await call("alone", "/v1/things:make", "POST"), await call("alone", "/healthz")];

    expect(calls.map(({ status }) => status)).toEqual([500, 503]);
    for (const { text } of calls) {
      expect(text).toContain("HANDLER_MISSING");
      expect(text).toContain("export default { ...service, fetch }");
    }
  });

  test("serves without a scheduled handler, and /healthz names the missing sweep", async () => {
    expect(await call("unscheduled", "/v1/things:make", "POST")).toMatchObject({ status: 200 });
    expect(await call("unscheduled", "/healthz")).toMatchObject({
      status: 200,
      text: expect.stringContaining("no scheduled handler") as string,
    });
  });

  test("may call the service's handlers from its own, which the check does not call", async () => {
    expect(await call("wrapped", "/healthz")).toEqual({ status: 200, text: '{"status":"SERVING"}' });
    expect(await call("wrapped", "/calls")).toEqual({ status: 200, text: "0" });
  });

  test("fails the first call and /healthz with the lines to add if its objects have no SQLite storage", async () => {
    const calls = [await call("unmigrated", "/v1/things:make", "POST"), await call("unmigrated", "/healthz")];

    expect(calls.map(({ status }) => status)).toEqual([500, 503]);
    for (const { text } of calls) {
      expect(text).toContain("SQLITE_MISSING");
      expect(text).toContain("[[migrations]] with new_sqlite_classes");
    }
  });
});
