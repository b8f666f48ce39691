// The exact cost of every call: requests of objects, rows, alarms, queue messages and KV writes. A change that adds a
// row or a hop changes a number of test/bench/counts.ts, and with it the price in docs/performance.md.
import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import {
  COUNTS,
  type CountedCall,
  type Counts,
  DIRECT_LIFECYCLES,
  LIFECYCLES,
  type ObjectCounts,
  summary,
  totals,
} from "../bench/counts";
import { MAX_HELD_MS } from "../../src/limits";
import type { JsonObject } from "../../src/rpc/any";
import { EventReader } from "../support/event-stream";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import {
  type Started,
  advanceToAlarm,
  alarmTime,
  call,
  fireAlarm,
  fireIndexAlarm,
  getOperation,
  indexOf,
  listNames,
  openSockets,
  outboxIsEmpty,
  presentRecord,
  runNext,
  scriptPath,
  socketIsOpen,
  startScript,
  startedFrom,
  storedRecord,
  useFreshWorld,
} from "./harness";
import { countReads, ledger } from "./ledger";
import { fillShard } from "./list-harness";
import { aWebhookDeployment, useReceivers } from "./webhook-harness";
import worker from "./worker";

useFreshWorld({ defersAlarms: true });
useReceivers();

const STRUCT = "type.googleapis.com/google.protobuf.Struct";
const empty: Script = async () => ({});
const asleepForAMinute: Script = async (op) => {
  await op.sleep("1m");
  return {};
};
const scripts = worker.methods.filter(({ id }) => id === "scripts:run");

/** The cost of an action in a scope that has had an operation before, after all its effects. */
async function costOf(act: () => Promise<unknown>): Promise<Counts> {
  ledger.take();
  await act();
  return ledger.take();
}

async function anIndexedScope(): Promise<void> {
  await finished(await startScript(empty));
}

/** The first requestId of a scope begins the walk that forgets them all: a row a day. */
async function aScopeWithRequestIds(): Promise<void> {
  await finished(startedFrom(await call("POST", `${scriptPath(empty)}?requestId=first`, {})));
}

/** Starts operations with requestIds until one has its row in shard 1, and tells what that start costs. */
async function startElsewhere(): Promise<{ operation: Started; counts: Counts }> {
  const deployment = { ...env, INDEX_SHARDS: "2" };
  const start = async (query = ""): Promise<Started> => {
    const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    const url = `https://operations.example${scriptPath(empty)}${query}`;
    const response = await worker.fetch(new Request(url, init), deployment);
    return startedFrom({ status: response.status, headers: response.headers, body: await response.json() });
  };
  const isElsewhere = async (operation: Started): Promise<boolean> => (await storedRecord(operation))?.indexShard === 1;
  await aScopeWithRequestIds();
  // The first row of a shard creates it.
  for (let isThere = false; !isThere;) isThere = await isElsewhere(await finished(await start()));
  for (let n = 1; ; n += 1) {
    ledger.take();
    const operation = await start(`?requestId=r${n}`);
    const counts = ledger.take();
    if (await isElsewhere(operation)) return { operation, counts };
    await finished(operation);
  }
}

/** Lets a queued operation run to its end. */
async function finished(operation: Started): Promise<Started> {
  await runNext();
  await outboxIsEmpty(operation);
  return operation;
}

/** Starts a direct operation, and comes back once it has ended. */
async function endedDirectly(): Promise<Started> {
  const operation = await startScript(empty, { verb: "direct" });
  // Read in storage: a get would be a request.
  await eventually(async () => (await storedRecord(operation))?.endTime !== undefined);
  await outboxIsEmpty(operation);
  return operation;
}

async function aDoneOperation(): Promise<Started> {
  await anIndexedScope();
  return finished(await startScript(empty));
}

async function anExternalOperation(): Promise<Started> {
  await anIndexedScope();
  const operation = startedFrom(await call("POST", "/v1/projects/p/operations", { operation: {} }));
  await outboxIsEmpty(operation);
  return operation;
}

async function patch({ name }: Started, mask: string, value: JsonObject): Promise<void> {
  const { status } = await call("PATCH", `/v1/${name}?updateMask=${mask}`, { [mask]: { "@type": STRUCT, value } });
  expect(status).toBe(200);
}

/** The cost of one call that a method's function makes once its runner has opened its socket. */
async function costWithin(act: (op: Parameters<Script>[0]) => Promise<unknown>): Promise<Counts> {
  let counts: Counts = {};
  await anIndexedScope();
  const operation = await startScript(async (op) => {
    await socketIsOpen(operation);
    counts = await costOf(() => act(op));
    return {};
  });
  await finished(operation);
  return counts;
}

const CALLS: Record<CountedCall, () => Promise<Counts>> = {
  startDirectly: async () => {
    await anIndexedScope();
    return costOf(endedDirectly);
  },
  async start() {
    await anIndexedScope();
    return costOf(() => startScript(empty));
  },
  async startWithRequestId() {
    await aScopeWithRequestIds();
    const path = `${scriptPath(empty)}?requestId=r1`;
    return costOf(() => call("POST", path, {}));
  },
  async runWithRequestId() {
    await aScopeWithRequestIds();
    const operation = startedFrom(await call("POST", `${scriptPath(empty)}?requestId=r1`, {}));
    return costOf(() => finished(operation));
  },
  async startWithRequestIdElsewhere() {
    return (await startElsewhere()).counts;
  },
  async runWithRequestIdElsewhere() {
    const { operation } = await startElsewhere();
    return costOf(() => finished(operation));
  },
  async deleteWithRequestIdElsewhere() {
    const { operation } = await startElsewhere();
    await finished(operation);
    return costOf(async () => {
      await call("DELETE", `/v1/${operation.name}`);
      await outboxIsEmpty(operation);
    });
  },
  async repeatedRequestId() {
    await aScopeWithRequestIds();
    const path = `${scriptPath(empty)}?requestId=r1`;
    await finished(startedFrom(await call("POST", path, {})));
    return costOf(() => call("POST", path, {}));
  },
  async run() {
    await anIndexedScope();
    const operation = await startScript(empty);
    return costOf(() => finished(operation));
  },
  async get() {
    const { name } = await aDoneOperation();
    return costOf(() => getOperation(name));
  },
  async getAtEdge() {
    const { name } = await aDoneOperation();
    const atEdge = { ...env, FINISHED_READS: "edge", SNAPSHOTS: countReads(env.SNAPSHOTS) };
    return costOf(async () => {
      const response = await worker.fetch(new Request(`https://operations.example/v1/${name}`), atEdge);
      expect(await response.json()).toMatchObject({ name, done: true });
    });
  },
  async list() {
    await anIndexedScope();
    await fillShard(indexOf("projects/p"), { count: 1_000 });
    // The key of a scope's page tokens is made once, and remembered.
    await call("GET", "/v1/projects/p/operations");
    return costOf(() => call("GET", "/v1/projects/p/operations"));
  },
  async wait() {
    await anIndexedScope();
    const operation = await startScript(empty);
    clock.advance(MAX_HELD_MS);
    let waiting: Promise<unknown> = Promise.resolve();
    const counts = await costOf(async () => {
      waiting = call("POST", `/v1/${operation.name}:wait`, { timeout: "60s" });
      await eventually(async () => (await openSockets(operation, "wait")) === 1);
    });
    ledger.take();
    await finished(operation);
    await waiting;
    // The answer comes over the socket: it costs what the end costs without a waiter.
    expect(ledger.take()).toEqual(COUNTS.run);
    return counts;
  },
  async watch() {
    await anIndexedScope();
    const operation = await startScript(empty);
    let events = new EventReader(new Response("").body);
    const counts = await costOf(async () => {
      const response = await exports.default.fetch(`https://operations.example/v1/${operation.name}:watch`);
      events = new EventReader(response.body);
      await events.next();
    });
    ledger.take();
    await finished(operation);
    const states = await events.rest();
    // The states come over the socket: they cost what the run costs without a watcher.
    expect(ledger.take()).toEqual(COUNTS.run);
    expect(JSON.parse(states.at(-1)?.data ?? "")).toMatchObject({ done: true });
    return counts;
  },
  async runWithOutput() {
    await anIndexedScope();
    const operation = await startScript(async (op) => {
      op.write("a line");
      return {};
    });
    return costOf(() => finished(operation));
  },
  async runWithWebhook() {
    await anIndexedScope();
    const service = aWebhookDeployment(scripts);
    const webhookConfig = { uris: ["https://hooks.shop.com/"] };
    const { status, headers, json } = await service.call("POST", scriptPath(empty), {
      operationOptions: { webhookConfig },
    });
    const operation = startedFrom({ status, headers, body: json });
    return costOf(async () => {
      await runNext();
      await service.deliver("webhooks");
      await outboxIsEmpty(operation);
    });
  },
  async cancel() {
    await anIndexedScope();
    const operation = await startScript(empty);
    return costOf(async () => {
      await call("POST", `/v1/${operation.name}:cancel`);
      await outboxIsEmpty(operation);
    });
  },
  async delete() {
    const operation = await aDoneOperation();
    return costOf(async () => {
      await call("DELETE", `/v1/${operation.name}`);
      await outboxIsEmpty(operation);
    });
  },
  async create() {
    await anIndexedScope();
    return costOf(() => call("POST", "/v1/projects/p/operations", { operation: {} }));
  },
  async patchMetadata() {
    const operation = await anExternalOperation();
    return costOf(async () => {
      await patch(operation, "metadata", { rows: 1 });
      await indexFollows(operation);
    });
  },
  async patchResponse() {
    const operation = await anExternalOperation();
    return costOf(async () => {
      await patch(operation, "response", { rows: 1 });
      await outboxIsEmpty(operation);
    });
  },
  async longerRun() {
    let counts: Counts = {};
    await anIndexedScope();
    const operation = await startScript(async () => {
      counts = await costOf(() => socketIsOpen(operation));
      return {};
    });
    await finished(operation);
    return counts;
  },
  async step() {
    return costWithin((op) => op.step("one", () => 1));
  },
  async checkpoint() {
    return costWithin((op) => op.checkpoint({ cursor: 1 }));
  },
  async progress() {
    await anIndexedScope();
    const isOver = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      await socketIsOpen(operation);
      ledger.take();
      op.progress({ progressPercent: 10 });
      await isOver.promise;
      return {};
    });
    const running = runNext();
    await eventually(async () => JSON.stringify(await presentRecord(operation)).includes('"progressPercent":10'));
    await indexFollows(operation);
    const counts = ledger.take();
    isOver.resolve();
    await running;
    return counts;
  },
  async sleepInPlace() {
    return costWithin((op) => op.sleep("200ms"));
  },
  async sleep() {
    await anIndexedScope();
    const operation = await startScript(asleepForAMinute);
    return costOf(async () => {
      await runNext();
      // The alarm is at work until the work has ended.
      const woken = advanceToAlarm(operation);
      await eventually(() => controls.sent.length > 0);
      await finished(operation);
      await woken;
    });
  },
  async sleepDirectly() {
    await anIndexedScope();
    return costOf(async () => {
      const operation = await startScript(asleepForAMinute, { verb: "direct" });
      await eventually(async () => (await storedRecord(operation))?.state === "SLEEPING");
      await advanceToAlarm(operation);
      await outboxIsEmpty(operation);
    });
  },
  async suspend() {
    await anIndexedScope();
    const operation = await startScript(async (op) => ({ answer: await op.suspend("approval") }));
    return costOf(async () => {
      await runNext();
      await inIndex(operation);
      await answered(operation);
    });
  },
};

/** An approver answers, and the work goes on to its end. */
async function answered(operation: Started): Promise<void> {
  await call("POST", `/v1/${operation.name}/suspensions/approval:resolve`, { payload: true });
  await finished(operation);
}

/** The index knows the present state. */
async function inIndex(operation: Started): Promise<void> {
  while ((await storedRecord(operation))?.outbox.index !== undefined) await indexFollows(operation);
}

/** Progress is in the index a little later, by an alarm. */
async function indexFollows(operation: Started): Promise<void> {
  await advanceToAlarm(operation);
  await outboxIsEmpty(operation);
}

describe("costs", () => {
  test("costs nothing more where webhooks are served and none can apply, but their reading once in a while", async () => {
    await anIndexedScope();
    const service = aWebhookDeployment(scripts);
    const started: Started[] = [];
    const start = async (): Promise<Counts> =>
      costOf(async () => {
        const { status, headers, json } = await service.call("POST", scriptPath(empty), {});
        started.push(startedFrom({ status, headers, body: json }));
      });
    const first = await start();
    const second = await start();
    const end = await costOf(() => finished(started[0]!));

    // The project and the root, each once in ten seconds for an isolate.
    expect(first).toEqual({ ...COUNTS.start, policy: { requests: 2, rowsRead: 2 } });
    expect(second).toEqual(COUNTS.start);
    expect(end).toEqual(COUNTS.run);
  });

  test.each((Object.keys(CALLS) as CountedCall[]).map((name) => [`${name}: ${summary(COUNTS[name])}`, name] as const))(
    "%s",
    async (_, name) => {
      expect(await CALLS[name]()).toEqual(COUNTS[name]);
    },
  );
});

describe("op.suspend", () => {
  test("costs no request, no row and no duration while it waits", async () => {
    await anIndexedScope();
    const operation = await startScript(async (op) => ({ answer: await op.suspend("approval", { timeout: "50m" }) }));
    await runNext();
    await inIndex(operation);
    const { suspensions = [] } = (await storedRecord(operation))!;
    const counts = await costOf(async () => {
      clock.advance(30 * 60_000);
      await fireIndexAlarm();
    });

    expect(await alarmTime(operation)).toBe(suspensions[0]!.reached!.expireTime);
    expect(counts.operation).toBeUndefined();
    expect(await openSockets(operation, "run")).toBe(0);
  });

  test("costs three rows more than op.sleep: its answer, an alarm behind it, and that the end was told", () => {
    const [suspend, sleep] = [totals(COUNTS.suspend), totals(COUNTS.sleep)];

    // The answer is a request, and the end of a sleep is an alarm. Both are billed as a request.
    expect(suspend.requests + suspend.alarms).toBe(sleep.requests + sleep.alarms);
    expect(suspend.rowsWritten).toBe(sleep.rowsWritten + 3);
    expect(suspend.alarmsSet).toBe(sleep.alarmsSet + 1);
    expect([suspend.messages, suspend.rowsRead]).toEqual([sleep.messages, sleep.rowsRead]);
    expect(COUNTS.suspend.queueMessages).toBe(COUNTS.sleep.queueMessages);
  });

  test("a sleep adds five rows, an alarm and two requests to its operation, one request by direct dispatch", () => {
    const [sleep, run] = [totals(COUNTS.sleep), totals(COUNTS.run)];
    const [asleep, direct] = [totals(COUNTS.sleepDirectly), totals(COUNTS.startDirectly)];

    expect([sleep.rowsWritten - run.rowsWritten, sleep.requests - run.requests, sleep.alarms]).toEqual([5, 2, 1]);
    expect([asleep.rowsWritten - direct.rowsWritten, asleep.requests - direct.requests, asleep.alarms]).toEqual([
      5, 1, 1,
    ]);
  });
});

// Reservations of requestIds: "at most one request and two rows more than a start without".
describe("a requestId", () => {
  test.each([
    ["in shard 0", COUNTS.startWithRequestId, COUNTS.runWithRequestId],
    ["in another shard", COUNTS.startWithRequestIdElsewhere, COUNTS.runWithRequestIdElsewhere],
  ])("costs at most one request, two rows and no alarm for an operation %s", (_, start, run) => {
    const more = (field: keyof ObjectCounts): number =>
      totals(start)[field] + totals(run)[field] - totals(COUNTS.start)[field] - totals(COUNTS.run)[field];

    expect(more("requests")).toBe(1);
    expect(more("rowsWritten")).toBeLessThanOrEqual(2);
    expect([more("alarms"), more("alarmsSet")]).toEqual([0, 0]);
    expect([...Object.keys(start), ...Object.keys(run)]).not.toContain("request");
  });
});

describe("a whole lifecycle, from its start to its expiry", () => {
  /** Lets time pass until nothing is left to happen, each alarm in its turn. */
  async function expire(operations: readonly Started[]): Promise<void> {
    for (;;) {
      const indexTime = await runInDurableObject(indexOf("projects/p"), (_, { storage }) => storage.getAlarm());
      const times = await Promise.all(operations.map(async (operation) => (await alarmTime(operation)) ?? Infinity));
      const next = Math.min(indexTime ?? Infinity, ...times);
      if (next === Infinity) return;
      clock.advanceTo(next);
      for (const [place, operation] of operations.entries()) if (times[place] === next) await fireAlarm(operation);
      if (indexTime === next) await fireIndexAlarm();
      await Promise.all(operations.map(outboxIsEmpty));
    }
  }

  const LIFECYCLE_CASES = [
    ...Object.entries(LIFECYCLES).map(([count, counts]) => ["queue", Number(count), counts] as const),
    ...Object.entries(DIRECT_LIFECYCLES).map(([count, counts]) => ["direct", Number(count), counts] as const),
  ];

  test.each(LIFECYCLE_CASES.map(([dispatch, count, counts]) => [dispatch, count, summary(counts), counts] as const))(
    "costs by %s dispatch for %i operations, a second apart: %s",
    async (dispatch, count, _, expected) => {
      const run = dispatch === "queue" ? async () => finished(await startScript(empty)) : endedDirectly;
      await anIndexedScope();
      await expire([]);
      const counts = await costOf(async () => {
        const operations: Started[] = [];
        for (let n = 0; n < count; n += 1) {
          operations.push(await run());
          clock.advance(1_000);
        }
        await expire(operations);
      });

      expect(counts).toEqual(expected);
      expect(await listNames("projects/p")).toEqual([]);
    },
  );
});
