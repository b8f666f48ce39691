// The queue handler with every kind of message: its own, dead letters, and those of the Worker's owner.
import { createExecutionContext, createMessageBatch, getQueueResult, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { operations } from "../../src/index";
import { MAKE, aMethod } from "./a-deployment";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  alarmTime,
  deliverNext,
  fireAlarm,
  getOperation,
  loseAlarm,
  runNext,
  startScript,
  startedFrom,
  stateOf,
  storedRecord,
  storedBy,
  useFreshWorld,
} from "./harness";
import worker from "./worker";

useFreshWorld();

/** Messages with these bodies, and what became of each: acknowledged, or to be tried again. */
async function delivered(bodies: unknown[], { queue = "edge-operations", handler = worker.queue } = {}) {
  const messages = bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch(queue, messages);
  const context = createExecutionContext();
  await handler(batch, env, context);
  const { explicitAcks, retryMessages, ackAll } = await getQueueResult(batch, context);
  return { acknowledged: explicitAcks, again: retryMessages.map(({ msgId }) => msgId), ackAll };
}

describe("the queue handler", () => {
  test("ends after the work has ended, and leaves nothing under waitUntil", async () => {
    const work = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      await work.promise;
      return { answer: 42 };
    });
    const message = { id: "m", timestamp: new Date(), attempts: 1, body: controls.sent.shift()! };
    const batch = createMessageBatch("edge-operations", [message]);
    const left: unknown[] = [];
    const context = { ...createExecutionContext(), waitUntil: (promise: unknown) => void left.push(promise) };
    let hasEnded = false;
    const handled = worker.queue(batch, env, context).finally(() => {
      hasEnded = true;
    });
    await expect.poll(() => stateOf(operation)).toBe("RUNNING");
    const endedBefore = hasEnded;
    work.resolve();
    await handled;

    expect(endedBefore).toBe(false);
    expect(left).toEqual([]);
    // Nothing else was awaited: the result is there.
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: { value: { answer: 42 } } });
  });

  test("runs the messages of one batch side by side", async () => {
    const both = Promise.withResolvers<void>();
    let running = 0;
    const script = async () => {
      running += 1;
      if (running === 2) both.resolve();
      await both.promise;
      return {};
    };
    await startScript(script);
    await startScript(script);
    const { acknowledged } = await delivered(controls.sent.splice(0));

    expect(acknowledged).toHaveLength(2);
    expect(running).toBe(2);
  });
});

describe("a dead letter", () => {
  const queue = "edge-operations-dead-letters";

  test("runs an operation that has lost its message and its alarm", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    controls.sent.length = 0;
    await loseAlarm(operation.stub);
    clock.advance(5 * 60_000);
    const { acknowledged, again } = await delivered([{ id: operation.id }], { queue });

    expect({ acknowledged, again }).toEqual({ acknowledged: ["m0"], again: [] });
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: { value: { answer: 42 } } });
  });

  test("arms the lost alarm of a sleeping operation", async () => {
    const operation = await startScript(async (op) => {
      await op.sleep("30m");
      return {};
    });
    await runNext();
    await loseAlarm(operation.stub);
    const { acknowledged } = await delivered([{ id: operation.id }], { queue });

    expect(acknowledged).toEqual(["m0"]);
    expect(await alarmTime(operation)).toBe((await storedRecord(operation))?.wakeTime);
    expect(await stateOf(operation)).toBe("SLEEPING");
  });

  test("changes nothing for work that runs or is done", async () => {
    const running = await startScript(() => new Promise(() => {}));
    const done = await startScript(async () => ({}));
    const [first, second] = controls.sent.splice(0, 2);
    controls.sent.push(second!);
    await runNext();
    controls.sent.push(first!);
    await deliverNext();
    const before = [await getOperation(done.name), await stateOf(running)];
    const { acknowledged, again } = await delivered([{ id: done.id }, { id: running.id }], { queue });

    expect(before[1]).toBe("RUNNING");
    expect([await getOperation(done.name), await stateOf(running)]).toEqual(before);
    expect({ acknowledged: acknowledged.toSorted(), again }).toEqual({ acknowledged: ["m0", "m1"], again: [] });
  });

  test("is acknowledged for an unknown operation, and stores nothing", async () => {
    const unknown = env.OPERATIONS.newUniqueId();
    const { acknowledged } = await delivered([{ id: unknown.toString() }], { queue });

    expect(acknowledged).toEqual(["m0"]);
    expect(await storedBy({ stub: env.OPERATIONS.get(unknown) })).toEqual([]);
  });

  test("is retried if its operation cannot be reached", async () => {
    const operation = await startScript(async () => ({}));
    controls.cuts.set("claim", "lost");
    const { acknowledged, again } = await delivered([{ id: operation.id }], { queue });

    expect({ acknowledged, again }).toEqual({ acknowledged: [], again: ["m0"] });
    expect(await stateOf(operation)).toBe("QUEUED");
  });
});

describe("a message that names no operation", () => {
  const foreign = [
    null,
    "text",
    7,
    [],
    {},
    { id: null },
    { id: 7 },
    { id: "no-id" },
    { id: "0".repeat(64) },
    new Uint8Array(3),
  ];

  test.each(["edge-operations", "edge-operations-dead-letters", "owner-dead-letters"])(
    "is retried, never acknowledged, in %s",
    async (queue) => {
      const { acknowledged, again, ackAll } = await delivered(foreign, { queue });

      expect({ acknowledged, ackAll }).toEqual({ acknowledged: [], ackAll: false });
      expect(again).toEqual(foreign.map((_, index) => `m${index}`));
    },
  );

  test("belongs to the owner even with an operation's id among other fields", async () => {
    const operation = await startScript(async () => ({}));
    const { acknowledged, again } = await delivered([{ id: operation.id, remind: "me" }]);

    expect({ acknowledged, again }).toEqual({ acknowledged: [], again: ["m0"] });
    expect(await stateOf(operation)).toBe("QUEUED");
  });

  test("belongs to the owner even with an id of another class of objects", async () => {
    const { again } = await delivered([{ id: env.POLICIES.newUniqueId().toString() }]);

    expect(again).toEqual(["m0"]);
  });
});

describe("operations({ queue })", () => {
  const methods = [] as const;

  test("gets a batch of the owner's messages unchanged", async () => {
    const batches: MessageBatch[] = [];
    const { queue } = operations({ methods, queue: (batch) => void batches.push(batch) });
    const batch = createMessageBatch("owner", [{ id: "m0", timestamp: new Date(), attempts: 1, body: "text" }]);
    await queue(batch, env, createExecutionContext());

    expect(batches).toHaveLength(1);
    expect(batches[0]).toBe(batch);
  });

  test("fails with its handler's error, as without the library", async () => {
    const { queue } = operations({ methods, queue: () => Promise.reject(new Error("the owner's own")) });

    await expect(delivered(["text"], { queue: "owner", handler: queue })).rejects.toThrow("the owner's own");
  });

  test("gets the owner's part of a mixed batch, and decides about that part alone", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    const bodies = ["acknowledged", { id: operation.id }, "retried"];
    const seen: unknown[] = [];
    const { queue } = operations({
      methods: [],
      queue: (batch: MessageBatch<string>) => {
        seen.push(batch.queue, ...batch.messages.map(({ body }) => body));
        batch.messages[0]?.ack();
        batch.retryAll();
      },
    });
    const { acknowledged, again } = await delivered(bodies, { handler: queue });

    expect(seen).toEqual(["edge-operations", "acknowledged", "retried"]);
    expect({ acknowledged: acknowledged.toSorted(), again }).toEqual({ acknowledged: ["m0", "m1"], again: ["m2"] });
  });

  test("has its part of a mixed batch retried if it fails, while the operation's message is acknowledged", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    const { queue } = operations({
      methods: [],
      queue: (batch) => {
        batch.messages[0]?.ack();
        throw new Error("the owner's own");
      },
    });
    const { acknowledged, again } = await delivered(["first", { id: operation.id }, "second"], { handler: queue });

    expect({ acknowledged: acknowledged.toSorted(), again }).toEqual({ acknowledged: ["m0", "m1"], again: ["m2"] });
  });
});

describe("lanes", () => {
  test("share the operations, and each re-send uses the next lane", async () => {
    const operation = await startScript(async () => ({}));
    while (controls.sentThrough.length < 5) {
      clock.advanceTo((await alarmTime(operation))!);
      await fireAlarm(operation);
    }
    const lanes = ["QUEUE", "QUEUE_2", "QUEUE_3", "QUEUE_4"];
    const first = lanes.indexOf(controls.sentThrough[0]!);

    expect(first).toBeGreaterThanOrEqual(0);
    expect(controls.sentThrough.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map((turn) => lanes[(first + turn) % 4]));
  });

  describe("a method's own queue", () => {
    const deployment = operations({ methods: [aMethod(async () => ({}), { queue: "TRANSCODE" })] });
    const start = () => new Request(`https://operations.example${MAKE}`, { method: "POST" });

    test("carries the method's messages, re-sends included", async () => {
      const response = await deployment.fetch(start(), { ...env, TRANSCODE: env.QUEUE } as typeof env);
      const operation = startedFrom({
        status: response.status,
        headers: response.headers,
        body: await response.json(),
      });
      while (controls.sentThrough.length < 2) {
        clock.advanceTo((await alarmTime(operation))!);
        await fireAlarm(operation);
      }

      expect(controls.sentThrough).toEqual(["TRANSCODE", "TRANSCODE"]);
    });

    test("fails every call while it is not bound, and names the binding and the method", async () => {
      const response = await deployment.fetch(start(), env);
      const text = await response.text();

      expect(response.status).toBe(500);
      expect(text).toContain("BINDING_MISSING");
      expect(text).toContain("the binding TRANSCODE is missing");
      expect(text).toContain("the method things:make names it");
    });
  });
});

test("a read arms an alarm that was lost while its object stayed in memory", async () => {
  const operation = await startScript(async () => ({}));
  controls.sent.length = 0;
  await runInDurableObject(operation.stub, (_instance, { storage }) => storage.deleteAlarm());
  clock.advance(40 * 60_000);
  await getOperation(operation.name);
  const armed = await alarmTime(operation);
  await fireAlarm(operation);

  expect(armed).toBeGreaterThan(Date.now() - 1);
  expect(controls.sent).toEqual([{ id: operation.id }]);
});
