// Reads that a snapshot answers: where an operation's object cannot be reached, and first of all under FINISHED_READS=edge.
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Env } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import { type Started, outboxIsEmpty, runNext, startEcho, startScript, useFreshWorld } from "./harness";
import worker from "./worker";

useFreshWorld();

/** The calls of the namespace's objects, and of KV. */
let calls: string[] = [];
beforeEach(() => {
  calls = [];
});

/** The environment with calls written down, and, where it says so, with objects or KV that cannot be reached. */
function anEnvironment(variables: Partial<Env> = {}, { objectsFail = false, kvFails = false } = {}): Env {
  const watched = <T extends object>(what: string, target: T, fails: boolean): T =>
    new Proxy(target, {
      get:
        (_, property) =>
        (...parameters: unknown[]) => {
          calls.push(`${what}.${String(property)}`);
          if (fails) throw new Error(`${what} cannot be reached`);
          // Called as a member: a stub's method has no `apply` of its own.
          return (target as Record<string | symbol, (...all: unknown[]) => unknown>)[property]?.(...parameters);
        },
    });
  return {
    ...env,
    ...variables,
    OPERATIONS: new Proxy(env.OPERATIONS, {
      get: (target, property) => {
        const member = (Reflect.get(target, property) as (...all: unknown[]) => unknown).bind(target);
        if (property !== "get" && property !== "getByName") return member;
        return (...parameters: unknown[]) => watched("object", member(...parameters) as object, objectsFail);
      },
    }),
    SNAPSHOTS: watched("kv", env.SNAPSHOTS, kvFails),
  };
}

interface Seen {
  status: number;
  headers: Headers;
  text: string;
}

async function ask(
  environment: Env,
  path: string,
  method = "GET",
  headers: Record<string, string> = {},
): Promise<Seen> {
  const request = new Request(`https://operations.example/v1/${path}`, { method, headers });
  const response = await worker.fetch(request, environment);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function finished(result: JsonObject = { answer: 42 }, options = {}): Promise<Started> {
  const operation = await startScript(async () => result, options);
  await runNext();
  await outboxIsEmpty(operation);
  return operation;
}

const SNAPSHOT = "operation-snapshots; hit";
const EDGE = { FINISHED_READS: "edge" };

describe("a finished operation whose object cannot be reached", () => {
  test.each([
    ["GET", ""],
    ["POST", ":wait"],
  ])("is answered from its snapshot, byte for byte, with ETag, Age and a mark: %s%s", async (method, verb) => {
    const operation = await finished();
    const exact = await ask(anEnvironment(), operation.name + verb, method);
    clock.advance(90_500);
    const { status, headers, text } = await ask(
      anEnvironment({}, { objectsFail: true }),
      operation.name + verb,
      method,
    );

    expect({ status, text }).toEqual({ status: 200, text: exact.text });
    expect(headers.get("ETag")).toBe(exact.headers.get("ETag"));
    expect(headers.get("Content-Type")).toBe(exact.headers.get("Content-Type"));
    expect(headers.get("Cache-Status")).toBe(SNAPSHOT);
    expect(headers.get("Age")).toBe("90");
    expect(exact.headers.has("Cache-Status")).toBe(false);
  });

  test("supports If-None-Match, HEAD and fields as usual", async () => {
    const operation = await finished();
    const down = anEnvironment({}, { objectsFail: true });
    const etag = (await ask(anEnvironment(), operation.name)).headers.get("ETag")!;
    const unchanged = await ask(down, operation.name, "GET", { "If-None-Match": etag });
    const head = await ask(down, operation.name, "HEAD");
    const part = await ask(down, `${operation.name}?fields=name,done`);

    expect(unchanged).toMatchObject({ status: 304, text: "" });
    expect(unchanged.headers.get("Cache-Status")).toBe(SNAPSHOT);
    expect(head).toMatchObject({ status: 200, text: "" });
    expect(head.headers.get("ETag")).toBe(etag);
    expect(JSON.parse(part.text)).toEqual({ name: operation.name, done: true });
    expect(part.headers.get("Cache-Status")).toBe(SNAPSHOT);
  });

  test("is returned whole, however large it is", async () => {
    const operation = await finished({ text: "äöü 語言 ".repeat(300_000) });
    const exact = await ask(anEnvironment(), operation.name);
    const { status, text } = await ask(anEnvironment({}, { objectsFail: true }), operation.name);

    expect(exact.text.length).toBeGreaterThan(2_000_000);
    expect(status).toBe(200);
    expect(text === exact.text).toBe(true);
  });

  test.each([
    ["KV cannot be read either", {}, { kvFails: true }],
    ["the deployment keeps no snapshots", { KV_SNAPSHOTS: "off" }, {}],
  ])("is UNAVAILABLE if %s", async (_, variables, faults) => {
    const operation = await finished();
    const { status, text, headers } = await ask(
      anEnvironment(variables, { objectsFail: true, ...faults }),
      operation.name,
    );

    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ error: { status: "UNAVAILABLE" } });
    expect(headers.get("Retry-After")).toBe("1");
  });

  test("is not answered under another parent, or while it still runs", async () => {
    const done = await finished();
    const running = await startScript(() => new Promise(() => {}));
    const down = anEnvironment({}, { objectsFail: true });

    for (const parent of ["", "projects/q/", "projects/p/locations/l/"]) {
      expect((await ask(down, `${parent}operations/${done.id}`)).status).toBe(503);
    }
    expect((await ask(down, running.name)).status).toBe(503);
    expect((await ask(down, `projects/p/operations/${"0".repeat(600)}`)).status).toBe(404);
  });

  test("is not answered once it has expired, although KV keeps it a while longer", async () => {
    const operation = await finished({}, { verb: "forget" });
    const down = anEnvironment({}, { objectsFail: true });
    clock.advance(59_999);
    const before = await ask(down, operation.name);
    clock.advance(1);

    expect(before.status).toBe(200);
    expect((await ask(down, operation.name)).status).toBe(503);
    expect(await env.SNAPSHOTS.get(`operation/${operation.id}`)).not.toBeNull();
  });

  test("is answered without ETag and Age from a snapshot of an earlier version, which had no metadata", async () => {
    const operation = await finished();
    const exact = await ask(anEnvironment(), operation.name);
    await env.SNAPSHOTS.put(`operation/${operation.id}`, exact.text);
    const down = anEnvironment({}, { objectsFail: true });
    const { status, headers, text } = await ask(down, operation.name);
    const conditional = await ask(down, operation.name, "GET", { "If-None-Match": exact.headers.get("ETag")! });

    expect({ status, text }).toEqual({ status: 200, text: exact.text });
    expect(headers.has("ETag")).toBe(false);
    expect(headers.has("Age")).toBe(false);
    expect(headers.get("Cache-Status")).toBe(SNAPSHOT);
    expect(conditional.status).toBe(200);
  });

  test("costs no read of KV while its object answers", async () => {
    const operation = await finished();
    await ask(anEnvironment(), operation.name);
    await ask(anEnvironment(), `${operation.name}:wait`, "POST");

    expect(calls).toEqual(["object.get", "object.endSoon"]);
  });

  test("is UNAVAILABLE for calls that would change it", async () => {
    const operation = await finished();
    const down = anEnvironment({}, { objectsFail: true });

    expect((await ask(down, `${operation.name}:cancel`, "POST")).status).toBe(503);
    expect((await ask(down, operation.name, "DELETE")).status).toBe(503);
    expect(calls.filter((call) => call.startsWith("kv"))).toEqual([]);
  });
});

describe("with FINISHED_READS=edge", () => {
  test("a finished operation costs one read of KV and no object call", async () => {
    const operation = await finished();
    const { status, headers } = await ask(anEnvironment(EDGE), operation.name);
    const waited = await ask(anEnvironment(EDGE), `${operation.name}:wait`, "POST");

    expect([status, waited.status]).toEqual([200, 200]);
    expect(headers.get("Cache-Status")).toBe(SNAPSHOT);
    expect(calls).toEqual(["kv.getWithMetadata", "kv.getWithMetadata"]);
  });

  test("a running operation is answered by its object, without a mark", async () => {
    const operation = await startEcho({ ttl: "60s" });
    const { status, headers, text } = await ask(anEnvironment(EDGE), operation.name);

    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ done: false });
    expect(headers.has("Cache-Status")).toBe(false);
    expect(headers.has("Retry-After")).toBe(true);
    expect(calls).toEqual(["kv.getWithMetadata", "object.get"]);
  });

  test("a wait for a running operation gets its end from the object", async () => {
    const operation = await startScript(async () => ({ answer: 1 }));
    const waiting = ask(anEnvironment(EDGE), `${operation.name}:wait`, "POST");
    await eventually(() => controls.callsOf(operation.id).includes("/wait"));
    await runNext();
    const { text, headers } = await waiting;

    expect(JSON.parse(text)).toMatchObject({ done: true });
    expect(headers.has("Cache-Status")).toBe(false);
  });

  test("an unreachable KV does not fail a read", async () => {
    const operation = await finished();
    const { status, headers } = await ask(anEnvironment(EDGE, { kvFails: true }), operation.name);

    expect(status).toBe(200);
    expect(headers.has("Cache-Status")).toBe(false);
  });

  test("a name under another parent or with a guessed id is NOT_FOUND without a read of KV", async () => {
    const operation = await finished();

    expect((await ask(anEnvironment(EDGE), `projects/q/operations/${operation.id}`)).status).toBe(404);
    calls = [];
    expect((await ask(anEnvironment(EDGE), "projects/p/operations/guessed")).status).toBe(404);
    expect(calls).toEqual([]);
  });

  test("a read is UNAVAILABLE if both KV and the object are unreachable", async () => {
    const operation = await finished();
    const down = anEnvironment(EDGE, { kvFails: true, objectsFail: true });

    expect((await ask(down, operation.name)).status).toBe(503);
  });

  test("a list reads operations that are too large for the index from their objects", async () => {
    const operation = await finished({ text: "x".repeat(40_000) });
    calls = [];
    const { text } = await ask(anEnvironment(EDGE), "projects/p/operations");

    expect(JSON.parse(text)).toMatchObject({ operations: [{ name: operation.name, done: true }] });
    expect(calls).toEqual(["object.get"]);
  });

  test("KV_SNAPSHOTS=off is a contradiction, which fails every call", async () => {
    const { status, text } = await ask(anEnvironment({ ...EDGE, KV_SNAPSHOTS: "off" }), "operations");

    expect(status).toBe(500);
    expect(text).toContain("FINISHED_READS");
  });
});
