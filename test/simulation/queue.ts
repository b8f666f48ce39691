// The simulated Queue and its consumers: messages get lost, come twice, late and out of order; consumers die without a
// word, or stand still and come back.
import { queueConsumer } from "../../src/queue/consumer";
import { Consumer } from "./consumer";
import { NEW_METHOD, simulatedMethods } from "./methods";
import type { World } from "./world";

/** How long a message that nobody acknowledged stays invisible, and how often it is tried. */
const VISIBILITY_MS = 30_000;
const MAX_TRIES = 10;

export class SimulatedQueue {
  readonly consumers = new Set<Consumer>();
  readonly #world: World;
  readonly #handle = queueConsumer(new Map(simulatedMethods.map((method) => [method.id, method])));
  readonly #handleBeforeDeploy = queueConsumer(
    new Map(simulatedMethods.filter(({ id }) => id !== NEW_METHOD).map((method) => [method.id, method])),
  );
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The binding's. */
  send(body: unknown): Promise<void> {
    const { scheduler, faults, network, random } = this.#world;
    const sender = scheduler.current;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    sender.output(() => {
      if (faults.strikes("a message cannot be sent")) {
        scheduler.after(network.latency(), sender, () => reject(new Error("Queue send failed")));
        return;
      }
      scheduler.after(network.latency(), sender, resolve);
      if (faults.strikes("a message is lost")) return;
      const late = faults.strikes("a message is late, behind others") ? random.below(60_000) : 0;
      this.#deliverAfter(network.latency() + late, body, 1);
      if (faults.strikes("a message is delivered twice"))
        this.#deliverAfter(network.latency() + random.below(30_000), body, 1);
    });
    return promise;
  }

  #deliverAfter(ms: number, body: unknown, attempts: number): void {
    this.#world.scheduler.after(ms, this.#world.nature, () => this.#deliver(body, attempts));
  }

  #deliver(body: unknown, attempts: number): void {
    const { scheduler, env } = this.#world;
    this.#count += 1;
    const consumer = new Consumer(`consumer ${this.#count}`, scheduler.now);
    this.consumers.add(consumer);
    this.#world.trace(() => `${consumer.name} is given ${JSON.stringify(body).slice(0, 15)}…, try ${attempts}`);
    let isSettled = false;
    const again = (ms: number): void => {
      if (isSettled) return;
      isSettled = true;
      if (attempts < MAX_TRIES) this.#deliverAfter(ms, body, attempts + 1);
    };
    const acknowledge = (): void => {
      isSettled = true;
    };
    const message = {
      id: String(this.#count),
      timestamp: new Date(scheduler.now),
      body,
      attempts,
      ack: acknowledge,
      retry: ({ delaySeconds = 0 } = {}) => again(delaySeconds * 1_000),
    };
    const batch = { queue: "edge-operations", messages: [message], ackAll: acknowledge, retryAll: () => again(0) };
    const work: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => work.push(promise), passThroughOnException: () => {} };
    // Whoever dies before it has acknowledged has its message delivered to another.
    scheduler.after(VISIBILITY_MS, this.#world.nature, () => {
      if (!isSettled && !consumer.alive) again(0);
    });
    scheduler.current = consumer;
    const handle = scheduler.now < this.#world.deployTime ? this.#handleBeforeDeploy : this.#handle;
    void handle(batch as never, env as never, context as never)
      .then(acknowledge, () => again(0))
      .then(() => Promise.all(work))
      .catch((error: unknown) => {
        if (consumer.alive) this.#world.observer.rejected(consumer.name, error);
      })
      .finally(() => this.consumers.delete(consumer));
  }

  /** Ends a consumer without a word; the other ends of its sockets may hear of it. */
  kill(consumer: Consumer): void {
    consumer.alive = false;
    this.consumers.delete(consumer);
    for (const socket of consumer.sockets) socket.sever({ hears: false, peerHears: this.#world.random.chance(0.5) });
  }
}
