// The cron door. A safety net: it visits every index shard, repairs what a lost alarm missed; does no regular work.
import { DIRECTORY_NAME } from "../durable/directory/directory-object";
import { callObject, objectById, objectByName } from "../durable/object-call";
import type { Swept } from "../durable/index/operation-index";
import type { Env } from "../env";
import {
  MAX_SWEEP_CALL_MS,
  MAX_SWEEP_MS,
  MAX_SWEEP_VISITS,
  SHARDS_PER_SWEEP_PORTION,
  SWEEP_CONCURRENCY,
} from "../limits";
import { inParallel } from "../service/in-parallel";

/** The scheduled handler. Running it twice at once is safe, because settling an operation twice has the same result. */
export async function sweep(_controller: ScheduledController, env: Env): Promise<void> {
  const run = new SweepRun(env, Date.now() + MAX_SWEEP_MS);
  // Visits every shard once before it visits one a second time.
  let unfinished = await run.visitAll();
  while (unfinished.length > 0 && run.mayGoOn()) unfinished = await run.visit(unfinished);
  const oldestRunningAgeMs = run.oldestRunningTime === undefined ? 0 : Date.now() - run.oldestRunningTime;
  const { largestShardBytes } = run;
  console.log({
    message: "sweep",
    ...run.counts,
    unfinished: unfinished.length,
    oldestRunningAgeMs,
    largestShardBytes,
  });
  const { visits, failed, settled, repaired } = run.counts;
  // The layout is a contract with queries and dashboards (docs/operations.md): fields are only added at the end.
  env.METRICS?.writeDataPoint({
    indexes: ["sweep"],
    blobs: ["swept"],
    doubles: [1, oldestRunningAgeMs, repaired, settled, visits, failed, unfinished.length, largestShardBytes],
  });
}

class SweepRun {
  readonly counts = { visits: 0, failed: 0, settled: 0, repaired: 0 };
  oldestRunningTime: number | undefined;
  largestShardBytes = 0;
  readonly #env: Env;
  readonly #endTime: number;

  constructor(env: Env, endTime: number) {
    this.#env = env;
    this.#endTime = endTime;
  }

  mayGoOn(): boolean {
    return this.counts.visits < MAX_SWEEP_VISITS && Date.now() < this.#endTime;
  }

  /** Walks the directory from the place where the last run ended. Returns the shards that have more to settle. */
  async visitAll(): Promise<string[]> {
    const directory = objectByName(this.#env.DIRECTORY, DIRECTORY_NAME);
    const seen = new Set<string>();
    const unfinished: string[] = [];
    while (this.mayGoOn()) {
      // A try whose answer is lost skips a portion, which the next run visits.
      const portion = await callObject(directory, async (stub): Promise<string[]> =>
        stub.nextShards(SHARDS_PER_SWEEP_PORTION),
      );
      const unseen = portion.filter((shardId) => !seen.has(shardId));
      for (const shardId of unseen) seen.add(shardId);
      unfinished.push(...(await this.visit(unseen)));
      // The walk is back at its beginning, or has visited all shards.
      if (unseen.length < SHARDS_PER_SWEEP_PORTION) break;
    }
    return unfinished;
  }

  async visit(shardIds: readonly string[]): Promise<string[]> {
    const unfinished: string[] = [];
    await inParallel(shardIds, SWEEP_CONCURRENCY, async (shardId) => {
      if (!this.mayGoOn()) return;
      this.counts.visits += 1;
      if (await this.#settle(shardId)) unfinished.push(shardId);
    });
    return unfinished;
  }

  /** A shard that cannot be reached delays no other. */
  async #settle(shardId: string): Promise<boolean> {
    try {
      const swept = await callObject(
        objectById(this.#env.INDEX, shardId),
        async (stub): Promise<Swept> => stub.sweep(),
        { limitMs: MAX_SWEEP_CALL_MS },
      );
      const { settled, hasMore, repaired = 0, oldestRunningTime, bytes = 0 } = swept;
      this.counts.settled += settled;
      this.counts.repaired += repaired;
      this.largestShardBytes = Math.max(this.largestShardBytes, bytes);
      if (oldestRunningTime !== undefined) {
        this.oldestRunningTime = Math.min(this.oldestRunningTime ?? oldestRunningTime, oldestRunningTime);
      }
      return hasMore;
    } catch (error) {
      this.counts.failed += 1;
      console.error({ message: "index shard not swept", shardId, error: String(error) });
      return false;
    }
  }
}
