// The stored values and messages of earlier versions of the service (fixtures/version-1.json and later ones), moved to
// now and to an id of this runtime's, and put into storage as it was.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { formatTimestampMs } from "../../src/aip/timestamp";
import type { OperationAnswer } from "../../src/contract/answer";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import { sha256Hex } from "../../src/service/digest";
import type { Reservation } from "../../src/list/reservation";
import type { MessageToObject, MessageToRunner } from "../../src/contract/run-channel";
import type { JsonObject } from "../../src/rpc/any";
import type { WorkMessage } from "../../src/index";
import version1 from "./fixtures/version-1.json";
import version2 from "./fixtures/version-2.json";
import version3 from "./fixtures/version-3.json";
import { type Started, indexOf } from "./harness";

/** An operation's object as it was: bytes are given as their text. */
interface StoredObject {
  keys: { record: StoredRecord } & Record<string, unknown>;
  alarm: number | null;
}

interface StoredOperation extends StoredObject {
  stage: string;
  id: string;
  name: string;
  /** Its row in the index. */
  row: Record<string, SqlStorageValue>;
  /** The shard that has the row; absent: 0. */
  shard?: number;
  /** The row of the requestId that started it, in shard 0. */
  reservation?: Record<string, unknown>;
  /** Its entries in the SlotsObjects that it names. */
  slots?: { name: string; keys: Record<string, unknown>; alarm: number | null }[];
  /** The value in KV, once done, and what was put beside it. */
  snapshot?: string;
  snapshotMetadata?: JsonObject;
  /** The answers of its object. */
  answer?: Pick<OperationAnswer, "json" | "etag">;
}

interface Fixture {
  operations: StoredOperation[];
  reservation: {
    id: string;
    name: string;
    requestId: string;
    body: JsonObject;
    value: Reservation;
    operation: StoredObject;
  };
  startingRow: { id: string; row: Record<string, SqlStorageValue> };
  queueMessage: WorkMessage;
  waitMessage: JsonObject;
  indexSchema: string[];
}

/** The rows of the index of `projects/p`, in each version. */
const indexes = {
  1: { schema: version1.indexSchema, keys: {} },
  2: version2.index,
  3: version3.index,
};
const recordings = { 1: version1.operations, 2: version2.operations, 3: version3.operations };

export type Version = keyof typeof recordings;
export const versions: readonly Exclude<Version, 3>[] = [1, 2];

/** The stages that every version recorded, and those that version 2, or version 3, was the first to record. */
export const stages: readonly string[] = version1.operations.map(({ stage }) => stage);
export const laterStages: readonly string[] = version2.operations
  .map(({ stage }) => stage)
  .filter((stage) => !stages.includes(stage));

export const latestStages: readonly string[] = version3.operations
  .map(({ stage }) => stage)
  .filter((stage) => !version2.operations.some((operation) => operation.stage === stage));

/** A part of the fixture, with times as if it had been written now, and its id one of this runtime's. */
function moved(part: { time: number; id: string }): { id: string; part: unknown } {
  const id = env.OPERATIONS.newUniqueId().toString();
  const shift = Date.now() - part.time;
  const text = JSON.stringify(part)
    .replaceAll(part.id, id)
    .replaceAll("<40000 x>", "x".repeat(40_000))
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) => formatTimestampMs(Date.parse(time) + shift))
    .replaceAll(/(?<![\w.])1[789]\d{11}(?!\w)/g, (time) => String(Number(time) + shift));
  return { id, part: JSON.parse(text) };
}

export interface Installed {
  operation: Started;
  stored: StoredOperation;
}

/** Stores an operation as it was at a stage of its life: in its object, in the index, in slots and in KV. */
export async function installed(stage: string, version: Version): Promise<Installed> {
  const golden = recordings[version].find((operation) => operation.stage === stage);
  if (!golden) throw new Error(`version ${version} has recorded no ${stage}`);
  const { id, part: stored } = moved(golden);
  const part = stored as StoredOperation;
  const operation = await installObject({ id, name: part.name, object: part });
  await installRow(part.row, { version, shard: part.shard ?? 0 });
  if (part.reservation) await installReservation(part.reservation);
  for (const slots of part.slots ?? []) await installKeys(env.SLOTS.getByName(slots.name), slots);
  if (part.snapshot !== undefined) {
    const metadata = part.snapshotMetadata && { metadata: part.snapshotMetadata };
    await env.SNAPSHOTS.put(`operation/${id}`, part.snapshot, metadata);
  }
  return { operation, stored: part };
}

async function installObject(given: { id: string; name: string; object: StoredObject }): Promise<Started> {
  const { id, name, object } = given;
  const stub = env.OPERATIONS.get(env.OPERATIONS.idFromString(id));
  await installKeys(stub, object);
  return { id, name, stub };
}

/** Stores keys and an alarm in an object, and takes it out of memory. */
async function installKeys(
  stub: DurableObjectStub,
  { keys, alarm }: { keys: Record<string, unknown>; alarm: number | null },
): Promise<void> {
  await runInDurableObject(stub, async (_instance, { storage }) => {
    for (const [key, value] of Object.entries(keys)) storage.kv.put(key, valueFromFixture(value));
    if (alarm !== null) await storage.setAlarm(alarm);
  });
  await evictDurableObject(stub);
}

function valueFromFixture(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("utf8" in value) return new TextEncoder().encode(value.utf8 as string);
  return "hex" in value
    ? Uint8Array.from((value.hex as string).match(/../g)!, (pair) => Number.parseInt(pair, 16))
    : value;
}

/** Writes a row into tables as the earlier version created them. */
export async function installRow(
  row: Record<string, SqlStorageValue>,
  { version, shard }: { version: Version; shard: number } = { version: 1, shard: 0 },
): Promise<void> {
  for (const number of new Set([0, shard])) {
    const index = indexOf("projects/p", number);
    await runInDurableObject(index, async (_instance, { storage }) => {
      createIndex(storage, { version, shard: number });
      if (number !== shard) return;
      insert(storage, "operations", row);
      await storage.setAlarm(row["due_time"] as number);
    });
    await env.DIRECTORY.getByName("directory").register(index.id.toString());
  }
}

async function installReservation(row: Record<string, unknown>): Promise<void> {
  await runInDurableObject(indexOf("projects/p"), async (_instance, { storage }) => {
    // Of two operations that are made of one recording, the first is the one that the requestId started.
    insert(storage, "reservations", row, "OR IGNORE");
  });
}

function createIndex({ sql, kv }: DurableObjectStorage, { version, shard }: { version: Version; shard: number }): void {
  const { schema, keys } = indexes[version];
  if (sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'operations'`).toArray().length > 0) return;
  for (const statement of schema) sql.exec(statement);
  const own = shard === 0 ? keys : { shard };
  for (const [key, value] of Object.entries(own)) kv.put(key, value);
}

function insert({ sql }: DurableObjectStorage, table: string, row: Record<string, unknown>, or = ""): void {
  const columns = Object.keys(row);
  const marks = columns.map(() => "?").join(", ");
  const values = Object.values(row).map((value) => valueFromFixture(value) as SqlStorageValue);
  sql.exec(`INSERT ${or} INTO ${table} (${columns.join(", ")}) VALUES (${marks})`, ...values);
}

/** The row of an operation whose start was interrupted before its record was written. */
export function startingRow(): Fixture["startingRow"] {
  return moved(version1.startingRow).part as Fixture["startingRow"];
}

/** An operation that a requestId started, and what is remembered of that. */
export async function installedReservation(): Promise<{ operation: Started; reservation: Fixture["reservation"] }> {
  const { id, part: stored } = moved(version1.reservation);
  const part = stored as Fixture["reservation"];
  return { operation: await installObject({ id, name: part.name, object: part.operation }), reservation: part };
}

/** The object that an earlier version made of a requestId, under its name: a digest of caller, method, parent and requestId. */
export async function installRequest(
  { method, parent }: { method: string; parent: string },
  { requestId, value }: Fixture["reservation"],
): Promise<DurableObjectStub> {
  const stub = env.REQUESTS!.getByName(await sha256Hex(JSON.stringify(["", method, parent, requestId])));
  await runInDurableObject(stub, async (_instance, { storage }) => {
    storage.kv.put("reservation", value);
    await storage.setAlarm(value.createTime + 86_400_000);
  });
  return stub;
}

/** The queue message of an operation. */
export function queueMessageOf({ id }: Started): WorkMessage {
  const keys = Object.keys(version1.queueMessage);
  return Object.fromEntries(keys.map((key) => [key, id])) as unknown as WorkMessage;
}

/** The messages of a consumer of an earlier version, each kind once, under the present token. */
export function messagesToObject(version: Version, fence: string): MessageToObject[] {
  const { operations, toObject } = version === 1 ? version1 : version2;
  const shift = Date.now() - operations[0]!.time;
  return (toObject as unknown as MessageToObject[]).map((message) =>
    Object.assign({}, message, message.type === "sleep" && { wakeTime: message.wakeTime + shift }, { fence }),
  );
}

/** The messages of an object of an earlier version to a consumer: first a claim. */
export function messagesToRunner(version: Version): MessageToRunner[] {
  const messages = version === 1 ? version1.toRunner.messages : version2.toRunner;
  const claim = messages.find(({ type }) => type === "claimed") as { name: string };
  const id = claim.name.split("/").at(-1)!;
  const time = version === 1 ? version1.toRunner.time : version2.time;
  const { part } = moved({ id, time, messages } as { id: string; time: number });
  return (part as { messages: MessageToRunner[] }).messages;
}
