// Watch: the states of an operation as server-sent events, over one hibernatable socket a watcher.
import { evictDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { EventReader } from "../support/event-stream";
import { eventually } from "../support/eventually";
import { controls } from "./controls";
import {
  type Started,
  advanceUntil,
  call,
  deliverNext,
  getOperation,
  openSockets,
  runNext,
  startScript,
  startedFrom,
  storedBy,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const TYPE = "type.googleapis.com/example.Progress";

/** An operation whose states the test makes. */
async function external(): Promise<Started> {
  return startedFrom(await call("POST", "/v1/projects/p/operations", {}));
}

async function report({ name }: Started, value: JsonObject): Promise<void> {
  const { status } = await call("PATCH", `/v1/${name}?updateMask=metadata`, { metadata: { "@type": TYPE, ...value } });
  expect(status).toBe(200);
}

async function finish({ name }: Started, fields: JsonObject = {}): Promise<void> {
  const response = { "@type": TYPE, ...fields };
  expect((await call("PATCH", `/v1/${name}?updateMask=response`, { response })).status).toBe(200);
}

function fetchWatch(name: string, headers: Record<string, string> = {}, query = ""): Promise<Response> {
  return exports.default.fetch(`https://operations.example/v1/${name}:watch${query}`, { headers });
}

async function watch(name: string, headers: Record<string, string> = {}, query = ""): Promise<EventReader> {
  const response = await fetchWatch(name, headers, query);
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/event-stream");
  return new EventReader(response.body);
}

describe("WatchOperation", () => {
  test("sends the present state, each change, and the end, in the form of GET", async () => {
    const operation = await external();
    const events = await watch(operation.name);
    const first = await events.next();
    const present = await call("GET", `/v1/${operation.name}`);
    expect(first).toEqual({ event: "operation", id: expect.any(String), data: JSON.stringify(present.body) });
    await report(operation, { percent: 50 });
    expect((await events.next())?.data).toBe(JSON.stringify(await getOperation(operation.name)));
    await finish(operation, { text: "a\nb" });
    expect((await events.next())?.data).toBe(JSON.stringify(await getOperation(operation.name)));

    expect(await events.next()).toBeUndefined();
    expect(events.retryMs).toBeGreaterThan(0);
    await eventually(async () => (await openSockets(operation, "wait")) === 0);
  });

  test("costs one call of the object, which hibernates meanwhile", async () => {
    const operation = await external();
    const events = await watch(operation.name);
    await events.next();
    const before = controls.callsOf(operation.id);
    await evictDurableObject(operation.stub);
    await report(operation, { percent: 1 });
    await events.next();
    await finish(operation);
    await events.rest();

    // Neither a look between nor one at the end.
    expect(before.filter((called) => called === "/wait")).toHaveLength(1);
    expect(controls.callsOf(operation.id).slice(before.length)).toEqual([]);
  });

  test("of an operation that is done sends one event and closes", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    await runNext();
    const events = await (await watch(operation.name)).rest();

    expect(events.map(({ data }) => JSON.parse(data))).toEqual([await getOperation(operation.name)]);
  });

  test("continues after Last-Event-ID, without the state that the client has", async () => {
    const operation = await external();
    const first = await watch(operation.name);
    const { id = "" } = (await first.next()) ?? {};
    await first.cancel();
    const second = await watch(operation.name, { "Last-Event-ID": id });
    await report(operation, { percent: 50 });
    const event = await second.next();
    await second.cancel();
    await report(operation, { percent: 60 });
    const third = await watch(operation.name, { "Last-Event-ID": event?.id ?? "" });

    expect(JSON.parse(event?.data ?? "")).toMatchObject({ metadata: { percent: 50 } });
    expect(JSON.parse((await third.next())?.data ?? "")).toMatchObject({ metadata: { percent: 60 } });
  });

  test.each(["", "x y", "-1", "no id of ours", "zzzzzzzzz"])("ignores %j, which is no id of an event", async (id) => {
    const operation = await external();
    const events = await watch(operation.name, { "Last-Event-ID": id });

    expect((await events.next())?.event).toBe("operation");
  });

  test("returns 204 for the id of the final state, which ends an EventSource", async () => {
    const operation = await startScript(async () => ({ text: "x".repeat(200_000) }));
    await runNext();
    const [done] = await (await watch(operation.name)).rest();
    const again = await fetchWatch(operation.name, { "Last-Event-ID": done?.id ?? "" });

    expect(JSON.parse(done?.data ?? "")).toMatchObject({ done: true });
    expect(again.status).toBe(204);
    expect(await again.text()).toBe("");
  });

  test("ends with `gone` when the operation is deleted", async () => {
    const operation = await external();
    const events = await watch(operation.name);
    await events.next();
    await call("DELETE", `/v1/${operation.name}`);

    expect(await events.rest()).toEqual([
      { event: "gone", id: expect.any(String), data: JSON.stringify({ name: operation.name }) },
    ]);
    expect((await fetchWatch(operation.name)).status).toBe(404);
  });

  test("continues when the socket to the object is cut", async () => {
    const operation = await external();
    const events = await watch(operation.name);
    await events.next();
    await evictDurableObject(operation.stub, { webSockets: "close" });
    await report(operation, { percent: 50 });

    expect(JSON.parse((await events.next())?.data ?? "")).toMatchObject({ metadata: { percent: 50 } });
  });

  test("closes its socket when its client disconnects", async () => {
    const operation = await external();
    const events = await watch(operation.name);
    await events.next();
    expect(await openSockets(operation, "wait")).toBe(1);
    await events.cancel();

    await eventually(async () => (await openSockets(operation, "wait")) === 0);
  });

  test("rejects HEAD with 405, and serves a client that accepts no event stream", async () => {
    const operation = await external();
    const head = await exports.default.fetch(`https://operations.example/v1/${operation.name}:watch`, {
      method: "HEAD",
    });
    expect(head.status).toBe(405);
    expect(head.headers.get("Allow")).toBe("GET");

    expect((await (await watch(operation.name, { Accept: "application/json" })).next())?.event).toBe("operation");
  });

  test("sends the requested fields", async () => {
    const operation = await external();
    const events = await watch(operation.name, {}, "?fields=done");
    expect((await events.next())?.data).toBe('{"done":false}');
    await finish(operation, { text: "x".repeat(200_000) });

    expect((await events.rest()).map(({ data }) => data)).toEqual(['{"done":true}']);
  });
});

describe("GetOperation with If-None-Match and Prefer: wait", () => {
  const change = (name: string, etag: string, wait = 30): Promise<Response> =>
    exports.default.fetch(`https://operations.example/v1/${name}`, {
      headers: { "If-None-Match": etag, Prefer: `wait=${wait}` },
    });
  const etagOf = async ({ name }: Started): Promise<string> =>
    (await call("GET", `/v1/${name}`)).headers.get("ETag") ?? "";

  test("answers when the ETag no longer matches, by one call of a hibernated object", async () => {
    const operation = await external();
    const etag = await etagOf(operation);
    const before = controls.callsOf(operation.id).length;
    const waiting = change(operation.name, etag);
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    await evictDurableObject(operation.stub);
    await report(operation, { percent: 50 });
    const answer = await waiting;

    expect(answer.status).toBe(200);
    expect(answer.headers.get("Preference-Applied")).toBe("wait=30");
    expect(await answer.json()).toMatchObject({ done: false, metadata: { percent: 50 } });
    expect(answer.headers.get("ETag")).not.toBe(etag);
    expect(controls.callsOf(operation.id).slice(before)).toEqual(["/wait"]);
    await eventually(async () => (await openSockets(operation, "wait")) === 0);
  });

  test("answers at once if the client has another state, or the operation is done", async () => {
    const operation = await external();
    const etag = await etagOf(operation);
    await report(operation, { percent: 50 });
    expect((await change(operation.name, etag)).status).toBe(200);
    await finish(operation);

    expect((await change(operation.name, await etagOf(operation))).status).toBe(304);
  });

  test("answers 304 when the time is over, with the ETag", async () => {
    const operation = await external();
    const etag = await etagOf(operation);
    const answer = await change(operation.name, `W/${etag}`, 0);

    expect(answer.status).toBe(304);
    expect(answer.headers.get("ETag")).toBe(etag);
    expect(answer.headers.get("Preference-Applied")).toBe("wait=0");
  });

  test("answers NOT_FOUND at once when the operation is deleted", async () => {
    const operation = await external();
    const waiting = change(operation.name, await etagOf(operation));
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    await call("DELETE", `/v1/${operation.name}`);

    expect((await waiting).status).toBe(404);
  });
});

describe("op.write", () => {
  const outputOf = async ({ name }: Started, offset = 0): Promise<JsonObject> =>
    (await call("GET", `/v1/${name}/output?offset=${offset}`)).body;

  test.each(["run", "direct"])("of a method started by %s is sent by :watch and read at /output", async (verb) => {
    const release = Promise.withResolvers<void>();
    const operation = await startScript(
      async (op) => {
        op.write("一二\n");
        await release.promise;
        op.write("three\n");
        return { text: "x".repeat(100_000) };
      },
      { verb },
    );
    const events = await watch(operation.name);
    const delivery = verb === "run" ? await deliverNext() : undefined;
    const output: JsonObject[] = [];
    let last: JsonObject = {};
    for (let event = await events.next(); event; event = await events.next()) {
      last = JSON.parse(event.data) as JsonObject;
      if (event.event !== "output") continue;
      output.push(last);
      release.resolve();
    }
    await delivery?.result();

    expect(output).toEqual([
      { text: "一二\n", offset: 0 },
      { text: "three\n", offset: 7 },
    ]);
    expect(last).toMatchObject({ done: true });
    expect(await outputOf(operation)).toEqual({ text: "一二\nthree\n", nextOffset: 13, done: true });
    // Within a letter: from the next one on.
    expect(await outputOf(operation, 1)).toEqual({ text: "二\nthree\n", nextOffset: 13, done: true });
    expect(await outputOf(operation, 9)).toEqual({ text: "ree\n", nextOffset: 13, done: true });
    expect(await outputOf(operation, 99)).toEqual({ text: "", nextOffset: 13, done: true });
  });

  test("of an operation that is done is sent to a watch from where its client is, and then 204", async () => {
    const operation = await startScript(async (op) => {
      op.write("hello");
      return {};
    });
    await runNext();
    const events = await (await watch(operation.name)).rest();
    const [first, second] = events;

    expect(events.map(({ event }) => event)).toEqual(["output", "operation"]);
    const behindOutput = await watch(operation.name, { "Last-Event-ID": first?.id ?? "" });
    expect(await behindOutput.rest()).toEqual([second]);
    expect((await fetchWatch(operation.name, { "Last-Event-ID": second?.id ?? "" })).status).toBe(204);
  });

  test("writes once what a function that is called again after a sleep has written before it", async () => {
    const operation = await startScript(async (op) => {
      op.write("before ");
      await op.step("one", async () => {
        op.write("in ");
        return 1;
      });
      op.write("between ");
      await op.sleep("10m");
      op.write("after");
      return {};
    });
    await runNext();
    expect(await outputOf(operation)).toEqual({ text: "before in between ", nextOffset: 18, done: false });
    await advanceUntil(operation, () => controls.sent.length > 0);
    await runNext();

    expect(await outputOf(operation)).toEqual({ text: "before in between after", nextOffset: 23, done: true });
  });

  test("rejects a value that is no text, and an offset below zero", async () => {
    const operation = await startScript(async (op) => {
      op.write(7 as never);
      return {};
    });
    await runNext();
    const { status } = await call("GET", `/v1/${operation.name}/output?offset=-1`);

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 13 } });
    expect(status).toBe(400);
  });

  test("is erased with the operation", async () => {
    const operation = await startScript(async (op) => {
      op.write("hello");
      return {};
    });
    await runNext();
    expect(await storedBy(operation)).toContain("output/000000000000");
    await call("DELETE", `/v1/${operation.name}`);

    expect((await call("GET", `/v1/${operation.name}/output`)).status).toBe(404);
    await eventually(async () => (await storedBy(operation)).length === 0);
  });

  test("keeps the latest MiB, in at most a few rows a second", async () => {
    const operation = await startScript(async (op) => {
      for (let line = 0; line < 60; line += 1) {
        op.write(`${String(line).padStart(3)}${"x".repeat(50_000)}`);
        await op.step(`${line}`, async () => line);
      }
      return {};
    });
    await runNext();
    const total = 60 * 50_003;
    const first = await outputOf(operation);
    let { nextOffset: next, text } = first as { nextOffset: number; text: string };
    const start = next - text.length;
    for (let bytes = text.length; next < total; next = Number((await outputOf(operation, next))["nextOffset"])) {
      bytes += 1;
      expect(bytes).toBeLessThan(1_000_000);
    }

    expect(total - start).toBeGreaterThanOrEqual(1_048_576);
    expect(total - start).toBeLessThan(1_048_576 + 130_000);
    expect((await outputOf(operation, total))["done"]).toBe(true);
  });
});
