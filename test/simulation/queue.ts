// The simulated Queues and their consumers, by the platform's rules: messages get lost, come twice, late and out of order;
// acknowledgements count at the invocation's end; consumers have 15 minutes, and die, or stand still and come back; more
// consumers are started only when a batch has ended.
import { Consumer } from "./consumer";
import type { World } from "./world";

/** https://developers.cloudflare.com/queues/platform/limits/ */
export const MAX_CONSUMERS = 250;
export const MAX_INVOCATION_MS = 15 * 60_000;
/** After the handler has returned. https://developers.cloudflare.com/workers/runtime-apis/context/#waituntil */
export const MAX_WAIT_UNTIL_MS = 30_000;
/** The platform notices that an invocation has died within this: where its connections close, and where it is silent. */
const DEATH_HEARD_MS = 1_000;
const DEATH_NOTICED_MS = 30_000;
/** Fewer than wrangler.toml has, so that dead letters occur. */
const MAX_RETRIES = 3;
const RETRY_DELAY_MS = 2_000;
const DEAD_LETTER_TRIES = 100;
const DEAD_LETTER_DELAY_MS = 60_000;
const DEAD_LETTERS = "edge-operations-dead-letters";

interface QueuedMessage {
  body: unknown;
  attempts: number;
}

/** Every queue of a deployment: the lanes that carry work, and the dead letters. */
export class Queues {
  readonly lanes: readonly SimulatedQueue[];
  readonly deadLetters: SimulatedQueue;
  readonly webhooks: SimulatedQueue;
  readonly consumers = new Set<Consumer>();
  count = 0;
  readonly #world: World;

  constructor(world: World, lanes: number) {
    this.#world = world;
    const name = (lane: number): string => (lane === 0 ? "edge-operations" : `edge-operations-${lane + 1}`);
    this.lanes = Array.from({ length: lanes }, (_, lane) => new SimulatedQueue(world, this, name(lane)));
    this.deadLetters = new SimulatedQueue(world, this, DEAD_LETTERS);
    this.webhooks = new SimulatedQueue(world, this, "edge-operations-webhooks");
  }

  /** Ends a consumer without a word. Its connections close at once, or nothing notices its end for a while. */
  kill(consumer: Consumer, { isHeard = this.#world.random.chance(0.5) }: { isHeard?: boolean } = {}): void {
    this.consumers.delete(consumer);
    consumer.alive = false;
    consumer.died(isHeard ? DEATH_HEARD_MS : DEATH_NOTICED_MS);
    for (const socket of consumer.sockets) socket.sever({ hears: false, peerHears: isHeard });
    for (const session of consumer.sessions) session.abandoned(isHeard ? DEATH_HEARD_MS : DEATH_NOTICED_MS);
  }

  /** The producer bindings. */
  bindings(): Record<string, SimulatedQueue> {
    const lanes = this.lanes.map((queue, lane) => [lane === 0 ? "QUEUE" : `QUEUE_${lane + 1}`, queue]);
    return { ...Object.fromEntries(lanes), WEBHOOK_QUEUE: this.webhooks };
  }
}

export class SimulatedQueue {
  readonly name: string;
  readonly #world: World;
  readonly #queues: Queues;
  readonly #backlog: QueuedMessage[] = [];
  #running = 0;
  /** How many consumers autoscaling has come to; a cold queue has one. */
  #allowed = 1;

  constructor(world: World, queues: Queues, name: string) {
    this.#world = world;
    this.#queues = queues;
    this.name = name;
  }

  /** The binding's. */
  send(body: unknown): Promise<void> {
    const { scheduler, faults, network, random } = this.#world;
    const sender = scheduler.current;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#world.countSubrequest(sender);
    sender.output(() => {
      if (faults.strikes("a message cannot be sent")) {
        scheduler.after(network.latency(), sender, () => reject(new Error("Queue send failed")));
        return;
      }
      scheduler.after(network.latency(), sender, resolve);
      if (faults.strikes("a message is lost")) return;
      const late = faults.strikes("a message is late, behind others") ? random.below(60_000) : 0;
      this.deliverAfter(network.latency() + late, { body, attempts: 1 });
      if (faults.strikes("a message is delivered twice"))
        this.deliverAfter(network.latency() + random.below(30_000), { body, attempts: 1 });
    });
    return promise;
  }

  deliverAfter(ms: number, message: QueuedMessage): void {
    const { scheduler, nature } = this.#world;
    scheduler.after(ms, nature, () => {
      this.#backlog.push(message);
      if (this.#running >= this.#allowed) {
        this.#world.faults.counted("a message waits behind a batch that has not ended");
        this.#world.trace(() => `a message waits in ${this.name} behind ${this.#running} consumers`);
      }
      this.#startConsumers();
    });
  }

  #startConsumers(): void {
    while (this.#running < this.#allowed) {
      const message = this.#backlog.shift();
      if (!message) return;
      this.#running += 1;
      this.#consume(message);
    }
  }

  /** The only moment at which the platform looks whether to have more consumers, or fewer. */
  #batchEnded(): void {
    this.#running -= 1;
    this.#allowed = this.#backlog.length > 0 ? Math.min(MAX_CONSUMERS, this.#allowed + 1) : Math.max(1, this.#running);
    this.#startConsumers();
  }

  #again({ body, attempts }: QueuedMessage, ms: number): void {
    const isDeadLetter = this === this.#queues.deadLetters;
    if (attempts <= (isDeadLetter ? DEAD_LETTER_TRIES : MAX_RETRIES)) {
      return this.deliverAfter(ms, { body, attempts: attempts + 1 });
    }
    if (isDeadLetter) return;
    this.#world.faults.counted("a message goes to the dead letters");
    this.#queues.deadLetters.deliverAfter(0, { body, attempts: 1 });
  }

  #consume(queued: QueuedMessage): void {
    const { scheduler, env, nature, observer } = this.#world;
    const { body, attempts } = queued;
    this.#queues.count += 1;
    const consumer = new Consumer(`consumer ${this.#queues.count}`, scheduler.now);
    this.#queues.consumers.add(consumer);
    this.#world.trace(
      () => `${consumer.name} of ${this.name} is given ${JSON.stringify(body).slice(0, 15)}…, try ${attempts}`,
    );
    let verdict: "ack" | { retryAfterMs: number } | undefined;
    const usualDelayMs = this === this.#queues.deadLetters ? DEAD_LETTER_DELAY_MS : RETRY_DELAY_MS;
    const message = {
      id: String(this.#queues.count),
      timestamp: new Date(scheduler.now),
      body,
      attempts,
      ack: () => {
        verdict ??= "ack";
      },
      retry: ({ delaySeconds = usualDelayMs / 1_000 } = {}) => {
        verdict ??= { retryAfterMs: delaySeconds * 1_000 };
      },
    };
    const batch = { queue: this.name, messages: [message], ackAll: message.ack, retryAll: message.retry };
    const work: Promise<unknown>[] = [];
    const context = { waitUntil: (promise: Promise<unknown>) => work.push(promise), passThroughOnException: () => {} };
    let hasEnded = false;
    /** The platform hears how the batch went. */
    const end = (result: typeof verdict): void => {
      if (hasEnded) return;
      hasEnded = true;
      if (result !== "ack") this.#again(queued, result?.retryAfterMs ?? usualDelayMs);
      this.#batchEnded();
    };
    // An invocation that dies says nothing of its messages: not even of those that it acknowledged.
    consumer.died = (noticedWithinMs) => {
      if (verdict === "ack") this.#world.faults.counted("an acknowledged message is delivered again");
      scheduler.after(this.#world.random.below(noticedWithinMs), nature, () => end(undefined));
    };
    const { code } = this.#world;
    const cutOff = (what: string): void => {
      if (!code.isEarlier) observer.exceeded(consumer.name, what);
      this.#queues.kill(consumer);
    };
    scheduler.after(MAX_INVOCATION_MS, consumer, () => {
      if (!hasEnded) cutOff("works longer than the 15 minutes of a queue consumer, and is cancelled");
    });
    scheduler.current = consumer;
    const handle = scheduler.now < this.#world.deployTime ? code.queueWithoutNewMethod : code.queue;
    const returned = handle(batch as never, env as never, context as never).then(
      () => end(verdict ?? "ack"),
      () => end(verdict),
    );
    let isOver = false;
    void returned
      .then(() => {
        if (consumer.alive && work.length > 0) {
          scheduler.after(MAX_WAIT_UNTIL_MS, consumer, () => {
            if (!isOver) cutOff("left work in waitUntil, and is cancelled 30 s after it returned");
          });
        }
        return Promise.all(work);
      })
      .catch((error: unknown) => {
        if (consumer.alive) observer.rejected(consumer.name, error);
      })
      .finally(() => {
        isOver = true;
        if (consumer.alive) this.#finish(consumer);
      });
  }

  /** The invocation is over, and everything with it: its timers, and sockets that are still open. */
  #finish(consumer: Consumer): void {
    this.#queues.consumers.delete(consumer);
    // Its last message is under way already.
    consumer.alive = false;
    for (const socket of consumer.sockets) socket.abandon();
    for (const session of consumer.sessions) session.abandoned(DEATH_HEARD_MS);
  }
}
