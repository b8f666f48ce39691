// Accidents of machines by themselves, at any moment: one accident of those that a history has and that can happen now.
import { deployed } from "./code";
import type { Fault } from "./faults";
import type { ObjectHost } from "./objects";
import type { Consumer } from "./consumer";
import { MAX_CLOCK_AHEAD_MS } from "./scheduler";
import type { SimulatedSocket } from "./sockets";
import type { World } from "./world";

interface Victims {
  host: ObjectHost | undefined;
  consumer: Consumer | undefined;
  socket: SimulatedSocket | undefined;
}

/** Whether it happened: some find nobody to happen to. */
type Accident = (world: World, victims: Victims) => boolean;

const onHost =
  (act: (host: ObjectHost, world: World) => boolean | void): Accident =>
  (world, { host }) =>
    host !== undefined && act(host, world) !== false;

const onConsumer =
  (act: (consumer: Consumer, world: World) => void): Accident =>
  (world, { consumer }) => {
    if (consumer) act(consumer, world);
    return consumer !== undefined;
  };

const onSocket =
  (act: (socket: SimulatedSocket, world: World) => void): Accident =>
  (world, { socket }) => {
    if (socket) act(socket, world);
    return socket !== undefined;
  };

const accidents: Partial<Record<Fault, Accident>> = {
  "an object crashes between events": onHost((host) => host.crash("between events")),
  "an object is evicted with its sockets open": onHost((host) => host.evict()),
  "an object's clock jumps": onHost((host, { random }) =>
    host.jump(random.below(MAX_CLOCK_AHEAD_MS + 20_000) - 20_000),
  ),
  "an alarm comes that nobody armed": onHost((host) => {
    // The effect of these at an alarm depends on the due work, not on the alarm.
    if (host.kind !== "operation" && host.kind !== "index") return false;
    host.fireAlarm(0);
    return true;
  }),
  "a socket is cut": onSocket((socket) => socket.sever({ hears: true, peerHears: true })),
  "a socket is cut, and one end does not notice": onSocket((socket, { random }) =>
    socket.sever({ hears: random.chance(0.5), peerHears: false }),
  ),
  "a consumer dies silently": onConsumer((consumer, { queues }) => queues.kill(consumer)),
  "a consumer stands still and comes back": onConsumer((consumer, { random, scheduler }) => {
    const until = scheduler.now + random.pick([5_000, 19_000, 25_000, 70_000]);
    consumer.frozenUntil = Math.max(consumer.frozenUntil, until);
    // In the middle of a computation its clock stands still as well.
    if (consumer.stoodAt !== undefined) consumer.wasSetBack = true;
  }),
  "a consumer's clock is set back": onConsumer((consumer, { random }) => {
    consumer.skewMs -= random.below(120_000);
    consumer.wasSetBack = true;
  }),
  "a consumer's clock jumps ahead": onConsumer((consumer, { random }) => {
    consumer.skewMs += random.below(120_000);
  }),
  "a deploy": (world) => {
    world.code = deployed;
    for (const host of world.hosts()) {
      const { instance } = host;
      if (instance === undefined && host.sockets.size === 0) continue;
      // A busy object keeps its old code, and all it has in memory, for up to five minutes more.
      const delayMs = world.random.chance(0.6) ? 0 : world.random.below(DEPLOY_LASTS_MS);
      const reset = (): void => {
        if (world.lateResets.delete(reset) && host.instance === instance) {
          host.redeploy(world.random.below(RESTART_MS));
        }
      };
      world.lateResets.add(reset);
      world.scheduler.after(delayMs, world.nature, reset);
    }
    return true;
  },
  "the index cannot be reached": (world) => {
    world.indexDownUntil = world.scheduler.now + world.random.below(60_000);
    return true;
  },
};

/** https://developers.cloudflare.com/durable-objects/platform/known-issues/ */
const DEPLOY_LASTS_MS = 300_000;

const RESTART_MS = 2_000;

const kinds = Object.keys(accidents) as (keyof typeof accidents)[];

export function accident(world: World): void {
  const { faults, random } = world;
  const possible = kinds.filter((fault) => faults.has(fault));
  if (possible.length === 0) return;
  const hosts = [...world.hosts()];
  const host = hosts.length > 0 ? random.pick(hosts) : undefined;
  const consumers = [...world.queues.consumers];
  const sockets = hosts.flatMap((each) => Array.from(each.sockets));
  const victims = {
    host,
    consumer: consumers.length > 0 ? random.pick(consumers) : undefined,
    socket: sockets.length > 0 ? random.pick(sockets) : undefined,
  };
  const fault = random.pick(possible);
  if (accidents[fault]?.(world, victims)) faults.counted(fault);
}
