// Scenarios: what the platform's rules and the deployment's own numbers come to, with no fault but the one that is told.
import { configFromEnv } from "../../src/config";
import { MAX_SHARD_BYTES } from "../../src/limits";
import { RpcError } from "../../src/rpc/error";
import { Clients, PARENT, operationsOf } from "./clients";
import { enter } from "./globals";
import { type Entry, Ledger } from "./ledger";
import { type Action, longMethod } from "./methods";
import { runUntil } from "./run";
import { Actor } from "./scheduler";
import { MAX_DATABASE_BYTES } from "./storage";
import { START_TIME, World } from "./world";

const SEED = 1;
const DAY_MS = 86_400_000;
/** For so long an operation is kept by default. */
const MONTH_MS = 30 * DAY_MS;
/** As wrangler.toml has them. */
const LANES = 4;
/** An object that is being replaced is back after this. */
const RESTART_MS = 2_000;

interface StartOptions {
  requestId?: string | undefined;
  /** Where the client calls. Default: the deployment as it is configured. */
  places?: Clients;
  /** Told once it has started. */
  onStarted?(this: void, entry: Entry): void;
}

/** A deployment with its own defaults, in a world in which nothing fails by chance. */
class Scene {
  readonly world: World;
  readonly ledger: Ledger;
  readonly clients: Clients;

  constructor() {
    const ledger: Ledger = new Ledger(
      () => this.world,
      () => {},
    );
    this.ledger = ledger;
    this.world = new World({
      seed: SEED,
      observer: ledger,
      count: () => {},
      variables: {},
      lanes: LANES,
      isCalm: true,
      without: [],
      trace: undefined,
    });
    enter(this.world);
    const { leaseMs, resendMs, indexShards, snapshots } = configFromEnv(this.world.env);
    this.clients = new Clients(this.world, ledger, {
      policy: { leaseMs, resendMs, snapshot: snapshots },
      locations: new Map(),
      indexShards,
      maxOperationsPerCaller: undefined,
    });
  }

  /** Starts an operation with a script, `ms` after the beginning. */
  startAt(
    ms: number,
    script: readonly Action[],
    { requestId, places = this.clients, onStarted = () => {} }: StartOptions = {},
  ): void {
    const json = { script: script as never, parent: PARENT };
    places.startAt(START_TIME + ms, { method: longMethod, json, requestId }, onStarted);
  }

  /** Plays until `ms` after the beginning. */
  async until(ms: number): Promise<void> {
    await runUntil(this.world, START_TIME + ms);
    const [violation] = this.ledger.violations;
    if (violation) throw violation;
  }

  get entries(): Entry[] {
    return [...this.ledger.entries.values()];
  }

  end(): void {
    this.world.dispose();
    enter(undefined);
  }
}

function step(ms: number): Action {
  return { do: "step", name: "the step", ms };
}

export const scenarios = {
  /** One operation of eight minutes. */
  longWork: async (scene: Scene) => {
    scene.startAt(0, [step(8 * 60_000)]);
    await scene.until(10 * 60_000);
    const [entry] = scene.entries;
    return { state: entry?.record?.state, runners: entry?.runners, seconds: secondsOf(entry) };
  },

  /** One operation of five minutes, and a hundred of a second behind it, on queues that were cold. */
  longBeforeShort: async (scene: Scene) => {
    let long: Entry | undefined;
    const onStarted = (entry: Entry): void => {
      long = entry;
    };
    scene.startAt(0, [step(5 * 60_000)], { onStarted });
    for (let number = 0; number < 100; number += 1) scene.startAt(1_000, [step(1_000)]);
    await scene.until(10 * 60_000);
    const short = scene.entries.filter((entry) => entry !== long);
    return {
      done: short.filter(({ record }) => record?.state === "SUCCEEDED").length,
      longSeconds: secondsOf(long),
      slowestSeconds: Math.max(...short.map(secondsOf)),
      overTenSeconds: short.filter((entry) => secondsOf(entry) > 10).length,
    };
  },

  /** A thousand wait for one operation, and as it runs every object is replaced. */
  deployAmidWaits: async (scene: Scene) => {
    const { world } = scene;
    const WAITERS = 1_000;
    const DEPLOY_MS = 20_000;
    const outcomes: Record<string, number> = {};
    const count = (outcome: string): void => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    };
    const onStarted = ({ name = "" }: Entry): void => {
      for (let number = 0; number < WAITERS; number += 1) {
        world.scheduler.after(5_000 + world.random.below(1_000), new Actor(`waiter ${number}`), () => {
          operationsOf(world)
            .wait(name, 60_000, undefined)
            .then(
              (answer) => count(answer?.done ? "done" : "not done"),
              (error: unknown) => count(RpcError.from(error).code),
            );
        });
      }
    };
    scene.startAt(0, [{ do: "sleep", seconds: 40 }], { onStarted });
    await scene.until(DEPLOY_MS);
    for (const host of world.hosts()) host.redeploy(RESTART_MS);
    const callTimes = scene.ledger.callTimes;
    callTimes.length = 0;
    await scene.until(35_000);
    const mostAtOnce = mostWithin(callTimes, 100);
    await scene.until(120_000);
    return { outcomes, mostAtOnce };
  },

  /** The only shard of the index has room for a few rows more, and operations are started all the same. */
  fullShard: async (scene: Scene) => {
    const { world, clients } = scene;
    const STARTS = 40;
    const ROOM_BYTES = 1024 ** 3;
    scene.startAt(0, [step(1_000)]);
    await scene.until(10_000);
    for (const host of world.index.hosts.values()) {
      host.state.usedBytes = MAX_DATABASE_BYTES - ROOM_BYTES;
      // An object that remembers its size counts what it has written since.
      host.evict();
    }
    for (let number = 0; number < STARTS; number += 1) {
      const onStarted = (entry: Entry): void => clients.actAt(START_TIME + 90_000, "list", entry);
      scene.startAt(10_000 + number * 1_000, [step(1_000)], { onStarted });
    }
    await scene.until(120_000);
    return {
      done: scene.entries.filter(({ record }) => record?.state === "SUCCEEDED").length,
      fullest: Math.max(
        ...[...world.index.hosts.values()].map(({ state }) => state.databaseBytes / MAX_DATABASE_BYTES),
      ),
      shards: world.index.hosts.size,
    };
  },

  /** The additional calls and objects of a hundred starts with a requestId, in scopes of one shard and of four. */
  requestIds: async (scene: Scene) => {
    const STARTS = 100;
    const { world, clients } = scene;
    const counted = async (places: Clients, requestId: (number: number) => string | undefined): Promise<Made> => {
      const before = madeIn(world);
      const startTime = world.scheduler.now;
      for (let number = 0; number < STARTS; number += 1) {
        scene.startAt(startTime - START_TIME + number * 100, [], { requestId: requestId(number), places });
      }
      await scene.until(startTime - START_TIME + DAY_MS / 2);
      const after = madeIn(world);
      return {
        calls: after.calls - before.calls,
        names: after.names - before.names,
        alarmsSet: after.alarmsSet - before.alarmsSet,
      };
    };
    const costs: Made[] = [];
    for (const indexShards of [1, 4]) {
      const places = clients.elsewhere({ indexShards });
      // The first of a scope makes its shards, and the first of a day the alarms of all.
      await counted(places, (number) => `the first ${number} of ${indexShards}`);
      const without = await counted(places, () => undefined);
      const withIds = await counted(places, (number) => `request ${number} of ${indexShards}`);
      costs.push({
        calls: (withIds.calls - without.calls) / STARTS,
        names: withIds.names / STARTS,
        alarmsSet: (withIds.alarmsSet - without.alarmsSet) / STARTS,
      });
    }
    const [oneShard, fourShards] = costs;
    const { calls } = madeIn(world);
    await scene.until(MONTH_MS - DAY_MS);
    return { oneShard, fourShards, callsOfAMonth: (madeIn(world).calls - calls) / (4 * STARTS) };
  },

  /**
   * Forty requestIds, each sent six times from three places. Meanwhile the scope goes from one shard to four and back, shard
   * 0 takes no more rows, and a deploy resets it. Half of the operations are deleted, and their requestIds sent again.
   */
  requestIdsAmidChanges: async (scene: Scene) => {
    const REQUEST_IDS = 40;
    const { world, clients } = scene;
    const started = new Map<string, Set<string>>();
    let answers = 0;
    const places = [clients, clients.elsewhere({ indexShards: 4 }), clients.elsewhere({ indexShards: 1 })];
    const send = (ms: number, number: number, place: number): void => {
      const requestId = `request ${number}`;
      const onStarted = ({ name = "" }: Entry): void => {
        answers += 1;
        started.set(requestId, (started.get(requestId) ?? new Set()).add(name));
      };
      scene.startAt(ms, [step(1_000)], { requestId, places: places[place % places.length]!, onStarted });
    };
    scene.startAt(0, []);
    await scene.until(10_000);
    const shardZero = world.index.hostOf(`${PARENT}#0`);
    for (let number = 0; number < REQUEST_IDS; number += 1) {
      const first = 10_000 + number * 500;
      for (const [place, delay] of [0, 10, 200, 1_900, 9_000, 31_000].entries())
        send(first + delay, number, number + place);
    }
    await scene.until(15_000);
    shardZero.redeploy(RESTART_MS);
    await scene.until(20_000);
    shardZero.state.fillTo(MAX_SHARD_BYTES);
    shardZero.evict();
    await scene.until(25_000);
    shardZero.redeploy(RESTART_MS);
    await scene.until(120_000);
    const operations = scene.entries.length - 1;
    const done = scene.entries.filter(({ record }) => record?.state === "SUCCEEDED").length - 1;
    const shards = new Set(scene.entries.map(({ record }) => record?.indexShard ?? 0)).size;
    const deleted = scene.entries.slice(1).filter((_, index) => index % 2 === 0);
    for (const entry of deleted) clients.actAt(START_TIME + 120_000, "delete", entry);
    await scene.until(3 * 3_600_000 - 1);
    answers = 0;
    // Later than any tombstone: only the reservations tell that these operations were deleted.
    for (let number = 0; number < REQUEST_IDS; number += 1) send(3 * 3_600_000, number, number);
    await scene.until(4 * 3_600_000);
    return {
      requestIds: started.size,
      mostOfOne: Math.max(...[...started.values()].map(({ size }) => size)),
      operations,
      operationsInTheEnd: world.operations.hosts.size - 1,
      done,
      shards,
      startedAfterDeletion: answers,
      deleted: deleted.filter(({ deleteAnswered }) => deleteAnswered).length,
      objectsOfRequestIds: world.requests.hosts.size,
    };
  },

  /** The process of a runner dies. */
  runnerDies: async (scene: Scene) => {
    const { world } = scene;
    scene.startAt(0, [step(60_000)]);
    await scene.until(10_000);
    for (const consumer of world.queues.consumers) world.queues.kill(consumer, { isHeard: true });
    await scene.until(300_000);
    const [entry] = scene.entries;
    const [, second = Infinity] = entry?.runTimes ?? [];
    return { state: entry?.record?.state, secondsUntilNext: (second - START_TIME) / 1_000 - 10 };
  },
} satisfies Record<string, (scene: Scene) => Promise<object>>;

/** The outcome of each. */
export type ScenarioResults = { [Name in keyof typeof scenarios]: Awaited<ReturnType<(typeof scenarios)[Name]>> };

export async function playScenario(name: keyof ScenarioResults): Promise<object> {
  const scene = new Scene();
  try {
    return await scenarios[name](scene);
  } finally {
    scene.end();
  }
}

/** The objects and calls of a world so far. */
interface Made {
  /** Calls of objects. */
  calls: number;
  /** Objects under a name: the first call of each costs a check around the world. */
  names: number;
  alarmsSet: number;
}

function madeIn(world: World): Made {
  const names = [...world.hosts()].filter(({ objectName }) => objectName !== undefined).length;
  return { calls: world.calls, names, alarmsSet: world.alarmsSet };
}

/** From its creation to its end. */
function secondsOf(entry: Entry | undefined): number {
  const { createTime = 0 } = entry?.record ?? {};
  return ((entry?.doneTime ?? Infinity) - createTime) / 1_000;
}

/** The most of these times that lie within so many milliseconds. */
function mostWithin(times: readonly number[], ms: number): number {
  let first = 0;
  let most = 0;
  for (const [index, time] of times.entries()) {
    while (times[first]! <= time - ms) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
