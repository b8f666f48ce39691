// DirectoryObject: which index shards exist, so that cron can visit them all, and where its last visit ended.
import { DurableObject } from "cloudflare:workers";

/** There is one directory. PERSISTED CONTRACT. */
export const DIRECTORY_NAME = "directory";

const SHARD_PREFIX = "shard/";
const CURSOR_KEY = "cursor";

export class DirectoryObject extends DurableObject {
  /** Enters an index shard by its object id; repeating it changes nothing. */
  async register(shardId: string): Promise<void> {
    const key = SHARD_PREFIX + shardId;
    if (this.ctx.storage.kv.get(key) === undefined) this.ctx.storage.kv.put(key, true);
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
    const entries = this.ctx.storage.kv.list<true>({ prefix: SHARD_PREFIX, limit, ...start });
    return [...entries].map(([key]) => key.slice(SHARD_PREFIX.length));
  }
}
