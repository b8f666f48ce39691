// OperationIndex: a copy that never goes back in time, and an alarm that looks after what is due.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { INDEX_ALARM_GRID_MS } from "../../src/limits";
import type { IndexRow } from "../../src/list/index-row";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type OperationJson,
  call,
  deliverNext,
  fireAlarm,
  fireIndexAlarm,
  getOperation,
  indexOf,
  listNames,
  outboxIsEmpty,
  presentRecord,
  runNext,
  scriptPath,
  startEcho,
  startScript,
  startedFrom,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";

useFreshWorld();

const HOUR_MS = 3_600_000;
const PLACE = { parent: "projects/p" };
const STARTING_CHECK_MS = 120_000;
const never = () => new Promise<object>(() => {});

function indexRow(row: Partial<IndexRow> = {}): IndexRow {
  return {
    createTime: Date.now(),
    id: "f".repeat(64),
    parent: "projects/p",
    done: false,
    revision: 1,
    dueTime: Date.now() + HOUR_MS,
    operation: `{"name":"projects/p/operations/f","done":false}`,
    facts: `{"target":"","verb":"run","requestedCancellation":false}`,
    ...row,
  };
}

describe("a row", () => {
  test("does not overwrite one of a newer revision", async () => {
    const index = indexOf("projects/p");
    await index.upsert(indexRow({ revision: 5, done: true, operation: `{"revision":5}` }), PLACE);
    await index.upsert(indexRow({ revision: 4, operation: `{"revision":4}` }), PLACE);
    const after4 = await storedRows();
    await index.upsert(indexRow({ revision: 6, operation: `{"revision":6}` }), PLACE);

    expect(after4).toMatchObject([{ revision: 5, done: 1, operation: `{"revision":5}` }]);
    expect(await storedRows()).toMatchObject([{ revision: 6, operation: `{"revision":6}` }]);
  });

  test("never overwrites a tombstone, whatever its revision", async () => {
    const index = indexOf("projects/p");
    const { createTime, id } = indexRow();
    await index.upsert(indexRow(), PLACE);
    await index.remove({ createTime, id }, PLACE);
    await index.upsert(indexRow({ revision: 1_000 }), PLACE);

    expect(await storedRows()).toMatchObject([{ operation: null }]);
    expect(await listNames("projects/p")).toEqual([]);
  });

  test("does not replace a tombstone that was written without a row", async () => {
    const index = indexOf("projects/p");
    const { createTime, id } = indexRow();
    await index.remove({ createTime, id }, PLACE);
    await index.upsert(indexRow(), PLACE);

    expect(await listNames("projects/p")).toEqual([]);
  });

  test("has the end of its operation within a moment", async () => {
    const operation = await startScript(async (op) => {
      op.progress({ rows: 7 });
      return { answer: 42 };
    });
    await runNext();
    await outboxIsEmpty(operation);
    const { body } = await call("GET", "/v1/projects/p/operations");

    expect(body["operations"]).toEqual([await getOperation(operation.name)]);
  });

  test("has progress within five seconds, by the alarm, with one write for many reports", async () => {
    const reported = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      op.progress({ rows: 7 });
      reported.resolve();
      return never();
    });
    await deliverNext();
    await reported.promise;
    await eventually(async () => (await presentRecord(operation))?.metadata["rows"] === 7);
    const written = controls.indexWrite.passed;
    clock.advance(5_000);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);

    expect(controls.indexWrite.passed).toBe(written + 1);
    const [listed] = (await call("GET", "/v1/projects/p/operations")).body["operations"] as OperationJson[];
    expect(listed?.metadata.value).toMatchObject({ rows: 7, statusMessage: "Running." });
  });

  test("is written by the alarm after a failed write, although the object was evicted meanwhile", async () => {
    const operation = await startScript(async () => ({}));
    controls.indexWrite.fail("index is down");
    await runNext();
    await eventually(async () => (await storedRecord(operation))?.outbox.index?.failures === 1);
    await evictDurableObject(operation.stub);
    controls.indexWrite.open();
    clock.advance(60_000);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);

    expect(await storedRows()).toMatchObject([{ id: operation.id, done: 1 }]);
  });
});

describe("a list", () => {
  test("returns the operations directly under its parent, newest first, and no others", async () => {
    const first = await startScript(never);
    clock.advance(1);
    const second = await startScript(never);
    clock.advance(1);
    const elsewhere = await startScript(never, { parent: "projects/q" });
    const bare = await startEcho({ ttl: "60s" });

    expect(await listNames("projects/p")).toEqual([second.name, first.name]);
    expect(await listNames("projects/q")).toEqual([elsewhere.name]);
    expect((await call("GET", "/v1/operations")).body["operations"]).toMatchObject([{ name: bare.name }]);
    expect(await listNames("projects/p/locations/l")).toEqual([]);
    expect(await listNames("projects/nobody")).toEqual([]);
  });

  test("creates no table in an empty scope", async () => {
    await listNames("projects/nobody");

    expect(await runInDurableObject(indexOf("projects/nobody"), storedTables)).toEqual([]);
  });

  test("is UNAVAILABLE if the index cannot be reached", async () => {
    await startScript(never);
    await runInDurableObject(indexOf("projects/p"), (_instance, { storage }) => {
      storage.sql.exec(`ALTER TABLE operations RENAME COLUMN facts TO renamed`);
    });
    const { status, body } = await call("GET", "/v1/projects/p/operations");

    expect(status).toBe(503);
    expect(body["error"]).toMatchObject({ status: "UNAVAILABLE" });
  });
});

function storedTables(_instance: unknown, { storage }: DurableObjectState): unknown[] {
  return storage.sql.exec(`SELECT name FROM sqlite_master WHERE name LIKE 'operations%'`).toArray();
}

describe("the alarm of the index", () => {
  test("removes the row of a start that was never stored", async () => {
    const id = env.OPERATIONS.newUniqueId().toString();
    await indexOf("projects/p").upsert(
      indexRow({ id, revision: 0, dueTime: Date.now() + STARTING_CHECK_MS, operation: `{"name":"x"}` }),
      PLACE,
    );
    clock.advance(STARTING_CHECK_MS - 1);
    await fireIndexAlarm();
    const before = await storedRows();
    clock.advance(1);
    await fireIndexAlarm();

    expect(before).toHaveLength(1);
    expect(await storedRows()).toEqual([]);
    expect(await storedBy({ stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(id)) })).toEqual([]);
  });

  test("keeps the row of a stored start, and checks it again after its deadline", async () => {
    const operation = await startScript(never);
    const { deadline } = (await storedRecord(operation))!;
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    const [row] = await storedRows();

    expect(row).toMatchObject({ id: operation.id, done: 0 });
    expect(row!.due_time).toBeGreaterThan(deadline);
    expect(row!.due_time).toBeLessThanOrEqual(deadline + 60_000);
    const alarm = await runInDurableObject(indexOf("projects/p"), (_instance, { storage }) => storage.getAlarm());
    expect(alarm).toBeGreaterThanOrEqual(row!.due_time);
    expect(alarm).toBeLessThan(row!.due_time + INDEX_ALARM_GRID_MS);
  });

  test("does not remove the row of a start that is still under way", async () => {
    controls.indexWritten.hold();
    const starting = call("POST", scriptPath(never), {});
    await eventually(() => controls.indexWritten.passed === 1);
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    controls.indexWritten.open();
    const operation = startedFrom(await starting);

    expect(await listNames("projects/p")).toEqual([operation.name]);
  });

  test("settles an operation past its deadline, although the operation's own alarm is lost", async () => {
    const operation = await startScript(never, { verb: "hurry" });
    await runInDurableObject(operation.stub, (_instance, { storage }) => storage.deleteAlarm());
    await evictDurableObject(operation.stub);
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    await outboxIsEmpty(operation);

    expect(await storedRecord(operation)).toMatchObject({ state: "FAILED", outcome: { error: { code: 4 } } });
    expect(await storedRows()).toMatchObject([{ id: operation.id, done: 1 }]);
  });

  test("removes an expired operation without any request for it", async () => {
    const operation = await startScript(async () => ({}), { verb: "forget" });
    await runNext();
    await outboxIsEmpty(operation);
    const [row] = await storedRows();
    clock.advance(60_000);
    await fireIndexAlarm();

    expect(row!.due_time).toBe(Date.now());
    expect(await storedRows()).toEqual([]);
    expect(await storedBy(operation)).toEqual([]);
    expect(await listNames("projects/p")).toEqual([]);
  });

  test("retries an unreachable operation later, and settles the others", async () => {
    const broken = await startScript(never);
    const expiring = await startScript(async () => ({}), { verb: "forget" });
    controls.sent.shift();
    await runNext();
    await outboxIsEmpty(expiring);
    await runInDurableObject(broken.stub, (_instance, { storage }) => {
      storage.kv.put("record", { schemaVersion: 1, state: "no such state" });
    });
    await evictDurableObject(broken.stub);
    clock.advance(STARTING_CHECK_MS);
    await fireIndexAlarm();
    const rows = await storedRows();

    expect(rows).toMatchObject([{ id: broken.id }]);
    expect(rows[0]!.due_time).toBeGreaterThan(Date.now());
    expect(await storedBy(expiring)).toEqual([]);
  });

  test("settles a large number of rows in several alarms", async () => {
    const index = indexOf("projects/p");
    await runInDurableObject(index, async (instance) => {
      for (let number = 0; number < 250; number += 1) {
        await instance.upsert(
          indexRow({ id: env.OPERATIONS.newUniqueId().toString(), createTime: number, dueTime: 1 }),
          PLACE,
        );
      }
    });
    const counts: number[] = [];
    // Rows that are due arm the alarm for a time that is past: the runtime fires it by itself.
    await eventually(
      async () => {
        counts.push((await storedRows()).length);
        return counts.at(-1) === 0;
      },
      { timeoutMs: 15_000 },
    );

    expect(counts.at(-1)).toBe(0);
  });
});
