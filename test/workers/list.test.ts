// ListOperations through the HTTP door: what it takes, what it refuses, and how fresh it is.
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { IndexRow } from "../../src/list/index-row";
import type { JsonObject } from "../../src/rpc/any";
import { HOUR_MS, aPolicy, anOperation } from "../support/an-operation";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import { call, getOperation, listNames, useFreshWorld } from "./harness";
import { aDeployment, fillShard, pageFrom, shardOf } from "./list-harness";

useFreshWorld();

const MIB = 1_048_576;

/** Operations under a parent, a millisecond apart, newest first. */
async function created(count: number, parent = "projects/p"): Promise<string[]> {
  const names: string[] = [];
  for (let n = 0; n < count; n += 1) {
    clock.advance(1);
    names.unshift(await aDeployment().create(parent));
  }
  return names;
}

function objectOf(name: string) {
  return env.OPERATIONS.get(env.OPERATIONS.idFromString(name.split("/").at(-1)!));
}

describe("pageSize", () => {
  test.each(["-1", "1.5", "1e3", "ten", "2147483648", "-2147483649", "0x10", "١", "1,000", "+5", " 5"])(
    "is INVALID_ARGUMENT as %j",
    async (pageSize) => {
      const page = await aDeployment().list("projects/p", { pageSize });

      expect(page.status).toBe(400);
      expect(page.fields).toEqual(["pageSize"]);
    },
  );

  test.each([
    ["pageSize=0", 100],
    ["page_size=7", 7],
    ["pageSize=", 100],
    ["pageSize=5000", 1_000],
  ])("is accepted from ?%s", async (query, count) => {
    await fillShard(shardOf("projects/p"), { count: 1_100 });

    const { status, body } = await call("GET", `/v1/projects/p/operations?${query}`);

    expect(status).toBe(200);
    expect(body["operations"]).toHaveLength(count);
  });

  test("is INVALID_ARGUMENT in both spellings at once", async () => {
    expect((await call("GET", "/v1/operations?pageSize=7&page_size=7")).status).toBe(400);
  });
});

describe("the query's name", () => {
  test.each([
    ["operations", "name=operations"],
    ["operations", "name="],
    ["projects/p/operations", "name=projects/p"],
    ["projects/p/operations", "name=projects/p/operations"],
    ["projects/p/locations/-/operations", "name=projects/p/locations/-"],
  ])("may be for %s %s", async (collection, query) => {
    expect((await call("GET", `/v1/${collection}?${query}`)).status).toBe(200);
  });

  test.each([
    ["operations", "name=projects/p"],
    ["projects/p/operations", "name=operations"],
    ["projects/p/operations", "name=projects/q"],
    ["projects/p/operations", "name=projects/p/"],
  ])("must not be for %s %s", async (collection, query) => {
    const { status, body } = await call("GET", `/v1/${collection}?${query}`);

    expect(pageFrom({ status, text: JSON.stringify(body) })).toMatchObject({ status: 400, fields: ["name"] });
  });
});

describe("a page token", () => {
  test("continues where its page ended, with another pageSize", async () => {
    const names = await created(6);
    const first = await aDeployment().list("projects/p", { pageSize: 2 });
    const rest = await aDeployment().list("projects/p", { pageSize: 10, pageToken: first.nextPageToken });

    expect([...first.names, ...rest.names]).toEqual(names);
    expect(rest.nextPageToken).toBeUndefined();
  });

  test("is rejected with another filter, with another parent, and if it is changed", async () => {
    await created(3);
    await created(3, "projects/q");
    const { nextPageToken = "" } = await aDeployment().list("projects/p", { pageSize: 2 });
    const refused = [
      await aDeployment().list("projects/p", { filter: "done = false", pageToken: nextPageToken }),
      await aDeployment().list("projects/q", { pageToken: nextPageToken }),
      await aDeployment().list("projects/p/locations/-", { pageToken: nextPageToken }),
      await aDeployment().list("projects/p", { pageToken: `${nextPageToken}A` }),
      await aDeployment().list("projects/p", { pageToken: nextPageToken.slice(0, -1) }),
      await aDeployment().list("projects/p", { pageToken: "2" }),
    ];

    for (const page of refused) expect(page).toMatchObject({ status: 400, fields: ["pageToken"] });
  });

  test("is valid while its key is one of the deployment's two", async () => {
    await created(3);
    const [first, second, third] = [1, 2, 3].map((byte) =>
      btoa(String.fromCodePoint(...new Uint8Array(32).fill(byte))),
    );
    const deployedWith = (keys: string) => aDeployment({ variables: { PAGE_TOKEN_KEYS: keys } });
    const { nextPageToken: pageToken } = await deployedWith(first!).list("projects/p", { pageSize: 2 });

    expect(await deployedWith(`${second},${first}`).list("projects/p", { pageToken })).toMatchObject({ status: 200 });
    expect(await deployedWith(`${third},${second}`).list("projects/p", { pageToken })).toMatchObject({
      status: 400,
      fields: ["pageToken"],
    });
    expect(await aDeployment().list("projects/p", { pageToken })).toMatchObject({ status: 400, fields: ["pageToken"] });
  });

  test("is opened by its scope's object after an eviction too", async () => {
    const names = await created(3);
    const { nextPageToken: pageToken } = await aDeployment().list("projects/p", { pageSize: 2 });
    const key = await shardOf("projects/p").tokenKey();

    expect(await shardOf("projects/p").existingTokenKey()).toBe(key);
    expect((await aDeployment().list("projects/p", { pageToken })).names).toEqual(names.slice(2));
  });

  test("is sealed with one key for two concurrent callers", async () => {
    const index = shardOf("projects/racing");
    const keys = await Promise.all(Array.from({ length: 8 }, () => index.tokenKey()));

    expect(new Set(keys).size).toBe(1);
  });
});

describe("a scope that never had an operation", () => {
  const stored = (scope: string): Promise<unknown[]> =>
    runInDurableObject(shardOf(scope), (_instance, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );

  test("stores nothing when it is listed, with and without a token", async () => {
    await created(3);
    const { nextPageToken } = await aDeployment().list("projects/p", { pageSize: 2 });
    const tokens = [undefined, nextPageToken, "AQ", "garbage", `AR${"A".repeat(120)}`];
    const statuses: number[] = [];
    for (const pageToken of tokens) {
      statuses.push((await aDeployment().list("projects/nobody", { pageToken })).status);
    }
    await aDeployment().list("projects/nobody/locations/-", { filter: "done = false", pageSize: 1 });

    expect(statuses).toEqual([200, 400, 400, 400, 400]);
    expect(await stored("projects/nobody")).toEqual([]);
  });
});

describe("a wildcard", () => {
  test("matches any collection id, and names in the answer are canonical", async () => {
    const [a] = await created(1, "projects/p/locations/a");
    const [b] = await created(1, "projects/p/locations/b");
    const [nested] = await created(1, "projects/p/locations/b/models/m");
    await created(1, "projects/p");

    expect(await listNames("projects/p/locations/-")).toEqual([b, a]);
    expect(await listNames("projects/p/locations/-/models/-")).toEqual([nested]);
    expect(await listNames("projects/p/locations/b/models/-")).toEqual([nested]);
  });

  test("matches the first collection id over all scopes, newest first and page by page", async () => {
    const names: string[] = [];
    for (const project of ["p", "q", "p", "r", "q"]) names.push(...(await created(1, `projects/${project}`)));
    const [elsewhere] = await created(1, "projects/q/locations/l");
    await created(1, "folders/f");
    await call("POST", "/v1/operations", {});
    const service = aDeployment();

    const walked: string[] = [];
    let pageToken: string | undefined;
    do {
      const page = await service.list("projects/-", { pageSize: 2, pageToken });
      walked.push(...page.names);
      ({ nextPageToken: pageToken } = page);
    } while (pageToken !== undefined);

    expect(walked).toEqual(names.toReversed());
    expect((await service.list("projects/-/locations/-")).names).toEqual([elsewhere]);
    expect((await service.list("projects/-", { filter: "done = true" })).names).toEqual([]);
  });

  test("is INVALID_ARGUMENT as a collection's name", async () => {
    expect(await aDeployment().list("-/p")).toMatchObject({ status: 400 });
  });

  test("is INVALID_ARGUMENT in every other method", async () => {
    const [name = ""] = await created(1, "projects/p/locations/a");
    const other = name.replace("locations/a", "locations/-");
    const answers = [
      await call("GET", `/v1/${other}`),
      await call("DELETE", `/v1/${other}`),
      await call("POST", `/v1/${other}:cancel`),
      await call("POST", `/v1/${other}:wait`),
      await call("POST", "/v1/projects/p/locations/-/operations", {}),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
  });
});

describe("ListScopes", () => {
  test("names the scopes that have operations, with their shards and sizes, page by page", async () => {
    await created(1, "projects/q");
    await created(2, "projects/p/locations/l");
    await call("POST", "/v1/operations", {});
    const { call: get } = aDeployment();

    const first = JSON.parse((await get("GET", "/v1/scopes?pageSize=2")).text) as JsonObject;
    const second = JSON.parse(
      (await get("GET", `/v1/scopes?pageSize=2&pageToken=${first["nextPageToken"] as string}`)).text,
    ) as JsonObject;

    const bytes = expect.stringMatching(/^[1-9]\d{3,}$/) as string;
    expect(first["scopes"]).toEqual([
      { name: "operations", shards: 1, sizeBytes: bytes },
      { name: "projects/p", shards: 1, sizeBytes: bytes },
    ]);
    expect(second).toEqual({ scopes: [{ name: "projects/q", shards: 1, sizeBytes: bytes }] });
  });

  test("learns the scope of a shard that an earlier version entered from the sweep", async () => {
    await created(1, "projects/p");
    const directory = env.DIRECTORY.getByName("directory");
    const shard = env.INDEX.getByName("projects/p#0");
    await runInDurableObject(directory, (_, { storage }) => storage.kv.put(`shard/${shard.id.toString()}`, true));
    const { call: get } = aDeployment();
    const before = (await get("GET", "/v1/scopes")).text;

    await shard.sweep();

    expect(JSON.parse(before)).toEqual({ scopes: [] });
    expect((await get("GET", "/v1/scopes")).text).toContain('"name":"projects/p"');
  });
});

describe("freshness: an operation", () => {
  test("is in the list as soon as its creation is answered, and absent as soon as its deletion is", async () => {
    const service = aDeployment();
    for (let n = 0; n < 5; n += 1) {
      const name = await service.create();
      const listed = await listNames("projects/p");
      await service.delete(name);

      expect(listed).toContain(name);
      expect(await listNames("projects/p")).not.toContain(name);
    }
  });

  test("is done in the list without any passing of time", async () => {
    const service = aDeployment();
    const name = await service.create();
    await service.finish(name, { answer: 42 });

    // The index is told beside the answer: no clock moves, and no alarm is fired.
    await eventually(async () => (await service.list("projects/p", { filter: "done = true" })).names.length === 1);
    expect((await service.list("projects/p")).operations).toEqual([await getOperation(name)]);
  });

  test("has its progress in the list within five seconds, at its next alarm", async () => {
    const service = aDeployment();
    const name = await service.create();
    await service.report(name, { rows: 7 });
    const reportedTime = Date.now();
    const alarmTime = await runInDurableObject(objectOf(name), (_instance, { storage }) => storage.getAlarm());
    clock.advanceTo(alarmTime!);
    await runDurableObjectAlarm(objectOf(name));

    await eventually(async () => (await service.list("projects/p", { filter: "rows = 7" })).names.length === 1);
    expect(alarmTime! - reportedTime).toBeLessThanOrEqual(5_000);
  });
});

describe("the row of a start", () => {
  /** The row that a start writes before its operation. */
  function aStartingRow(): IndexRow {
    const id = env.OPERATIONS.newUniqueId().toString();
    return {
      createTime: Date.now(),
      id,
      parent: "projects/p",
      done: false,
      revision: 0,
      dueTime: Date.now() + 120_000,
      operation: `{"name":"projects/p/operations/${id}","metadata":{},"done":false}`,
      facts: `{"target":"","verb":"","requestedCancellation":false}`,
    };
  }

  test("stays if the start is repeated while the index checks the first try", async () => {
    const row = aStartingRow();
    const index = shardOf("projects/p");
    await index.upsert(row, { parent: "projects/p" });
    clock.advance(120_000);
    controls.reconcile.hold();
    const alarm = runDurableObjectAlarm(index);
    await eventually(() => controls.reconcile.passed === 1);
    await index.upsert(row, { parent: "projects/p" });
    controls.reconcile.open();
    await alarm;

    expect(await listNames("projects/p")).toEqual([`projects/p/operations/${row.id}`]);
  });

  test("stays if the answer to a check from before the start arrives during a later check", async () => {
    const row = aStartingRow();
    const { id, createTime, parent } = row;
    const name = `projects/p/operations/${id}`;
    const index = shardOf("projects/p");
    await index.upsert(row, { parent });
    clock.advance(120_000);
    const answerFirst = controls.reconcile.holdNext();
    const first = runDurableObjectAlarm(index);
    await eventually(() => controls.reconcile.passed === 1);
    // Nothing of it is due, so that no event of its own writes the row.
    const policy = aPolicy({ resendMs: HOUR_MS });
    const deadline = createTime + HOUR_MS;
    const operation = anOperation({ id, name, parent, target: parent, createTime, deadline, policy });
    await objectOf(name).start(operation, "{}");
    const answerSecond = controls.reconcile.holdNext();
    const second = index.settleDue();
    await eventually(() => controls.reconcile.passed === 2);
    answerFirst();
    await first;
    answerSecond();
    await second;

    expect(await listNames("projects/p")).toEqual([name]);
  });
});

describe("a page's bytes", () => {
  test("are at most 8 MiB, with whole results that are too large for the index", async () => {
    const service = aDeployment();
    const names = await created(11);
    const text = "x".repeat(900_000);
    for (const name of names) await service.finish(name, { text });
    await eventually(async () => (await service.list("projects/p", { filter: "done = true" })).names.length > 8);
    const pages = await service.walk("projects/p");

    expect(pages.map((page) => page.names.length)).toEqual([9, 2]);
    expect(pages.flatMap((page) => page.names)).toEqual(names);
    for (const { bytes } of pages) expect(bytes).toBeLessThanOrEqual(8 * MIB);
    expect(pages[0]!.operations[0]).toEqual(await getOperation(names[0]!));
  });
});

describe("a shard out of reach", () => {
  test("fails the list with 503", async () => {
    await created(2);
    const page = await aDeployment({ fails: () => true }).list("projects/p");

    expect(page.status).toBe(503);
    expect(page.error).toMatchObject({ status: "UNAVAILABLE" });
  });

  test("is reported with returnPartialSuccess, and in snake case", async () => {
    await created(2);
    const service = aDeployment({ fails: () => true });

    expect(await service.list("projects/p", { returnPartialSuccess: true })).toMatchObject({
      status: 200,
      names: [],
      unreachable: ["projects/p"],
    });
    expect((await service.list("projects/p", { return_partial_success: true })).status).toBe(200);
  });

  test.each(["yes", "2", "truely"])("is not omitted with returnPartialSuccess=%s", async (returnPartialSuccess) => {
    expect(await aDeployment().list("projects/p", { returnPartialSuccess })).toMatchObject({
      status: 400,
      fields: ["returnPartialSuccess"],
    });
  });
});
