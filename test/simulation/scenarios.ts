// Scenarios: what the platform's rules and the deployment's own numbers come to, with no fault but the one that is told.
import { configFromEnv } from "../../src/config";
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
/** As wrangler.toml has them. */
const LANES = 4;
/** An object that is being replaced is back after this. */
const RESTART_MS = 2_000;

interface StartOptions {
  requestId?: string;
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
      emulation: false,
      indexShards,
      maxOperationsPerCaller: undefined,
    });
  }

  /** Starts an operation with a script, `ms` after the beginning. */
  startAt(ms: number, script: readonly Action[], { requestId, onStarted = () => {} }: StartOptions = {}): void {
    const json = { script: script as never, parent: PARENT };
    this.clients.startAt(START_TIME + ms, { method: longMethod, json, requestId }, onStarted);
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
    for (const { state } of world.index.hosts.values()) state.usedBytes = MAX_DATABASE_BYTES - ROOM_BYTES;
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

  /** A hundred starts, each with a requestId of its own; their operations are kept for a month. */
  requestIds: async (scene: Scene) => {
    const { world } = scene;
    const STARTS = 100;
    const named = (): number => [...world.hosts()].filter(({ objectName }) => objectName !== undefined).length;
    scene.startAt(0, [], { requestId: "the first" });
    await scene.until(10_000);
    const namedBefore = named();
    for (let number = 0; number < STARTS; number += 1) {
      scene.startAt(10_000 + number * 100, [], { requestId: `request ${number}` });
    }
    await scene.until(DAY_MS / 2);
    const done = scene.entries.filter(({ record }) => record?.state === "SUCCEEDED").length;
    const alarmsBefore = world.alarms;
    await scene.until(10 * DAY_MS);
    return { done, newNames: named() - namedBefore, alarms: world.alarms - alarmsBefore };
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

/** What each comes to. */
export type ScenarioResults = { [Name in keyof typeof scenarios]: Awaited<ReturnType<(typeof scenarios)[Name]>> };

export async function playScenario(name: keyof ScenarioResults): Promise<object> {
  const scene = new Scene();
  try {
    return await scenarios[name](scene);
  } finally {
    scene.end();
  }
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
