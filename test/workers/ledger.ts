// The cost of the objects during a test: requests, rows and alarms, as Durable Objects with SQLite are billed
// (developers.cloudflare.com/durable-objects/platform/pricing): each call of an object, alarm and incoming message is
// counted, each key of `storage.kv` is a row of a hidden table, each `setAlarm` is a row written. A row of more than 2
// MB fails, as it does on the platform (developers.cloudflare.com/durable-objects/platform/limits); the local runtime
// takes it.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Counts, ObjectCounts, ObjectKind } from "../bench/counts";

class Ledger {
  #objects = new Map<ObjectKind, ObjectCounts>();
  #queueMessages = 0;
  #kvReads = 0;
  #kvWrites = 0;

  /** The cost since the last call. */
  take(): Counts {
    const counts: Counts = Object.fromEntries(this.#objects);
    if (this.#queueMessages > 0) counts.queueMessages = this.#queueMessages;
    if (this.#kvReads > 0) counts.kvReads = this.#kvReads;
    if (this.#kvWrites > 0) counts.kvWrites = this.#kvWrites;
    this.#objects = new Map();
    this.#queueMessages = 0;
    this.#kvReads = 0;
    this.#kvWrites = 0;
    return counts;
  }

  add(kind: ObjectKind, field: keyof ObjectCounts, count = 1): void {
    if (count === 0) return;
    const counts = this.#objects.get(kind) ?? {};
    counts[field] = (counts[field] ?? 0) + count;
    this.#objects.set(kind, counts);
  }

  addQueueMessage(): void {
    this.#queueMessages += 1;
  }

  addKvRead(): void {
    this.#kvReads += 1;
  }

  addKvWrite(): void {
    this.#kvWrites += 1;
  }
}

export const ledger = new Ledger();

/** The same KV, whose reads are counted. */
export function countReads(kv: KVNamespace): KVNamespace {
  return new Proxy(kv, {
    get(target, property) {
      const member = Reflect.get(target, property) as (...parameters: unknown[]) => unknown;
      return (...parameters: unknown[]) => {
        if (property === "get" || property === "getWithMetadata") ledger.addKvRead();
        return member.apply(target, parameters);
      };
    },
  });
}

/** Set while the code of an object runs on its own account: what a test reads of its storage is not counted. */
const running = new AsyncLocalStorage<ObjectKind>();

/** Runs code of an object that no call of its class has begun. */
export function within<Result>(kind: ObjectKind, run: () => Result): Result {
  return running.run(kind, run);
}

interface DurableObjectClass {
  prototype: object;
}

/** Lets every call of a class's objects be counted. Closing a socket is not billed. */
export function countClass({ prototype }: DurableObjectClass, kind: ObjectKind): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (["constructor", "webSocketClose", "webSocketError"].includes(name)) continue;
    const method = Reflect.get(prototype, name) as (this: Watched, ...parameters: unknown[]) => unknown;
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: Watched, ...parameters: unknown[]): unknown {
        // A method that another calls is no request of its own.
        if (running.getStore() !== undefined) return method.apply(this, parameters);
        watch(this.ctx.storage, kind);
        ledger.add(kind, name === "alarm" ? "alarms" : name === "webSocketMessage" ? "messages" : "requests");
        return running.run(kind, () => method.apply(this, parameters));
      },
    });
  }
}

interface Watched {
  ctx: DurableObjectState;
}

const watchedStorages = new WeakSet<DurableObjectStorage>();

function watch(storage: DurableObjectStorage, kind: ObjectKind): void {
  if (watchedStorages.has(storage)) return;
  watchedStorages.add(storage);
  watchSql(storage.sql, kind);
  watchKv(storage.kv, kind);
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...parameters) => {
    add(kind, "alarmsSet", 1);
    add(kind, "rowsWritten", 1);
    return setAlarm(...parameters);
  };
  const deleteAll = storage.deleteAll.bind(storage);
  storage.deleteAll = (...parameters) => {
    // Deletions are rows written.
    add(kind, "rowsWritten", [...storage.kv.list()].length);
    return deleteAll(...parameters);
  };
}

function add(kind: ObjectKind, field: keyof ObjectCounts, count: number): void {
  if (running.getStore() !== undefined) ledger.add(kind, field, count);
}

function watchSql(sql: SqlStorage, kind: ObjectKind): void {
  const exec = sql.exec.bind(sql);
  sql.exec = ((query: string, ...values: SqlStorageValue[]) => {
    refuseLargeRow(values.reduce((bytes: number, value) => bytes + storedBytes(value), 0));
    const cursor = exec(query, ...values);
    // A statement that gives no rows is over; any other is, once its rows were taken.
    add(kind, "rowsWritten", cursor.rowsWritten);
    if (!query.trimStart().startsWith("SELECT")) add(kind, "rowsRead", cursor.rowsRead);
    for (const method of ["toArray", "one"] as const) {
      const take = cursor[method].bind(cursor) as () => never;
      cursor[method] = () => {
        const taken = take();
        add(kind, "rowsRead", cursor.rowsRead);
        return taken;
      };
    }
    return cursor;
  }) as typeof sql.exec;
}

const MAX_ROW_BYTES = 2_000_000;

function refuseLargeRow(bytes: number): void {
  if (bytes > MAX_ROW_BYTES) throw new Error(`string or blob too big: SQLITE_TOOBIG, a row of ${bytes} bytes`);
}

/** About what a value takes: text is stored in one byte a character where all are Latin-1, and else in two. */
function storedBytes(value: unknown): number {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return /^[\0-\xff]*$/.test(text) ? text.length : 2 * text.length;
}

function watchKv(kv: SyncKvStorage, kind: ObjectKind): void {
  const get = kv.get.bind(kv);
  kv.get = (key) => {
    add(kind, "rowsRead", 1);
    return get(key);
  };
  const put = kv.put.bind(kv);
  kv.put = (key, value) => {
    refuseLargeRow(storedBytes(key) + storedBytes(value));
    add(kind, "rowsWritten", 1);
    put(key, value);
  };
  const remove = kv.delete.bind(kv);
  kv.delete = (key) => {
    const wasThere = remove(key);
    // A row that was not there was read and not written.
    add(kind, wasThere ? "rowsWritten" : "rowsRead", 1);
    return wasThere;
  };
  const list = kv.list.bind(kv);
  kv.list = ((options?: SyncKvListOptions) => {
    const entries = [...list(options)];
    add(kind, "rowsRead", entries.length);
    return entries;
  }) as typeof kv.list;
}
