// Shards become more from deploy to deploy, without migration, and while deployments stand side by side.
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { IndexRow } from "../../src/list/index-row";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";
import { type Cost, type Deployment, aDeployment, countCost, fillShard, shardOf } from "./list-harness";

useFreshWorld();

const deployedWith = (shards: number): Deployment => aDeployment({ variables: { INDEX_SHARDS: String(shards) } });

async function createdBy(service: Deployment, count: number, parent = "projects/p"): Promise<string[]> {
  const names: string[] = [];
  for (let n = 0; n < count; n += 1) {
    clock.advance(1);
    names.unshift(await service.create(parent));
  }
  return names;
}

interface PlacedRow {
  shard: number;
  done: number;
  isTombstone: boolean;
}

/** Every row of an operation, in whatever shard. */
async function rowsOf(name: string, scope = "projects/p"): Promise<PlacedRow[]> {
  const id = name.split("/").at(-1)!;
  const rows: PlacedRow[] = [];
  for (let shard = 0; shard < 16; shard += 1) {
    const found = await runInDurableObject(shardOf(scope, shard), (_instance, { storage }) => {
      const tables = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'operations'").toArray();
      if (tables.length === 0) return [];
      return storage.sql
        .exec<{ done: number; gone: number }>("SELECT done, operation IS NULL AS gone FROM operations WHERE id = ?", id)
        .toArray();
    });
    rows.push(...found.map(({ done, gone }) => ({ shard, done, isTombstone: gone === 1 })));
  }
  return rows;
}

async function shardOfRecord(name: string): Promise<number | undefined> {
  const object = env.OPERATIONS.get(env.OPERATIONS.idFromString(name.split("/").at(-1)!));
  return runInDurableObject(object, (_instance, { storage }) => storage.kv.get<StoredRecord>("record")?.indexShard);
}

describe("shards that grow from 1 to 4 to 16", () => {
  test("keep every operation in each caller's list, once, newest first", async () => {
    const names: string[] = [];
    for (const shards of [1, 4, 16]) names.unshift(...(await createdBy(deployedWith(shards), 20)));

    for (const reader of [1, 4, 16]) {
      const pages = await deployedWith(reader).walk("projects/p", { pageSize: 7 });

      expect(pages.flatMap((page) => page.names)).toEqual(names);
      expect(pages).toHaveLength(9);
    }
  });

  test("keep it so while old and new deployments write side by side, and with fewer shards again", async () => {
    const names: string[] = [];
    for (const shards of [1, 4, 1, 16, 4, 16, 1]) names.unshift(...(await createdBy(deployedWith(shards), 5)));

    expect((await deployedWith(1).walk("projects/p", { pageSize: 4 })).flatMap((page) => page.names)).toEqual(names);
  });

  test("never become fewer", async () => {
    await shardOf("projects/p").registerShard(3);
    await shardOf("projects/p").registerShard(1);

    expect((await shardOf("projects/p").page({ parent: "projects/p", filter: "", limit: 1 })).shardCount).toBe(4);
  });

  test("are separate for each scope", async () => {
    await createdBy(deployedWith(16), 10);
    await createdBy(deployedWith(1), 1, "projects/q");

    expect((await shardOf("projects/q").page({ parent: "projects/q", filter: "", limit: 1 })).shardCount).toBe(1);
  });
});

describe("the shards of a tenant", () => {
  test("serve all lists of the tenant, and no others", async () => {
    const asked = new Set<string>();
    const service = aDeployment({
      variables: { INDEX_SHARDS: "4" },
      fails: (shard) => {
        asked.add(shard);
        return false;
      },
    });
    await createdBy(service, 10, "projects/loud");
    const names = await createdBy(service, 3, "projects/quiet");
    const filter = 'metadata.a = "*x*" OR done = false';
    const quiet = (await service.walk("projects/quiet", { filter, pageSize: 2 })).flatMap((page) => page.names);
    const askedForQuiet = [...asked];
    asked.clear();
    await service.walk("projects/loud", { filter, pageSize: 2 });

    expect(quiet).toEqual(names);
    expect(askedForQuiet.length).toBeGreaterThan(0);
    expect(askedForQuiet.filter((shard) => !shard.startsWith("projects/quiet#"))).toEqual([]);
    expect([...asked].filter((shard) => !shard.startsWith("projects/loud#"))).toEqual([]);
  });
});

describe("an operation's shard", () => {
  test("stays the same until it expires, whatever deployment finishes it", async () => {
    const [name = ""] = await createdBy(deployedWith(16), 1);
    const [created] = await rowsOf(name);
    await deployedWith(1).finish(name);
    await eventually(async () => (await rowsOf(name))[0]?.done === 1);
    const finished = await rowsOf(name);
    clock.advance(31 * 86_400_000);
    await runDurableObjectAlarm(shardOf("projects/p", created!.shard));

    expect(finished).toEqual([{ ...created, done: 1 }]);
    expect(await shardOfRecord(name)).toBeUndefined();
    expect(await rowsOf(name)).toEqual([]);
  });

  test("has its tombstone, whatever deployment deletes it", async () => {
    const [name = ""] = await createdBy(deployedWith(16), 1);
    const [created] = await rowsOf(name);
    await deployedWith(4).delete(name);

    expect(await rowsOf(name)).toEqual([{ shard: created!.shard, done: 1, isTombstone: true }]);
    expect((await deployedWith(1).list("projects/p")).names).toEqual([]);
  });

  test("is stored in its record", async () => {
    for (const name of await createdBy(deployedWith(16), 8)) {
      const [row] = await rowsOf(name);

      expect(await shardOfRecord(name)).toBe(row!.shard);
    }
  });
});

describe("a start that a deployment of more shards repeats", () => {
  test("leaves one row, in the shard of the started operation", async () => {
    const [name = ""] = await createdBy(deployedWith(16), 1);
    const shard = await shardOfRecord(name);
    const other = shard === 5 ? 6 : 5;
    const createTime = Date.now();
    // The rows that the first try had written before it failed.
    const row: IndexRow = {
      createTime,
      id: name.split("/").at(-1)!,
      parent: "projects/p",
      done: false,
      revision: 0,
      dueTime: createTime + 120_000,
      operation: JSON.stringify({ name, metadata: {}, done: false }),
      facts: `{"target":"","verb":"","requestedCancellation":false}`,
    };
    await shardOf("projects/p", other).upsert(row, { parent: "projects/p", indexShard: other });
    await deployedWith(1).finish(name);
    await eventually(async () => (await rowsOf(name)).some(({ done }) => done === 1));
    const listed = (await aDeployment().list("projects/p")).operations;
    clock.advance(120_000);
    await runDurableObjectAlarm(shardOf("projects/p", other));

    expect(listed).toMatchObject([{ name, done: true }]);
    expect(await rowsOf(name)).toEqual([{ shard, done: 1, isTombstone: false }]);
  });
});

describe("a shard that is not yet known to shard 0", () => {
  test("gets no row, because a start that cannot notify shard 0 is rejected", async () => {
    await runInDurableObject(shardOf("projects/p"), (instance) => {
      instance.registerShard = async () => {
        throw new Error("shard 0 is out of reach");
      };
    });
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      statuses.push((await deployedWith(16).call("POST", "/v1/projects/p/operations", {})).status);
    }
    const listed = (await aDeployment().list("projects/p")).names;

    expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(0);
    expect(listed).toHaveLength(statuses.filter((status) => status === 200).length);
  });
});

describe("a list over shards", () => {
  test("returns a part if one of them is unreachable", async () => {
    const names = await createdBy(deployedWith(4), 24);
    const lost = await Promise.all(names.map(async (name) => (await shardOfRecord(name)) === 2));
    const service = aDeployment({ variables: { INDEX_SHARDS: "4" }, fails: (shard) => shard.endsWith("#2") });

    expect((await service.list("projects/p")).status).toBe(503);
    expect(await service.list("projects/p", { returnPartialSuccess: true })).toMatchObject({
      names: names.filter((_, n) => !lost[n]),
      unreachable: ["projects/p"],
    });
  });

  test("finds the others if the unreachable one is shard 0", async () => {
    const names = await createdBy(deployedWith(4), 24);
    const lost = await Promise.all(names.map(async (name) => (await shardOfRecord(name)) === 0));
    const service = aDeployment({ variables: { INDEX_SHARDS: "4" }, fails: (shard) => shard.endsWith("#0") });

    expect((await service.list("projects/p", { returnPartialSuccess: true })).names).toEqual(
      names.filter((_, n) => !lost[n]),
    );
  });

  test("reads little more from many than from one", async () => {
    const costs: Cost[] = [];
    for (let shard = 0; shard < 16; shard += 1) {
      await fillShard(shardOf("projects/p", shard), { count: 100, shard });
      costs.push(await countCost(shardOf("projects/p", shard)));
    }
    await shardOf("projects/p").registerShard(15);
    const { names } = await aDeployment().list("projects/p");

    expect(names).toHaveLength(100);
    expect(costs.reduce((sum, { rowsRead }) => sum + rowsRead, 0)).toBeLessThan(500);
  });
});
