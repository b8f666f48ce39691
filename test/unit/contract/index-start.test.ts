import { describe, expect, test } from "vitest";
import { MAX_INDEX_SHARDS } from "../../../src/limits";
import { nextShard } from "../../../src/contract/index-start";

describe("nextShard", () => {
  test.each([
    ["the preferred one", { preferred: 2, indexShards: 4, full: [], shardCount: 4 }, 2],
    ["another of the deployment's, where that is full", { preferred: 2, indexShards: 4, full: [2], shardCount: 4 }, 3],
    ["the first behind the last", { preferred: 2, indexShards: 4, full: [2, 3], shardCount: 9 }, 0],
    ["the newest beyond the deployment's", { preferred: 0, indexShards: 1, full: [0], shardCount: 5 }, 4],
    ["an older one beyond them", { preferred: 0, indexShards: 1, full: [0, 4], shardCount: 5 }, 3],
    ["one more, where all are full", { preferred: 0, indexShards: 2, full: [0, 1, 2], shardCount: 3 }, 3],
    ["one more, where shard 0 knows of fewer", { preferred: 1, indexShards: 2, full: [0, 1], shardCount: 1 }, 2],
  ])("returns %s", (_, choice, shard) => {
    expect(nextShard(choice)).toBe(shard);
  });

  test("returns undefined if every possible shard is full", () => {
    const full = Array.from({ length: MAX_INDEX_SHARDS }, (_, shard) => shard);

    expect(nextShard({ preferred: 3, indexShards: 4, full, shardCount: MAX_INDEX_SHARDS })).toBeUndefined();
  });
});
