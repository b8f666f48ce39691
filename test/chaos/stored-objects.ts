// The storage of a killed server on disk: every Durable Object that stores anything, read without the service.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { deserialize } from "node:v8";

export interface StoredObject {
  className: string;
  id: string;
  /** Its keys, with their values. */
  keys: Map<string, unknown>;
  /** Its tables, with their rows. */
  tables: Map<string, Record<string, unknown>[]>;
}

/** Opening a database that was cut off mends it: for a server that is not started again, or of which this is a copy. */
export function* storedObjects(state: string): Generator<StoredObject> {
  const root = join(state, "v3/do");
  for (const directory of readdirSync(root)) {
    const className = directory.slice(directory.lastIndexOf("-") + 1);
    for (const file of readdirSync(join(root, directory))) {
      const id = /^([0-9a-f]{64})\.sqlite$/.exec(file)?.[1];
      if (id === undefined) continue;
      const contents = contentsOf(join(root, directory, file));
      if (contents.keys.size > 0 || contents.tables.size > 0) yield { className, id, ...contents };
    }
  }
}

function contentsOf(file: string): Pick<StoredObject, "keys" | "tables"> {
  const database = new DatabaseSync(file);
  try {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    // The local runtime notes an object's name in a table of its own, whatever the object does.
    const tables = names.map(({ name }) => String(name)).filter((name) => !/^(_cf_|__miniflare_|sqlite_)/.test(name));
    // Durable Objects keep their key-value storage in this table, each value as V8 serialises it.
    const hasKeys = names.some(({ name }) => name === "_cf_KV");
    const entries = hasKeys ? database.prepare("SELECT key, value FROM _cf_KV").all() : [];
    return {
      keys: new Map(entries.map(({ key, value }) => [String(key), deserialize(value as Uint8Array) as unknown])),
      tables: new Map(tables.map((name) => [name, database.prepare(`SELECT * FROM "${name}"`).all()])),
    };
  } finally {
    database.close();
  }
}
