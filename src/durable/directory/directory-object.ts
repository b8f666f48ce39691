// DirectoryObject: which index shards exist, so that cron can visit them all, and where its last visit ended.
import { DurableObject } from "cloudflare:workers";
import type { KnownShard } from "../../list/page";

/** There is one directory. PERSISTED CONTRACT. */
export const DIRECTORY_NAME = "directory";

/** The scope; true: an earlier version entered the shard. PERSISTED CONTRACT. */
type Entry = string | true;

const SHARD_PREFIX = "shard/";
const CURSOR_KEY = "cursor";

export class DirectoryObject extends DurableObject {
  /** Enters an index shard by its object id; repeating it changes nothing. An earlier version enters no scope. */
  async register(shardId: string, scope?: string): Promise<void> {
    const key = SHARD_PREFIX + shardId;
    const entry = scope ?? true;
    const known = this.ctx.storage.kv.get<Entry>(key);
    if (known === undefined || (known === true && entry !== true)) this.ctx.storage.kv.put(key, entry);
  }

  /** The shards, at most so many. */
  async shards(limit: number): Promise<KnownShard[]> {
    const entries = this.ctx.storage.kv.list<Entry>({ prefix: SHARD_PREFIX, limit });
    return Array.from(entries, ([key, entry]) => {
      const id = key.slice(SHARD_PREFIX.length);
      return entry === true ? { id } : { id, scope: entry };
    });
  }

  /** Fails where the class has no SQLite storage. */
  async check(): Promise<void> {
    this.ctx.storage.kv.get(CURSOR_KEY);
  }

  /** The next shards to visit, after those of the last call, and around again at the end. */
  async nextShards(limit: number): Promise<string[]> {
    const cursor = this.ctx.storage.kv.get<string>(CURSOR_KEY);
    const shardIds = this.#shardsAfter(cursor, limit);
    const wrapped = cursor === undefined || shardIds.length === limit ? [] : this.#shardsAfter(undefined, limit);
    const visited = new Set([...shardIds, ...wrapped].slice(0, limit));
    const last = [...visited].at(-1);
    if (last !== undefined) this.ctx.storage.kv.put(CURSOR_KEY, last);
    return [...visited];
  }

  #shardsAfter(cursor: string | undefined, limit: number): string[] {
    const start = cursor === undefined ? {} : { startAfter: SHARD_PREFIX + cursor };
    const entries = this.ctx.storage.kv.list<Entry>({ prefix: SHARD_PREFIX, limit, ...start });
    return [...entries].map(([key]) => key.slice(SHARD_PREFIX.length));
  }
}
