// The sweep: a safety net for lost alarms. It may run twice at once, and one shard that fails keeps none of the others
// waiting.
import { createScheduledController, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { Env } from "../../src/index";
import { MAX_DUE_ROWS, MAX_PATROL_ROWS, SHARDS_PER_SWEEP_PORTION, SWEEP_CONCURRENCY } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  alarmTime,
  call,
  deliverNext,
  advanceToAlarm,
  fireAlarm,
  fireIndexAlarm,
  getOperation,
  indexOf,
  listNames,
  loseAlarm,
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
import worker from "./worker";

useFreshWorld();

const never = () => new Promise<object>(() => {});

async function sweep(environment: Env = env): Promise<void> {
  await worker.scheduled(createScheduledController({ cron: "*/5 * * * *" }), environment);
}

/** The index of projects/p. */
const SHARD = env.INDEX.idFromName("projects/p#0").toString();

/** The environment, with what happens to each visit of a shard in the test's hands. */
function watched(onVisit: (shardId: string) => Promise<void> | void): Env {
  const INDEX = new Proxy(env.INDEX, {
    get: (target, property) => {
      const member = (Reflect.get(target, property) as (...all: unknown[]) => unknown).bind(target);
      if (property !== "get") return member;
      return (id: DurableObjectId) => ({
        sweep: async () => {
          await onVisit(id.toString());
          // The others have no rows, and are many.
          return id.toString() === SHARD ? target.get(id).sweep() : { settled: 0, hasMore: false };
        },
      });
    },
  });
  return { ...env, INDEX };
}

/** Rows of some operations that are no more, in turn, each a millisecond older, in the index of projects/p. */
async function addRows(count: number, { createTime, dueTime }: { createTime: number; dueTime: number }): Promise<void> {
  // As many as are asked side by side, of whom no two may be the same.
  const ids = Array.from({ length: SWEEP_CONCURRENCY }, () => env.OPERATIONS.newUniqueId().toString());
  await runInDurableObject(indexOf("projects/p"), (_instance, { storage }) => {
    for (let row = 0; row < count; row += 1) {
      storage.sql.exec(
        `INSERT INTO operations (create_time, id, parent, done, revision, due_time, operation, facts)
         VALUES (?, ?, 'projects/p', 0, 1, ?, '{}', '{}')`,
        createTime - row,
        ids[row % ids.length]!,
        dueTime,
      );
    }
  });
}

/** Loses the alarms of an operation and of its index. */
async function loseAlarms({ stub }: Started, parent = "projects/p"): Promise<void> {
  for (const object of [stub, indexOf(parent)]) await loseAlarm(object);
}

test("a sweep settles operations whose alarm is lost, in every scope", async () => {
  const late = await startScript(never, { verb: "hurry" });
  const elsewhere = await startScript(never, { verb: "hurry", parent: "projects/q" });
  const expired = await startScript(async () => ({}), { verb: "forget", parent: "projects/r" });
  controls.sent.splice(0, 2);
  await runNext();
  await outboxIsEmpty(expired);
  await loseAlarms(late);
  await loseAlarms(elsewhere, "projects/q");
  await loseAlarms(expired, "projects/r");
  clock.advance(10 * 60_000);
  await sweep();
  await outboxIsEmpty(late);

  for (const operation of [late, elsewhere]) {
    expect(await storedRecord(operation)).toMatchObject({ state: "FAILED", outcome: { error: { code: 4 } } });
  }
  expect(await storedBy(expired)).toEqual([]);
  expect(await listNames("projects/r")).toEqual([]);
});

test("two sweeps at once settle everything once", async () => {
  const operations = await Promise.all(Array.from({ length: 20 }, () => startScript(never, { verb: "hurry" })));
  for (const operation of operations) {
    await runInDurableObject(operation.stub, (_instance, { storage }) => storage.deleteAlarm());
  }
  clock.advance(10 * 60_000);
  await Promise.all([sweep(), sweep()]);
  await Promise.all(operations.map((operation) => outboxIsEmpty(operation)));
  await Promise.all([sweep(), sweep(), sweep()]);
  const rows = await storedRows();

  expect(rows).toHaveLength(20);
  for (const operation of operations) {
    expect(await storedRecord(operation)).toMatchObject({ state: "FAILED", revision: 2 });
    expect(JSON.parse((await snapshotOf(operation))!)).toMatchObject({ done: true, error: { code: 4 } });
  }
  expect(controls.snapshotWrites).toHaveLength(20);
});

test("a sweep writes nothing and calls no operation if nothing is due", async () => {
  const operation = await startScript(never);
  await sweep();

  expect(controls.callsOf(operation.id)).toEqual(["start"]);
});

test("a shard that cannot be settled does not delay the others", async () => {
  const broken = await startScript(never, { verb: "hurry", parent: "projects/a" });
  const late = await startScript(never, { verb: "hurry" });
  await runInDurableObject(indexOf("projects/a"), (_instance, { storage }) => {
    storage.sql.exec(`ALTER TABLE operations RENAME COLUMN due_time TO renamed`);
  });
  await loseAlarms(late);
  clock.advance(10 * 60_000);
  await sweep();

  expect(await storedRecord(late)).toMatchObject({ state: "FAILED" });
  expect(await storedRecord(broken)).toMatchObject({ state: "QUEUED" });
});

test("a sweep finds no shard before the first start", async () => {
  await sweep();

  expect(await storedRows()).toEqual([]);
});

describe("an operation whose alarm was lost, long before its deadline", () => {
  const MINUTES = 60_000;

  test("runs to its end by a new message if its message was lost too", async () => {
    const operation = await startScript(async () => ({ answer: 42 }));
    controls.sent.length = 0;
    await loseAlarm(operation.stub);
    clock.advance(10 * MINUTES);
    await sweep();
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("loses its lease to another runner if its runner was lost too", async () => {
    const operation = await startScript(never);
    await deliverNext();
    await eventually(async () => (await stateOf(operation)) === "RUNNING");
    await loseAlarm(operation.stub);
    clock.advance(10 * MINUTES);
    await sweep();
    const after = await storedRecord(operation);

    expect(after).toMatchObject({ deaths: 1 });
    expect(after?.fence).toBeUndefined();
    expect(await alarmTime(operation)).toBeDefined();
  });

  test("is listed as done if the index had not received its end", async () => {
    const operation = await startScript(async () => ({}));
    controls.indexWrite.fail("index is down");
    await runNext();
    await eventually(async () => (await storedRecord(operation))?.outbox.index?.failures === 1);
    controls.indexWrite.open();
    await loseAlarm(operation.stub);
    clock.advance(10 * MINUTES);
    const before = (await storedRows()).map(({ done }) => done);
    await sweep();
    await fireAlarm(operation);
    await outboxIsEmpty(operation);

    expect(before).toEqual([0]);
    expect((await storedRows()).map(({ done }) => done)).toEqual([1]);
  });

  test("leaves nothing if KV had not received its deletion, because the tombstone leads to it", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    controls.snapshotWrite.fail("KV is down");
    await call("DELETE", `/v1/${operation.name}`);
    await eventually(async () => (await storedRecord(operation))?.outbox.snapshot?.failures === 1);
    controls.snapshotWrite.open();
    await loseAlarm(operation.stub);
    clock.advance(61 * MINUTES);
    await fireIndexAlarm();
    const tombstones = await storedRows();
    await fireAlarm(operation);
    await eventually(async () => (await storedBy(operation)).length === 0);
    clock.advance(31 * 24 * 60 * MINUTES);
    await fireIndexAlarm();

    expect(tombstones).toMatchObject([{ id: operation.id, operation: null }]);
    expect(await snapshotOf(operation)).toBeUndefined();
    expect(await storedRows()).toEqual([]);
  });
});

describe("the patrol over running operations", () => {
  test("costs a call each, no row without a change, and runs once in a quarter of an hour", async () => {
    const operation = await startScript(never);
    clock.advance(6 * 60_000);
    // By then it has said that no consumer has claimed it: nothing more is to change.
    for (let count = 0; count < 6; count += 1) await advanceToAlarm(operation);
    await fireIndexAlarm();
    const calls = () => controls.callsOf(operation.id).filter((name) => name === "reconcile").length;
    const atFirst = calls();
    await sweep();
    const before = await storedRows();
    const first = calls();
    clock.advance(5 * 60_000);
    await sweep();
    const second = calls();
    clock.advance(15 * 60_000);
    await sweep();

    expect([first - atFirst, second - first, calls() - second]).toEqual([1, 0, 1]);
    expect(await storedRows()).toEqual(before);
  });

  test("is bounded per sweep, and continues in the next one", async () => {
    await startScript(never);
    const now = Date.now();
    await addRows(MAX_PATROL_ROWS + 20, { createTime: now - 60_000, dueTime: now + 3_600_000 });
    clock.advance(5 * 60_000);
    const left: number[] = [];
    for (let run = 0; run < 2; run += 1) {
      await sweep();
      left.push((await storedRows()).length);
    }

    // A missing operation leaves the index; a started one stays.
    expect(left).toEqual([21, 1]);
  });
});

describe("many shards", () => {
  async function register(count: number): Promise<Set<string>> {
    const ids = Array.from({ length: count }, (_, shard) => env.INDEX.idFromName(`projects/s${shard}#0`).toString());
    const directory = env.DIRECTORY.getByName("directory");
    for (const id of ids) await directory.register(id);
    return new Set(ids);
  }

  test("are each visited once, from the place where the last run ended", async () => {
    const ids = await register(2 * SHARDS_PER_SWEEP_PORTION + 7);
    await env.DIRECTORY.getByName("directory").nextShards(10);
    for (let run = 0; run < 3; run += 1) {
      const visited: string[] = [];
      await sweep(watched((shardId) => void visited.push(shardId)));

      expect(visited.toSorted()).toEqual([...ids].toSorted());
    }
  });

  test("do not wait for a slow one", async () => {
    const ids = await register(SHARDS_PER_SWEEP_PORTION);
    const othersDone = Promise.withResolvers<void>();
    const visited = new Set<string>();
    let slow: string | undefined;
    await sweep(
      watched(async (shardId) => {
        slow ??= shardId;
        if (shardId === slow) return othersDone.promise;
        visited.add(shardId);
        if (visited.size === ids.size - 1) othersDone.resolve();
      }),
    );

    expect(visited.size).toBe(ids.size - 1);
  });

  test("precede a second visit to a shard with more than it settles at once", async () => {
    await startScript(never);
    const overdue = Date.now() - 60_000;
    await addRows(2 * MAX_DUE_ROWS + 10, { createTime: overdue, dueTime: overdue });
    await runInDurableObject(indexOf("projects/p"), (_instance, { storage }) => storage.deleteAlarm());
    await register(SHARDS_PER_SWEEP_PORTION + 3);
    const visited: string[] = [];
    await sweep(watched((shardId) => void visited.push(shardId)));

    expect(await storedRows()).toHaveLength(1);
    expect(visited.filter((shardId) => shardId === SHARD)).toHaveLength(3);
    expect(visited.slice(-2)).toEqual([SHARD, SHARD]);
  });

  test("are left to the next run if one run cannot sweep them", async () => {
    const ids = await register(3 * SHARDS_PER_SWEEP_PORTION);
    const visited = new Set<string>();
    for (let run = 0; run < 3; run += 1) {
      let first = true;
      await sweep(
        watched((shardId) => {
          visited.add(shardId);
          // As if each visit of this run took very long.
          if (first) clock.advance(5 * 60_000);
          first = false;
        }),
      );
    }

    expect(visited.size).toBeGreaterThan(2);
    expect(visited.size).toBeLessThan(ids.size);
    await sweep(watched((shardId) => void visited.add(shardId)));
    expect(visited.size).toBe(ids.size);
  });
});

test("the index takes an operation's word for a row whose later revision was never saved", async () => {
  const operation = await startScript(async () => ({}));
  await runNext();
  await outboxIsEmpty(operation);
  const index = indexOf("projects/p");
  const [told] = await storedRows();
  await runInDurableObject(index, (_instance, { storage }) => {
    storage.sql.exec("UPDATE operations SET revision = revision + 5, done = 0, due_time = ?", Date.now() - 1);
  });
  await sweep();

  expect(await storedRows()).toEqual([told]);
});
