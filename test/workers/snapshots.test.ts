// Snapshots in KV: the final state, put once, dropped by KV with its retention, removed by a deletion.
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  call,
  fireAlarm,
  getOperation,
  outboxIsEmpty,
  runNext,
  scriptPath,
  snapshotOf,
  startEcho,
  startScript,
  startedFrom,
  storedRecord,
  useFreshWorld,
} from "./harness";
import worker from "./worker";

useFreshWorld();

const DAY_SECONDS = 86_400;

describe("the snapshot of a finished operation", () => {
  test("is the answer of GET, put once, for the operation's retention", async () => {
    const operation = await startScript(async (op) => {
      op.progress({ rows: 7 });
      return { answer: 42 };
    });
    const before = await snapshotOf(operation);
    await runNext();
    await outboxIsEmpty(operation);
    // Nothing that comes later puts it again.
    await call("POST", `/v1/${operation.name}:cancel`);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);

    expect(before).toBeUndefined();
    expect(JSON.parse((await snapshotOf(operation))!)).toEqual(await getOperation(operation.name));
    expect(controls.snapshotWrites).toEqual([
      { write: "put", key: `operation/${operation.id}`, expirationTtl: 30 * DAY_SECONDS },
    ]);
  });

  test("has the shortest retention of KV if the method's is a minute", async () => {
    const operation = await startScript(async () => ({}), { verb: "forget" });
    await runNext();
    await outboxIsEmpty(operation);

    expect(controls.snapshotWrites).toMatchObject([{ write: "put", expirationTtl: 60 }]);
  });

  test("is put for an operation that failed, was cancelled, or was done at once", async () => {
    const failed = await startEcho({ ttl: "0s", error: { code: 5, message: "nobody" } });
    const cancelled = await startScript(async () => ({}));
    await call("POST", `/v1/${cancelled.name}:cancel`);
    await Promise.all([outboxIsEmpty(failed), outboxIsEmpty(cancelled)]);

    expect(JSON.parse((await snapshotOf(failed))!)).toMatchObject({ done: true, error: { code: 5 } });
    expect(JSON.parse((await snapshotOf(cancelled))!)).toMatchObject({ done: true, error: { code: 1 } });
  });

  test("is put by the alarm if KV rejects it, and counts once", async () => {
    controls.snapshotWrite.fail("KV is down");
    const operation = await startScript(async () => ({}));
    await runNext();
    await eventually(async () => (await storedRecord(operation))?.outbox.snapshot?.failures === 1);
    clock.advance(60_000);
    await fireAlarm(operation);
    await eventually(async () => (await storedRecord(operation))?.outbox.snapshot?.failures === 2);
    controls.snapshotWrite.open();
    clock.advance(60_000);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);

    expect(controls.snapshotWrites.map(({ write }) => write)).toEqual(["put"]);
    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("is removed by a deletion, which is retried until it succeeds", async () => {
    const operation = await startScript(async () => ({}));
    await runNext();
    await outboxIsEmpty(operation);
    controls.snapshotWrite.fail("KV is down");
    await call("DELETE", `/v1/${operation.name}`);
    await eventually(async () => (await storedRecord(operation))?.outbox.snapshot?.failures === 1);
    const meanwhile = await call("GET", `/v1/${operation.name}`);
    controls.snapshotWrite.open();
    clock.advance(60_000);
    await fireAlarm(operation);
    await eventually(async () => (await storedRecord(operation)) === undefined);

    expect(meanwhile.status).toBe(404);
    expect(controls.snapshotWrites.map(({ write }) => write)).toEqual(["put", "delete"]);
    expect((await env.SNAPSHOTS.list()).keys).toEqual([]);
  });

  test("is not put if snapshots are off, and a deletion makes no call to KV", async () => {
    const response = await worker.fetch(
      new Request(`https://operations.example${scriptPath(async () => ({}))}`, { method: "POST" }),
      { ...env, KV_SNAPSHOTS: "off" },
    );
    const operation = startedFrom({ status: response.status, headers: response.headers, body: await response.json() });
    await runNext();
    await outboxIsEmpty(operation);
    await call("DELETE", `/v1/${operation.name}`);
    await eventually(async () => (await storedRecord(operation)) === undefined);

    expect(controls.snapshotWrites).toEqual([]);
  });
});
