// Delete: hidden at once, erased at the end, and nothing that arrives late brings it back.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { indexRowFromRecord } from "../../src/list/index-row";
import { recordFromStored } from "../../src/lifecycle/stored-record";
import { anOperation } from "../support/an-operation";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  call,
  deliver,
  deliverNext,
  fireAlarm,
  fireIndexAlarm,
  indexOf,
  listNames,
  outboxIsEmpty,
  runNext,
  snapshotOf,
  startEcho,
  startScript,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const HOUR_MS = 3_600_000;

async function remove({ name }: Started): Promise<void> {
  expect(await call("DELETE", `/v1/${name}`)).toMatchObject({ status: 200, body: {} });
}

/** No method knows it any more, and no list. */
async function expectHidden({ name }: Started): Promise<void> {
  for (const answer of [
    await call("GET", `/v1/${name}`),
    await call("DELETE", `/v1/${name}`),
    await call("POST", `/v1/${name}:cancel`),
    await call("POST", `/v1/${name}:wait`, {}),
  ]) {
    expect(answer.status).toBe(404);
    expect(answer.body["error"]).toMatchObject({ status: "NOT_FOUND" });
  }
  expect(await listNames(name.split("/operations/")[0]!)).not.toContain(name);
}

interface Remains {
  stored: string[];
  snapshot: string | undefined;
  listed: boolean;
  /** Its row in the index says no more than that it was deleted. */
  buried: boolean;
}

const NOTHING: Remains = { stored: [], snapshot: undefined, listed: false, buried: true };

/** The remains of an operation after its object has become empty, as it must. */
async function remainsOf(operation: Started): Promise<Remains> {
  await eventually(async () => (await storedBy(operation)).length === 0);
  const rows = (await storedRows()).filter(({ id }) => id === operation.id);
  return {
    stored: await storedBy(operation),
    snapshot: await snapshotOf(operation),
    listed: (await listNames("projects/p")).includes(operation.name),
    buried: rows.every((row) => row.operation === null),
  };
}

describe("DeleteOperation", () => {
  test("erases a finished operation at once, in object, index and KV", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    expect(await snapshotOf(operation)).toBeDefined();
    await remove(operation);

    await expectHidden(operation);
    expect(await remainsOf(operation)).toEqual(NOTHING);
  });

  test("hides a running operation at once, lets its work continue, and erases it at its end", async () => {
    const release = Promise.withResolvers<void>();
    let aborted = false;
    const operation = await startScript(async ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      await release.promise;
      return { answer: "unheard" };
    });
    const delivery = await deliverNext();
    await remove(operation);
    await expectHidden(operation);
    const during = await storedRecord(operation);
    release.resolve();
    await delivery.result();

    // Deleting never cancels.
    expect(during).toMatchObject({ state: "RUNNING" });
    expect(aborted).toBe(false);
    expect(await remainsOf(operation)).toEqual(NOTHING);
    await expectHidden(operation);
  });

  test("keeps the retries and the fencing of a running operation until its end", async () => {
    const attempts: number[] = [];
    const operation = await startScript(async ({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) {
        await remove(operation);
        throw new Error("try again, unseen");
      }
      return {};
    });
    await runNext();
    clock.advance(60_000);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);
    await runNext();

    expect(attempts).toEqual([1, 2]);
    expect(await remainsOf(operation)).toEqual(NOTHING);
  });

  test("hides a queued operation, whose work is done and then erased", async () => {
    let runs = 0;
    const operation = await startScript(async () => {
      runs += 1;
      return {};
    });
    await remove(operation);
    await expectHidden(operation);
    await runNext();

    expect(runs).toBe(1);
    expect(await remainsOf(operation)).toEqual(NOTHING);
  });

  test("erases a sleeping operation at its end without any call", async () => {
    const operation = await startEcho({ ttl: "600s" });
    await runNext();
    await remove(operation);
    await expectHidden(operation);
    clock.advance(600_000);
    await fireAlarm(operation);
    await runNext();

    await eventually(async () => (await storedBy(operation)).length === 0);
    expect(await snapshotOf(operation)).toBeUndefined();
  });

  test("erases an operation that runs past its deadline at the deadline", async () => {
    const operation = await startScript(() => new Promise(() => {}), { verb: "hurry" });
    await deliverNext();
    await remove(operation);
    clock.advance(10_001);
    await fireAlarm(operation);

    expect(await remainsOf(operation)).toEqual(NOTHING);
  });

  test("returns NOT_FOUND the second time for a running operation, and changes nothing", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    await deliverNext();
    await remove(operation);
    await outboxIsEmpty(operation);
    const before = await storedRecord(operation);
    await expectHidden(operation);

    expect(await storedRecord(operation)).toEqual(before);
  });

  test("removes the index row and the snapshot of a finished operation despite an eviction", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    controls.indexWrite.fail("index is down");
    controls.snapshotWrite.fail("KV is down");
    await remove(operation);
    await expectHiddenFromObject(operation);
    await eventually(async () => (await storedRecord(operation))?.outbox.index?.failures === 1);
    await evictDurableObject(operation.stub);
    controls.indexWrite.open();
    controls.snapshotWrite.open();
    clock.advance(60_000);
    await fireAlarm(operation);

    expect(await remainsOf(operation)).toEqual(NOTHING);
  });
});

async function expectHiddenFromObject({ name }: Started): Promise<void> {
  await eventually(async () => (await call("GET", `/v1/${name}`)).status === 404);
}

describe("after DeleteOperation", () => {
  test("a late queue message claims nothing", async () => {
    const operation = await startScript(async () => ({}));
    const [message] = controls.sent;
    await runNext();
    await remove(operation);
    await eventually(async () => (await storedBy(operation)).length === 0);
    const { explicitAcks } = await (await deliver(message!)).result();

    expect(explicitAcks).toHaveLength(1);
    expect(await remainsOf(operation)).toEqual(NOTHING);
  });

  test("a late index write of the end does not restore the row", async () => {
    const operation = await startScript(async () => ({}));
    controls.indexWrite.hold();
    const written = controls.indexWrite.passed;
    await runNext();
    // The row of the end is on its way while the operation is deleted.
    await eventually(() => controls.indexWrite.passed > written);
    const removing = remove(operation);
    await expectHiddenFromObject(operation);
    controls.indexWrite.open();
    await removing;

    expect(await remainsOf(operation)).toEqual(NOTHING);
    await expectHidden(operation);
  });

  test("an index write from before an eviction does not restore the row", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    const record = (await storedRecord(operation))!;
    const late = indexRowFromRecord(recordFromStored(record));
    await remove(operation);
    await eventually(async () => (await storedBy(operation)).length === 0);
    await indexOf("projects/p").upsert(late, { parent: "projects/p" });
    await indexOf("projects/p").upsert({ ...late, revision: 1_000_000 }, { parent: "projects/p" });

    expect(await remainsOf(operation)).toEqual(NOTHING);
  });

  test("a delayed start under the same requestId is rejected", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    const { id, name, parent, createTime } = (await storedRecord(operation))!;
    await remove(operation);
    await eventually(async () => (await storedBy(operation)).length === 0);
    const late = anOperation({ id, name, parent, createTime, deadline: createTime + HOUR_MS });
    const object = env.OPERATIONS.get(env.OPERATIONS.idFromString(id));

    expect(await object.start(late, "{}")).toEqual({ ok: false, refusal: "DELETED" });
    expect(await remainsOf(operation)).toEqual(NOTHING);
    await expectHidden(operation);
  });

  test("a late KV put of the end leaves no snapshot", async () => {
    controls.snapshotWrite.hold();
    const operation = await startScript(async () => ({}));
    await runNext();
    await eventually(() => controls.snapshotWrite.passed === 1);
    await remove(operation);
    controls.snapshotWrite.open();
    await eventually(() => controls.snapshotWrites.length === 2);
    // KV knows no order: a put may arrive behind the removal, which is repeated.
    await env.SNAPSHOTS.put(`operation/${operation.id}`, "late");
    clock.advance(60_000);
    await fireAlarm(operation);
    expect(await remainsOf(operation)).toEqual(NOTHING);

    expect(controls.snapshotWrites.map(({ write }) => write)).toEqual(["put", "delete", "delete"]);
    expect((await env.SNAPSHOTS.list()).keys).toEqual([]);
  });

  test("a late alarm stores nothing", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await remove(operation);
    await eventually(async () => (await storedBy(operation)).length === 0);

    expect(await fireAlarm(operation)).toBe(false);
    await runInDurableObject(operation.stub, (instance) => instance.alarm());
    expect(await storedBy(operation)).toEqual([]);
  });

  test("a check of the index that began before the deletion keeps the tombstone", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    clock.advance(2 * 60_000 + 1);
    controls.reconcile.hold();
    const checking = fireIndexAlarm();
    await eventually(() => controls.reconcile.passed === 1);
    await remove(operation);
    await eventually(async () => (await storedRows())[0]?.operation === null);
    controls.reconcile.open();
    await checking;

    expect(await storedRows()).toMatchObject([{ id: operation.id, operation: null }]);
  });

  test("a check of the index that finds no operation keeps a tombstone that was written meanwhile", async () => {
    const operation = await startScript(() => new Promise(() => {}));
    controls.indexWrite.hold();
    const written = controls.indexWrite.passed;
    const removing = remove(operation);
    await eventually(() => controls.indexWrite.passed > written);
    // Deleted in its object, not yet in the index, which asks just now.
    clock.advance(2 * 60_000 + 1);
    controls.reconcile.hold();
    const checking = fireIndexAlarm();
    await eventually(() => controls.reconcile.passed === 1);
    controls.indexWrite.open();
    await eventually(async () => (await storedRows())[0]?.operation === null);
    controls.reconcile.open();
    await Promise.all([checking, removing]);

    expect(await storedRows()).toMatchObject([{ id: operation.id, operation: null }]);
  });

  test("the index removes the tombstone after an hour", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await remove(operation);
    expect(await remainsOf(operation)).toEqual(NOTHING);
    clock.advance(HOUR_MS + 1);
    await fireIndexAlarm();

    expect(await storedRows()).toEqual([]);
  });
});
