// GET /v1/{name}:explain in the runtime: what the object knows beside its record, and what of that a caller may know.
import { env } from "cloudflare:workers";
import { DEFAULT_LEASE_MS } from "../../src/limits";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { aDeployment, aMethod, MAKE } from "./a-deployment";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  call,
  deliverNext,
  outboxIsEmpty,
  runNext,
  startScript,
  storedBy,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

async function explain({ name }: Pick<Started, "name">): Promise<JsonObject> {
  const { status, body } = await call("GET", `/v1/${name}:explain`);
  expect(status).toBe(200);
  return body;
}

function eventsOf(explained: JsonObject): string[] {
  return (explained["next"] as { event: string }[]).map(({ event }) => event);
}

test("ExplainOperation says that a queued operation waits for a consumer", async () => {
  const operation = await startScript(async () => ({}));

  const explained = await explain(operation);

  expect(explained).toMatchObject({
    name: operation.name,
    state: "QUEUED",
    done: false,
    queue: { sends: 1, lane: expect.stringMatching(/^QUEUE/) },
    attempts: [],
    advice: [],
  });
  expect(explained["summary"]).toContain("no consumer has claimed it");
  expect(eventsOf(explained)).toEqual(["index", "resend", "passDeadline"]);
  expect(explained["alarmTime"]).toBe(explained["dueTime"]);
});

test("ExplainOperation names the lines to check for a queued operation that no consumer claims", async () => {
  const operation = await startScript(async () => ({}));
  while (controls.sent.length < 3) await advanceToAlarm(operation);

  const explained = await explain(operation);

  expect(explained["queue"]).toMatchObject({ sends: 3 });
  expect(explained["advice"]).toEqual([expect.stringContaining("wrangler queues info")]);
});

test("ExplainOperation has the attempt, the lease and the runner of a running operation, and no token", async () => {
  const work = Promise.withResolvers<void>();
  const operation = await startScript(async () => {
    await work.promise;
    return {};
  });
  const delivery = await deliverNext();
  await eventually(async () => (await storedRecord(operation))?.state === "RUNNING");

  const explained = await explain(operation);
  const { fence = "none" } = (await storedRecord(operation)) ?? {};

  expect(explained).toMatchObject({
    state: "RUNNING",
    attempts: [{ number: 1, startTime: expect.any(String) }],
    lease: { connected: true, endTime: expect.any(String) },
  });
  expect(explained["summary"]).toContain("Its runner is connected");
  expect(JSON.stringify(explained)).not.toContain(fence);
  work.resolve();
  await delivery.result();
});

test("ExplainOperation has the error of a failed attempt, and the time of the next", async () => {
  const operation = await startScript(async () => {
    throw new RpcError("UNAVAILABLE", "The warehouse is down.");
  });
  await runNext();

  const explained = await explain(operation);

  expect(explained).toMatchObject({
    state: "BACKING_OFF",
    attempts: [{ number: 1, end: "FAILED", code: "UNAVAILABLE", message: "The warehouse is down.", retryable: true }],
    attemptCounts: { failed: 1, maxFailed: 3, lost: 0 },
  });
  expect(explained["summary"]).toMatch(/^Attempt 1 failed at .* with UNAVAILABLE: The warehouse is down\. It waits/);
  expect(eventsOf(explained)).toContain("wake");
});

test("ExplainOperation distinguishes a lost attempt from one that failed", async () => {
  const operation = await startScript(() => new Promise(() => {}));
  await deliverNext();
  await eventually(async () => (await storedRecord(operation))?.state === "RUNNING");
  clock.advance(DEFAULT_LEASE_MS + 1_000);

  // The read itself settles what is due.
  const explained = await explain(operation);

  expect(explained["attempts"]).toMatchObject([{ number: 1, end: "LOST" }]);
  expect(explained["attemptCounts"]).toMatchObject({ failed: 0, lost: 1, lostInARow: 1 });
});

test("ExplainOperation has the end of a finished operation, the reason without a retry, and the expiry", async () => {
  const operation = await startScript(async () => {
    throw new RpcError("FAILED_PRECONDITION", "The table is locked.");
  });
  await runNext();
  await outboxIsEmpty(operation);

  const explained = await explain(operation);

  expect(explained).toMatchObject({ state: "FAILED", done: true, outbox: [] });
  expect(explained["summary"]).toMatch(/FAILED_PRECONDITION: The table is locked\. The handler threw an RpcError/);
  expect(eventsOf(explained)).toEqual(["expire"]);
});

test("ExplainOperation shows a failing effect, with its target and the place to look", async () => {
  controls.snapshotWrite.fail("KV is down");
  const operation = await startScript(async () => ({}));
  await runNext();
  await eventually(async () => ((await storedRecord(operation))?.outbox.snapshot?.failures ?? 0) > 0);

  const explained = await explain(operation);

  expect(explained["outbox"]).toMatchObject([{ effect: "snapshot", failures: 1 }]);
  expect(explained["advice"]).toEqual([expect.stringContaining("KV cannot be told")]);
});

describe("a slot", () => {
  const slotted = aDeployment({ methods: [aMethod(async () => ({}), { maxConcurrent: 1 })] });
  const startOne = async (): Promise<string> => (await slotted.post(MAKE)).operation.name;

  test("shows its waiter, and the number of waiters before it", async () => {
    const [first, second, third] = [await startOne(), await startOne(), await startOne()];
    // Held by hand: what holds it is no operation of this test.
    const { runSlot } = (await storedRecord(await startedOf(first)))!;
    const slots = env.SLOTS.getByName(runSlot!.key);
    await slots.acquire({ operationId: first.split("/").at(-1)!, limit: 1, waits: false });
    await slotted.deliver(second);
    await slotted.deliver(third);

    const explained = (await slotted.call("GET", `/v1/${third}:explain`)).json;

    expect(explained["runSlot"]).toMatchObject({ limit: 1, held: false, holders: 1, waiters: 2, ahead: 1 });
    expect(explained["summary"]).toContain("waits for a slot: 1 of 1");
    expect(explained["advice"]).toEqual([expect.stringContaining("maxConcurrent")]);
  });
});

async function startedOf(name: string): Promise<Started> {
  const id = name.split("/").at(-1)!;
  return { name, id, stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(id)) };
}

describe("an operation that was deleted while it ran", () => {
  test("is explained, because it still holds its slots, and is NOT_FOUND for every other method", async () => {
    const work = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      await work.promise;
      return {};
    });
    const delivery = await deliverNext();
    await eventually(async () => (await storedRecord(operation))?.state === "RUNNING");
    await call("DELETE", `/v1/${operation.name}`);

    const explained = await explain(operation);

    expect(explained).toMatchObject({ state: "RUNNING", deleteTime: expect.any(String) });
    expect(explained["summary"]).toMatch(/^It was deleted at .* its work goes on to its end/);
    expect((await call("GET", `/v1/${operation.name}`)).status).toBe(404);

    work.resolve();
    await delivery.result();
    await eventually(async () => (await storedBy(operation)).length === 0);
    expect((await call("GET", `/v1/${operation.name}:explain`)).status).toBe(404);
  });
});

test("ExplainOperation returns NOT_FOUND under another parent", async () => {
  const operation = await startScript(async () => ({}));

  const { status, body } = await call("GET", `/v1/projects/q/operations/${operation.id}:explain`);

  expect(status).toBe(404);
  expect(body["error"]).toMatchObject({ code: 404, status: "NOT_FOUND" });
});

test("ExplainOperation writes nothing", async () => {
  const operation = await startScript(async () => ({}));
  const before = await storedRecord(operation);

  await explain(operation);

  expect(await storedRecord(operation)).toEqual(before);
});
