// The simulated KV, by the platform's rules: one write per second and key; readers see what their place remembers, absence
// too. Writes fail, fail after they were made, or take long; the last to arrive wins.
// https://developers.cloudflare.com/kv/concepts/how-kv-works/
import type { World } from "./world";

const WRITE_INTERVAL_MS = 1_000;
/** How long a place remembers what it read, at least, and how much longer it may be. */
const REMEMBERED_MS = 60_000;
const REMEMBERED_LONGER_MS = 60_000;
const PLACES = 2;
/** Tries of a month, from 10 s apart to a day: some forty, and as many again that crashes repeat. */
const MAX_REFUSED_PUTS = 100;

interface Entry {
  value: string;
  metadata: unknown;
  expireTime: number;
}

interface PutOptions {
  expirationTtl: number;
  metadata?: unknown;
}

export class SimulatedKv {
  readonly values = new Map<string, Entry>();
  readonly #world: World;
  readonly #writeTimes = new Map<string, number>();
  /** Values that it never takes, and how often they were put. */
  readonly #refused = new Map<string, number>();
  readonly #places = Array.from(
    { length: PLACES },
    () => new Map<string, { entry: Entry | undefined; until: number }>(),
  );

  constructor(world: World) {
    this.#world = world;
  }

  put(key: string, value: string, { expirationTtl, metadata }: PutOptions): Promise<void> {
    const { faults, scheduler, network, observer } = this.#world;
    if (this.#neverTakes(key) || faults.strikes("KV never takes a value")) {
      const puts = (this.#refused.get(key) ?? 0) + 1;
      this.#refused.set(key, puts);
      if (puts > MAX_REFUSED_PUTS)
        observer.exceeded("an operation", `puts ${key}, which KV never takes, ${puts} times`);
      const writer = scheduler.current;
      return new Promise((_, reject) => {
        const error = new Error("KV PUT failed: 413 Value length exceeds the limit of 26214400");
        writer.output(() => scheduler.after(network.latency(), writer, () => reject(error)));
      });
    }
    return this.#write(key, () => {
      const expireTime = this.#world.scheduler.now + expirationTtl * 1_000;
      this.values.set(key, { value, metadata: structuredClone(metadata ?? null), expireTime });
      this.#world.observer.snapshotPut(key, value);
    });
  }

  delete(key: string): Promise<void> {
    return this.#write(key, () => this.values.delete(key));
  }

  #neverTakes(key: string): boolean {
    return this.#refused.has(key);
  }

  /** The stored values: readers may see older ones. */
  get(key: string): string | undefined {
    return this.#stored(key)?.value;
  }

  /** The binding's, as a stream. */
  getWithMetadata(key: string): Promise<{ value: ReadableStream<Uint8Array> | null; metadata: unknown }> {
    const { scheduler, faults, network } = this.#world;
    const reader = scheduler.current;
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<SimulatedKv["getWithMetadata"]>>>();
    this.#world.countSubrequest(reader);
    if (faults.strikes("a KV read fails")) {
      scheduler.after(network.latency(), reader, () => reject(new Error("KV GET failed: 500")));
      return promise;
    }
    const entry = this.#read(key);
    scheduler.after(network.latency(), reader, () =>
      resolve({ value: entry ? streamOf(entry.value) : null, metadata: entry?.metadata ?? null }),
    );
    return promise;
  }

  #read(key: string): Entry | undefined {
    const { scheduler, faults, random } = this.#world;
    const place = random.pick(this.#places);
    const remembered = place.get(key);
    const stored = this.#stored(key);
    if (remembered && remembered.until > scheduler.now) {
      if (!remembered.entry && stored) faults.counted("KV remembers that there was nothing");
      if (remembered.entry && !stored) faults.counted("KV remembers what was deleted");
      return remembered.entry;
    }
    place.set(key, { entry: stored, until: scheduler.now + REMEMBERED_MS + random.below(REMEMBERED_LONGER_MS) });
    return stored;
  }

  #stored(key: string): Entry | undefined {
    const entry = this.values.get(key);
    return entry && entry.expireTime > this.#world.scheduler.now ? entry : undefined;
  }

  #write(key: string, write: () => void): Promise<void> {
    const { scheduler, faults, network, random, nature } = this.#world;
    const writer = scheduler.current;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#world.countSubrequest(writer);
    const fail = (message: string): void =>
      scheduler.after(network.latency(), writer, () => reject(new Error(`KV PUT failed: ${message}`)));
    writer.output(() => {
      if (scheduler.now - (this.#writeTimes.get(key) ?? -Infinity) < WRITE_INTERVAL_MS) {
        faults.counted("KV refuses a second write within a second");
        return fail("429 Too Many Requests");
      }
      this.#writeTimes.set(key, scheduler.now);
      if (faults.strikes("a KV write fails")) return fail("500");
      const slow = faults.strikes("a KV write is slow") ? random.below(10_000) : 0;
      scheduler.after(network.latency() + slow, nature, () => {
        write();
        const failed = faults.strikes("a KV write fails after it was made");
        if (failed) fail("timeout");
        else scheduler.after(network.latency(), writer, resolve);
      });
    });
    return promise;
  }
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}
