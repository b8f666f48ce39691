// Wait: a waiter hangs on a hibernatable socket and is answered by a push. No caller polls.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { MAX_HELD_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Answer,
  type Started,
  call,
  deliverNext,
  fireAlarm,
  getOperation,
  openSockets,
  runNext,
  socketIsOpen,
  startScript,
  useFreshWorld,
} from "./harness";

useFreshWorld();

/** Starts waits, and sees to it that all of them hang. */
async function hang(operation: Started, count: number, timeout = "60s"): Promise<Promise<Answer>[]> {
  // The object holds the waiters of younger work without a socket.
  clock.advance(MAX_HELD_MS);
  const before = await openSockets(operation, "wait");
  const waits = Array.from({ length: count }, () => call("POST", `/v1/${operation.name}:wait`, { timeout }));
  await eventually(async () => (await openSockets(operation, "wait")) === before + count);
  return waits;
}

describe("a waiter of new work", () => {
  const wait = ({ name }: Started): Promise<Answer> => call("POST", `/v1/${name}:wait`, { timeout: "20s" });
  const waiters = async ({ name }: Started): Promise<unknown> =>
    (await call("GET", `/v1/${name}:explain`)).body["waiters"];

  test("is answered without a socket if the work ends within a second", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    const waiting = wait(operation);
    await eventually(async () => (await waiters(operation)) === 1);
    await runNext();

    expect((await waiting).body).toMatchObject({ done: true, response: { value: { answer: 42 } } });
    expect(controls.callsOf(operation.id)).not.toContain("/wait");
  });

  test("gets a socket as soon as the runner has one", async () => {
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      await release.promise;
      return {};
    });
    const waiting = wait(operation);
    const delivery = await deliverNext();
    await eventually(async () => (await waiters(operation)) === 1);
    expect(await openSockets(operation, "wait")).toBe(0);
    await socketIsOpen(operation);
    const time = performance.now();
    await eventually(async () => (await openSockets(operation, "wait")) === 1);

    expect(performance.now() - time).toBeLessThan(MAX_HELD_MS / 2);
    release.resolve();
    await delivery.result();
    expect((await waiting).body).toMatchObject({ done: true });
  });

  test("gets a socket as soon as the work sleeps", async () => {
    const operation = await startScript(async (op) => {
      await op.sleep("1h");
      return {};
    });
    const waiting = wait(operation);
    await eventually(async () => (await waiters(operation)) === 1);
    await runNext();
    const time = performance.now();
    await eventually(async () => (await openSockets(operation, "wait")) === 1);

    expect(performance.now() - time).toBeLessThan(MAX_HELD_MS / 2);
    await call("POST", `/v1/${operation.name}:cancel`);
    expect((await waiting).body).toMatchObject({ done: true, error: { code: 1 } });
  });

  test("gets a socket at once if the work is a second old and no runner is at it", async () => {
    const operation = await startScript(async () => ({}));
    clock.advance(MAX_HELD_MS);
    const time = performance.now();
    const waiting = wait(operation);
    await eventually(async () => (await openSockets(operation, "wait")) === 1);

    expect(performance.now() - time).toBeLessThan(MAX_HELD_MS / 2);
    await runNext();
    expect((await waiting).body).toMatchObject({ done: true });
  });
});

describe("every waiter", () => {
  test("is answered by the push of a hibernated object, with two requests each", async () => {
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      await release.promise;
      return { answer: 42 };
    });
    const waits = await hang(operation, 50);
    const delivery = await deliverNext();
    await socketIsOpen(operation);
    await evictDurableObject(operation.stub);
    release.resolve();
    await delivery.result();
    const answers = await Promise.all(waits);
    const calls = controls.callsOf(operation.id);

    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body).toMatchObject({ done: true, response: { value: { answer: 42 } } });
    }
    expect(calls.filter((called) => called === "/wait")).toHaveLength(50);
    // Neither a look before the end nor one after it.
    expect(calls.filter((called) => called === "get")).toEqual([]);
    expect(calls.filter((called) => called === "endSoon")).toHaveLength(50);
    const others = calls.filter((called) => called !== "/wait" && called !== "endSoon");
    expect(others.toSorted()).toEqual(["/run", "claim", "start"]);
    expect(await openSockets(operation, "wait")).toBe(0);
  });

  test("gets the same bytes as GET", async () => {
    const operation = await startScript(async () => ({ text: 'quotes " and 三' }));
    const [wait] = await hang(operation, 1);
    await runNext();
    const { body, headers } = await wait!;
    const got = await call("GET", `/v1/${operation.name}`);

    expect(JSON.stringify(body)).toBe(JSON.stringify(got.body));
    expect(headers.get("ETag")).toBe(got.headers.get("ETag"));
  });

  test("fetches a result that is too large to push to thousands", async () => {
    const text = "x".repeat(200_000);
    const operation = await startScript(async () => ({ text }));
    const waits = await hang(operation, 3);
    await runNext();
    const answers = await Promise.all(waits);

    for (const { body } of answers) expect(body).toMatchObject({ done: true, response: { value: { text } } });
    expect(controls.callsOf(operation.id).filter((called) => called === "get")).toHaveLength(3);
  });

  test("gets NOT_FOUND at once when the operation is deleted meanwhile", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await deliverNext();
    const waits = await hang(operation, 5);
    await evictDurableObject(operation.stub);
    await call("DELETE", `/v1/${operation.name}`);
    const answers = await Promise.all(waits);

    for (const { status, body } of answers) {
      expect(status).toBe(404);
      expect(body["error"]).toMatchObject({ status: "NOT_FOUND" });
    }
  });

  test("is answered by a cancellation, and by a deadline", async () => {
    const cancelled = await startScript(async () => ({}));
    const late = await startScript(async () => ({}), { verb: "hurry" });
    const [first] = await hang(cancelled, 1);
    const [second] = await hang(late, 1);
    await call("POST", `/v1/${cancelled.name}:cancel`);
    clock.advance(10_000);
    await fireAlarm(late);

    expect((await first!).body).toMatchObject({ done: true, error: { code: 1 } });
    expect((await second!).body).toMatchObject({ done: true, error: { code: 4 } });
  });

  test("subscribes again if the socket is cut, and is then answered by the push", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    const [wait] = await hang(operation, 1);
    await evictDurableObject(operation.stub, { webSockets: "close" });
    await eventually(() => controls.callsOf(operation.id).filter((called) => called === "/wait").length === 2);
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    await runNext();

    expect((await wait!).body).toMatchObject({ done: true, response: { value: { answer: 42 } } });
    expect(controls.callsOf(operation.id).filter((called) => called === "get")).toEqual([]);
  });
});

describe("WaitOperation", () => {
  test("answers at once for a finished operation, with one request and no socket", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    await runNext();
    const before = controls.callsOf(operation.id).length;
    const { body } = await call("POST", `/v1/${operation.name}:wait`);

    expect(body).toMatchObject({ done: true });
    expect(controls.callsOf(operation.id).slice(before)).toEqual(["endSoon"]);
  });

  test.each(["0s", "0.000000001s", "0.05s"])(
    "returns for %s the latest state and leaves no socket",
    async (timeout) => {
      const operation = await startScript(() => new Promise(() => {}));
      await deliverNext();
      const { status, body } = await call("POST", `/v1/${operation.name}:wait`, { timeout });

      expect(status).toBe(200);
      expect(body).toEqual(await getOperation(operation.name));
      expect(body).toMatchObject({ done: false });
      await eventually(async () => (await openSockets(operation, "wait")) === 0);
    },
  );

  test("returns the latest state, not that of its beginning, when its time is up", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    const waiting = call("POST", `/v1/${operation.name}:wait?timeout=0.5s`);
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    await deliverNext();

    expect((await waiting).body).toMatchObject({
      done: false,
      metadata: { value: { statusMessage: "Running." } },
    });
  });

  test.each(["-1s", "-0.5s", "1", "1m", "", "s", "1e3s", "9999999999999s"])(
    "rejects %j as no timeout",
    async (timeout) => {
      const operation = await startScript(() => new Promise(() => {}));
      const { status, body } = await call("POST", `/v1/${operation.name}:wait`, { timeout });

      expect(status).toBe(400);
      expect(body["error"]).toMatchObject({ status: "INVALID_ARGUMENT" });
      expect(JSON.stringify(body)).toContain('"field":"timeout"');
      expect(controls.callsOf(operation.id)).toEqual(["start"]);
    },
  );

  test("returns UNAVAILABLE if the object cannot be reached", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await runInDurableObject(operation.stub, (_instance, { storage }) => {
      storage.kv.put("record", { schemaVersion: 1, state: "no such state" });
    });
    await evictDurableObject(operation.stub);
    const { status, body, headers } = await call("POST", `/v1/${operation.name}:wait`, { timeout: "10s" });

    expect(status).toBe(503);
    expect(body["error"]).toMatchObject({ status: "UNAVAILABLE" });
    expect(headers.get("Retry-After")).not.toBeNull();
  });
});
