// The cost of lists and of their rows: rows read and written, as the platform bills them.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { indexShardFromId } from "../../src/contract/index-start";
import type { IndexRow } from "../../src/list/index-row";
import { type Cost, aDeployment, countCost, fillShard, shardOf } from "./list-harness";
import { useFreshWorld } from "./harness";

useFreshWorld();

const PLACE = { parent: "projects/p" };
const MAX_SCANNED_ROWS = 5_000;
/** How many shards there are, and whether there is a table, is read too. */
const OVERHEAD_ROWS = 3;

function aRow(row: Partial<IndexRow> = {}): IndexRow {
  return {
    createTime: Date.now(),
    id: "f".repeat(64),
    parent: "projects/p",
    done: false,
    revision: 1,
    dueTime: Date.now() + 3_600_000,
    operation: `{"name":"projects/p/operations/f","metadata":{},"done":false}`,
    facts: `{"target":"","verb":"run","requestedCancellation":false}`,
    ...row,
  };
}

describe("the index writes", () => {
  /** An index that has had its first row, whose alarm is armed. */
  async function anIndex() {
    const index = shardOf("projects/p");
    await index.upsert(aRow({ id: "0".repeat(64), dueTime: 1_000 }), PLACE);
    return index;
  }

  test("three rows for a new operation: the row, and its entries for running and due", async () => {
    const index = await anIndex();
    const cost = await countCost(index);
    await index.upsert(aRow(), PLACE);

    expect(cost).toMatchObject({ rowsWritten: 3, alarms: 0 });
  });

  test("one row for progress", async () => {
    const index = await anIndex();
    await index.upsert(aRow(), PLACE);
    const cost = await countCost(index);
    await index.upsert(aRow({ revision: 2, operation: `{"name":"n","metadata":{"n":1},"done":false}` }), PLACE);

    expect(cost).toMatchObject({ rowsWritten: 1, alarms: 0 });
  });

  test("nothing for an older revision than its own", async () => {
    const index = await anIndex();
    await index.upsert(aRow({ revision: 5 }), PLACE);
    const cost = await countCost(index);
    await index.upsert(aRow({ revision: 4, done: true }), PLACE);

    expect(cost).toMatchObject({ rowsWritten: 0, alarms: 0 });
  });

  test("two rows if only the due time changes", async () => {
    const index = await anIndex();
    await index.upsert(aRow(), PLACE);
    const cost = await countCost(index);
    await index.upsert(aRow({ revision: 2, dueTime: Date.now() + 7_200_000 }), PLACE);

    expect(cost).toMatchObject({ rowsWritten: 2, alarms: 0 });
  });

  test("two rows for an end: the row and its expiry", async () => {
    const index = await anIndex();
    await index.upsert(aRow(), PLACE);
    const cost = await countCost(index);
    await index.upsert(aRow({ revision: 2, done: true, dueTime: Date.now() + 7_200_000 }), PLACE);

    expect(cost).toMatchObject({ rowsWritten: 2, alarms: 0 });
  });

  test("two rows for the deletion of a finished operation, and one alarm for many", async () => {
    const index = shardOf("projects/p");
    const { createTime, id } = aRow();
    await index.upsert(aRow({ done: true, dueTime: Date.now() + 86_400_000 }), PLACE);
    await index.upsert(aRow({ id: "e".repeat(64), done: true, dueTime: Date.now() + 86_400_000 }), PLACE);
    const cost = await countCost(index);
    await index.remove({ createTime, id }, PLACE);
    const first = { ...cost };
    await index.remove({ createTime, id: "e".repeat(64) }, PLACE);

    expect(first).toMatchObject({ rowsWritten: 2, alarms: 1 });
    expect(cost).toMatchObject({ rowsWritten: 4, alarms: 1 });
  });
});

describe.each([
  ["the newest", {}, 101],
  ["done = false", { filter: "done = false" }, 101],
  [
    "a range of time",
    { filter: "createTime >= 2026-01-01T00:00:00.100Z AND createTime < 2026-01-01T00:00:00.150Z" },
    50,
  ],
  ["no more than exist", { filter: "done = false AND createTime <= 2026-01-01T00:00:00.500Z" }, 50],
] as const)("a page of 100 of %s", (_, query, most) => {
  test.each([1_001, 10_000])("reads the same rows among %i", async (count) => {
    const index = shardOf("projects/p");
    await fillShard(index, { count, done: "n % 5 != 0 AND n > 500 OR n % 10 != 0" });
    const cost = await countCost(index);
    const page = await aDeployment().list("projects/p", query);
    const { rowsRead } = cost;

    expect(page.names).toHaveLength(Math.min(100, most));
    expect(rowsRead).toBeGreaterThanOrEqual(most);
    expect(rowsRead).toBeLessThanOrEqual(most + 1 + OVERHEAD_ROWS);
  });
});

test("a deep page reads no more rows than the first", async () => {
  const index = shardOf("projects/p");
  await fillShard(index, { count: 3_000 });
  const reads: number[] = [];
  let pageToken: string | undefined;
  do {
    const cost = await countCost(index);
    ({ nextPageToken: pageToken } = await aDeployment().list("projects/p", { pageToken }));
    reads.push(cost.rowsRead);
  } while (pageToken !== undefined);

  expect(reads).toHaveLength(30);
  expect(Math.max(...reads) - Math.min(...reads)).toBeLessThanOrEqual(10);
});

describe("a filter that matches nothing", () => {
  test.each([
    "metadata.n = -1",
    "metadata.tags:x",
    'verb = "no*such*verb*at*all"',
    "done = false AND metadata.n = -1",
    "NOT createTime > 1970-01-01T00:00:00Z",
    "createTime > 1970-01-01T00:00:00Z AND nothing.at.all = 1",
  ])("reads at most 5,000 rows for a page: %s", async (filter) => {
    const index = shardOf("projects/p");
    await fillShard(index, { count: 12_000, done: "n % 2 = 0" });
    const scans: number[] = [];
    let pageToken: string | undefined;
    do {
      const cost = await countCost(index);
      const page = await aDeployment().list("projects/p", { filter, pageToken });
      pageToken = page.nextPageToken;
      scans.push(cost.rowsRead);
      expect(page.names).toEqual([]);
    } while (pageToken !== undefined);

    expect(Math.max(...scans)).toBeLessThanOrEqual(MAX_SCANNED_ROWS + OVERHEAD_ROWS);
    expect(scans).toHaveLength(filter.startsWith("done") ? 2 : 3);
  });

  test.each([4, 16])("reads at most 5,000 rows of %i shards together", async (shards) => {
    const costs: Cost[] = [];
    for (let shard = 0; shard < shards; shard += 1) {
      await fillShard(shardOf("projects/p", shard), { count: Math.ceil(12_000 / shards), shard });
      costs.push(await countCost(shardOf("projects/p", shard)));
    }
    await shardOf("projects/p").registerShard(shards - 1);
    await aDeployment().list("projects/p", { filter: "metadata.n = -1" });
    const read = costs.map(({ rowsRead }) => rowsRead);

    // In even shares: what one of them knows is worth no more than what the others know.
    expect(Math.max(...read)).toBeLessThanOrEqual(MAX_SCANNED_ROWS / shards + OVERHEAD_ROWS);
    expect(Math.min(...read)).toBeGreaterThan(0);
    expect(read.reduce((sum, rows) => sum + rows, 0)).toBeLessThanOrEqual(MAX_SCANNED_ROWS + OVERHEAD_ROWS * shards);
  });
});

describe("the statements of a list", () => {
  test("are all closed when the list is answered", async () => {
    const index = shardOf("projects/p");
    await fillShard(index, { count: 1_000 });
    await aDeployment().list("projects/p", { pageSize: 10 });
    await aDeployment().list("projects/p", { pageSize: 10, filter: "metadata.n = 400" });

    // SQLite refuses to drop a table that an open statement still reads.
    await runInDurableObject(index, (_instance, { storage }) => storage.sql.exec("DROP TABLE operations"));
    expect((await aDeployment().list("projects/p")).status).toBe(503);
  });

  test.each([
    ["", "USING PRIMARY KEY (create_time>? AND (create_time,id)<(?,?))"],
    ["metadata.n = 1", "USING PRIMARY KEY (create_time>? AND (create_time,id)<(?,?))"],
    ["done = false", "USING INDEX operations_running (create_time>? AND (create_time,id)<(?,?))"],
    [
      "done = false AND createTime > 2026-01-01T00:00:00Z AND verb = run",
      "USING INDEX operations_running (create_time>? AND (create_time,id)<(?,?))",
    ],
  ])("use an index for range and order, without sorting: %j", async (filter, plan) => {
    const index = shardOf("projects/p");
    await fillShard(index, { count: 10 });
    const plans = await runInDurableObject(index, async (instance, { storage }) => {
      const { sql } = storage;
      const exec = sql.exec.bind(sql);
      const seen: string[] = [];
      sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
        if (query.includes("FROM operations")) {
          const steps = exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...values).toArray();
          seen.push(steps.map(({ detail }) => detail).join("; "));
        }
        return exec(query, ...values);
      }) as typeof sql.exec;
      await instance.page({ parent: "projects/p", filter, limit: 10 });
      return seen;
    });

    expect(new Set(plans)).toEqual(new Set([`SEARCH operations ${plan}`]));
  });
});

test("operation ids are spread evenly over shards", async () => {
  const ids = Array.from({ length: 4_000 }, () => env.OPERATIONS.newUniqueId().toString());
  for (const shards of [2, 4, 16, 64]) {
    const counts = Array.from({ length: shards }, () => 0);
    for (const id of ids) counts[indexShardFromId(id, shards)]! += 1;
    const expected = ids.length / shards;

    // Six standard deviations: a fair spread fails once in a hundred million runs.
    const slack = 6 * Math.sqrt(expected);
    expect(Math.min(...counts)).toBeGreaterThan(expected - slack);
    expect(Math.max(...counts)).toBeLessThan(expected + slack);
  }
});
