// An index shard near its limit refuses new rows and nothing else; starts go to another shard.
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import { MAX_SHARD_BYTES, SHARD_WARNING_INTERVAL_MS } from "../../src/limits";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import { type Deployment, aDeployment, shardOf } from "./list-harness";
import { useFreshWorld } from "./harness";

useFreshWorld();

const MONTH_MS = 31 * 86_400_000;

let projects = 0;

/** A project of its own for each test: an isolate remembers which shards of a project are full. */
function aProject(): string {
  projects += 1;
  return `projects/full-${projects}`;
}

/** Bytes of metadata that a row holds whole. */
const PAD = "x".repeat(1_500);

const deployedWith = (shards: number): Deployment => aDeployment({ variables: { INDEX_SHARDS: String(shards) } });

async function createPadded(service: Deployment, parent: string): Promise<string> {
  clock.advance(1);
  const metadata = { "@type": "type.googleapis.com/acme.Progress", pad: PAD };
  const { status, text } = await service.call("POST", `/v1/${parent}/operations`, { operation: { metadata } });
  if (status !== 200) throw new Error(`${status} ${text}`);
  return (JSON.parse(text) as { name: string }).name;
}

async function shardOfRecord(name: string): Promise<number | undefined> {
  const object = env.OPERATIONS.get(env.OPERATIONS.idFromString(name.split("/").at(-1)!));
  return runInDurableObject(object, (_instance, { storage }) => storage.kv.get<StoredRecord>("record")?.indexShard);
}

async function bytesOf(parent: string, shard = 0): Promise<number> {
  return runInDurableObject(shardOf(parent, shard), (_instance, { storage }) => storage.sql.databaseSize);
}

/** The rows of a shard, tombstones left out. */
async function rowsIn(parent: string, shard: number): Promise<number> {
  return runInDurableObject(shardOf(parent, shard), (_instance, { storage }) => {
    const isCreated = storage.sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'operations'`).toArray().length > 0;
    if (!isCreated) return 0;
    return storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM operations WHERE operation IS NOT NULL`).one().n;
  });
}

/** Starts operations until shard 0 has reached a limit that is near. */
async function filled(parent: string, service = aDeployment()): Promise<string[]> {
  const names = [await createPadded(service, parent)];
  controls.maxShardBytes = (await bytesOf(parent)) + 30_000;
  while ((await rowsIn(parent, 1)) === 0) names.unshift(await createPadded(service, parent));
  return names;
}

describe("CreateOperation › a full shard", () => {
  test("rejects the row, so the operation starts in another shard, which shard 0 then knows", async () => {
    const parent = aProject();
    const names = await filled(parent);
    for (let n = 0; n < 3; n += 1) names.unshift(await createPadded(aDeployment(), parent));
    const places = await Promise.all(names.map(shardOfRecord));
    const listed = await aDeployment().walk(parent, { pageSize: 4 });

    expect(await bytesOf(parent)).toBeGreaterThanOrEqual(controls.maxShardBytes);
    expect(places.slice(0, 4)).toEqual([1, 1, 1, 1]);
    expect(new Set(places.slice(4))).toEqual(new Set([0]));
    expect(listed.flatMap((page) => page.names)).toEqual(names);
    expect(await shardOf(parent).shardCount()).toBe(2);
  });

  test("is called once a minute by an isolate, not by each start", async () => {
    const parent = aProject();
    await filled(parent);
    controls.indexWrite.passed = 0;
    await createPadded(aDeployment(), parent);
    const remembered = controls.indexWrite.passed;
    clock.advance(60_000);
    controls.indexWrite.passed = 0;
    await createPadded(aDeployment(), parent);

    expect([remembered, controls.indexWrite.passed]).toEqual([1, 2]);
  });

  test("sends rows to the other shards of the deployment before one is added", async () => {
    const parent = aProject();
    await filled(parent);
    const names: string[] = [];
    for (let n = 0; n < 8; n += 1) names.push(await createPadded(deployedWith(4), parent));
    const places = await Promise.all(names.map(shardOfRecord));

    expect(Math.max(...places.map((shard) => shard ?? 0))).toBeLessThan(4);
    expect(places).not.toContain(0);
    expect(await shardOf(parent).shardCount()).toBeLessThanOrEqual(4);
  });

  test("leads to RESOURCE_EXHAUSTED without any write if every shard is full", async () => {
    const parent = aProject();
    controls.maxShardBytes = 0;
    const { status, text } = await aDeployment().call("POST", `/v1/${parent}/operations`, {});

    expect(status).toBe(429);
    expect(text).toContain("INDEX_FULL");
    controls.maxShardBytes = MAX_SHARD_BYTES;
    expect((await aDeployment().list(parent)).names).toEqual([]);
  }, 60_000);
});

describe("a full shard", () => {
  test("accepts changes, ends and deletions of its operations", async () => {
    const parent = aProject();
    const names = await filled(parent);
    const inFull = names.slice(1);
    await aDeployment().finish(inFull[0]!, { text: "done" });
    await aDeployment().delete(inFull[1]!);
    await eventually(async () => (await aDeployment().list(parent, { filter: "done = true" })).names.length === 1);
    const { names: running } = await aDeployment().list(parent, { filter: "done = false" });

    expect(running).toEqual(names.filter((name) => name !== inFull[0] && name !== inFull[1]));
    expect((await aDeployment().list(parent, { filter: "done = true" })).names).toEqual([inFull[0]]);
  });

  test("accepts new rows again when expiry has freed space", async () => {
    const parent = aProject();
    const names = await filled(parent);
    for (const name of names.slice(1)) await aDeployment().finish(name, {});
    clock.advance(MONTH_MS);
    await eventually(async () => {
      await runDurableObjectAlarm(shardOf(parent));
      return (await rowsIn(parent, 0)) === 0;
    });
    const next = await createPadded(aDeployment(), parent);

    expect(await shardOfRecord(next)).toBe(0);
  });

  test("keeps deleted operations deleted, so a delayed start is rejected", async () => {
    const parent = aProject();
    const names = await filled(parent);
    const name = names.at(-1)!;
    const id = name.split("/").at(-1)!;
    const [row] = await runInDurableObject(shardOf(parent), (_instance, { storage }) =>
      storage.sql.exec<{ create_time: number }>(`SELECT create_time FROM operations WHERE id = ?`, id).toArray(),
    );
    await aDeployment().delete(name);
    const late = {
      createTime: row!.create_time,
      id,
      parent,
      done: false,
      revision: 0,
      dueTime: Date.now(),
      operation: JSON.stringify({ name }),
      facts: "{}",
    };

    expect(await shardOf(parent).begin(late, { parent })).toMatchObject({ ok: false, refusal: "DELETED" });
  });

  test("reports itself once an hour, in a log line and a data point", async () => {
    const parent = aProject();
    await filled(parent);
    const filling = () => controls.dataPoints.filter(({ blobs }) => blobs?.[0] === "shardFilling");
    const first = filling().length;
    clock.advance(SHARD_WARNING_INTERVAL_MS);
    await createPadded(aDeployment(), parent);

    expect(first).toBe(1);
    expect(filling()).toHaveLength(2);
    expect(filling()[0]).toMatchObject({
      indexes: ["index"],
      blobs: ["shardFilling", "full"],
      doubles: [1, expect.any(Number), expect.any(Number)],
    });
  });

  test("is also a shard whose storage reports that it is full", async () => {
    const parent = aProject();
    await createPadded(aDeployment(), parent);
    await runInDurableObject(shardOf(parent), (_instance, { storage }) => {
      const exec = storage.sql.exec.bind(storage.sql);
      storage.sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
        if (query.startsWith("INSERT")) throw new Error("database or disk is full: SQLITE_FULL");
        return exec(query, ...values);
      }) as typeof storage.sql.exec;
    });
    const next = await createPadded(aDeployment(), parent);

    expect(await shardOfRecord(next)).toBe(1);
  });
});

describe("a shard that runs the code of an earlier version", () => {
  test("has no `begin`, so starts write their rows by upsert", async () => {
    const parent = aProject();
    await createPadded(aDeployment(), parent);
    await runInDurableObject(shardOf(parent), (instance) => {
      // As the runtime says it.
      instance.begin = async () => {
        throw new TypeError('The RPC receiver does not implement the method "begin".');
      };
    });

    expect(await shardOfRecord(await createPadded(aDeployment(), parent))).toBe(0);
  });
});
