// What an earlier version of the service has stored and said (fixtures/version-1.json), moved to now and to an id of this
// runtime's, and put into storage as it stood.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { formatTimestampMs } from "../../src/aip/timestamp";
import type { OperationAnswer } from "../../src/contract/answer";
import type { OperationRecord } from "../../src/lifecycle/record";
import { sha256Hex } from "../../src/service/digest";
import type { Reservation } from "../../src/list/reservation";
import type { MessageToObject, MessageToRunner } from "../../src/contract/run-channel";
import type { JsonObject } from "../../src/rpc/any";
import type { WorkMessage } from "../../src/index";
import version1 from "./fixtures/version-1.json";
import { type Started, indexOf } from "./harness";

/** An operation's object as it was: bytes are given as their text. */
interface StoredObject {
  keys: { record: OperationRecord } & Record<string, unknown>;
  alarm: number | null;
}

interface StoredOperation extends StoredObject {
  stage: string;
  id: string;
  name: string;
  /** Its row in the index. */
  row: Record<string, SqlStorageValue>;
  /** The value in KV, once done. */
  snapshot?: string;
  /** What its object said of it. */
  answer?: OperationAnswer;
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
  toObject: MessageToObject[];
  toRunner: { id: string; name: string; messages: MessageToRunner[] };
  waitMessage: JsonObject;
  indexSchema: string[];
}

export type Stage = (typeof version1)["operations"][number]["stage"];
export const stages: readonly Stage[] = version1.operations.map(({ stage }) => stage);

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

/** Stores an operation as it was at a stage of its life, in its object, in the index and in KV. */
export async function installed(stage: Stage): Promise<Installed> {
  const golden = version1.operations.find((operation) => operation.stage === stage);
  if (!golden) throw new Error(`the fixture has no ${stage}`);
  const { id, part: stored } = moved(golden);
  const part = stored as StoredOperation;
  const operation = await installObject({ id, name: part.name, object: part });
  await installRow(part.row);
  if (part.snapshot !== undefined) await env.SNAPSHOTS.put(`operation/${id}`, part.snapshot);
  return { operation, stored: part };
}

async function installObject(given: { id: string; name: string; object: StoredObject }): Promise<Started> {
  const { id, name, object } = given;
  const stub = env.OPERATIONS.get(env.OPERATIONS.idFromString(id));
  await runInDurableObject(stub, async (_instance, { storage }) => {
    for (const [key, value] of Object.entries(object.keys)) storage.kv.put(key, valueFromFixture(value));
    if (object.alarm !== null) await storage.setAlarm(object.alarm);
  });
  await evictDurableObject(stub);
  return { id, name, stub };
}

function valueFromFixture(value: unknown): unknown {
  const isBytes = typeof value === "object" && value !== null && "utf8" in value;
  return isBytes ? new TextEncoder().encode(value.utf8 as string) : value;
}

/** Writes a row into tables as the earlier version created them. */
export async function installRow(row: Record<string, SqlStorageValue>): Promise<void> {
  const index = indexOf("projects/p");
  await runInDurableObject(index, async (_instance, { storage }) => {
    const { sql } = storage;
    const isNew = sql.exec(`SELECT 1 FROM sqlite_master WHERE name = 'operations'`).toArray().length === 0;
    if (isNew) for (const statement of version1.indexSchema) sql.exec(statement);
    const columns = Object.keys(row);
    const marks = columns.map(() => "?").join(", ");
    sql.exec(`INSERT INTO operations (${columns.join(", ")}) VALUES (${marks})`, ...Object.values(row));
    await storage.setAlarm(row["due_time"] as number);
  });
  await env.DIRECTORY.getByName("directory").register(index.id.toString());
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

/** What a consumer of the earlier version says, each kind once, under the present token. */
export function messagesToObject(fence: string): MessageToObject[] {
  const shift = Date.now() - version1.operations[0]!.time;
  return (version1.toObject as MessageToObject[]).map((message) =>
    Object.assign({}, message, message.type === "sleep" && { wakeTime: message.wakeTime + shift }, { fence }),
  );
}

/** What an object of the earlier version says to a consumer. */
export function messagesToRunner(): MessageToRunner[] {
  return (moved(version1.toRunner).part as Fixture["toRunner"]).messages;
}
