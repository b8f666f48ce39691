// Cancel: at once where nothing runs, through the handler where something does, and after the grace period in any case.
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { RpcError } from "../../src/index";
import { DEFAULT_LEASE_MS } from "../../src/limits";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  alarmTime,
  call,
  deliverNext,
  fireAlarm,
  getOperation,
  outboxIsEmpty,
  runNext,
  snapshotOf,
  startEcho,
  startScript,
  stateOf,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const GRACE_MS = 30_000;

async function cancel({ name }: Started): Promise<void> {
  expect(await call("POST", `/v1/${name}:cancel`, {})).toMatchObject({ status: 200, body: {} });
}

/** A script that runs until its signal is aborted, and then does what `react` does. */
function untilAborted(react: (reason: unknown) => Promise<object>) {
  const running = Promise.withResolvers<void>();
  return {
    running: running.promise,
    script: async ({ signal }: { signal: AbortSignal }) => {
      running.resolve();
      await new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      return react(signal.reason);
    },
  };
}

describe("a cancel request", () => {
  test("stops a running handler with code 1 and without a retry", async () => {
    let reason: unknown;
    const { running, script } = untilAborted(async (given) => {
      reason = given;
      throw given;
    });
    const operation = await startScript(script);
    const delivery = await deliverNext();
    await running;
    await cancel(operation);
    await delivery.result();
    const { error, done, metadata } = await getOperation(operation.name);

    expect(reason).toMatchObject({ code: "CANCELLED" });
    expect(done).toBe(true);
    expect(error).toMatchObject({ code: 1 });
    expect(error).not.toHaveProperty("details");
    expect(metadata.value).toMatchObject({ requestedCancellation: true });
    expect(controls.sent).toEqual([]);
  });

  test("stops the handler of an operation whose object was evicted meanwhile", async () => {
    const { running, script } = untilAborted(async (reason) => {
      throw reason;
    });
    const operation = await startScript(script);
    const delivery = await deliverNext();
    await running;
    await evictDurableObject(operation.stub);
    await cancel(operation);
    await delivery.result();

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
  });

  test("is visible at once, while the handler still runs", async () => {
    const release = Promise.withResolvers<void>();
    const { running, script } = untilAborted(async () => {
      await release.promise;
      return { answer: "just in time" };
    });
    const operation = await startScript(script);
    const delivery = await deliverNext();
    await running;
    await cancel(operation);
    const during = await getOperation(operation.name);
    release.resolve();
    await delivery.result();

    expect(during).toMatchObject({ done: false, metadata: { value: { requestedCancellation: true } } });
    // Its own result counts, if the work finished first.
    expect(await getOperation(operation.name)).toMatchObject({
      done: true,
      response: { value: { answer: "just in time" } },
    });
  });

  test("turns any later failure into a cancellation without a retry", async () => {
    const { running, script } = untilAborted(async () => {
      throw new RpcError("UNAVAILABLE", "could not even stop properly");
    });
    const operation = await startScript(script);
    const delivery = await deliverNext();
    await running;
    await cancel(operation);
    await delivery.result();

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
    expect(controls.sent).toEqual([]);
  });

  test("ends an operation whose handler then sleeps, because the yield confirms the stop", async () => {
    const running = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      running.resolve();
      await release.promise;
      await op.sleep("1h");
      return {};
    });
    const delivery = await deliverNext();
    await running.promise;
    await cancel(operation);
    release.resolve();
    await delivery.result();

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
  });

  test("ends the operation after the grace period if the handler ignores it, with an unconfirmed stop in the message", async () => {
    const release = Promise.withResolvers<void>();
    const running = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      running.resolve();
      await release.promise;
      return { answer: "much too late" };
    });
    const delivery = await deliverNext();
    await running.promise;
    await cancel(operation);
    clock.advance(GRACE_MS - 1);
    await fireAlarm(operation);
    const inGrace = await getOperation(operation.name);
    clock.advance(1);
    await fireAlarm(operation);
    const ended = await getOperation(operation.name);
    release.resolve();
    await delivery.result();

    expect(inGrace.done).toBe(false);
    expect(ended).toMatchObject({ done: true, error: { code: 1 } });
    expect((ended["error"] as { message: string }).message).toMatch(/did not confirm/);
    // A later event changes nothing.
    expect(await getOperation(operation.name)).toEqual(ended);
  });

  test("is bounded by the grace period even if the handler keeps its lease and no alarm fires", async () => {
    const release = Promise.withResolvers<void>();
    const operation = await startScript(async () => {
      await release.promise;
      return {};
    });
    const delivery = await deliverNext();
    await cancel(operation);
    clock.advance(GRACE_MS);
    const read = await getOperation(operation.name);
    release.resolve();
    await delivery.result();

    expect(read).toMatchObject({ done: true, error: { code: 1 } });
  });

  test("arms the alarm for the end of the grace period", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await deliverNext();
    await cancel(operation);

    expect(await alarmTime(operation)).toBeLessThanOrEqual(Date.now() + GRACE_MS);
  });

  test("ends the operation with the lease at the latest if the runner has died", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await operation.stub.fetch("https://operation/run", { headers: { Upgrade: "websocket" } });
    clock.advance(DEFAULT_LEASE_MS - 15_000);
    await cancel(operation);
    clock.advance(15_001);
    const { done, error } = await getOperation(operation.name);

    expect(done).toBe(true);
    expect(error).toMatchObject({ code: 1 });
  });

  test("changes nothing when it is repeated, the grace period included", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await deliverNext();
    await cancel(operation);
    const first = await storedRecord(operation);
    clock.advance(GRACE_MS / 2);
    await cancel(operation);

    expect(await storedRecord(operation)).toEqual(first);
  });
});

async function expectCancelledAtOnce(operation: Started): Promise<void> {
  controls.sent.length = 0;
  await cancel(operation);
  const after = await getOperation(operation.name);
  await outboxIsEmpty(operation);

  expect(after).toMatchObject({ done: true, error: { code: 1 } });
  expect(await snapshotOf(operation)).toBe(JSON.stringify(after));
  // Neither its alarm nor a message under way brings it back.
  clock.advance(7_200_000);
  await fireAlarm(operation);
  expect(controls.sent).toEqual([]);
  expect(await getOperation(operation.name)).toEqual(after);
}

describe("CancelOperation", () => {
  test("cancels a queued operation immediately, and its message then claims nothing", async () => {
    let runs = 0;
    const operation = await startScript(async () => {
      runs += 1;
      return {};
    });
    const [message] = controls.sent;
    await expectCancelledAtOnce(operation);
    controls.sent.push(message!);
    await runNext();

    expect(runs).toBe(0);
  });

  test("cancels a sleeping operation immediately", async () => {
    const operation = await startEcho({ ttl: "3600s" });
    await runNext();
    expect(await stateOf(operation)).toBe("SLEEPING");
    await cancel(operation);

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 1 } });
    clock.advance(3_600_000);
    await fireAlarm(operation);
    expect(controls.sent).toEqual([]);
  });

  test("cancels an operation that backs off immediately", async () => {
    const operation = await startScript(async () => {
      throw new Error("not yet");
    });
    await runNext();
    expect(await stateOf(operation)).toBe("BACKING_OFF");

    await expectCancelledAtOnce(operation);
  });
});

test("CancelOperation changes nothing in a finished operation", async () => {
  const operation = await startScript(async () => ({ answer: 42 }));
  await runNext();
  await outboxIsEmpty(operation);
  const before = await storedRecord(operation);
  await cancel(operation);

  expect(await storedRecord(operation)).toEqual(before);
});

test("a cancel request that races a result: one of them wins, once", async () => {
  const running = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const operation = await startScript(async () => {
    running.resolve();
    await release.promise;
    return { answer: 42 };
  });
  const delivery = await deliverNext();
  await running.promise;
  const cancelling = cancel(operation);
  release.resolve();
  await Promise.all([cancelling, delivery.result()]);
  const ended = await getOperation(operation.name);
  await advanceToAlarm(operation).catch(() => undefined);
  clock.advance(GRACE_MS * 2);

  expect(ended.done).toBe(true);
  expect(await getOperation(operation.name)).toEqual(ended);
});
