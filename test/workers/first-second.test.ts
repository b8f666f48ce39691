// The first second of new work, and of work that an alarm wakes: its alarm is not armed, because most work ends in it.
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { DEFAULT_RESEND_MS, LATE_SNAPSHOT_PUT_MS, STARTING_CHECK_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  advanceUntil,
  alarmTime,
  call,
  deliverNext,
  fireIndexAlarm,
  getOperation,
  outboxIsEmpty,
  runNext,
  snapshotOf,
  startScript,
  stateOf,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";
import { alarmIsArmed, reset, untilReleased } from "./held-work";

useFreshWorld({ defersAlarms: true });

const startDirect = (script: Script): Promise<Started> => startScript(script, { verb: "direct" });

async function startQueued(script: Script): Promise<Started> {
  const operation = await startScript(script);
  await deliverNext();
  return operation;
}

const TRANSPORTS = [
  ["direct dispatch", startDirect],
  ["the queue", startQueued],
] as const;

describe.each(TRANSPORTS)("the end of work by %s that was shorter than a second", (_, start) => {
  const isListedAsDone = async ({ id }: Started): Promise<boolean> =>
    (await storedRows()).some((row) => row.id === id && row.done === 1);

  /** It has ended, and a crash has cut its put off before anyone was told. */
  async function endedUntold(): Promise<Started> {
    const { running, release, script } = untilReleased();
    const operation = await start(script);
    await running();
    controls.snapshotWrite.hold();
    release();
    await eventually(() => controls.snapshotWrite.passed > 0);
    const fresh = await reset(operation);
    // The write that is held up never goes on.
    controls.snapshotWrite.holdNext()();
    return fresh;
  }

  test("arms no alarm, and a later read writes nothing", async () => {
    const operation = await start(async () => ({}));
    await outboxIsEmpty(operation);
    const fresh = await reset(operation);
    const written = controls.snapshotWrite.passed;
    await getOperation(fresh.name);

    expect(await alarmTime(fresh)).toBeUndefined();
    expect(await storedBy(fresh)).toEqual(["record"]);
    expect(controls.snapshotWrite.passed).toBe(written);
  });

  test("is sent to the index by the alarm if the index was down", async () => {
    const { running, release, script } = untilReleased();
    const operation = await start(script);
    await running();
    controls.indexWrite.fail("the index is down");
    release();
    await alarmIsArmed(operation);
    expect(await isListedAsDone(operation)).toBe(false);
    controls.indexWrite.open();
    await advanceUntil(operation, () => isListedAsDone(operation));

    expect(await isListedAsDone(operation)).toBe(true);
  });

  test("is found by the index's check if the object was reset before it told anyone", async () => {
    const operation = await endedUntold();
    expect([await isListedAsDone(operation), await snapshotOf(operation)]).toEqual([false, undefined]);
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    expect(await isListedAsDone(operation)).toBe(true);
    await advanceUntil(operation, async () => (await snapshotOf(operation)) !== undefined);

    expect(await snapshotOf(operation)).toContain('"done":true');
  });

  test("tells the index last", async () => {
    const { running, release, script } = untilReleased();
    const operation = await start(script);
    await running();
    controls.snapshotWrite.hold();
    const { passed } = controls.indexWrite;
    release();
    await eventually(() => controls.snapshotWrite.passed > 0);
    expect(controls.indexWrite.passed).toBe(passed);
    controls.snapshotWrite.open();
    await outboxIsEmpty(operation);

    expect(await isListedAsDone(operation)).toBe(true);
  });

  test("is erased as soon as it is deleted, a minute later", async () => {
    const operation = await start(async () => ({}));
    await outboxIsEmpty(operation);
    const fresh = await reset(operation);
    clock.advance(LATE_SNAPSHOT_PUT_MS + 1);
    await call("DELETE", `/v1/${fresh.name}`);
    await eventually(async () => (await storedRecord(fresh)) === undefined);

    expect(await snapshotOf(fresh)).toBeUndefined();
  });

  test("leaves no snapshot if it is deleted while a put that a crash cut off is on its way", async () => {
    const operation = await endedUntold();
    await call("DELETE", `/v1/${operation.name}`);
    await env.SNAPSHOTS.put(`operation/${operation.id}`, "late");
    await advanceUntil(operation, async () => (await storedRecord(operation)) === undefined);

    expect(await snapshotOf(operation)).toBeUndefined();
  });
});

describe("queued work", () => {
  test("has its alarm after a second, and its message is sent again", async () => {
    const operation = await startScript(async () => ({}));
    controls.sent.length = 0;
    expect(await alarmTime(operation)).toBeUndefined();
    await alarmIsArmed(operation);
    await advanceUntil(operation, () => controls.sent.length > 0);

    expect(Date.now()).toBe((await storedRecord(operation))!.createTime + DEFAULT_RESEND_MS);
  });

  test("is found by the check of its index row if message and object were lost before an alarm was armed", async () => {
    const operation = await reset(await startScript(async () => ({})));
    controls.sent.length = 0;
    expect(await alarmTime(operation)).toBeUndefined();
    clock.advance(DEFAULT_RESEND_MS);
    await fireIndexAlarm();
    await advanceUntil(operation, () => controls.sent.length > 0);
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("has its alarm at once when it goes to sleep", async () => {
    const operation = await startQueued(async (op) => {
      await op.sleep("10m");
      return {};
    });
    await eventually(async () => (await stateOf(operation)) === "SLEEPING");

    expect(await alarmTime(operation)).toBe((await storedRecord(operation))!.wakeTime);
  });
});

describe("work that an alarm wakes", () => {
  const asleep = async (start: (script: Script) => Promise<Started>): Promise<Started> => {
    const operation = await start(async (op) => {
      await op.sleep("10m");
      return {};
    });
    await eventually(async () => (await stateOf(operation)) === "SLEEPING");
    return operation;
  };

  test("keeps that alarm at work until it has ended, and needs no other", async () => {
    const operation = await asleep(startQueued);
    let isOver = false;
    const alarm = advanceToAlarm(operation).then(() => (isOver = true));
    await eventually(() => controls.sent.length > 0);
    expect(isOver).toBe(false);
    await runNext();
    await alarm;
    await outboxIsEmpty(operation);

    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: {} });
    expect(await alarmTime(operation)).toBeUndefined();
  });

  test("has another alarm after a second, and its message is sent again", async () => {
    const operation = await asleep(startQueued);
    await advanceToAlarm(operation);
    const wakeTime = Date.now();
    expect(controls.sent).toEqual([{ id: operation.id }]);
    await advanceUntil(operation, () => controls.sent.length > 1);

    expect(Date.now()).toBe(wakeTime + DEFAULT_RESEND_MS);
  });

  test("needs no other by direct dispatch", async () => {
    const operation = await asleep(startDirect);
    await advanceToAlarm(operation);
    await outboxIsEmpty(operation);

    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: {} });
    expect(await alarmTime(operation)).toBeUndefined();
  });
});
