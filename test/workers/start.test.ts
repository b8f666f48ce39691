// A start: durable before it is answered, its index row first, and nothing left of what was refused.
import { listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { MAX_INLINE_REQUEST_CHARACTERS } from "../../src/limits";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  alarmTime,
  call,
  getOperation,
  listNames,
  outboxIsEmpty,
  runNext,
  scriptPath,
  startEcho,
  startScript,
  startedFrom,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";
import worker, { MAX_UPLOAD_BYTES } from "./worker";

useFreshWorld();

const never = () => new Promise<object>(() => {});

/** The objects of earlier tests: there are thousands, and waking them all takes seconds. */
let earlierIds: ReadonlySet<string> = new Set();

beforeEach(async () => {
  earlierIds = new Set((await listDurableObjectIds(env.OPERATIONS)).map(String));
});

/** The storage of every operation object that this test has made. */
async function storedEverywhere(): Promise<string[]> {
  const ids = (await listDurableObjectIds(env.OPERATIONS)).filter((id) => !earlierIds.has(id.toString()));
  const stored = await Promise.all(ids.map((id) => storedBy({ stub: env.OPERATIONS.get(id) })));
  return stored.flat();
}

function smallInput() {
  return { stream: new Blob(["a,b\n1,2\n"]).stream(), maxBytes: 100, digest: false };
}

describe("a start", () => {
  test("is durable, listed and readable once it is answered", async () => {
    const operation = await startScript(never);

    expect(await storedBy(operation)).toEqual(["record", "(alarm)"]);
    expect(await listNames("projects/p")).toEqual([operation.name]);
    expect(await getOperation(operation.name)).toMatchObject({
      name: operation.name,
      done: false,
      metadata: { value: { verb: "run", requestedCancellation: false, statusMessage: "Queued.", progressPercent: 0 } },
    });
    expect(controls.sent).toEqual([{ id: operation.id }]);
  });

  test.each([
    ["small stands in the record", MAX_INLINE_REQUEST_CHARACTERS / 2, ["record", "(alarm)"]],
    ["large has a row of its own", MAX_INLINE_REQUEST_CHARACTERS * 2, ["record", "request", "(alarm)"]],
  ])("stores its request %s until the end", async (_, characters, stored) => {
    const text = "ж".repeat(characters);
    const operation = await startScript(async (_op, request) => ({ isSame: request["text"] === text }), {
      body: { text },
    });
    const before = await storedBy(operation);
    await runNext();
    await outboxIsEmpty(operation);

    expect(before).toEqual(stored);
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { isSame: true } } });
    expect(await storedBy(operation)).toEqual(["record", "(alarm)"]);
    expect(JSON.stringify(await storedRecord(operation))).not.toContain("ж");
  });

  test("writes its index row before its record", async () => {
    const earlier = await storedEverywhere();
    controls.indexWrite.hold();
    const starting = call("POST", scriptPath(never), {});
    await eventually(() => controls.indexWrite.passed === 1);
    const before = await storedEverywhere();
    controls.indexWrite.open();
    const operation = startedFrom(await starting);

    // An object of an earlier file may still be about.
    expect(before).toEqual(earlier);
    expect(await storedRecord(operation)).toMatchObject({ state: "QUEUED" });
  });

  test("is UNAVAILABLE and stores nothing if its index row cannot be written", async () => {
    controls.indexWrite.fail("index is down");
    const { status, headers, body } = await call("POST", scriptPath(never), {});

    expect(status).toBe(503);
    expect(body["error"]).toMatchObject({ code: 503, status: "UNAVAILABLE" });
    expect(headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(JSON.stringify(body)).toContain("google.rpc.RetryInfo");
    expect(JSON.stringify(body)).not.toContain("index is down");
    expect(await storedEverywhere()).toEqual([]);
    expect(await storedRows()).toEqual([]);
    expect(controls.sent).toEqual([]);
  });

  test("leaves no chunk of its body if its index row cannot be written", async () => {
    controls.indexWrite.fail("index is down");
    const response = await upload(new Blob(["a,b\n1,2\n"]).stream());

    expect(response.status).toBe(503);
    expect(await storedEverywhere()).toEqual([]);
  });

  test("may be retried on the same object after a failed write of its index row", async () => {
    const operation = await startScript(never);
    const { state: _, ...record } = (await storedRecord(operation))!;
    const id = env.OPERATIONS.newUniqueId();
    const stub = env.OPERATIONS.get(id);
    const again = { ...record, id: id.toString(), name: `projects/p/operations/${id.toString()}` };
    controls.indexWrite.fail("index is down");
    const refused = await stub.start(again, "{}", smallInput());
    controls.indexWrite.open();
    // Just before the alarm would have come that erases an upload, had this one not been erased with it.
    clock.advance(595_000);
    const answered = await stub.start({ ...again, createTime: Date.now() }, "{}", smallInput());

    expect(refused).toEqual({ ok: false, refusal: "INDEX_UNAVAILABLE" });
    expect(answered).toMatchObject({ ok: true });
    expect(await alarmTime({ ...operation, stub })).toBeLessThanOrEqual(Date.now() + 30_000);
  });

  test("ends when its object has it, where its outcome is there at once and its client has repeated it for minutes", async () => {
    const operation = await startScript(never);
    const { state: _, ...record } = (await storedRecord(operation))!;
    const id = env.OPERATIONS.newUniqueId();
    const again = { ...record, id: id.toString(), name: `projects/p/operations/${id.toString()}` };
    const stub = env.OPERATIONS.get(id);
    const outcome = { response: '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{}}' };
    await stub.start({ ...again, outcome, createTime: Date.now() - 120_000 }, "{}");

    expect(await storedRecord({ ...operation, stub })).toMatchObject({
      createTime: Date.now() - 120_000,
      endTime: Date.now(),
    });
  });

  test("returns the existing operation when it is repeated on its object", async () => {
    const operation = await startScript(never);
    const { state: _, ...record } = (await storedRecord(operation))!;
    const repeated = await operation.stub.start({ ...record, target: "another" }, "{}");

    expect(repeated).toMatchObject({ ok: true });
    expect(controls.sent).toHaveLength(1);
    expect(await storedRecord(operation)).toMatchObject({ target: record.target });
  });

  test("creates a finished operation without a message if its result is known at once", async () => {
    const { body } = await call("POST", scriptPath(never, { verb: "knownAtOnce" }), { answer: 7 });

    expect(body).toMatchObject({ done: true, response: { value: { answer: 7 } } });
    expect(controls.sent).toEqual([]);
    expect(await listNames("projects/p")).toEqual([body["name"]]);
  });

  test("succeeds even if its queue message cannot be sent", async () => {
    controls.queueSend.fail("queue is down");
    const operation = await startScript(never);
    controls.queueSend.open();
    clock.advance(30_000);
    await runDurableObjectAlarm(operation.stub);

    expect(controls.sent).toEqual([{ id: operation.id }]);
  });

  test("is INTERNAL without inner text if its method has a defect", async () => {
    const { status, body } = await call("POST", scriptPath(never, { verb: "broken" }), {});

    expect(status).toBe(500);
    expect(body["error"]).toMatchObject({ code: 500, status: "INTERNAL" });
    const details = (body["error"] as { details: { "@type": string; reason?: string }[] }).details;
    expect(details.map((detail) => detail["@type"])).toEqual([
      "type.googleapis.com/google.rpc.ErrorInfo",
      "type.googleapis.com/google.rpc.RequestInfo",
      "type.googleapis.com/google.rpc.Help",
    ]);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(await storedEverywhere()).toEqual([]);
  });
});

function upload(body: ReadableStream<Uint8Array>): Promise<Response> {
  return exports.default.fetch(`https://operations.example${scriptPath(never, { verb: "upload" })}`, {
    method: "POST",
    headers: { "Content-Type": "text/csv" },
    body,
  });
}

/** A body of `bytes` bytes of unknown length, in parts that fit no chunk. */
function bytesOf(bytes: number, end: "close" | "error" = "close"): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const part = Math.min(left, 300_007);
      left -= part;
      if (part > 0) controller.enqueue(new Uint8Array(part).fill(0x61));
      else if (end === "close") controller.close();
      else controller.error(new Error("the client went away"));
    },
  });
}

describe("a streamed body", () => {
  test("of exactly the limit is stored in chunks and read back whole", async () => {
    const path = scriptPath(
      async ({ input, inputBytes }) => {
        let bytes = 0;
        for await (const part of input) bytes += part.length;
        return { bytes, inputBytes };
      },
      { verb: "upload" },
    );
    const response = await exports.default.fetch(`https://operations.example${path}`, {
      method: "POST",
      headers: { "Content-Type": "text/csv" },
      body: bytesOf(MAX_UPLOAD_BYTES),
    });
    const operation = startedFrom({
      status: response.status,
      headers: response.headers,
      body: await response.json<JsonObject>(),
    });
    const before = await storedBy(operation);
    await runNext();

    expect(before).toEqual(["input/000000", "input/000001", "input/000002", "record", "(alarm)"]);
    expect(await getOperation(operation.name)).toMatchObject({
      done: true,
      response: { value: { bytes: MAX_UPLOAD_BYTES, inputBytes: MAX_UPLOAD_BYTES } },
    });
    // Data that only the work needed are erased at its end.
    expect((await storedBy(operation)).filter((key) => key.startsWith("input/"))).toEqual([]);
    expect(await storedRecord(operation)).not.toHaveProperty("request");
  });

  test.each([
    ["one byte over the limit", () => bytesOf(MAX_UPLOAD_BYTES + 1), 413, "REQUEST_TOO_LARGE"],
    ["empty", () => bytesOf(0), 400, "REQUEST_EMPTY"],
  ])("is rejected if it is %s, and nothing is stored", async (_, body, status, reason) => {
    const response = await upload(body());
    const text = await response.text();

    expect(response.status).toBe(status);
    expect(text).toContain(reason);
    expect(await storedEverywhere()).toEqual([]);
    expect(await storedRows()).toEqual([]);
    expect(controls.sent).toEqual([]);
  });

  test("leaves nothing if its sender disconnects", async () => {
    // Straight into the worker: between workers, the local runtime passes the end of a body on, but not its breaking off.
    const response = await worker.fetch(
      new Request(`https://operations.example${scriptPath(never, { verb: "upload" })}`, {
        method: "POST",
        headers: { "Content-Type": "text/csv" },
        body: bytesOf(2_500_000, "error"),
      }),
      env,
    );

    expect(response.status).toBe(503);
    expect(await storedEverywhere()).toEqual([]);
    expect(await storedRows()).toEqual([]);
  });

  test("is erased by the alarm if its object died before the operation was stored", async () => {
    const stub = env.OPERATIONS.get(env.OPERATIONS.newUniqueId());
    await runInDurableObject(stub, async (_instance, { storage }) => {
      storage.kv.put("input/000000", new Uint8Array(10));
      await storage.setAlarm(Date.now() + 600_000);
    });
    await runDurableObjectAlarm(stub);

    expect(await storedBy({ stub })).toEqual([]);
  });
});

describe("an unknown name", () => {
  const hex = "0123456789abcdef".repeat(4);
  test.each([
    `operations/${hex}`,
    `operations/${"0".repeat(64)}`,
    "operations/1",
    "operations/-1",
    `projects/p/operations/${hex.toUpperCase()}`,
    "operations/../operations/x",
    `operations/${"f".repeat(63)}`,
    `operations/${"f".repeat(65)}`,
    "operations/%F0%9F%92%A5",
  ])("%s is NOT_FOUND everywhere and creates nothing", async (name) => {
    const answers = [
      await call("GET", `/v1/${name}`),
      await call("DELETE", `/v1/${name}`),
      await call("POST", `/v1/${name}:cancel`),
      await call("POST", `/v1/${name}:wait`, { timeout: "10s" }),
    ];

    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body["error"]).toMatchObject({ code: 404, status: "NOT_FOUND" });
    }
    expect(await storedEverywhere()).toEqual([]);
    expect(controls.calls).toEqual([]);
  });

  test("stores nothing even with a real id", async () => {
    const name = `operations/${env.OPERATIONS.newUniqueId().toString()}`;
    const statuses = [
      (await call("GET", `/v1/${name}`)).status,
      (await call("DELETE", `/v1/${name}`)).status,
      (await call("POST", `/v1/${name}:cancel`)).status,
      (await call("POST", `/v1/${name}:wait`)).status,
    ];

    expect(statuses).toEqual([404, 404, 404, 404]);
    expect(await storedEverywhere()).toEqual([]);
  });

  test("is NOT_FOUND under another parent, and the operation stays unchanged", async () => {
    const operation = await startScript(never);
    const elsewhere = [`projects/q/operations/${operation.id}`, `operations/${operation.id}`];
    for (const name of elsewhere) {
      expect((await call("GET", `/v1/${name}`)).status).toBe(404);
      expect((await call("POST", `/v1/${name}:cancel`)).status).toBe(404);
      expect((await call("POST", `/v1/${name}:wait`)).status).toBe(404);
      expect((await call("DELETE", `/v1/${name}`)).status).toBe(404);
    }

    expect(await storedRecord(operation)).toMatchObject({ state: "QUEUED", revision: 1 });
  });
});

async function listWith(bindings: object): Promise<Response> {
  return worker.fetch(new Request("https://operations.example/v1/operations"), bindings as typeof env);
}

describe("the deployment's configuration", () => {
  const variables = { ...env, AUTH: "open" };

  test.each([
    ["AUTH", "yes"],
    ["LEASE_SECONDS", "1"],
    ["LEASE_SECONDS", "a minute"],
    ["RESEND_SECONDS", "0"],
    ["KV_SNAPSHOTS", "maybe"],
  ])("fails the request and names the variable if it is wrong: %s=%s", async (variable, value) => {
    const response = await listWith({ ...variables, [variable]: value });
    const text = await response.text();

    expect(response.status).toBe(500);
    expect(text).toContain(variable);
    expect(text).toContain("CONFIGURATION_INVALID");
  });

  test("rejects every call without AUTH", async () => {
    const { AUTH: _, ...closed } = variables;
    const response = await listWith(closed);

    expect(response.status).toBe(403);
    expect(await response.text()).toContain("AUTHENTICATION_NOT_CONFIGURED");
  });
});

test("an operation of echo:wait is listed under the bare collection", async () => {
  const operation = await startEcho({ ttl: "5s" });

  expect(operation.name).toBe(`operations/${operation.id}`);
  expect(await storedRows("")).toHaveLength(1);
});
