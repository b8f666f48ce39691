// The actions of a test of the objects: call the API, deliver queue messages, fire alarms, read storage. Nothing here
// happens by itself.
import {
  createExecutionContext,
  createMessageBatch,
  evictDurableObject,
  getQueueResult,
  type QueueResult,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { type MockInstance, afterEach, beforeEach, vi } from "vitest";
import { Alarm } from "../../src/durable/alarm";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import type { Env, WorkMessage } from "../../src/index";
import type { Json, JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import worker, { type OperationIndex, type OperationObject } from "./worker";

/**
 * Every test begins with the clock stopped and nothing stored. The alarm of new work is armed a second after its start; unless a
 * test `defersAlarms`, it is armed at once, so that it can be fired without that wait.
 */
export function useFreshWorld({ defersAlarms = false } = {}): void {
  let armed: MockInstance | undefined;
  beforeEach(() => {
    controls.reset();
    clock.start();
    if (!defersAlarms) armed = vi.spyOn(Alarm.prototype, "defer").mockReturnValue();
  });
  afterEach(async () => {
    // Storage first: a runner that is still about finds its operation gone, and ends.
    controls.reset();
    await reset();
    clock.stop();
    armed?.mockRestore();
  });
}

// ── The API ─────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Answer {
  status: number;
  headers: Headers;
  body: JsonObject;
}

export async function call(
  method: string,
  path: string,
  body?: Json,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const json = body !== undefined && { "Content-Type": "application/json" };
  const response = await exports.default.fetch(`https://operations.example${path}`, {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: await response.json<JsonObject>() };
}

/** An Operation as the API gives it. */
export interface OperationJson extends JsonObject {
  name: string;
  metadata: { "@type": string; value: JsonObject };
  done: boolean;
}

export async function getOperation(name: string): Promise<OperationJson> {
  const { status, body } = await call("GET", `/v1/${name}`);
  if (status !== 200) throw new Error(`GET ${name}: ${status} ${JSON.stringify(body)}`);
  return body as OperationJson;
}

export async function listNames(parent: string): Promise<string[]> {
  const { body } = await call("GET", `/v1/${parent}/operations?pageSize=1000`);
  return (body["operations"] as OperationJson[]).map(({ name }) => name);
}

export interface Started {
  name: string;
  id: string;
  stub: DurableObjectStub<OperationObject>;
}

/** An operation by what its start was answered with. */
export function startedFrom({ status, body }: Answer): Started {
  if (status !== 200) throw new Error(`not started: ${status} ${JSON.stringify(body)}`);
  const { name } = body as OperationJson;
  const id = name.split("/").at(-1)!;
  return { name, id, stub: env.OPERATIONS.get(env.OPERATIONS.idFromString(id)) };
}

export interface StartOptions {
  verb?: string;
  parent?: string;
  body?: JsonObject;
}

/** The path that starts a script. */
export function scriptPath(script: Script, { verb = "run", parent = "projects/p" }: StartOptions = {}): string {
  const name = `script-${controls.scripts.size + 1}`;
  controls.scripts.set(name, script);
  return `/v1/${parent}/scripts/${name}:${verb}`;
}

/** Starts an operation whose work is `script`. It is queued, and runs once its message is delivered. */
export async function startScript(script: Script, options: StartOptions = {}): Promise<Started> {
  return startedFrom(await call("POST", scriptPath(script, options), options.body ?? {}));
}

export async function startEcho(body: JsonObject): Promise<Started> {
  return startedFrom(await call("POST", "/v1/echo:wait", body));
}

// ── The Queue ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Delivery {
  /** The outcome of the message, after all the work that it caused has ended. */
  result(): Promise<QueueResult>;
}

type QueueHandler = (batch: MessageBatch<WorkMessage>, env: Env, ctx: ExecutionContext) => Promise<void>;

let messageCount = 0;

/** Delivers a message and waits until it is acknowledged or to be retried; the handler goes on with the work. */
export async function deliver(
  message: WorkMessage,
  handle: QueueHandler = worker.queue,
  bindings: Env = env,
): Promise<Delivery> {
  messageCount += 1;
  const body = { id: `message-${messageCount}`, timestamp: new Date(), attempts: 1, body: message };
  const batch = createMessageBatch<WorkMessage>("edge-operations", [body]);
  const ctx = createExecutionContext();
  const { promise: isSettled, resolve: settled } = Promise.withResolvers<void>();
  const handled = handle(watchedBatch(batch, settled), bindings, ctx);
  await Promise.race([isSettled, handled]);
  return {
    result: async () => {
      await handled;
      return getQueueResult(batch, ctx);
    },
  };
}

/** The batch, whose messages say when they are acknowledged or to be retried. */
function watchedBatch<Body>(batch: MessageBatch<Body>, settled: () => void): MessageBatch<Body> {
  const messages = batch.messages.map(
    (message) =>
      new Proxy(message, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property);
          if (typeof value !== "function") return value;
          return (...parameters: unknown[]): unknown => {
            settled();
            return Reflect.apply(value, target, parameters) as unknown;
          };
        },
      }),
  );
  return new Proxy(batch, {
    get: (target, property) => (property === "messages" ? messages : (Reflect.get(target, property) as unknown)),
  });
}

/** Delivers the oldest message that was sent. */
export async function deliverNext(): Promise<Delivery> {
  const message = controls.sent.shift();
  if (!message) throw new Error("no message was sent");
  return deliver(message);
}

/** Delivers the oldest message and sees its work through. */
export async function runNext(): Promise<QueueResult> {
  return (await deliverNext()).result();
}

// ── Alarms and storage ──────────────────────────────────────────────────────────────────────────────────────────────

/** Fires the operation's alarm, and lets the effects that it set off settle. False where none was armed. */
export async function fireAlarm({ stub }: Started): Promise<boolean> {
  return runDurableObjectAlarm(stub);
}

/** Moves the clock to the time of the operation's alarm and fires it. */
export async function advanceToAlarm(operation: Started): Promise<void> {
  const time = await alarmTime(operation);
  if (time === undefined) throw new Error(`${operation.name} has no alarm`);
  clock.advanceTo(time);
  await fireAlarm(operation);
}

const MAX_ALARMS = 20;

/** Fires the operation's alarms, each at its time, until something is so: an alarm may come early and find nothing due. */
export async function advanceUntil(operation: Started, isReached: () => boolean | Promise<boolean>): Promise<void> {
  for (let alarms = 0; !(await isReached()); alarms += 1) {
    if (alarms === MAX_ALARMS) throw new Error(`not reached after ${MAX_ALARMS} alarms`);
    await advanceToAlarm(operation);
  }
}

/** The platform has dropped the alarm of an object, and the object is out of memory. */
export async function loseAlarm(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_instance, { storage }) => storage.deleteAlarm());
  await evictDurableObject(stub);
}

export async function alarmTime({ stub }: Started): Promise<number | undefined> {
  return runInDurableObject(stub, async (_instance, { storage }) => (await storage.getAlarm()) ?? undefined);
}

export async function storedRecord({ stub }: Started): Promise<StoredRecord | undefined> {
  return runInDurableObject(stub, (_instance, { storage }) => storage.kv.get<StoredRecord>("record"));
}

/** The record as the object has it: what is stored, and the changes that the runner's socket keeps. */
export async function presentRecord({ stub }: Pick<Started, "stub">): Promise<StoredRecord | undefined> {
  return runInDurableObject(stub, (_instance, state) => {
    const record = state.storage.kv.get<StoredRecord>("record");
    for (const socket of state.getWebSockets("run")) {
      const { fence, unsaved } = socket.deserializeAttachment() as { fence: string; unsaved?: string };
      if (record === undefined || fence !== record.fence || unsaved === undefined) continue;
      const { base, index, ...changes } = JSON.parse(unsaved) as Pick<StoredRecord, "metadata"> & {
        base: number;
        index?: StoredRecord["outbox"]["index"];
      };
      const outbox = { ...record.outbox, index } as StoredRecord["outbox"];
      if (base === record.revision) return { ...record, ...changes, outbox };
    }
    return record;
  });
}

/** The state, as the table names it; undefined where nothing is stored. */
export async function stateOf(operation: Started): Promise<string | undefined> {
  return (await storedRecord(operation))?.state;
}

/** Everything that one object stores: keys, tables and the alarm. */
async function stored(stub: DurableObjectStub): Promise<string[]> {
  return runInDurableObject(stub, async (_instance, { storage }) => {
    const keys = [...storage.kv.list()].map(([key]) => key);
    const tables = storage.sql
      .exec<{ name: string }>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
      )
      .toArray()
      .map(({ name }) => name);
    const alarm = (await storage.getAlarm()) === null ? [] : ["(alarm)"];
    return [...keys, ...tables, ...alarm];
  });
}

export async function storedBy({ stub }: Pick<Started, "stub">): Promise<string[]> {
  return stored(stub);
}

export async function openSockets({ stub }: Started, tag: "run" | "wait"): Promise<number> {
  return runInDurableObject(
    stub,
    (_instance, state) =>
      state.getWebSockets(tag).filter((socket) => socket.readyState === WebSocket.READY_STATE_OPEN).length,
  );
}

/** Resolves when the runner, which claimed the work by a call, has opened its socket. */
export async function socketIsOpen(operation: Started): Promise<void> {
  await eventually(async () => (await openSockets(operation, "run")) === 1);
}

// ── The index ───────────────────────────────────────────────────────────────────────────────────────────────────────

export function indexOf(parent: string, shard = 0): DurableObjectStub<OperationIndex> {
  return env.INDEX.getByName(`${parent}#${shard}`);
}

export interface StoredRow {
  [column: string]: SqlStorageValue;
  id: string;
  revision: number;
  done: number;
  due_time: number;
  operation: string | null;
}

/** The rows of an index, tombstones included, oldest first. */
export async function storedRows(parent = "projects/p", shard = 0): Promise<StoredRow[]> {
  return runInDurableObject(indexOf(parent, shard), (_instance, { storage }) => {
    const { sql } = storage;
    if (sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'operations'`).toArray().length === 0) return [];
    return sql.exec<StoredRow>(`SELECT * FROM operations ORDER BY create_time, id`).toArray();
  });
}

/** The requestIds that shard 0 of an index has reserved: each by its operation, and whether that is known to be created. */
export async function storedReservations(parent = "projects/p"): Promise<{ operationId: string; created: number }[]> {
  return runInDurableObject(indexOf(parent), (_instance, { storage }) => {
    const { sql } = storage;
    if (sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'reservations'`).toArray().length === 0) return [];
    const columns = "lower(hex(operation_id)) AS operationId, created";
    return sql.exec<{ operationId: string; created: number }>(`SELECT ${columns} FROM reservations`).toArray();
  });
}

export async function fireIndexAlarm(parent = "projects/p", shard = 0): Promise<boolean> {
  return runDurableObjectAlarm(indexOf(parent, shard));
}

// ── KV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

export async function snapshotOf({ id }: Started): Promise<string | undefined> {
  return (await env.SNAPSHOTS.get(`operation/${id}`)) ?? undefined;
}

/**
 * Effects run beside the answer, and no hook tells when they are done: this waits until the outbox is empty. Work that ended
 * before its alarm was armed saves no row to say so: then the index and KV say it.
 */
export async function outboxIsEmpty(operation: Started): Promise<void> {
  await eventually(async () => {
    const record = await presentRecord(operation);
    if (record === undefined || Object.values(record.outbox).every((entry) => entry === undefined)) return true;
    if (record.endedUnarmed !== true || (await alarmTime(operation)) !== undefined) return false;
    const scope = operation.name.split("/").slice(0, 2).join("/");
    const isListed = (await storedRows(scope, record.indexShard)).some(
      ({ id, done }) => id === operation.id && done === 1,
    );
    return isListed && (await snapshotOf(operation)) !== undefined;
  });
}
