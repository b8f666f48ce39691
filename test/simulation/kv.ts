// The simulated KV: writes fail, fail after they were made, or take long; the last to arrive wins.
import type { World } from "./world";

export class SimulatedKv {
  readonly values = new Map<string, { value: string; expireTime: number }>();
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  put(key: string, value: string, { expirationTtl }: { expirationTtl: number }): Promise<void> {
    return this.#write(() => {
      this.values.set(key, { value, expireTime: this.#world.scheduler.now + expirationTtl * 1_000 });
      this.#world.observer.snapshotPut(key, value);
    });
  }

  delete(key: string): Promise<void> {
    return this.#write(() => this.values.delete(key));
  }

  /** What is there for readers. */
  get(key: string): string | undefined {
    const entry = this.values.get(key);
    return entry && entry.expireTime > this.#world.scheduler.now ? entry.value : undefined;
  }

  #write(write: () => void): Promise<void> {
    const { scheduler, faults, network, random, nature } = this.#world;
    const writer = scheduler.current;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    writer.output(() => {
      if (faults.strikes("a KV write fails")) {
        scheduler.after(network.latency(), writer, () => reject(new Error("KV PUT failed: 500")));
        return;
      }
      const slow = faults.strikes("a KV write is slow") ? random.below(10_000) : 0;
      scheduler.after(network.latency() + slow, nature, () => {
        write();
        const failed = faults.strikes("a KV write fails after it was made");
        scheduler.after(network.latency(), writer, () =>
          failed ? reject(new Error("KV PUT failed: timeout")) : resolve(),
        );
      });
    });
    return promise;
  }
}
