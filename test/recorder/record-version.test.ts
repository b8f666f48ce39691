// Records what this version stores and says, for the versions after it (docs/storage-schema.md, Versions):
//   RECORD=4 npx vitest run --project recorder --update
// writes test/workers/fixtures/version-4.json. A file that was recorded is never edited.
import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { emulation } from "../../src/emulation";
import { RpcError } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { type Credential, aGuardedDeployment, memberOf, useGuardedWorld, userOf } from "../workers/access-harness";
import { clock } from "../workers/clock";
import { type Script, controls } from "../workers/controls";
import { type Started, deliver, outboxIsEmpty, presentRecord, storedRecord, useFreshWorld } from "../workers/harness";
import { recordedMethods } from "../workers/recorded-methods";
import { OperationObject } from "../workers/worker";

useGuardedWorld();
useFreshWorld();

const PARENT = "projects/p";
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** Late in an invocation: the next thing that is stored ends it. */
const LATE_MS = 15_000;
const never = (): Promise<object> => new Promise(() => {});

const { worker, environment, asAdmin, call } = aGuardedDeployment(
  {
    methods: recordedMethods,
    emulation: emulation(),
  },
  {
    TRANSCODE: { send: async () => {}, sendBatch: async () => {} },
    MAX_OPERATIONS_PER_CALLER: "50",
    START_QUOTA: { perCaller: { operations: 1_000, bytes: 1_000_000_000 } },
    EMULATION: "on",
    INDEX_SHARDS: "2",
    INVOCATION_SECONDS: "30",
  } as object,
);

// ── The stages of an operation ──────────────────────────────────────────────────────────────────────────────────────

let scripts = 0;
let caller: Credential;

interface StartOptions {
  verb?: string;
  body?: JsonObject;
  headers?: Credential;
}

function startedFrom(answer: { status: number; text: string; json: JsonObject }): Started {
  if (answer.status !== 200) throw new Error(`not started: ${answer.text}`);
  const name = answer.json["name"] as string;
  const id = name.split("/").at(-1)!;
  return { name, id, stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(id)) };
}

async function start(script: Script, options: StartOptions = {}): Promise<Started> {
  const { verb = "run", body = { rows: 3 }, headers = {} } = options;
  scripts += 1;
  controls.scripts.set(`script-${scripts}`, script);
  const path = `/v1/${PARENT}/scripts/script-${scripts}:${verb}`;
  return startedFrom(await call(caller, "POST", path, body, { traceparent: TRACE, ...headers }));
}

/** Delivers the operation's message; its handler goes on with the work. */
const begin = ({ id }: Started) => deliver({ id }, worker.queue, environment);

async function invoke(operation: Started): Promise<Started> {
  await (await begin(operation)).result();
  return operation;
}

async function told(operation: Started): Promise<Started> {
  clock.advance(4_000);
  await runAlarm(operation);
  await outboxIsEmpty(operation);
  return operation;
}

const runAlarm = ({ stub }: Started) => runInDurableObject(stub, (instance: OperationObject) => instance.alarm());

const has = (operation: Started, what: (record: JsonObject) => unknown) =>
  eventually(async () => Boolean(what((await presentRecord(operation)) as unknown as JsonObject)));

async function running(): Promise<Started> {
  const operation = await start(async (op) => {
    await op.step("parse", async () => ({ parsed: 7 }));
    await op.checkpoint("row-5");
    op.progress({ progressPercent: 40, rowsDone: 5 });
    return never();
  });
  await begin(operation);
  await has(operation, (record) => (record["metadata"] as JsonObject)["rowsDone"] === 5);
  return told(operation);
}

/** Attempt 2: it has failed once, slept under a name and without one, and caught a step's failure. */
const replaying: Script = async (op) => {
  await op.step("parse", async () => ({ parsed: 7 }));
  await op.sleep("nap", "1m");
  if (op.attempt === 1) throw new RpcError("UNAVAILABLE", "The archive is being moved.");
  await op.sleep("1s");
  const caught = await op.step("check", async () => Promise.reject(new TypeError("no column"))).catch(String);
  await op.step("large", async () => "x".repeat(40_000));
  await op.checkpoint({ row: 9, caught });
  return never();
};

async function replayed(): Promise<Started> {
  const operation = await start(replaying);
  for (let invocation = 1; invocation <= 4; invocation += 1) {
    const delivery = await begin(operation);
    const isSaved = async () => (await storedRecord(operation))?.checkpoint !== undefined;
    const ended = delivery.result().then(() => true);
    await Promise.race([eventually(isSaved), ended]);
    if (await isSaved()) break;
    clock.advanceTo((await storedRecord(operation))!.wakeTime!);
    await runAlarm(operation);
  }
  return told(operation);
}

async function done(script: Script, options: StartOptions = {}): Promise<Started> {
  const operation = await start(script, options);
  await invoke(operation);
  await outboxIsEmpty(operation);
  return operation;
}

const renderMetadata = { "@type": "type.googleapis.com/acme.v1.RenderMetadata", frame: 7 };

async function external(operation: JsonObject = { metadata: renderMetadata }): Promise<Started> {
  scripts += 1;
  const body = { operation, heartbeatTimeout: "60s", requestId: `external-${scripts}` };
  return startedFrom(await call(caller, "POST", `/v1/${PARENT}/operations`, body));
}

async function failed(): Promise<Started> {
  return done(async () => {
    throw new RpcError("FAILED_PRECONDITION", "The table is locked.");
  });
}

async function withoutSnapshot(): Promise<Started> {
  controls.snapshotWrite.fail("KV is down");
  const operation = await invoke(await start(async () => ({ answer: 42 })));
  await has(operation, (record) => ((record["outbox"] as JsonObject)["snapshot"] as JsonObject)["failures"]);
  controls.snapshotWrite.open();
  return operation;
}

/** A handler that waits for two answers, one of them by a link, and for the end of a day. */
const asking: Script = async (op) => {
  const link = await op.suspension("link");
  const answers = op.suspend("approval", { prompt: "Publish?", payload: (json: JsonObject) => json, timeout: "2h" });
  await Promise.all([link.answer(), answers, op.sleep("1d")]);
  return {};
};

const answerIt = (operation: Started, id: string, payload: JsonObject) =>
  call(caller, "POST", `/v1/${operation.name}/suspensions/${id}:resolve`, { payload });

async function suspended(): Promise<Started> {
  const operation = await start(asking);
  await answerIt(operation, "early", { text: "x".repeat(2_000) });
  return told(await invoke(operation));
}

const stages: Record<string, () => Promise<Started>> = {
  SUSPENDED: suspended,
  SUSPENDED_ANSWERED: async () => {
    const operation = await suspended();
    await answerIt(operation, "approval", { approved: true });
    return told(operation);
  },
  SLEEPING_BEFORE_NEXT_TRY: async () => {
    const operation = await start(
      async (op) => {
        await op.step("flaky", async () => Promise.reject(new Error("not now")), { retry: { initialBackoff: "1d" } });
        return {};
      },
      { verb: "patient" },
    );
    return told(await invoke(operation));
  },
  RUNNING_DIRECTLY: async () => {
    const operation = await start(
      async (op) => {
        await op.step("parse", async () => 1);
        return never();
      },
      { verb: "direct" },
    );
    await has(operation, (record) => record["steps"]);
    return operation;
  },
  SCHEDULED: async () => {
    const operationOptions = {
      labels: { team: "data" },
      priority: 7,
      scheduleTime: new Date(Date.now() + 600_000).toISOString(),
    };
    return told(await start(never, { body: { rows: 3, operationOptions } }));
  },
  QUEUED: () => start(never, { body: { rows: 3, requestId: "recorded-queued" } }),
  QUEUED_ON_ITS_QUEUE: () => start(never, { verb: "transcode" }),
  QUEUED_AGAIN: async () => {
    const operation = await start(never);
    for (let resend = 1; resend <= 2; resend += 1) {
      clock.advanceTo((await storedRecord(operation))!.resendTime!);
      await runAlarm(operation);
    }
    return operation;
  },
  QUEUED_LARGE_REQUEST: () => start(never, { body: { text: "x".repeat(40_000) } }),
  WAITING_FOR_SLOT: async () => {
    const holder = await start(never, { verb: "single" });
    await begin(holder);
    await has(holder, (record) => record["state"] === "RUNNING");
    return invoke(await start(never, { verb: "single" }));
  },
  YIELDED: async () => {
    const operation = await start(async (op) => {
      await op.step("late", () => clock.advance(LATE_MS));
      await op.step("next", () => 1);
      return {};
    });
    return invoke(operation);
  },
  RUNNING: running,
  RUNNING_ATTEMPT_2: replayed,
  RUNNING_WITHOUT_CHANNEL: async () => {
    const operation = await start(never);
    const { webSocket } = await operation.stub.fetch("https://operation/run", { headers: { Upgrade: "websocket" } });
    const claimed = new Promise((resolve) => webSocket!.addEventListener("message", resolve));
    webSocket!.accept();
    await claimed;
    webSocket!.close(1_000, "gone");
    await has(operation, (record) => record["channelLostTime"]);
    return operation;
  },
  CANCELLING: async () => {
    const operation = await running();
    await call(caller, "POST", `/v1/${operation.name}:cancel`);
    return operation;
  },
  SLEEPING: async () => {
    const operation = await start(async (op) => {
      await op.step("parse", async () => 1);
      await op.sleep("2m");
      return {};
    });
    return told(await invoke(operation));
  },
  SLEEPING_BESIDE: async () => {
    const operation = await start(async (op) => {
      await Promise.all([
        op.sleep("10s").then(() => op.step("after 10s", () => 1)),
        op.sleep("30s").then(() => op.step("after 30s", () => 2)),
      ]);
      return {};
    });
    await invoke(operation);
    clock.advanceTo((await storedRecord(operation))!.wakeTime!);
    await runAlarm(operation);
    return told(await invoke(operation));
  },
  SLEEPING_BEHIND_LARGE_STEP: async () => {
    const operation = await start(async (op) => {
      await op.step("refused", async () => Promise.reject(new RpcError("NOT_FOUND", "No file."))).catch(() => {});
      await op.step("large", () => "x".repeat(400_000));
      await op.sleep("5m");
      return {};
    });
    return told(await invoke(operation));
  },
  BACKING_OFF: async () =>
    invoke(
      await start(async () => {
        throw new Error("no");
      }),
    ),
  SUCCEEDED: () => done(async () => ({ answer: 42 })),
  SUCCEEDED_LARGE: () => done(async () => ({ text: "x".repeat(40_000) })),
  SUCCEEDED_DECLARED: () =>
    done(
      async (op) => {
        op.progress({ rows: 3 });
        return { rows: 3 };
      },
      { verb: "declared" },
    ),
  SUCCEEDED_WITHOUT_SNAPSHOT: withoutSnapshot,
  SUCCEEDED_WITH_LATE_SNAPSHOT: async () => {
    const operation = await withoutSnapshot();
    clock.advanceTo((await storedRecord(operation))!.outbox.snapshot!.dueTime);
    await runAlarm(operation);
    await outboxIsEmpty(operation);
    return operation;
  },
  DELETED_WITHOUT_SNAPSHOT: async () => {
    const operation = await withoutSnapshot();
    controls.snapshotWrite.fail("KV is down");
    await call(caller, "DELETE", `/v1/${operation.name}`);
    await has(operation, (record) => record["deleteTime"]);
    return operation;
  },
  FAILED: failed,
  RETRIED: async () => {
    const before = await failed();
    const operation = startedFrom(await call(caller, "POST", `/v1/${before.name}:retry`, {}));
    await told(operation);
    return operation;
  },
  CANCELLED: async () => {
    const operation = await start(never);
    await call(caller, "POST", `/v1/${operation.name}:cancel`);
    await outboxIsEmpty(operation);
    return operation;
  },
  DELETED_RUNNING: async () => {
    const operation = await running();
    await call(caller, "DELETE", `/v1/${operation.name}`);
    await outboxIsEmpty(operation);
    return operation;
  },
  UPLOADED: async () => {
    scripts += 1;
    controls.scripts.set(`script-${scripts}`, never);
    const url = `https://operations.example/v1/${PARENT}/scripts/script-${scripts}:upload?requestId=recorded-upload`;
    const headers = { "Content-Type": "text/csv", ...caller };
    const response = await worker.fetch(new Request(url, { method: "POST", headers, body: "a,b\n1,2\n" }), environment);
    const text = await response.text();
    return startedFrom({ status: response.status, text, json: JSON.parse(text) as JsonObject });
  },
  EMULATED: async () => {
    const script = {
      progress: [{ after: "1s", metadata: { progressPercent: 20 } }],
      end: { after: "60s", response: { rows: 3 } },
      polls: [{ poll: 9, httpError: { code: 14, message: "Busy." } }],
    };
    return start(never, { headers: { "X-Emulation-Script": JSON.stringify(script) } });
  },
  WITH_POLICY: async () => {
    const operation = await start(never);
    const bindings = [{ role: "roles/longrunning.viewer", members: [memberOf("reader")] }];
    await asAdmin("POST", `/v1/${operation.name}:setIamPolicy`, { policy: { bindings } });
    return operation;
  },
  EXTERNAL: external,
  EXTERNAL_CANCELLING: async () => {
    const operation = await external({});
    await call(caller, "POST", `/v1/${operation.name}:cancel`);
    return operation;
  },
  EXTERNAL_SUCCEEDED: async () => {
    const operation = await external();
    const response = { "@type": "type.googleapis.com/acme.v1.R", n: 1 };
    await call(caller, "PATCH", `/v1/${operation.name}?updateMask=response`, { response });
    await outboxIsEmpty(operation);
    return operation;
  },
};

// ── The stored rows as JSON ─────────────────────────────────────────────────────────────────────────────────────────

/** Bytes as their text, or in hex if they are no text. */
function plain(value: unknown): unknown {
  if (value instanceof ArrayBuffer)
    return { hex: Array.from(new Uint8Array(value), (byte) => byte.toString(16).padStart(2, "0")).join("") };
  if (value instanceof Uint8Array) return { utf8: new TextDecoder().decode(value) };
  return value;
}

const plainEntries = (entries: Iterable<[string, unknown]>) =>
  Object.fromEntries(Array.from(entries, ([key, value]) => [key, plain(value)]));

async function contentsOf(stub: DurableObjectStub) {
  return runInDurableObject(stub, async (_instance, { storage }) => ({
    keys: plainEntries(storage.kv.list()),
    alarm: await storage.getAlarm(),
  }));
}

async function tableOf(stub: DurableObjectStub, table: string): Promise<JsonObject[]> {
  return runInDurableObject(stub, async (_instance, { storage }) => {
    const isThere = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", table).toArray().length > 0;
    if (!isThere) return [];
    const rows = storage.sql.exec(`SELECT * FROM ${table}`).toArray();
    return rows.map((row) => plainEntries(Object.entries(row)) as JsonObject);
  });
}

/** The entries of an operation in the slots that it names. */
async function slotsOf({ id, stub }: Started) {
  const record = (await storedRecord({ id, stub } as Started))!;
  const keys = [record.runSlot?.key, record.callerSlot?.key].filter((key) => key !== undefined);
  return Promise.all(
    keys.map(async (name) => {
      const { keys: stored, alarm } = await contentsOf(env.SLOTS.getByName(name));
      const own = Object.entries(stored).filter(([key]) => key.endsWith(id) || !key.includes("/"));
      return { name, keys: Object.fromEntries(own), alarm };
    }),
  );
}

async function recorded(stage: string, operation: Started) {
  const { id, name, stub } = operation;
  const contents = await contentsOf(stub);
  const shard = (contents.keys["record"] as { indexShard?: number }).indexShard ?? 0;
  const index = env.INDEX.getByName(`${PARENT}#${shard}`);
  const reservations = await tableOf(env.INDEX.getByName(`${PARENT}#0`), "reservations");
  const { value: snapshot, metadata } = await env.SNAPSHOTS.getWithMetadata<JsonObject>(`operation/${id}`);
  const answer = await call(caller, "GET", `/v1/${name}`);
  return {
    stage,
    time: Date.now(),
    id,
    name,
    ...contents,
    row: (await tableOf(index, "operations")).find((row) => row["id"] === id),
    shard,
    reservation: reservations.find((row) => (row["operation_id"] as JsonObject)["hex"] === id),
    slots: await slotsOf(operation),
    ...(snapshot === null ? {} : { snapshot, snapshotMetadata: metadata }),
    ...(answer.status === 200 ? { answer: { json: answer.text, etag: answer.headers.get("ETag") } } : {}),
  };
}

/** One of each kind and set of fields. */
class Heard {
  readonly #kinds = new Map<string, JsonObject>();

  add(said: JsonObject): void {
    const filled = Object.keys(said).filter((key) => !(Array.isArray(said[key]) && said[key].length === 0));
    const kind = JSON.stringify([said["type"], ...filled.toSorted()]);
    if (!this.#kinds.has(kind)) this.#kinds.set(kind, said);
  }

  get messages(): JsonObject[] {
    return [...this.#kinds.values()];
  }
}

const TO_RUNNER = new Set<unknown>(["claimed", "saved", "settled", "cancel", "stop"]);

test("writes down what is stored at each stage, and what is said", { timeout: 120_000 }, async () => {
  const [toObject, toRunner] = [new Heard(), new Heard()];
  const hear = vi.spyOn(OperationObject.prototype, "webSocketMessage");
  const say = vi.spyOn(WebSocket.prototype, "send");
  const requests = vi.spyOn(OperationObject.prototype, "fetch");
  await asAdmin("POST", `/v1/${PARENT}:setIamPolicy`, {
    policy: { bindings: [{ role: "roles/longrunning.admin", members: [memberOf("ada")] }] },
  });
  const operations = [];
  for (const [stage, reach] of Object.entries(stages)) {
    caller = await userOf("ada");
    const reached = await reach().catch((cause: unknown) => {
      throw new Error(`the stage ${stage} is not reached`, { cause });
    });
    operations.push(await recorded(stage, reached));
    controls.snapshotWrite.open();
  }
  const firstTime = operations[0]!.time;
  const first = env.INDEX.getByName(`${PARENT}#0`);
  const schema = await runInDurableObject(first, (_, { storage }) =>
    storage.sql
      .exec<{ sql: string }>(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ sql }) => sql),
  );
  for (const [, data] of hear.mock.calls) if (data !== "ping") toObject.add(JSON.parse(data as string) as JsonObject);
  for (const [data] of say.mock.calls) {
    const said = (typeof data === "string" && data.startsWith("{") ? JSON.parse(data) : {}) as JsonObject;
    if (TO_RUNNER.has(said["type"])) toRunner.add(said);
  }
  const runnerRequests = requests.mock.calls
    .map(([request]) => request)
    .filter((request) => new URL(request.url).pathname === "/step")
    .map((request) => ({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers) }));
  const slots = await Promise.all((await listDurableObjectIds(env.SLOTS)).map((id) => contentsOf(env.SLOTS.get(id))));
  const quota = slots.find(({ keys }) => "quota" in keys);
  const fixture = {
    version: process.env["COMMIT"],
    operations,
    index: { ...(await contentsOf(first)), schema },
    quota,
    time: firstTime,
    toObject: toObject.messages,
    toRunner: toRunner.messages,
    runnerRequests,
  };
  const text = `${JSON.stringify(fixture, null, 2)}\n`.replaceAll("x".repeat(40_000), "<40000 x>");

  await expect(text).toMatchFileSnapshot(`../workers/fixtures/version-${process.env["RECORD"]}.json`);
});
