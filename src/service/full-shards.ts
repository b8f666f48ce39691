// An isolate's cache of index shards that are near their limit, so that not every start asks them again.
import { scopeFromParent } from "../aip/resource-name";
import { BoundedCache } from "../bounded-cache";
import { FULL_SHARD_MEMORY_MS, MAX_REMEMBERED_SCOPES } from "../limits";
import type { KnownShards } from "../contract/index-start";
import type { IndexScope } from "./ports";

interface RememberedScope {
  /** Until when each is taken to be full, in milliseconds since 1970. */
  fullUntil: Map<number, number>;
  shardCount: number;
}

export class FullShards {
  readonly #scopes = new BoundedCache<RememberedScope>({ maxEntries: MAX_REMEMBERED_SCOPES });

  known(scope: IndexScope, now: number): KnownShards {
    const remembered = this.#scopes.get(keyOf(scope));
    if (!remembered) return { full: [], shardCount: 0 };
    const full = [...remembered.fullUntil].flatMap(([shard, until]) => (now < until ? [shard] : []));
    return { full, shardCount: remembered.shardCount };
  }

  /** The finding of a start. A shard frees space as its operations expire, so the cache keeps it for a while only. */
  note(scope: IndexScope, { full, shardCount }: KnownShards, now: number): void {
    const key = keyOf(scope);
    const { fullUntil } = this.#scopes.get(key) ?? { fullUntil: new Map<number, number>() };
    for (const shard of full) fullUntil.set(shard, now + FULL_SHARD_MEMORY_MS);
    this.#scopes.set(key, { fullUntil, shardCount });
  }
}

function keyOf({ parent, jurisdiction = "" }: IndexScope): string {
  return `${jurisdiction}/${scopeFromParent(parent)}`;
}
