// requestId, validateOnly and Prefer: wait, as api.md, section 4, has them.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { type Method, defineMethod } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { aBodyStream } from "../support/a-body-stream";
import { eventually } from "../support/eventually";
import { MAKE, aDeployment, idOf, storedKeys } from "./a-deployment";
import { clock } from "./clock";
import { controls } from "./controls";
import { fireIndexAlarm, indexOf, storedReservations, useFreshWorld } from "./harness";

const DAY_MS = 86_400_000;
const CSV = { "Content-Type": "text/csv" };

let runs = 0;

useFreshWorld();
beforeEach(() => {
  runs = 0;
});

function method(verb: string, options: object = {}): Method {
  return defineMethod({
    http: { post: `/v1/{parent=projects/*}/things:${verb}`, body: "*" },
    request: (json: JsonObject) => json,
    retention: "1h",
    ...options,
    async run(request) {
      runs += 1;
      return { request, run: runs };
    },
  });
}

const upload = {
  http: { post: "/v1/{parent=projects/*}/things:upload" },
  input: { contentTypes: ["text/csv"], maxBytes: 4_000_000 },
};

const service = aDeployment({
  methods: [method("make"), method("mend"), method("keep", { retention: "3d" }), method("upload", upload)],
});

/** Lets the alarms of the index happen, each at its time, until `time`. */
async function passUntil(time: number): Promise<void> {
  for (;;) {
    const alarmTime = await runInDurableObject(indexOf("projects/p"), (_, { storage }) => storage.getAlarm());
    if (alarmTime === null || alarmTime > time) break;
    clock.advanceTo(alarmTime);
    await fireIndexAlarm();
  }
  clock.advanceTo(time);
}

/** No alarm of the index comes any more. */
async function loseAlarms(): Promise<void> {
  await runInDurableObject(indexOf("projects/p"), (_, { storage }) => storage.deleteAlarm());
}

// "The same id by the same caller on the same method and parent gives the first operation, done or not."
describe("the same requestId", () => {
  test("returns the first operation, while it runs and when it is done", async () => {
    const first = await service.post(MAKE, { requestId: "one", a: 1 });
    const second = await service.post(MAKE, { a: 1, requestId: "one" });
    await service.deliver(first.operation.name);
    const third = await service.post(MAKE, { requestId: "one", a: 1 });

    expect(second.operation).toEqual(first.operation);
    expect(third.operation).toMatchObject({ name: first.operation.name, done: true, response: { value: { run: 1 } } });
  });

  // "One result is recorded"; "one requestId, one operation, however many clients race" (architecture.md, 3.9).
  test("of 100 clients at once starts one operation, and records one result", async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => service.post(MAKE, { requestId: "race", rows: [1, 2] })),
    );
    const names = new Set(answers.map(({ operation }) => operation.name));
    const [name = ""] = names;
    await Promise.all(Array.from({ length: 5 }, () => service.deliver(name)));
    const { json } = await service.call("GET", "/v1/projects/p/operations");

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(names.size).toBe(1);
    expect(runs).toBe(1);
    expect((json["operations"] as JsonObject[]).map((listed) => listed["name"])).toEqual([name]);
  });

  test("in the query is the same as in the body", async () => {
    const inBody = await service.post(MAKE, { requestId: "here", a: 1 });
    const inQuery = await service.post(`${MAKE}?requestId=here`, { a: 1 });
    const inBoth = await service.post(`${MAKE}?request_id=here`, { a: 1, request_id: "here" });

    expect([inQuery.operation.name, inBoth.operation.name]).toEqual([inBody.operation.name, inBody.operation.name]);
  });

  test.each([
    ["on another method", "/v1/projects/p/things:mend"],
    ["under another parent", "/v1/projects/q/things:make"],
  ])("%s starts another operation", async (_, path) => {
    const first = await service.post(MAKE, { requestId: "apart" });
    const second = await service.post(path, { requestId: "apart" });

    expect(second.status).toBe(200);
    expect(second.operation.name).not.toBe(first.operation.name);
  });

  test("starts an operation like any other", async () => {
    const { operation } = await service.post(MAKE, { requestId: "plain", a: 1 });
    await service.deliver(operation.name);

    expect((await service.get(operation.name)).response?.value["request"]).toEqual({ a: 1, parent: "projects/p" });
    expect(await storedKeys(operation.name)).toEqual(["record"]);
    expect(idOf(operation.name)).toMatch(/^[0-9a-f]{64}$/);
  });
});

// "With another request body (also after a deletion), or two different ids in query and body: INVALID_ARGUMENT."
describe("a requestId is rejected", () => {
  test.each([
    ["with another body", { a: 2 }],
    ["with a field more", { a: 1, b: null }],
    ["with a number that is text", { a: "1" }],
  ])("%s", async (_, body) => {
    await service.post(MAKE, { requestId: "body", a: 1 });
    const { status, reason, fields } = await service.post(MAKE, { requestId: "body", ...body });

    expect({ status, reason, fields }).toEqual({ status: 400, reason: "REQUEST_ID_REUSED", fields: ["requestId"] });
  });

  test("with another body also when its operation was deleted", async () => {
    const { operation } = await service.post(MAKE, { requestId: "gone", a: 1 });
    await service.call("DELETE", `/v1/${operation.name}`);

    expect(await service.post(MAKE, { requestId: "gone", a: 2 })).toMatchObject({ status: 400, fields: ["requestId"] });
  });

  test.each([
    ["in query and body", `${MAKE}?requestId=a`, { requestId: "b" }],
    ["in the body's two spellings", MAKE, { requestId: "a", request_id: "b" }],
  ])("if there are two different ones %s", async (_, path, body) => {
    expect(await service.post(path, body)).toMatchObject({ status: 400, fields: ["requestId"] });
  });

  test.each(["", "x".repeat(65), "a b", "a/b", "ä", "a.b", 5, true, ["a"]])("as %j", async (requestId) => {
    expect(await service.post(MAKE, { requestId })).toMatchObject({ status: 400, fields: ["requestId"] });
  });

  test.each(["a", "x".repeat(64), "A-Za-z0_9"])("but is accepted as %j", async (requestId) => {
    expect(await service.post(MAKE, { requestId })).toMatchObject({ status: 200 });
  });
});

// "After that operation was deleted: ALREADY_EXISTS, asking for a new id."
describe("after its operation was deleted, a requestId is answered with ALREADY_EXISTS", () => {
  test.each([
    ["while the work goes on", false],
    ["when it was done", true],
  ])("%s", async (_, isDone) => {
    const { operation } = await service.post(MAKE, { requestId: "deleted" });
    if (isDone) await service.deliver(operation.name);
    await service.call("DELETE", `/v1/${operation.name}`);
    const { status, reason, json } = await service.post(MAKE, { requestId: "deleted" });

    expect({ status, reason }).toEqual({ status: 409, reason: "REQUEST_ID_USED" });
    expect(json).toMatchObject({
      error: { status: "ALREADY_EXISTS", message: expect.stringContaining("new requestId") as string },
    });
  });
});

// "… for 24 h or until it expires, whichever is later."
describe("a requestId is kept", () => {
  test("for 24 h, although its operation expires before", async () => {
    const startTime = Date.now();
    const { operation } = await service.post(MAKE, { requestId: "day" });
    await service.deliver(operation.name);
    await passUntil(startTime + DAY_MS - 1);
    const within = await service.post(MAKE, { requestId: "day" });
    await passUntil(startTime + DAY_MS + 60_000);

    expect(within).toMatchObject({ status: 409, reason: "REQUEST_ID_USED" });
    expect(await storedReservations()).toEqual([]);
    expect((await service.post(MAKE, { requestId: "day" })).status).toBe(200);
  });

  test("as long as its operation exists", async () => {
    const startTime = Date.now();
    const { operation } = await service.post("/v1/projects/p/things:keep", { requestId: "days" });
    await service.deliver(operation.name);
    await passUntil(startTime + 3 * DAY_MS - 1_000);
    const again = await service.post("/v1/projects/p/things:keep", { requestId: "days" });
    await passUntil(startTime + 5 * DAY_MS);

    expect(again.operation.name).toBe(operation.name);
    expect(await storedReservations()).toEqual([]);
  });

  test("as long as its operation exists, in any shard", async () => {
    const startTime = Date.now();
    const sharded = aDeployment({ methods: [method("keep", { retention: "3d" })] }, { INDEX_SHARDS: "16" });
    const names: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      const { operation } = await sharded.post("/v1/projects/p/things:keep", { requestId: `shard-${n}` });
      await sharded.deliver(operation.name);
      names.push(operation.name);
    }
    await passUntil(startTime + 2 * DAY_MS);
    const again: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      again.push((await sharded.post("/v1/projects/p/things:keep", { requestId: `shard-${n}` })).operation.name);
    }
    await passUntil(startTime + 5 * DAY_MS);

    expect(again).toEqual(names);
    expect(await storedReservations()).toEqual([]);
  });

  test.each([
    ["is deleted", true],
    ["expires within the day", false],
  ])("in shard 0 if an operation of another shard %s", async (_, isDeleted) => {
    const sharded = aDeployment({ methods: [method("make")] }, { INDEX_SHARDS: "16" });
    const startTime = Date.now();
    const first: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      const { operation } = await sharded.post(MAKE, { requestId: `gone-${n}` });
      if (isDeleted) await sharded.call("DELETE", `/v1/${operation.name}`);
      else await sharded.deliver(operation.name);
      first.push(operation.name);
    }
    // Later than any tombstone: only the reservations tell that the operations were created.
    await passUntil(startTime + DAY_MS / 2);
    for (const name of first) {
      await evictDurableObject(env.OPERATIONS.get(env.OPERATIONS.idFromString(idOf(name))));
      await sharded.get(name);
      expect(await storedKeys(name)).toEqual([]);
    }
    const again: number[] = [];
    for (let n = 0; n < 8; n += 1) again.push((await sharded.post(MAKE, { requestId: `gone-${n}` })).status);

    expect(again).toEqual(first.map(() => 409));
  });

  test("by a deployment of more shards too", async () => {
    const { operation } = await service.post(MAKE, { requestId: "resharded" });
    const resharded = aDeployment({ methods: [method("make")] }, { INDEX_SHARDS: "16" });
    const second = await resharded.post(MAKE, { requestId: "resharded" });
    const third = await aDeployment({ methods: [method("make")] }).post(MAKE, { requestId: "resharded" });

    expect([second.operation.name, third.operation.name]).toEqual([operation.name, operation.name]);
  });
});

// "Created and no record left: ALREADY_EXISTS." The operation itself says, with its next row, that it was created.
describe("a reservation", () => {
  test("is one row, and a second write once its operation is known to be created", async () => {
    const { operation } = await service.post(MAKE, { requestId: "rows" });
    const before = await storedReservations();
    await service.deliver(operation.name);

    expect(before).toEqual([{ operationId: idOf(operation.name), created: 0 }]);
    await eventually(async () => (await storedReservations())[0]?.created === 1);
  });

  test("starts the same operation if the first start was interrupted before the operation was stored", async () => {
    controls.indexWrite.fail("index is down");
    const first = await service.post(MAKE, { requestId: "interrupted" });
    const [reserved] = await storedReservations();
    controls.indexWrite.open();
    const second = await service.post(MAKE, { requestId: "interrupted" });

    expect([first.status, second.status]).toEqual([503, 200]);
    expect(idOf(second.operation.name)).toBe(reserved?.operationId);
  });

  test("is marked as created when its operation is deleted before its row ever changed", async () => {
    const { operation } = await service.post(MAKE, { requestId: "early" });
    await service.call("DELETE", `/v1/${operation.name}`);

    expect(await storedReservations()).toEqual([{ operationId: idOf(operation.name), created: 1 }]);
  });

  test("starts nothing for a deleted operation, even before the index knows of the deletion", async () => {
    const { operation } = await service.post(MAKE, { requestId: "unheard" });
    controls.indexWrite.fail("index is down");
    await service.call("DELETE", `/v1/${operation.name}`);

    expect(await service.post(MAKE, { requestId: "unheard" })).toMatchObject({
      status: 409,
      reason: "REQUEST_ID_USED",
    });
  });

  test("is answered by a full shard, which also makes it for an operation in another shard", async () => {
    // Of its own: an isolate remembers for a minute that the shard is full.
    const path = "/v1/projects/full/things:make";
    const first = await service.post(path, { requestId: "before" });
    controls.maxShardBytes = 0;
    const again = await service.post(path, { requestId: "before" });
    controls.maxShardBytes =
      (await runInDurableObject(indexOf("projects/full"), (_, { storage }) => storage.sql.databaseSize)) - 1;
    const second = await service.post(path, { requestId: "after" });
    const third = await service.post(path, { requestId: "after" });
    await service.call("DELETE", `/v1/${second.operation.name}`);
    const fourth = await service.post(path, { requestId: "after" });

    expect(again.operation.name).toBe(first.operation.name);
    expect(second.status).toBe(200);
    expect(third.operation.name).toBe(second.operation.name);
    expect(fourth).toMatchObject({ status: 409, reason: "REQUEST_ID_USED" });
  });
});

// "One alarm serves many rows": a turn of it is bounded, and the walk goes on with the next.
describe("the check of reservations", () => {
  /** Nothing but reservations of operations that were indexed in other shards, and are gone. */
  async function reservedElsewhere(count: number): Promise<void> {
    await service.post(MAKE, { requestId: "own" });
    const ids = Array.from({ length: count }, () => env.OPERATIONS.newUniqueId().toString());
    await runInDurableObject(indexOf("projects/p"), (_, { storage }) => {
      storage.sql.exec("DELETE FROM reservations");
      for (const [n, id] of ids.entries()) {
        storage.sql.exec(
          `INSERT INTO reservations (key, operation_id, create_time, body_digest, created, is_here)
           VALUES (unhex(?), unhex(?), ?, zeroblob(32), 1, 0)`,
          n.toString(16).padStart(64, "0"),
          id,
          Date.now(),
        );
      }
    });
  }

  test("calls 100 operations of other shards in one turn, and removes them all in several", async () => {
    const startTime = Date.now();
    await reservedElsewhere(250);
    await passUntil(startTime + DAY_MS - 1);
    const left: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      clock.advance(15_000);
      await fireIndexAlarm();
      left.push((await storedReservations()).length);
    }

    expect(left).toEqual([150, 50, 0]);
    expect(await runInDurableObject(indexOf("projects/p"), (_, { storage }) => storage.kv.get("reservations"))).toBe(
      undefined,
    );
  });
});

// For minutes after a deploy a busy shard may run the code before it, which keeps requestIds in objects of their own.
describe("a shard 0 that runs the code of an earlier version", () => {
  test("reserves nothing, because that version's objects do, and one operation starts", async () => {
    await service.post(MAKE, {});
    await runInDurableObject(indexOf("projects/p"), (instance, { storage }) => {
      storage.sql.exec("DROP TABLE reservations");
      for (const lacking of ["reserve", "markReservation"] as const) {
        instance[lacking] = async () => {
          throw new TypeError(`The RPC receiver does not implement the method "${lacking}".`);
        };
      }
    });
    const first = await service.post(MAKE, { requestId: "meanwhile" });
    await evictDurableObject(indexOf("projects/p"));
    const second = await service.post(MAKE, { requestId: "meanwhile" });

    expect(first.status).toBe(200);
    expect(second.operation.name).toBe(first.operation.name);
    expect(await storedReservations()).toHaveLength(1);
  });
});

// An alarm can be lost: the platform drops one whose handler fails six times.
describe("a requestId whose alarm was lost", () => {
  test("is free for another operation once its day and its operation are over, and not before", async () => {
    const startTime = Date.now();
    const first = await service.post(MAKE, { requestId: "lost" });
    await service.deliver(first.operation.name);
    await passUntil(startTime + DAY_MS / 2);
    await loseAlarms();
    clock.advanceTo(startTime + DAY_MS - 1);
    const within = await service.post(MAKE, { requestId: "lost" });
    clock.advanceTo(startTime + DAY_MS);
    const later = await Promise.all(Array.from({ length: 5 }, () => service.post(MAKE, { requestId: "lost" })));

    expect(within.status).toBe(409);
    expect(later.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set([first, ...later].map(({ operation }) => operation.name)).size).toBe(2);
  });

  test("is kept as long as its operation", async () => {
    const first = await service.post("/v1/projects/p/things:keep", { requestId: "lost" });
    await service.deliver(first.operation.name);
    await loseAlarms();
    clock.advance(2 * DAY_MS);
    const second = await service.post("/v1/projects/p/things:keep", { requestId: "lost" });

    expect(second.operation.name).toBe(first.operation.name);
  });
});

describe("a streamed input with a requestId", () => {
  const path = (requestId: string): string => `/v1/projects/p/things:upload?requestId=${requestId}`;

  test("returns the first operation if the input is the same", async () => {
    const first = await service.post(path("same"), "a,b\n1,2\n", CSV);
    const second = await service.post(path("same"), "a,b\n1,2\n", CSV);

    expect(first.status).toBe(200);
    expect(second.operation.name).toBe(first.operation.name);
  });

  test("is rejected if the input differs in one byte", async () => {
    await service.post(path("other"), "a,b\n1,2\n", CSV);
    const second = await service.post(path("other"), "a,b\n1,3\n", CSV);

    expect(second).toMatchObject({ status: 400, reason: "REQUEST_ID_REUSED" });
  });

  test("starts one operation in a race of several", async () => {
    const bodies = Array.from({ length: 8 }, () => aBodyStream({ pieces: 30, pieceBytes: 100_000 }).stream);
    const answers = await Promise.all(bodies.map((body) => service.post(path("streams"), body, CSV)));

    expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200));
    expect(new Set(answers.map(({ operation }) => operation.name)).size).toBe(1);
  });

  test("is rejected for all that race with another input", async () => {
    const rows = ["1", "2", "1", "2"];
    const answers = await Promise.all(rows.map((row) => service.post(path("mixed"), `a\n${row}\n`, CSV)));
    const names = new Set(answers.filter(({ status }) => status === 200).map(({ operation }) => operation.name));

    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 400, 400]);
    expect(names.size).toBe(1);
  });
});

// "All checks, then an Operation with done: true, an Empty response, no name, nothing stored, no requestId used up."
describe("validateOnly", () => {
  const done = { done: true, response: { "@type": "type.googleapis.com/google.protobuf.Empty" } };

  test.each([
    ["in the body", MAKE, { validateOnly: true, requestId: "checked" }],
    ["in the query", `${MAKE}?validateOnly=true&requestId=checked`, {}],
  ])("%s returns a finished operation, stores nothing and uses up no requestId", async (_, path, body) => {
    const { status, json } = await service.post(path, body);

    expect({ status, json }).toEqual({ status: 200, json: done });
    expect(await storedReservations()).toEqual([]);
    expect(controls.sent).toEqual([]);
    expect(controls.calls).toEqual([]);
  });

  test.each([
    ["false", { validateOnly: false }],
    ["null", { validateOnly: null }],
  ])("as %s starts the operation", async (_, body) => {
    expect((await service.post(MAKE, body)).operation.name).toBeDefined();
  });

  test.each([
    ["text", MAKE, { validateOnly: "true" }],
    ["a number in the query", `${MAKE}?validateOnly=1`, {}],
    ["another in query and body", `${MAKE}?validateOnly=true`, { validateOnly: false }],
  ])("as %s is rejected", async (_, path, body) => {
    expect(await service.post(path, body)).toMatchObject({ status: 400, fields: ["validateOnly"] });
  });

  test("checks a streamed input too", async () => {
    const path = "/v1/projects/p/things:upload?validateOnly=true";
    const right = await service.post(path, "a\n1\n", CSV);
    const empty = await service.post(path, "", CSV);
    const large = await service.post(path, aBodyStream({ pieces: 5, pieceBytes: 1_000_000 }).stream, CSV);

    expect(right.json).toEqual(done);
    expect(empty).toMatchObject({ status: 400, fields: ["body"] });
    expect(large).toMatchObject({ status: 413, reason: "REQUEST_TOO_LARGE" });
    expect(controls.calls).toEqual([]);
  });

  test("fails if the start itself would", async () => {
    const immediate = (): never => {
      throw new TypeError("broken");
    };
    const broken = aDeployment({ methods: [method("make", { immediate })] });
    const checked = await broken.post(MAKE, { validateOnly: true });

    expect(checked.status).toBe(500);
    expect((await broken.post(MAKE)).status).toBe(500);
  });
});

// "Prefer: wait=N: answers when done or after N seconds (capped as Wait is); Preference-Applied says so."
describe("Prefer: wait", () => {
  async function deliverFirst(): Promise<void> {
    const { id } = await eventually(() => controls.sent[0]);
    await service.deliver(`projects/p/operations/${id}`);
  }

  test("answers when the operation is done", async () => {
    const answering = service.post(MAKE, {}, { Prefer: "wait=60" });
    await deliverFirst();
    const { operation, headers } = await answering;

    expect(operation).toMatchObject({ done: true, response: { value: { run: 1 } } });
    expect(headers.get("Preference-Applied")).toBe("wait=60");
  });

  test("is capped at 60 s, with a header that says so", async () => {
    const answering = service.post(MAKE, {}, { Prefer: "wait=86400" });
    await deliverFirst();

    expect((await answering).headers.get("Preference-Applied")).toBe("wait=60");
  });

  test.each([
    ["wait=0", "wait=0"],
    ["respond-async, wait=0", "wait=0"],
    ['wait="0"', "wait=0"],
  ])("as %j answers at once with the present operation", async (prefer, applied) => {
    const { operation, headers } = await service.post(MAKE, {}, { Prefer: prefer });

    expect(operation.done).toBe(false);
    expect(headers.get("Preference-Applied")).toBe(applied);
  });

  test.each(["wait", "wait=-1", "wait=soon", "wait=1.5", "awaits=5"])("as %j is ignored", async (prefer) => {
    const { operation, headers, status } = await service.post(MAKE, {}, { Prefer: prefer });

    expect({ status, done: operation.done }).toEqual({ status: 200, done: false });
    expect(headers.has("Preference-Applied")).toBe(false);
  });
});
