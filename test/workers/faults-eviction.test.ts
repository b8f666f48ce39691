// Objects taken out of memory between any two calls of an operation's life: nothing that matters is kept there alone.
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Delivery,
  type OperationJson,
  type Started,
  advanceUntil,
  alarmTime,
  call,
  deliverNext,
  fireAlarm,
  getOperation,
  indexOf,
  listNames,
  runNext,
  socketIsOpen,
  startScript,
  startedFrom,
  storedBy,
  storedRecord,
  storedRows,
  useFreshWorld,
} from "./harness";

useFreshWorld();

/** Facts that are found on the way. */
interface Life {
  operation: Started;
  ran: string[];
  ended?: OperationJson;
}

type Part = [name: string, act: (life: Life) => Promise<unknown>];

/** How its sockets fare: as in a hibernation, or as in a deploy. */
type Sockets = "hibernate" | "close";

async function evict({ operation }: Life, webSockets: Sockets): Promise<void> {
  // Not running is as good as evicted.
  await evictDurableObject(operation.stub, { webSockets }).catch(() => undefined);
  await evictDurableObject(indexOf("projects/p")).catch(() => undefined);
}

/** Lives it through, with the objects evicted before one of its parts. */
async function live(life: Life, parts: readonly Part[], boundary: string, sockets: Sockets) {
  for (const [name, act] of parts) {
    if (name === boundary) await evict(life, sockets);
    await act(life);
  }
}

const isSent = (): boolean => controls.sent.length > 0;

const end = async (life: Life): Promise<void> => {
  life.ended = await getOperation(life.operation.name);
};

const forget: Part[] = [
  ["its deletion", async ({ operation }) => call("DELETE", `/v1/${operation.name}`)],
  [
    "its erasure",
    async ({ operation }) =>
      eventually(async () => {
        if ((await storedBy(operation)).length === 0) return true;
        clock.advance(600_000);
        await fireAlarm(operation);
        return false;
      }),
  ],
];

describe("an operation whose object is evicted before", () => {
  let running = Promise.withResolvers<void>();
  let release = Promise.withResolvers<void>();
  let delivery: Delivery;

  const parts: Part[] = [
    ["a first read", async ({ operation }) => getOperation(operation.name)],
    ["its first attempt, which fails", () => runNext()],
    ["a list", async ({ operation }) => expect(await listNames("projects/p")).toEqual([operation.name])],
    ["the alarm after its backoff", ({ operation }) => advanceUntil(operation, isSent)],
    ["its second attempt, which goes to sleep", () => runNext()],
    ["a read of the sleeper", async ({ operation }) => getOperation(operation.name)],
    ["the alarm that wakes it", ({ operation }) => advanceUntil(operation, isSent)],
    [
      "its claim",
      async () => {
        delivery = await deliverNext();
        await running.promise;
      },
    ],
    ["a read while it runs", async ({ operation }) => getOperation(operation.name)],
    [
      "its last word",
      async () => {
        release.resolve();
        await delivery.result();
      },
    ],
    ["the read of its end", end],
    ...forget,
  ];

  // Where there is no socket, it is the same how sockets fare.
  const boundaries = parts.map(([boundary]) => [boundary, "close"] as const);
  const withSocket = ["a read while it runs", "its last word"].map((boundary) => [boundary, "hibernate"] as const);

  test.each([...boundaries, ...withSocket])("%s has the same end (sockets: %s)", async (boundary, sockets) => {
    running = Promise.withResolvers<void>();
    release = Promise.withResolvers<void>();
    const ran: string[] = [];
    const operation = await startScript(async (op) => {
      const answer = await op.step("first", () => {
        ran.push("first");
        return 42;
      });
      if (op.attempt === 1) throw new Error("the first always fails");
      await op.sleep("30m");
      running.resolve();
      await release.promise;
      await op.step("second", () => ran.push("second"));
      return { answer };
    });
    const life: Life = { operation, ran };
    await live(life, parts, boundary, sockets);

    expect(life.ended).toMatchObject({ done: true, response: { value: { answer: 42 } } });
    expect(ran).toEqual(["first", "second"]);
    expect((await call("GET", `/v1/${operation.name}`)).status).toBe(404);
    expect(await listNames("projects/p")).toEqual([]);
  });
});

async function hasNoEffects(operation: Started): Promise<boolean> {
  const { outbox = {} } = (await storedRecord(operation)) ?? {};
  return Object.keys(outbox).length === 0;
}

describe("an operation of work elsewhere whose object is evicted before", () => {
  const struct = (value: object) => ({ "@type": "type.googleapis.com/google.protobuf.Struct", value }) as never;
  const patch = async ({ operation }: Life, field: string, value: object): Promise<void> => {
    const { status } = await call("PATCH", `/v1/${operation.name}?updateMask=${field}`, { [field]: struct(value) });
    expect(status).toBe(200);
  };

  const parts: Part[] = [
    ["its first progress", (life) => patch(life, "metadata", { rows: 1 })],
    ["its second progress", (life) => patch(life, "metadata", { rows: 2 })],
    ["its completion", (life) => patch(life, "response", { rows: 2 })],
    ["its completion once more", (life) => patch(life, "response", { rows: 2 })],
    // Effects that the eviction cut off are performed by the alarm.
    ["the end of its effects", ({ operation }) => advanceUntil(operation, () => hasNoEffects(operation))],
    ["the read of its end", end],
    ...forget,
  ];

  test.each(parts.map(([boundary]) => boundary))("%s has the same end", async (boundary) => {
    const operation = startedFrom(await call("POST", "/v1/projects/p/operations", { operation: {} }));
    const life: Life = { operation, ran: [] };
    await live(life, parts, boundary, "hibernate");

    expect(life.ended).toMatchObject({
      done: true,
      metadata: { value: { rows: 2 } },
      response: { value: { rows: 2 } },
    });
    expect(await listNames("projects/p")).toEqual([]);
  });
});

/** A work that reports once, and runs until it is released. */
async function aReporter(report: JsonObject) {
  const release = Promise.withResolvers<void>();
  const operation = await startScript(async (op) => {
    op.progress(report);
    await release.promise;
    return { answer: 42 };
  });
  const delivery = await deliverNext();
  await socketIsOpen(operation);
  const shows = async (): Promise<JsonObject> => (await getOperation(operation.name)).metadata.value;
  await eventually(async () => (await shows())["statusMessage"] === "half way");
  return { operation, delivery, release: () => release.resolve(), shows };
}

describe("progress", () => {
  test("costs no row, and is kept by the runner's socket while the object hibernates", async () => {
    const { operation, delivery, release, shows } = await aReporter({ statusMessage: "half way", rows: 5 });
    const stored = (await storedRecord(operation))!;
    const { headers } = await call("GET", `/v1/${operation.name}`);
    await evictDurableObject(operation.stub, { webSockets: "hibernate" });
    const again = await call("GET", `/v1/${operation.name}`);
    const shown = await shows();
    release();
    await delivery.result();

    expect(stored.metadata).toEqual({});
    expect(shown).toMatchObject({ statusMessage: "half way", rows: 5 });
    expect(again.headers.get("ETag")).toBe(headers.get("ETag"));
    expect((await getOperation(operation.name)).metadata.value).toMatchObject({ rows: 5 });
  });

  test("is stored if it is too large for a socket", async () => {
    const { operation, delivery, release, shows } = await aReporter({
      statusMessage: "half way",
      log: "x".repeat(9_000),
    });
    const stored = (await storedRecord(operation))!;
    await evictDurableObject(operation.stub, { webSockets: "hibernate" });
    const shown = await shows();
    release();
    await delivery.result();

    expect(stored.metadata["log"]).toHaveLength(9_000);
    expect(shown["log"]).toHaveLength(9_000);
  });

  test("is sent again by its runner, under a new revision, after a crash has lost it", async () => {
    const { operation, delivery, release, shows } = await aReporter({ statusMessage: "half way", rows: 5 });
    const { headers } = await call("GET", `/v1/${operation.name}`);
    await evictDurableObject(operation.stub, { webSockets: "close" });
    await eventually(async () => (await shows())["rows"] === 5);
    const again = await call("GET", `/v1/${operation.name}`);
    release();
    await delivery.result();

    expect(again.headers.get("ETag")).not.toBe(headers.get("ETag"));
    expect(await getOperation(operation.name)).toMatchObject({ done: true, metadata: { value: { rows: 5 } } });
  });

  test("is in lists within five seconds, after a hibernation too, without a write of the record", async () => {
    const { operation, delivery, release } = await aReporter({ statusMessage: "half way", rows: 5 });
    const before = await storedRecord(operation);
    await evictDurableObject(operation.stub, { webSockets: "hibernate" });
    clock.advance(5_000);
    await fireAlarm(operation);
    const { body } = await call("GET", "/v1/projects/p/operations?filter=metadata.rows%3D5");
    const after = await storedRecord(operation);
    await evictDurableObject(operation.stub, { webSockets: "hibernate" });
    await getOperation(operation.name);
    const due = await alarmTime(operation);
    release();
    await delivery.result();

    expect(body["operations"]).toHaveLength(1);
    expect(after).toEqual(before);
    // Woken again, the object knows that the index was told.
    expect(due).toBe(after?.leaseEndTime);
  });
});

describe("a sleep", () => {
  test("is in lists when its invocation has ended, and no further alarm or row follows", async () => {
    const operation = await startScript(async (op) => {
      await op.sleep("30m");
      return {};
    });
    await runNext();
    const record = (await storedRecord(operation))!;
    const [row] = await storedRows();

    expect(record).toMatchObject({ state: "SLEEPING", outbox: {} });
    expect(JSON.parse(row!["facts"] as string)).toMatchObject({ state: "SLEEPING" });
  });

  test("is in lists later if its row cannot be written", async () => {
    const operation = await startScript(async (op) => {
      await op.sleep("30m");
      return {};
    });
    controls.indexWrite.fail("index is down");
    await runNext();
    controls.indexWrite.open();
    await advanceUntil(operation, async () => (await storedRecord(operation))?.outbox.index === undefined);
    const [row] = await storedRows();

    expect(JSON.parse(row!["facts"] as string)).toMatchObject({ state: "SLEEPING" });
  });

  test("re-sends its message if the object crashes after its end", async () => {
    const operation = await startScript(async (op) => {
      await op.sleep("30m");
      return { answer: 42 };
    });
    await runNext();
    await advanceUntil(operation, isSent);
    const woken = await storedRecord(operation);
    controls.sent.length = 0;
    await evictDurableObject(operation.stub);
    await advanceUntil(operation, isSent);
    await runNext();

    expect(woken).toMatchObject({ state: "SLEEPING" });
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: { value: { answer: 42 } } });
  });
});
