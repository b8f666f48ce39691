// The index as a service sees it, in plain Node: the index's own statements over node:sqlite, one database per shard.
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { buryRow, createSchema, upsertRow } from "../../src/durable/index/index-sql";
import { readPage } from "../../src/durable/index/read-page";
import { MAX_PAGE_BYTES, MAX_SCANNED_ROWS } from "../../src/limits";
import type { IndexFacts, IndexRow } from "../../src/list/index-row";
import { type KnownShard, type PageRequest, type RowKey, type ShardPage, shareOf } from "../../src/list/page";
import { STRUCT_TYPE_URL } from "../../src/rpc/any";
import type { JsonObject } from "../../src/rpc/any";
import { unavailable } from "../../src/rpc/error";
import type { IndexSource, OperationLists } from "../../src/service/ports";
import { CREATE_TIME } from "./an-operation";

/** A Durable Object's `sql`, as far as the index uses it. */
export function sqlStorageFrom(database: DatabaseSync): SqlStorage {
  const statements = new Map<string, StatementSync>();
  const exec = (query: string, ...values: SQLInputValue[]) => {
    const statement = statements.get(query) ?? database.prepare(query);
    statements.set(query, statement);
    const rows = statement.all(...values);
    return { toArray: () => rows, one: () => rows[0], [Symbol.iterator]: () => rows.values() };
  };
  return { exec } as unknown as SqlStorage;
}

export interface AnIndexRow extends Partial<RowKey> {
  parent?: string;
  done?: boolean;
  revision?: number;
  /** Fields of the metadata, a Struct. */
  metadata?: JsonObject;
  facts?: Partial<IndexFacts>;
}

let lastId = 0;

/** An id of 64 hex digits, each greater than the last. */
export function anId(): string {
  lastId += 1;
  return lastId.toString(16).padStart(64, "0");
}

export function anIndexRow({
  createTime = CREATE_TIME,
  id = anId(),
  parent = "projects/p/locations/l",
  done = false,
  revision = 1,
  metadata = {},
  facts = {},
}: AnIndexRow = {}): IndexRow {
  const name = parent === "" ? `operations/${id}` : `${parent}/operations/${id}`;
  return {
    createTime,
    id,
    parent,
    done,
    revision,
    dueTime: createTime + 3_600_000,
    operation: JSON.stringify({ name, metadata: { "@type": STRUCT_TYPE_URL, value: metadata }, done }),
    facts: JSON.stringify({ target: "t", verb: "v", requestedCancellation: false, ...facts }),
  };
}

/** A row of an operation that is too large for the index: `size` bytes with its response. */
export function aLargeRow(size: number, row: AnIndexRow = {}): IndexRow {
  return anIndexRow({ ...row, done: true, facts: { responseTruncated: true, size } });
}

interface Shard {
  sql: SqlStorage;
}

export interface PageCall {
  source: IndexSource;
  request: PageRequest;
  page: ShardPage;
}

/** An index of several shards, which can be made to fail, and to stop early. */
export class AnIndex implements OperationLists {
  readonly calls: PageCall[] = [];
  /** Shards that do not answer, as `jurisdiction#shard`, or a decision made at each call. */
  fails: (source: IndexSource) => boolean = () => false;
  /** The bound to which every shard cuts a request. */
  atMost: Partial<Pick<PageRequest, "maxRows" | "maxBytes">> = {};
  keysMade = 0;
  readonly #shards = new Map<string, Shard>();
  readonly #shardCounts = new Map<string | undefined, number>();

  write(row: IndexRow, { shard = 0, jurisdiction = undefined as string | undefined } = {}): void {
    this.#shardCounts.set(jurisdiction, Math.max(this.#shardCount(jurisdiction), shard + 1));
    upsertRow(this.#shard(jurisdiction, shard).sql, row);
  }

  bury(key: RowKey, { shard = 0, jurisdiction = undefined as string | undefined } = {}): void {
    buryRow(this.#shard(jurisdiction, shard).sql, key, 0);
  }

  async page(source: IndexSource, request: PageRequest): Promise<ShardPage> {
    if (this.fails(source)) throw unavailable("out of reach", 1);
    const shardCount = source.shard === 0 ? this.#shardCount(source.jurisdiction) : 1;
    const { limit, maxRows = MAX_SCANNED_ROWS, maxBytes = MAX_PAGE_BYTES } = request;
    const share = request.isForAllShards ? shareOf({ limit, maxRows, maxBytes }, shardCount) : { maxRows, maxBytes };
    const shard = this.#shards.get(source.shardId ?? `${source.jurisdiction}#${source.shard}`);
    const cut = {
      ...request,
      ...share,
      maxRows: Math.min(share.maxRows, this.atMost.maxRows ?? Infinity),
      maxBytes: Math.min(share.maxBytes, this.atMost.maxBytes ?? Infinity),
    };
    const page = { ...(shard ? readPage(shard.sql, cut) : { rows: [], scanned: 0 }), shardCount };
    this.calls.push({ source, request, page });
    return page;
  }

  async tokenKey(): Promise<string> {
    this.keysMade += 1;
    return TOKEN_KEY;
  }

  async existingTokenKey(): Promise<string | undefined> {
    return this.keysMade > 0 ? TOKEN_KEY : undefined;
  }

  /** Shards that the directory knows; of the others it is not told. */
  known: KnownShard[] = [];

  async shards(limit: number): Promise<KnownShard[]> {
    return this.known.slice(0, limit);
  }

  async shardSize(shardId: string): Promise<number> {
    return shardId.length;
  }

  #shardCount(jurisdiction: string | undefined): number {
    return this.#shardCounts.get(jurisdiction) ?? 1;
  }

  #shard(jurisdiction: string | undefined, shard: number): Shard {
    const key = `${jurisdiction}#${shard}`;
    const existing = this.#shards.get(key);
    if (existing) return existing;
    const made = { sql: sqlStorageFrom(new DatabaseSync(":memory:")) };
    createSchema(made.sql);
    this.#shards.set(key, made);
    return made;
  }
}

export const TOKEN_KEY = aTokenKey(7);

/** 32 bytes in base64. */
export function aTokenKey(byte: number): string {
  return btoa(String.fromCodePoint(...new Uint8Array(32).fill(byte)));
}
