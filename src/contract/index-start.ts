// How a start takes its place in the index. PERSISTED CONTRACT between Worker, operation and index.
import { MAX_INDEX_SHARDS } from "../limits";

/** The known shards of a scope that are near their limit and take no new rows. */
export interface KnownShards {
  full: readonly number[];
  /** The shards that the scope has ever had, as shard 0 said. */
  shardCount: number;
}

export type BeginAnswer =
  | { ok: true; bytes: number }
  /** The operation was deleted before this start arrived. */
  | { ok: false; refusal: "DELETED"; bytes: number }
  /** The shard is near its limit: the start belongs in another one. */
  | { ok: false; refusal: "FULL"; bytes: number; shardCount: number };

export interface ShardChoice extends KnownShards {
  preferred: number;
  indexShards: number;
}

/**
 * The shard for a new operation: the preferred one, else another of those that the deployment writes to, else the newest
 * of those beyond them that takes rows, else one more. undefined: all are full, and there may be no more of them.
 */
export function nextShard({ preferred, indexShards, full, shardCount }: ShardChoice): number | undefined {
  const isOpen = (shard: number): boolean => !full.includes(shard);
  for (let offset = 0; offset < indexShards; offset += 1) {
    const shard = (preferred + offset) % indexShards;
    if (isOpen(shard)) return shard;
  }
  const count = Math.max(shardCount, indexShards);
  for (let shard = count - 1; shard >= indexShards; shard -= 1) if (isOpen(shard)) return shard;
  return count < MAX_INDEX_SHARDS && isOpen(count) ? count : undefined;
}

/** Which shard an operation's id falls on: ids are random, so some of their digits spread evenly. */
export function indexShardFromId(id: string, indexShards: number): number {
  return Number.parseInt(id.slice(16, 24), 16) % indexShards;
}
