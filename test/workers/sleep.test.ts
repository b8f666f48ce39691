// Time: durable sleeps that hold nothing, deadlines that hold without an alarm, and objects that may go at any moment.
import { evictDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { RpcError } from "../../src/index";
import { DEFAULT_LEASE_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  advanceUntil,
  alarmTime,
  call,
  deliverNext,
  fireAlarm,
  getOperation,
  listNames,
  openSockets,
  outboxIsEmpty,
  runNext,
  snapshotOf,
  startEcho,
  startScript,
  stateOf,
  storedBy,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();
afterEach(() => void vi.restoreAllMocks());

describe("a durable sleep", () => {
  test("holds no runner, no socket and no lease, only the alarm", async () => {
    const operation = await startEcho({ ttl: "3600s", success: { content: "good morning" } });
    await runNext();
    const record = (await storedRecord(operation))!;

    expect(record).toMatchObject({ state: "SLEEPING" });
    expect(record.fence).toBeUndefined();
    expect(record.leaseEndTime).toBeUndefined();
    expect(await openSockets(operation, "run")).toBe(0);
    expect(controls.sent).toEqual([]);
    // Once the index knows that it sleeps, nothing is due before it wakes.
    await advanceToAlarm(operation);
    await outboxIsEmpty(operation);
    await fireAlarm(operation);
    expect(await alarmTime(operation)).toBe(record.wakeTime);
  });

  test("ends at its wake time, by the alarm alone", async () => {
    const operation = await startEcho({ ttl: "3600s", success: { content: "good morning" } });
    await runNext();
    clock.advance(3_599_999);
    await fireAlarm(operation);
    const before = await stateOf(operation);
    clock.advance(1);
    await fireAlarm(operation);
    await runNext();

    expect(before).toBe("SLEEPING");
    expect(await getOperation(operation.name)).toMatchObject({
      done: true,
      response: { "@type": "type.googleapis.com/google.showcase.v1beta1.WaitResponse", content: "good morning" },
    });
  });

  test("is skipped when the handler reaches it again, and the next one is slept", async () => {
    const trace: string[] = [];
    const operation = await startScript(async (op) => {
      trace.push(`attempt ${op.attempt}`);
      await op.sleep("10m");
      trace.push("slept once");
      await op.sleep("5m");
      trace.push("slept twice");
      return {};
    });
    await runNext();
    clock.advance(600_000);
    await fireAlarm(operation);
    await runNext();
    clock.advance(300_000);
    await fireAlarm(operation);
    await runNext();

    expect(trace).toEqual(["attempt 1", "attempt 1", "slept once", "attempt 1", "slept once", "slept twice"]);
    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("runs no catch and no finally of the handler", async () => {
    const seen: string[] = [];
    const operation = await startScript(async (op) => {
      try {
        await op.sleep("10m");
      } catch (error) {
        seen.push(String(error));
        return { answer: "did not sleep" };
      } finally {
        seen.push("finally");
      }
      return { answer: "slept" };
    });
    await runNext();
    const first = await stateOf(operation);
    const seenAsleep = [...seen];
    clock.advance(600_000);
    await fireAlarm(operation);
    await runNext();

    expect(first).toBe("SLEEPING");
    expect(seenAsleep).toEqual([]);
    expect(seen).toEqual(["finally"]);
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { answer: "slept" } } });
  });

  test("ends at once if its time has passed", async () => {
    const operation = await startScript(async (op) => {
      await op.sleepUntil(new Date(0));
      await op.sleep("0s");
      return {};
    });
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("re-sends its message by the alarm if it ends while the queue is down", async () => {
    const operation = await startEcho({ ttl: "60s" });
    await runNext();
    controls.queueSend.fail("queue is down");
    clock.advance(60_000);
    await fireAlarm(operation);
    controls.queueSend.open();
    await advanceToAlarm(operation);
    for (let count = 0; count < 3 && controls.sent.length === 0; count += 1) await advanceToAlarm(operation);
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });
});

describe("a sleep of a few seconds", () => {
  test("is awaited by its runner, and wakes at the same time after a crash", async () => {
    const seen: string[] = [];
    const isAsleep = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      seen.push("called");
      isAsleep.resolve();
      await op.sleep("2s");
      seen.push("awake");
      return {};
    });
    const startTime = Date.now();
    const lost = await deliverNext();
    await isAsleep.promise;
    await eventually(async () => (await storedRecord(operation))?.sleeps !== undefined);
    const asleep = (await storedRecord(operation))!;
    // The runner is silent: its lease passes without a keep-alive, and another begins 75 s later, long after the wake time.
    clock.advance(DEFAULT_LEASE_MS + 1_000);
    await fireAlarm(operation);
    await runNext();
    await lost.result();

    expect(asleep).toMatchObject({ state: "RUNNING", sleeps: [{ ordinal: 0, wakeTime: startTime + 2_000 }] });
    expect(await getOperation(operation.name)).toMatchObject({ done: true });
    expect(seen).toEqual(["called", "called", "awake"]);
  });

  test("before a step's next try is waited for likewise, and a crash forgets no try", async () => {
    const tries: number[] = [];
    const operation = await startScript(async (op) => {
      const fails = ({ attempt }: { attempt: number }): never => {
        tries.push(attempt);
        throw new RpcError("UNAVAILABLE", "not now");
      };
      await op.step("flaky", fails, { retry: { maxAttempts: 2, initialBackoff: "3s" } }).catch(() => "failed");
      return {};
    });
    vi.spyOn(Math, "random").mockReturnValue(0.9);
    await deliverNext();
    await eventually(async () => (await storedRecord(operation))?.stepTries !== undefined);
    clock.advance(DEFAULT_LEASE_MS + 1_000);
    await fireAlarm(operation);
    await runNext();

    expect(tries).toEqual([1, 2]);
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: {} });
  });

  test("ends when a client cancels, without a run of the handler's catch or finally", async () => {
    const seen: string[] = [];
    const operation = await startScript(async (op) => {
      try {
        await op.sleep("3s");
      } finally {
        seen.push("finally");
      }
      return {};
    });
    const delivery = await deliverNext();
    await eventually(async () => (await storedRecord(operation))?.sleeps !== undefined);
    const cancelTime = performance.now();
    await call("POST", `/v1/${operation.name}:cancel`, {});
    await delivery.result();

    expect(performance.now() - cancelTime).toBeLessThan(1_000);
    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
    expect(seen).toEqual([]);
  });
});

describe("a deadline", () => {
  test("takes effect on a read, although no alarm has fired", async () => {
    const operation = await startScript(() => new Promise(() => {}), { verb: "hurry" });
    await deliverNext();
    clock.advance(9_999);
    const before = await getOperation(operation.name);
    clock.advance(1);
    const after = await getOperation(operation.name);

    expect(before.done).toBe(false);
    expect(after).toMatchObject({ done: true, error: { code: 4 } });
  });

  test.each([
    ["queued", async () => startScript(async () => ({}), { verb: "hurry" })],
    [
      "sleeping",
      async () => {
        const operation = await startScript(
          async (op) => {
            await op.sleep("1h");
            return {};
          },
          { verb: "hurry" },
        );
        await runNext();
        return operation;
      },
    ],
    [
      "backing off",
      async () => {
        const operation = await startScript(
          async () => {
            throw new Error("not now");
          },
          { verb: "hurry" },
        );
        await runNext();
        return operation;
      },
    ],
  ])("ends an operation that is %s, by the alarm", async (_, start) => {
    const operation = await start();
    clock.advance(10_000);
    await fireAlarm(operation);

    expect(await storedRecord(operation)).toMatchObject({ state: "FAILED", outcome: { error: { code: 4 } } });
  });

  test("tells the runner to stop, and its late result changes nothing", async () => {
    const stopped = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const operation = await startScript(
      async ({ signal }) => {
        signal.addEventListener("abort", () => stopped.resolve());
        await release.promise;
        return { answer: "late" };
      },
      { verb: "hurry" },
    );
    const delivery = await deliverNext();
    clock.advance(10_000);
    await fireAlarm(operation);
    await stopped.promise;
    release.resolve();
    await delivery.result();

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 4 } });
  });
});

describe("expiry", () => {
  test("hides the operation at its time, and erases it", async () => {
    const operation = await startScript(async () => ({}), { verb: "forget" });
    await runNext();
    await outboxIsEmpty(operation);
    clock.advance(59_999);
    const before = await call("GET", `/v1/${operation.name}`);
    clock.advance(1);
    const after = await call("GET", `/v1/${operation.name}`);

    expect(before.status).toBe(200);
    expect(after.status).toBe(404);
    await eventually(async () => (await storedBy(operation)).length === 0);
  });
});

async function evict(operation: Started): Promise<void> {
  // Not running is as good as evicted.
  await evictDurableObject(operation.stub).catch(() => undefined);
}

describe("an object that is evicted between any two calls", () => {
  test("completes retry, sleep and success of an operation", async () => {
    const operation = await startScript(async (op) => {
      if (op.attempt === 1) throw new Error("the first always fails");
      await op.sleep("30m");
      op.progress({ progressPercent: 100 });
      return { answer: 42 };
    });
    await evict(operation);
    expect((await getOperation(operation.name)).done).toBe(false);
    await evict(operation);
    await runNext();
    await evict(operation);
    expect(await stateOf(operation)).toBe("BACKING_OFF");
    clock.advance(60_000);
    await evict(operation);
    await fireAlarm(operation);
    await evict(operation);
    await runNext();
    await evict(operation);
    expect(await stateOf(operation)).toBe("SLEEPING");
    clock.advance(1_800_000);
    await evict(operation);
    await fireAlarm(operation);
    await evict(operation);
    await runNext();
    await evict(operation);
    const ended = await getOperation(operation.name);
    await evict(operation);
    // An alarm that was armed for something earlier finds nothing due, and arms the next one.
    await advanceUntil(operation, async () => Object.keys((await storedRecord(operation))?.outbox ?? {}).length === 0);

    expect(ended).toMatchObject({ done: true, response: { value: { answer: 42 } } });
    expect(ended.metadata.value).toMatchObject({ progressPercent: 100 });
    expect(await snapshotOf(operation)).toBe(JSON.stringify(ended));
    expect(await listNames("projects/p")).toEqual([operation.name]);
  });

  test("completes a cancellation and a deletion", async () => {
    const running = Promise.withResolvers<void>();
    const operation = await startScript(async ({ signal }) => {
      running.resolve();
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      throw signal.reason;
    });
    await evict(operation);
    const delivery = await deliverNext();
    await running.promise;
    await evict(operation);
    expect((await call("POST", `/v1/${operation.name}:cancel`)).status).toBe(200);
    await evict(operation);
    await delivery.result();
    await evict(operation);
    const ended = await getOperation(operation.name);
    await evict(operation);
    expect((await call("DELETE", `/v1/${operation.name}`)).status).toBe(200);
    await eventually(async () => (await storedBy(operation)).length === 0);

    expect(ended).toMatchObject({ done: true, error: { code: 1 } });
  });
});

describe("a sleep that is sent to the index first", () => {
  test("does not hide an end that arrived meanwhile", async () => {
    const operation = await startScript(
      async (op) => {
        op.progress({ progressPercent: 50 });
        await op.sleep("9s");
        return {};
      },
      { verb: "hurry" },
    );
    clock.advance(4_000);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);
    const toldBefore = controls.indexWrite.passed;
    const release = controls.indexWrite.holdNext();
    const delivery = await deliverNext();
    await eventually(() => controls.indexWrite.passed > toldBefore);
    clock.advance(6_000);
    const ended = await getOperation(operation.name);
    release();
    await delivery.result();
    await fireAlarm(operation);
    await outboxIsEmpty(operation);

    expect(ended).toMatchObject({ done: true, error: { code: 4 } });
    expect((await call("GET", "/v1/projects/p/operations?filter=done=true")).body["operations"]).toMatchObject([
      { name: operation.name, done: true, error: { code: 4 } },
    ]);
  });
});
