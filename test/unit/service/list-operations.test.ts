import { describe, expect, test } from "vitest";
import {
  LIST_READ_CONCURRENCY,
  MAX_PAGE_BYTES,
  MAX_PAGE_READS,
  MAX_PAGE_READ_MS,
  MAX_PAGE_SIZE,
  MAX_SCANNED_ROWS,
} from "../../../src/limits";
import { unavailable } from "../../../src/rpc/error";
import type { Location } from "../../../src/service/locations";
import { aList } from "../../support/a-list";
import { AnIndex, aLargeRow, aTokenKey, anId, anIndexRow } from "../../support/an-index";
import { CREATE_TIME } from "../../support/an-operation";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const MIB = 1_048_576;

/** An index of `count` operations, a millisecond apart; their ids from the newest on. */
function filled(count: number, { shards = 1, parent = "projects/p/locations/l" } = {}) {
  const index = new AnIndex();
  const rows = Array.from({ length: count }, (_, n) => anIndexRow({ createTime: CREATE_TIME + n, parent }));
  for (const [n, row] of rows.entries()) index.write(row, { shard: n % shards });
  return { index, ids: rows.map(({ id }) => id).toReversed() };
}

/** Locations of their jurisdictions, and one of none. */
function locations(...list: Location[]): Map<string, Location> {
  return new Map(list.map((location) => [location.locationId, location]));
}

const at = (ms: number): string => new Date(CREATE_TIME + ms).toISOString();

/** One match, the oldest, behind rows that do not match. */
function needle(count: number, shards: number) {
  const index = new AnIndex();
  const match = anIndexRow({ metadata: { wanted: true } });
  index.write(match);
  for (let n = 1; n < count; n += 1) index.write(anIndexRow({ createTime: CREATE_TIME + n }), { shard: n % shards });
  return { index, id: match.id };
}

function anOperationOf(name: string, bytes: number): string {
  const bare = JSON.stringify({ name, done: true, response: { x: "" } });
  return JSON.stringify({ name, done: true, response: { x: "x".repeat(bytes - bare.length) } });
}

/** Operations under several parents. */
function spreadOverParents() {
  const index = new AnIndex();
  const parents = ["projects/p/locations/a", "projects/p/locations/b", "projects/p", "projects/p/locations/a/models/m"];
  for (const [n, parent] of parents.entries()) index.write(anIndexRow({ createTime: CREATE_TIME - n, parent }));
  return { list: aList({ index }), parents };
}

function threeShards() {
  const { index, ids } = filled(30, { shards: 3 });
  return { index, ids, list: aList({ index, indexShards: 3 }) };
}

function outOfReach() {
  const index = new AnIndex();
  index.write(anIndexRow({ createTime: CREATE_TIME + 1 }));
  const large = aLargeRow(100_000);
  index.write(large);
  return { list: aList({ index, whole: fails }), name: (JSON.parse(large.operation) as { name: string }).name };
}

async function fails(): Promise<never> {
  throw unavailable("out of reach", 1);
}

/** Of a MiB of characters, each three bytes in UTF-8. */
async function threeMib(name: string): Promise<string> {
  return JSON.stringify({ name, done: true, response: { x: "€".repeat(MIB) } });
}

/** An index of operations too large for it, each of so many bytes, and the list of them. */
function ofSizes(sizes: readonly number[], shards = 1) {
  const index = new AnIndex();
  const sizeOf = new Map<string, number>();
  for (const [n, size] of sizes.entries()) {
    const row = aLargeRow(size, { createTime: CREATE_TIME - n });
    index.write(row, { shard: n % shards });
    sizeOf.set((JSON.parse(row.operation) as { name: string }).name, size);
  }
  const whole = async (name: string): Promise<string | undefined> => {
    const size = sizeOf.get(name);
    return size === undefined ? undefined : anOperationOf(name, size);
  };
  return { index, sizeOf, whole, list: aList({ index, whole }) };
}

describe("the order of a list", () => {
  test("is newest first", async () => {
    const { index, ids } = filled(30);

    expect((await aList({ index }).list()).ids).toEqual(ids);
  });

  test("is by id, the greatest first, within one millisecond", async () => {
    const index = new AnIndex();
    const ids = ["b", "d", "a", "c"].map((digit) => digit.repeat(64));
    for (const [shard, id] of ids.entries()) index.write(anIndexRow({ id }), { shard: shard % 2 });

    const pages = await aList({ index }).walk({ pageSize: 1 });

    expect(pages.flatMap((page) => page.ids.map((id) => id[0]))).toEqual(["d", "c", "b", "a"]);
  });

  test.each([1, 4, 16, 64])("is the same over %i shards", async (shards) => {
    const { index, ids } = filled(300, { shards });

    const pages = await aList({ index }).walk({ pageSize: 100 });

    expect(pages.map((page) => page.ids.length)).toEqual([100, 100, 100]);
    expect(pages.flatMap((page) => page.ids)).toEqual(ids);
  });
});

describe("pageSize", () => {
  test.each([
    [undefined, 100],
    [0, 100],
    [1, 1],
    [1_000, 1_000],
    [1_001, 1_000],
    [2_147_483_647, 1_000],
  ])("of %s returns %i operations", async (pageSize, count) => {
    const { index } = filled(MAX_PAGE_SIZE + 1);

    expect((await aList({ index }).list({ pageSize })).ids).toHaveLength(count);
  });

  test("is INVALID_ARGUMENT below zero", async () => {
    const error = await rpcErrorOf(() => aList().list({ pageSize: -1 }));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(["pageSize"]);
  });
});

describe("nextPageToken", () => {
  test.each([1, 3, 16])("is absent on the last page alone, with %i shards", async (shards) => {
    for (const [count, pageSize, pages] of [
      [0, 3, 1],
      [3, 3, 1],
      [4, 3, 2],
      [6, 3, 2],
      [100, 0, 1],
    ] as const) {
      const { index } = filled(count, { shards });

      expect(await aList({ index }).walk({ pageSize })).toHaveLength(pages);
    }
  });

  test("is accepted with another pageSize", async () => {
    const { index, ids } = filled(20);
    const list = aList({ index });
    const { nextPageToken } = await list.list({ pageSize: 5 });

    expect((await list.list({ pageSize: 7, pageToken: nextPageToken })).ids).toEqual(ids.slice(5, 12));
  });

  test.each([
    ["another parent", { parent: "projects/p/locations/m" }],
    ["another filter", { filter: "done = true" }],
  ])("is rejected with %s", async (_, other) => {
    const { index } = filled(20);
    const list = aList({ index });
    const { nextPageToken } = await list.list({ pageSize: 5, filter: "done = false" });

    const error = await rpcErrorOf(() => list.list({ filter: "done = false", ...other, pageToken: nextPageToken }));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(["pageToken"]);
  });

  test("is opened by the deployment's second key, and not by a removed key", async () => {
    const { index, ids } = filled(20);
    const [first, second, third] = [aTokenKey(1), aTokenKey(2), aTokenKey(3)];
    const { nextPageToken } = await aList({ index, tokenKeys: [first] }).list({ pageSize: 5 });

    const page = await aList({ index, tokenKeys: [second, first] }).list({ pageSize: 5, pageToken: nextPageToken });
    const error = await rpcErrorOf(() =>
      aList({ index, tokenKeys: [third, second] }).list({ pageToken: nextPageToken }),
    );

    expect(page.ids).toEqual(ids.slice(5, 10));
    expect(violatedFields(error.details)).toEqual(["pageToken"]);
    expect(index.keysMade).toBe(0);
  });

  test("is rejected without a new key in a scope that never returned one", async () => {
    const { nextPageToken } = await aList({ index: filled(2).index }).list({ pageSize: 1 });
    const { index, ...other } = aList();

    expect((await rpcErrorOf(() => other.list({ pageToken: nextPageToken }))).reason).toBe("PAGE_TOKEN_INVALID");
    expect(index.keysMade).toBe(0);
  });

  test("is ignored if it is empty", async () => {
    expect((await aList({ index: filled(3).index }).list({ pageToken: "" })).ids).toHaveLength(3);
  });
});

describe("a filter", () => {
  test.each(["", " ", "\t\n  "])("matches everything if it is %j", async (filter) => {
    const pages = await aList({ index: filled(7).index }).walk({ filter, pageSize: 3 });

    expect(pages.flatMap((page) => page.ids)).toHaveLength(7);
  });

  test("is INVALID_ARGUMENT before any read if it is malformed", async () => {
    const { index } = filled(7);

    const error = await rpcErrorOf(() => aList({ index }).list({ filter: "done = maybe" }));

    expect(error.reason).toBe("FILTER_INVALID");
    expect(violatedFields(error.details)).toEqual(["filter"]);
    expect(index.calls).toHaveLength(0);
  });

  test("with done = false and a range of createTime reads no row outside of them", async () => {
    const index = new AnIndex();
    for (let n = 0; n < 1_000; n += 1) index.write(anIndexRow({ createTime: CREATE_TIME + n, done: n % 10 !== 0 }));
    const page = await aList({ index }).list({
      filter: `done = false AND createTime >= ${at(200)} AND createTime < ${at(400)}`,
    });

    expect(page.ids).toHaveLength(20);
    expect(scannedBy(index)).toBe(20 + 1);
  });

  test("with an empty range reads nothing and matches nothing", async () => {
    const { index } = filled(10);

    const page = await aList({ index }).list({
      filter: "createTime > 2027-01-01T00:00:00Z AND createTime < 2020-01-01T00:00:00Z",
    });

    expect(page).toMatchObject({ ids: [] });
    expect(page.nextPageToken).toBeUndefined();
    expect(scannedBy(index)).toBe(1);
  });
});

describe("a scan", () => {
  test.each([1, 4, 16])("reads at most 5,000 rows per page over %i shards, and finds every match", async (shards) => {
    const { index, id } = needle(11_000, shards);
    const list = aList({ index });
    const found: string[][] = [];
    let pageToken: string | undefined;
    do {
      index.calls.length = 0;
      const page = await list.list({ filter: "wanted = true", pageToken });
      expect(scannedBy(index)).toBeLessThanOrEqual(MAX_SCANNED_ROWS);
      found.push(page.ids);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);

    expect(found.flat()).toEqual([id]);
    expect(found.length).toBeLessThanOrEqual(4);
  });

  test("uses the whole bound if one shard has all rows", async () => {
    const { index } = filled(6_000);
    for (let shard = 1; shard < 16; shard += 1) index.write(anIndexRow({ createTime: CREATE_TIME - 1 }), { shard });

    await aList({ index }).list({ filter: "nothing = like-this" });

    expect(scannedBy(index)).toBeGreaterThan(MAX_SCANNED_ROWS * 0.9);
    expect(scannedBy(index)).toBeLessThanOrEqual(MAX_SCANNED_ROWS);
  });

  test("calls a shard at most three times for one page", async () => {
    const { index } = filled(3_000, { shards: 3 });
    index.atMost = { maxRows: 10 };

    await aList({ index }).list({ pageSize: 1_000 });

    expect(index.calls.length).toBeLessThanOrEqual(9);
  });

  test("calls each shard once if all hold equally many rows", async () => {
    const { index } = filled(3_200, { shards: 16 });

    await aList({ index }).list();

    expect(index.calls).toHaveLength(16);
    expect(scannedBy(index)).toBeLessThan(16 * 25);
  });

  test("reads for a page of 100 one row more, and one to find its place", async () => {
    const { index } = filled(1_000);

    await aList({ index }).list();

    expect(scannedBy(index)).toBe(102);
  });

  test("continues after the match at which it stopped", async () => {
    const index = new AnIndex();
    const rows = Array.from({ length: 40 }, (_, n) =>
      anIndexRow({ createTime: CREATE_TIME + n, metadata: n % 3 === 0 ? { wanted: true } : {} }),
    );
    for (const row of rows) index.write(row);
    index.atMost = { maxRows: 3 };

    const pages = await aList({ index }).walk({ filter: "wanted = true", pageSize: 2 });

    expect(pages.flatMap((page) => page.ids)).toEqual(
      rows
        .filter((_, n) => n % 3 === 0)
        .map(({ id }) => id)
        .toReversed(),
    );
  });
});

function scannedBy(index: AnIndex): number {
  return index.calls.reduce((sum, { page }) => sum + page.scanned, 0);
}

describe("a page's bytes", () => {
  test.each([1, 4])("are at most 8 MiB, and no operation is omitted, with %i shards", async (shards) => {
    const sizes = [3, 3, 3, 1, 5, 2, 0.5, 7, 0.5].map((mib) => mib * MIB);
    const { list, sizeOf } = ofSizes(sizes, shards);

    const pages = await list.walk();

    for (const page of pages) expect(page.text.length).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    expect(pages.flatMap(({ operations }) => operations.map(({ name }) => name))).toEqual([...sizeOf.keys()]);
  });

  test("have whole operations that the index has cut", async () => {
    const { list } = ofSizes([100_000]);

    expect((await list.list()).text.length).toBeGreaterThan(100_000);
  });

  test("are known in advance, so no more finished operations are read than fit", async () => {
    const { index, whole } = ofSizes(Array.from({ length: 7 }, () => 3 * MIB));
    let reads = 0;
    const counted = (name: string) => {
      reads += 1;
      return whole(name);
    };

    const page = await aList({ index, whole: counted }).list();

    expect(page.ids).toHaveLength(2);
    expect(reads).toBe(2);
  });

  test("are exceeded by a single larger operation, which is alone on its page", async () => {
    const { list } = ofSizes([1_000, 20 * MIB, 1_000, 9 * MIB, 9 * MIB]);

    const pages = await list.walk();

    expect(pages.map(({ ids }) => ids.length)).toEqual([1, 1, 1, 1, 1]);
    expect(pages.map(({ text }) => Math.floor(text.length / MIB))).toEqual([0, 20, 0, 9, 9]);
  });

  test("are divided among the shards", async () => {
    const { index, list } = ofSizes(
      Array.from({ length: 64 }, () => MIB / 2),
      16,
    );

    const page = await list.list();

    const sent = index.calls.flatMap((call) => call.page.rows.map(({ size }) => size));
    expect(page.ids.length).toBeGreaterThan(0);
    expect(sent.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MAX_PAGE_BYTES + 16 * MIB);
  });

  test("are measured again if an operation has grown since its row was written", async () => {
    const { index, sizeOf } = ofSizes(Array.from({ length: 20 }, () => 20_000));
    const list = aList({ index, whole: async (name) => anOperationOf(name, MIB) });

    const pages = await list.walk();

    for (const page of pages) expect(page.text.length).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    expect(pages.map(({ ids }) => ids.length)).toEqual([7, 7, 6]);
    expect(pages.flatMap(({ operations }) => operations.map(({ name }) => name))).toEqual([...sizeOf.keys()]);
  });

  test("are counted in UTF-8", async () => {
    const index = new AnIndex();
    for (let n = 0; n < 5; n += 1) index.write(aLargeRow(20_000, { createTime: CREATE_TIME - n }));
    const pages = await aList({ index, whole: threeMib }).walk();

    expect(pages.map(({ ids }) => ids.length)).toEqual([2, 2, 1]);
  });

  test("do not include an operation that was deleted since its row was read, and the walk continues", async () => {
    const { index, sizeOf, whole } = ofSizes(Array.from({ length: 7 }, () => 3 * MIB));
    const deleted = new Set([...sizeOf.keys()].filter((_, n) => n < 4));
    const list = aList({ index, whole: async (name) => (deleted.has(name) ? undefined : whole(name)) });

    const pages = await list.walk();

    expect(pages.flatMap(({ operations }) => operations.map(({ name }) => name))).toEqual([...sizeOf.keys()].slice(4));
  });

  test("of a streamed operation are sent as they arrive", async () => {
    const { index, whole } = ofSizes([9 * MIB, 1_000, 30_000]);
    const streams = async (name: string) => new Blob([(await whole(name)) ?? ""]).stream();

    const pages = await aList({ index, whole: streams }).walk();

    expect(pages.map(({ ids, text }) => [ids.length, text.length > 9 * MIB])).toEqual([
      [1, true],
      [2, false],
    ]);
  });
});

describe("ListOperations › a page of operations that the index has cut", () => {
  test("has 500 of them, is complete, and continues with a token", async () => {
    const { index, sizeOf, whole } = ofSizes(Array.from({ length: 1_000 }, () => 3_000));
    let reads = 0;
    const pages = await aList({
      index,
      whole: async (name) => {
        reads += 1;
        return whole(name);
      },
    }).walk({ pageSize: MAX_PAGE_SIZE });

    expect(pages.map(({ ids }) => ids.length)).toEqual([MAX_PAGE_READS, MAX_PAGE_READS]);
    expect(pages.flatMap(({ operations }) => operations.map(({ name }) => name))).toEqual([...sizeOf.keys()]);
    expect(
      pages.map(({ operations }) => new Set(operations.map((operation) => JSON.stringify(operation).length))),
    ).toEqual([new Set([3_000]), new Set([3_000])]);
    expect(reads).toBe(1_000);
  });

  test("counts only those, and has 1,000 operations if half of them are small", async () => {
    const index = new AnIndex();
    for (let n = 0; n < MAX_PAGE_SIZE; n += 1) {
      index.write(
        n % 2 === 0 ? anIndexRow({ createTime: CREATE_TIME - n }) : aLargeRow(3_000, { createTime: CREATE_TIME - n }),
      );
    }
    const page = await aList({ index, whole: async (name) => anOperationOf(name, 3_000) }).list({
      pageSize: MAX_PAGE_SIZE,
    });

    expect(page.ids).toHaveLength(MAX_PAGE_SIZE);
    expect(page.nextPageToken).toBeUndefined();
  });

  test("reads a bounded number of them concurrently", async () => {
    const { index, whole } = ofSizes(Array.from({ length: 100 }, () => 3_000));
    let underWay = 0;
    let most = 0;
    const page = await aList({
      index,
      whole: async (name) => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise(setImmediate);
        underWay -= 1;
        return whole(name);
      },
    }).list();

    expect(page.ids).toHaveLength(100);
    expect(most).toBe(LIST_READ_CONCURRENCY);
  });

  test("is short if its objects are slow, and the walk continues from there", async () => {
    const { index, sizeOf, whole } = ofSizes(Array.from({ length: 100 }, () => 3_000));
    let time = 0;
    const list = aList({
      index,
      now: () => time,
      whole: async (name) => {
        time += MAX_PAGE_READ_MS / LIST_READ_CONCURRENCY;
        return whole(name);
      },
    });
    const pages = await list.walk();

    expect(pages.map(({ ids }) => ids.length)).toEqual([20, 20, 20, 20, 20]);
    expect(pages.flatMap(({ operations }) => operations.map(({ name }) => name))).toEqual([...sizeOf.keys()]);
  });
});

describe("a wildcard", () => {
  test.each([
    ["projects/p/locations/-", [0, 1]],
    ["projects/p/locations/a", [0]],
    ["projects/p", [2]],
    ["projects/p/locations/-/models/-", [3]],
    ["projects/p/locations/-/models/m", [3]],
    ["projects/p/locations/-/models/n", []],
    ["projects/p/locations/a/models/-", [3]],
    ["projects/p/regions/-", []],
  ])("%s stands for the operations directly under what matches it", async (parent, found) => {
    const { list, parents } = spreadOverParents();

    const names = (await list.list({ parent })).operations.map(({ name }) => name.split("/operations/")[0]);

    expect(names).toEqual(found.map((n) => parents[n]));
  });
});

describe("an unreachable shard", () => {
  test.each([0, 1, 2])("fails the list as UNAVAILABLE: shard %i", async (shard) => {
    const { index, list } = threeShards();
    index.fails = (source) => source.shard === shard;

    expect((await rpcErrorOf(() => list.list())).code).toBe("UNAVAILABLE");
  });

  test.each([0, 1, 2])("is omitted and reported with returnPartialSuccess: shard %i", async (shard) => {
    const { index, ids, list } = threeShards();
    index.fails = (source) => source.shard === shard;

    const page = await list.list({ returnPartialSuccess: true });

    expect(page.unreachable).toEqual(["projects/p/locations/l"]);
    expect(page.ids).toEqual(ids.filter((_, n) => (ids.length - 1 - n) % 3 !== shard));
  });

  test("is not reported if all shards answer", async () => {
    const { list } = threeShards();

    expect(await list.list({ returnPartialSuccess: true })).not.toHaveProperty("unreachable");
  });

  test.each([
    ["", "operations"],
    ["projects/p", "projects/p"],
    ["projects/p/locations/-", "projects/p"],
    ["projects/p/locations/-/models/-", "projects/p"],
    ["projects/p/locations/l/models/-", "projects/p/locations/l"],
  ])("is reported in the list of %j as %s", async (parent, unreachable) => {
    const { index, list } = threeShards();
    index.fails = () => true;

    expect((await list.list({ parent, returnPartialSuccess: true })).unreachable).toEqual([unreachable]);
  });

  test("makes a page short in its middle, and the next page continues there", async () => {
    const { index, ids, list } = threeShards();
    index.atMost = { maxRows: 3 };
    let calls = 0;
    index.fails = () => {
      calls += 1;
      return calls === 5;
    };

    const { nextPageToken, ...first } = await list.list({ pageSize: 20 });
    const rest = await list.walk({ pageSize: 20, pageToken: nextPageToken });

    expect(first.ids.length).toBeLessThan(20);
    expect(first).not.toHaveProperty("unreachable");
    expect([first, ...rest].flatMap((page) => page.ids)).toEqual(ids);
  });

  test("fails the list for another error, also with returnPartialSuccess", async () => {
    const { index, list } = threeShards();
    index.fails = () => {
      throw new TypeError("a bug");
    };

    await expect(list.list({ returnPartialSuccess: true })).rejects.toThrow("a bug");
  });
});

describe("an unreachable operation that is too large for the index", () => {
  test("fails the list as UNAVAILABLE", async () => {
    expect((await rpcErrorOf(() => outOfReach().list.list())).code).toBe("UNAVAILABLE");
  });

  test("is reported by its name with returnPartialSuccess", async () => {
    const { list, name } = outOfReach();

    const page = await list.list({ returnPartialSuccess: true });

    expect(page.ids).toHaveLength(1);
    expect(page.unreachable).toEqual([name]);
  });
});

describe("a list over jurisdictions", () => {
  const served = locations(
    { locationId: "eu-west", jurisdiction: "eu" },
    { locationId: "eu-north", jurisdiction: "eu" },
    { locationId: "fed", jurisdiction: "fedramp" },
    { locationId: "us" },
  );

  function spread() {
    const index = new AnIndex();
    for (const [n, { locationId, jurisdiction }] of [...served.values()].entries()) {
      const parent = `projects/p/locations/${locationId}`;
      for (let shard = 0; shard < 2; shard += 1) {
        const row = anIndexRow({ createTime: CREATE_TIME - n, parent });
        index.write(row, { jurisdiction, shard });
      }
    }
    return { index, list: aList({ index, locations: served }) };
  }

  test("calls the jurisdiction of one location alone", async () => {
    const { index, list } = spread();

    await list.list({ parent: "projects/p/locations/eu-west" });

    expect(new Set(index.calls.map(({ source }) => source.jurisdiction))).toEqual(new Set(["eu"]));
  });

  test("merges all locations, page by page", async () => {
    const { list } = spread();

    const pages = await list.walk({ parent: "projects/p/locations/-", pageSize: 3 });

    expect(pages.flatMap(({ operations }) => operations.map(({ name }) => name.split("/")[3]))).toEqual(
      ["eu-west", "eu-north", "fed", "us"].flatMap((id) => [id, id]),
    );
  });

  test("reads no more rows than a list of one location", async () => {
    const index = new AnIndex();
    for (const jurisdiction of [undefined, "eu", "fedramp"]) {
      for (let n = 0; n < 4_000; n += 1) index.write(anIndexRow({ createTime: CREATE_TIME - n }), { jurisdiction });
    }

    await aList({ index, locations: served }).list({ parent: "projects/p/locations/-", filter: "nothing = like-this" });

    expect(scannedBy(index)).toBeLessThanOrEqual(MAX_SCANNED_ROWS);
  });

  test.each([
    ["eu", ["projects/p/locations/eu-north", "projects/p/locations/eu-west"]],
    ["fedramp", ["projects/p/locations/fed"]],
    [undefined, ["projects/p/locations/us"]],
  ])("names the unreachable locations with %s", async (jurisdiction, unreachable) => {
    const { index, list } = spread();
    index.fails = (source) => source.jurisdiction === jurisdiction;

    const page = await list.list({ parent: "projects/p/locations/-", returnPartialSuccess: true });

    expect(page.unreachable?.toSorted()).toEqual(unreachable);
    expect(page.ids).toHaveLength(8 - 2 * unreachable.length);
  });
});

describe("one operation in two shards", () => {
  test.each([1, 10])("is listed once on pages of %i, as in the newer row", async (pageSize) => {
    for (const [newer, older] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const index = new AnIndex();
      const id = anId();
      index.write(anIndexRow({ id, revision: 0 }), { shard: older });
      index.write(anIndexRow({ id, revision: 3, done: true }), { shard: newer });

      const pages = await aList({ index }).walk({ pageSize });

      expect(pages.flatMap(({ operations }) => operations)).toMatchObject([{ done: true }]);
    }
  });
});

describe("a list over scopes", () => {
  const known = (count: number, collection = "projects") =>
    Array.from({ length: count }, (_, n) => ({ id: `${collection}-${n}`, scope: `${collection}/${n}` }));

  test("asks every shard of the collection, and those whose scope is not known", async () => {
    const index = new AnIndex();
    index.known = [...known(2), { id: "old" }, ...known(3, "folders")];
    await aList({ index }).list({ parent: "projects/-" });

    expect(index.calls.map(({ source }) => source.shardId)).toEqual(["projects-0", "projects-1", "old"]);
  });

  test("is rejected over more than 200 shards, with the way to name one", async () => {
    const index = new AnIndex();
    index.known = known(201);
    const error = await rpcErrorOf(() => aList({ index }).list({ parent: "projects/-/locations/-" }));

    expect(violatedFields(error.details)).toEqual(["parent"]);
    expect(error.message).toContain("GET /v1/scopes");
    expect(index.calls).toEqual([]);
  });
});
