// The storage of a killed server on disk: the records of its operations, read without the service.
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { deserialize } from "node:v8";
import type { StoredRecord } from "../../src/lifecycle/stored-record";

/** The record of every operation, from a copy: opening a database that was cut off would already mend it. */
export async function storedRecords(state: string): Promise<StoredRecord[]> {
  const copy = await mkdtemp(join(tmpdir(), "edge-operations-state-"));
  try {
    await cp(state, copy, { recursive: true });
    const files = await readdir(copy, { recursive: true });
    return files
      .filter((file) => /-OperationObject\/[0-9a-f]{64}\.sqlite$/.test(file))
      .map((file) => recordFrom(join(copy, file)))
      .filter((record) => record !== undefined);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Durable Objects keep their key-value storage in this table, each value as V8 serialises it. */
function recordFrom(file: string): StoredRecord | undefined {
  const database = new DatabaseSync(file);
  try {
    const row = database.prepare("SELECT value FROM _cf_KV WHERE key = 'record'").get();
    return row && (deserialize(row["value"] as Uint8Array) as StoredRecord);
  } finally {
    database.close();
  }
}
