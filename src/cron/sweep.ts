// The cron door: visits every index shard and lets it settle what is due. The net under the alarms, not their deputy.
import { DIRECTORY_NAME } from "../durable/directory-object";
import type { Env } from "../env";
import { MAX_SHARDS_PER_SWEEP, SWEEP_CONCURRENCY } from "../limits";

/** The scheduled handler. Running it twice at once is safe: whatever is settled twice is settled the same. */
export async function sweep(_controller: ScheduledController, env: Env): Promise<void> {
  const shardIds = await env.DIRECTORY.getByName(DIRECTORY_NAME).nextShards(MAX_SHARDS_PER_SWEEP);
  for (let offset = 0; offset < shardIds.length; offset += SWEEP_CONCURRENCY) {
    await Promise.all(shardIds.slice(offset, offset + SWEEP_CONCURRENCY).map((shardId) => settle(shardId, env)));
  }
}

/** One shard that cannot be reached keeps none of the others waiting. */
async function settle(shardId: string, env: Env): Promise<void> {
  try {
    await env.INDEX.get(env.INDEX.idFromString(shardId)).settleDue();
  } catch (error) {
    console.error({ message: "index shard not swept", shardId, error: String(error) });
  }
}
