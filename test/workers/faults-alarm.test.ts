// Alarms and effects that fail: the object settles what is due all the same, later.
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { MAX_EFFECT_RETRY_MS, MAX_INLINE_REQUEST_CHARACTERS, STARTING_CHECK_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  advanceUntil,
  alarmTime,
  call,
  fireAlarm,
  fireIndexAlarm,
  getOperation,
  listNames,
  outboxIsEmpty,
  runNext,
  startScript,
  stateOf,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const HURRY_MS = 10_000;

/** Lets the object's writes, or its deletions, fail until it is evicted, or told otherwise. */
async function breakStorage({ stub }: Started, write: "put" | "delete" = "put"): Promise<() => Promise<void>> {
  await runInDurableObject(stub, (_instance, { storage }) => {
    storage.kv[write] = () => {
      throw new Error("storage is broken");
    };
  });
  return () =>
    runInDurableObject(stub, (_instance, { storage }) => {
      delete (storage.kv as Partial<SyncKvStorage>)[write];
    });
}

describe("an alarm that fails", () => {
  test("is armed again, and settles the operation the next time", async () => {
    const operation = await startScript(async () => ({}), { verb: "hurry" });
    const mend = await breakStorage(operation);
    clock.advance(HURRY_MS + 1);
    await fireAlarm(operation);
    const state = await stateOf(operation);
    const again = await alarmTime(operation);
    await mend();
    await advanceUntil(operation, async () => (await stateOf(operation)) !== "QUEUED");

    expect(state).toBe("QUEUED");
    expect(again).toBeGreaterThan(Date.now() - HURRY_MS);
    expect(await stateOf(operation)).toBe("FAILED");
    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code: 4 } });
  });

  test("leaves none of its writes if it fails half-way", async () => {
    const text = "a".repeat(MAX_INLINE_REQUEST_CHARACTERS * 2);
    const operation = await startScript(async () => ({}), { verb: "hurry", body: { text } });
    await breakStorage(operation, "delete");
    clock.advance(HURRY_MS + 1);
    await fireAlarm(operation);

    expect(await stateOf(operation)).toBe("QUEUED");
    expect(await storedBy(operation)).toEqual(["record", "request", "(alarm)"]);
  });

  test("is not treated as done if it fails half-way, so the object ends the operation the next time", async () => {
    const text = "a".repeat(MAX_INLINE_REQUEST_CHARACTERS * 2);
    const operation = await startScript(async () => ({}), { body: { text } });
    const mend = await breakStorage(operation, "delete");
    await call("POST", `/v1/${operation.name}:cancel`);
    await mend();
    await call("POST", `/v1/${operation.name}:cancel`);

    expect(await stateOf(operation)).toBe("CANCELLED");
    expect(await storedBy(operation)).not.toContain("request");
  });

  test("is armed again however often it fails, and no write is taken as done", async () => {
    const operation = await startScript(async () => ({}), { verb: "hurry" });
    const mend = await breakStorage(operation);
    clock.advance(HURRY_MS + 1);
    for (let failures = 0; failures < 10; failures += 1) await advanceToAlarm(operation);
    const state = await stateOf(operation);
    await mend();
    await advanceUntil(operation, async () => (await stateOf(operation)) !== "QUEUED");

    expect(state).toBe("QUEUED");
    expect(await stateOf(operation)).toBe("FAILED");
  });

  test("does not delay other operations in the index, and its own is settled later", async () => {
    const broken = await startScript(async () => ({}), { verb: "hurry" });
    const whole = await startScript(async () => ({}), { verb: "hurry" });
    const mend = await breakStorage(broken);
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    await outboxIsEmpty(whole);
    const doneWhile = (await storedRows()).filter(({ done }) => done === 1).map(({ id }) => id);
    await mend();
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    await outboxIsEmpty(broken);

    expect(doneWhile).toEqual([whole.id]);
    expect((await storedRows()).map(({ done }) => done)).toEqual([1, 1]);
  });
});

describe("effects that fail together", () => {
  test("reject a start with queue, index and KV down, while a running operation still ends", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    controls.queueSend.fail("queue is down");
    controls.indexWrite.fail("index is down");
    controls.snapshotWrite.fail("KV is down");
    const refused = await call("POST", "/v1/projects/p/scripts/none:run", {});
    await runNext();
    const ended = await getOperation(operation.name);
    for (const gate of [controls.queueSend, controls.indexWrite, controls.snapshotWrite]) gate.open();
    await advanceUntil(operation, async () => !(await hasEffects(operation)));

    expect(refused).toMatchObject({ status: 503, body: { error: { status: "UNAVAILABLE" } } });
    expect(ended).toMatchObject({ done: true, response: { value: { answer: 42 } } });
    expect((await storedRows()).map(({ id, done }) => [id, done])).toEqual([[operation.id, 1]]);
    expect(controls.snapshotWrites.map(({ write }) => write)).toEqual(["put"]);
  });

  test("leave the message of a retry to the alarm", async () => {
    const operation = await startScript(async (op) => {
      if (op.attempt === 1) throw new Error("the first always fails");
      return { attempt: op.attempt };
    });
    await runNext();
    controls.queueSend.fail("queue is down");
    await advanceUntil(operation, async () => (await stateOf(operation)) === "QUEUED");
    const sentWhileDown = controls.sent.length;
    controls.queueSend.open();
    await advanceUntil(operation, () => controls.sent.length > 0);
    await runNext();

    expect(sentWhileDown).toBe(0);
    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { attempt: 2 } } });
  });

  test("leave a deletion to be removed from the list as soon as the index is back", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    controls.indexWrite.fail("index is down");
    const deleted = await call("DELETE", `/v1/${operation.name}`);
    const read = await call("GET", `/v1/${operation.name}`);
    controls.indexWrite.open();
    await eventually(async () => {
      if ((await storedBy(operation)).length === 0) return true;
      clock.advance(MAX_EFFECT_RETRY_MS);
      await fireAlarm(operation);
      return false;
    });

    expect([deleted.status, read.status]).toEqual([200, 404]);
    expect(await listNames("projects/p")).toEqual([]);
  });
});

async function hasEffects(operation: Started): Promise<boolean> {
  const record = await storedRecord(operation);
  return record !== undefined && Object.values(record.outbox).some((entry) => entry !== undefined);
}
