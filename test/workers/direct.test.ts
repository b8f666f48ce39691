// Direct dispatch: the operation's object calls the runner and holds the call; the queue carries what is lost.
import { describe, expect, test } from "vitest";
import { DEFAULT_LEASE_MS, LOST_CHANNEL_LEASE_MS, STARTING_CHECK_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import {
  type Answer,
  type Started,
  advanceUntil,
  alarmTime,
  call,
  fireAlarm,
  fireIndexAlarm,
  getOperation,
  openSockets,
  runNext,
  startScript,
  stateOf,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";
import { alarmIsArmed, reset, untilReleased } from "./held-work";

useFreshWorld({ defersAlarms: true });

const startDirect = (script: Script): Promise<Started> => startScript(script, { verb: "direct" });
const isDone = async ({ name }: Started): Promise<boolean> => (await getOperation(name)).done;
const done = (operation: Started): Promise<true> => eventually(() => isDone(operation));

describe("a direct operation", () => {
  test("runs without a queue message, and is done", async () => {
    const operation = await startDirect(async (op) => ({ attempt: op.attempt, name: op.name }));
    await done(operation);

    expect(await getOperation(operation.name)).toMatchObject({
      done: true,
      response: { value: { attempt: 1, name: operation.name } },
    });
    expect(controls.sent).toEqual([]);
    expect(controls.directRuns).toBe(1);
    expect(controls.callsOf(operation.id).filter((called) => called !== "get")).toEqual(["start"]);
  });

  test("is returned as RUNNING before its work begins", async () => {
    controls.directRun.hold();
    const operation = await startDirect(async () => ({}));

    expect(await stateOf(operation)).toBe("RUNNING");
    expect(JSON.parse((await storedRows())[0]!.operation!)).toMatchObject({
      metadata: { value: { statusMessage: "Running." } },
    });
    controls.directRun.open();
    await done(operation);
  });

  test("stores steps, checkpoints, progress and large values as through the queue", async () => {
    const large = "x".repeat(3 * 1_048_576);
    const operation = await startDirect(async (op) => {
      const small = await op.step("small", () => 1);
      const { length } = await op.step("large", () => large);
      await op.checkpoint({ row: 7 });
      op.progress({ progressPercent: 50, statusMessage: "Half of it." });
      return { small, length, large };
    });
    await done(operation);
    const { response } = await getOperation(operation.name);

    expect(response).toMatchObject({ value: { small: 1, length: large.length, large } });
  });

  test("continues directly after a sleep, with its steps", async () => {
    let steps = 0;
    const operation = await startDirect(async (op) => {
      const step = await op.step("once", () => (steps += 1));
      await op.sleep("10m");
      return { step };
    });
    await eventually(async () => (await stateOf(operation)) === "SLEEPING");
    await advanceUntil(operation, () => controls.directRuns === 2);
    await done(operation);

    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { step: 1 } } });
    expect(controls.sent).toEqual([]);
  });

  test("is retried directly after a failure that its handler reported", async () => {
    const operation = await startDirect(async ({ attempt }) => {
      if (attempt === 1) throw new Error("the first one fails");
      return { attempt };
    });
    await eventually(async () => (await stateOf(operation)) === "BACKING_OFF");
    await advanceUntil(operation, () => controls.directRuns === 2);
    await done(operation);

    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { attempt: 2 } } });
    expect(controls.sent).toEqual([]);
  });

  test("stops within a second of a cancel request", async () => {
    const { running, reasons, script } = untilReleased();
    const operation = await startDirect(script);
    await running();
    await call("POST", `/v1/${operation.name}:cancel`, {});
    const cancelTime = performance.now();
    await done(operation);

    expect(performance.now() - cancelTime).toBeLessThan(1_000);
    expect(reasons).toMatchObject([{ code: "CANCELLED" }]);
    expect(await getOperation(operation.name)).toMatchObject({ error: { code: 1 } });
  });

  test("stops for a cancel request that arrived before its runner began", async () => {
    controls.directRun.hold();
    const { reasons, script } = untilReleased();
    const operation = await startDirect(script);
    await call("POST", `/v1/${operation.name}:cancel`, {});
    controls.directRun.open();
    await done(operation);

    expect(reasons).toMatchObject([{ code: "CANCELLED" }]);
  });

  test("is hidden by a deletion, and erased when its work has ended", async () => {
    const { running, release, reasons, script } = untilReleased();
    const operation = await startDirect(script);
    await running();
    await call("DELETE", `/v1/${operation.name}`);
    expect((await call("GET", `/v1/${operation.name}`)).status).toBe(404);
    release();
    await eventually(async () => (await storedRecord(operation)) === undefined);

    expect(reasons).toEqual([]);
  });
});

describe("direct work after a loss", () => {
  test("goes through the queue ten seconds after the loss of its runner", async () => {
    controls.directRun.fail("the runner has died");
    const operation = await startDirect(async ({ attempt }) => ({ attempt }));
    await eventually(async () => (await storedRecord(operation))?.channelLostTime !== undefined);
    expect(controls.sent).toEqual([]);
    clock.advance(LOST_CHANNEL_LEASE_MS);
    await fireAlarm(operation);

    expect(controls.sent).toEqual([{ id: operation.id }]);
    await runNext();
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { attempt: 2 } } });
    expect(controls.directRuns).toBe(1);
  });

  test("goes through the queue by the alarm after the loss of its object", async () => {
    const { running, release, script } = untilReleased();
    const started = await startDirect(script);
    await running();
    await alarmIsArmed(started);
    const operation = await reset(started);
    await advanceUntil(operation, () => controls.sent.length > 0);
    expect(Date.now() - (await storedRecord(operation))!.createTime).toBeLessThanOrEqual(DEFAULT_LEASE_MS);
    release();
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("is found by the check of its index row if its object was reset before an alarm was armed", async () => {
    const { running, release, script } = untilReleased();
    const started = await startDirect(script);
    await running();
    const operation = await reset(started);
    expect(await alarmTime(operation)).toBeUndefined();
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    await advanceUntil(operation, () => controls.sent.length > 0);
    release();
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("goes through the queue after the loss of its answer, without another run of finished steps", async () => {
    let steps = 0;
    controls.directAnswer.fail("the answer is lost");
    const operation = await startDirect(async (op) => ({ step: await op.step("once", () => (steps += 1)) }));
    await eventually(async () => (await storedRecord(operation))?.channelLostTime !== undefined);
    clock.advance(LOST_CHANNEL_LEASE_MS);
    await fireAlarm(operation);
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { step: 1 } } });
  });

  test("continues directly once it has stored something since", async () => {
    controls.directRun.fail("the runner has died");
    const operation = await startDirect(async (op) => {
      await op.sleep("10m");
      return {};
    });
    await eventually(async () => (await storedRecord(operation))?.channelLostTime !== undefined);
    controls.directRun.open();
    clock.advance(LOST_CHANNEL_LEASE_MS);
    await fireAlarm(operation);
    await runNext();
    expect(await stateOf(operation)).toBe("SLEEPING");
    await advanceUntil(operation, () => controls.directRuns === 2);
    await done(operation);

    expect(controls.sent).toEqual([]);
  });
});

describe("a wait on a direct operation", () => {
  const wait = ({ name }: Started): Promise<Answer> => call("POST", `/v1/${name}:wait`, { timeout: "20s" });
  const isHeld = ({ name }: Started): Promise<boolean> =>
    eventually(async () => (await call("GET", `/v1/${name}:explain`)).body["waiters"] === 1);

  test("is answered without a socket where the work ends within a second", async () => {
    const work = untilReleased();
    const operation = await startDirect(work.script);
    const waiting = wait(operation);
    await isHeld(operation);
    const sockets = await openSockets(operation, "wait");
    work.release();

    expect((await waiting).body).toMatchObject({ done: true, response: { value: { answer: 1 } } });
    expect(sockets).toBe(0);
  });

  test("gets a socket where the work takes longer", async () => {
    const work = untilReleased();
    const operation = await startDirect(work.script);
    const waiting = wait(operation);
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    work.release();

    expect((await waiting).body).toMatchObject({ done: true });
  });

  test("gets a socket when the work sleeps", async () => {
    const work = untilReleased();
    const operation = await startDirect(async (op) => {
      await work.script(op);
      await op.sleep("1h");
      return {};
    });
    const waiting = wait(operation);
    await isHeld(operation);
    work.release();
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    await call("POST", `/v1/${operation.name}:cancel`);

    expect((await waiting).body).toMatchObject({ done: true, error: { code: 1 } });
  });

  test("is judged again when the operation's policy changes", async () => {
    const work = untilReleased();
    const { name, stub } = await startDirect(work.script);
    const principal = { id: "user:ada@example.com", members: ["user:ada@example.com"] };
    const access = { permission: "longrunning.operations.wait", isGranted: false, principal } as const;
    const set = async (members: string[]): Promise<void> => {
      const bindings = [{ role: "roles/longrunning.viewer" as const, members }];
      await stub.setPolicy(name, { bindings, version: 1 }, { ...access, isGranted: true });
    };
    await set(principal.members);
    const answered = stub.endSoon(name, access);
    await isHeld({ name, stub, id: "" });
    await set(["user:eve@example.com"]);

    expect(await answered).toBe("DENIED");
    work.release();
  });
});

describe("a direct runner", () => {
  test("changes nothing when it answers after its lease has expired", async () => {
    controls.directAnswer.hold();
    const started = await startDirect(async ({ attempt }) => ({ attempt }));
    await eventually(() => controls.directAnswer.passed === 1);
    await alarmIsArmed(started);
    const operation = await reset(started);
    await advanceUntil(operation, () => controls.sent.length > 0);
    controls.directAnswer.open();
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { attempt: 2 } } });
  });

  test("keeps its lease as long as it calls back", async () => {
    let saved = 0;
    let asked = 0;
    const operation = await startDirect(async (op) => {
      for (; saved < 2; saved += 1) {
        await eventually(() => asked > saved);
        await op.checkpoint(saved);
      }
      return {};
    });
    for (asked = 1; asked <= 2; asked += 1) {
      clock.advance(DEFAULT_LEASE_MS - 1);
      await eventually(() => saved === asked);
      await fireAlarm(operation);
    }

    expect(Date.now() - (await storedRecord(operation))!.createTime).toBeGreaterThan(DEFAULT_LEASE_MS);
    await done(operation);
    expect(await getOperation(operation.name)).not.toHaveProperty("error");
    expect(controls.sent).toEqual([]);
  });

  test("loses the work if it is silent for its lease", async () => {
    const { running, reasons, script } = untilReleased();
    const operation = await startDirect(script);
    await running();
    await eventually(() => controls.listens > 0);
    await alarmIsArmed(operation);
    await advanceUntil(operation, () => controls.sent.length > 0);

    expect(Date.now() - (await storedRecord(operation))!.createTime).toBeLessThanOrEqual(DEFAULT_LEASE_MS + 1_000);
    await eventually(() => reasons.length > 0);
    expect(reasons).toMatchObject([{ reason: "LEASE_LOST" }]);
  });
});
