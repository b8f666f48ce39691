// The sweep: the net under the alarms. It may run twice at once, and one shard that fails keeps none of the others waiting.
import { createScheduledController, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  indexOf,
  listNames,
  outboxIsEmpty,
  runNext,
  snapshotOf,
  startScript,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";
import worker from "./worker";

useFreshWorld();

const never = () => new Promise<object>(() => {});

async function sweep(): Promise<void> {
  await worker.scheduled(createScheduledController({ cron: "*/5 * * * *" }), env);
}

/** Loses the alarms of an operation and of its index. */
async function loseAlarms({ stub }: Started, parent = "projects/p"): Promise<void> {
  for (const object of [stub, indexOf(parent)]) {
    await runInDurableObject(object, (_instance, { storage }) => storage.deleteAlarm());
    await evictDurableObject(object);
  }
}

test("a sweep settles what no alarm did, in every scope", async () => {
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

test("a sweep that finds nothing due writes nothing and wakes no operation", async () => {
  const operation = await startScript(never);
  await sweep();

  expect(controls.callsOf(operation.id)).toEqual(["start"]);
});

test("a shard that cannot be settled keeps none of the others waiting", async () => {
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

test("a sweep before anything was ever started finds no shard", async () => {
  await sweep();

  expect(await storedRows()).toEqual([]);
});
