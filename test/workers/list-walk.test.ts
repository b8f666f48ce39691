// "Walking all pages gives each operation that existed throughout exactly once", over the service itself: its door, its
// objects, its index, shards that grow, and an index that fails now and then.
import { describe, expect, test } from "vitest";
import { type Random, randomFromSeed, seeds } from "../support/random";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";
import { type Deployment, aDeployment } from "./list-harness";

useFreshWorld();

const FILTERS: Readonly<Record<string, (operation: Stored) => boolean>> = {
  "": () => true,
  "metadata.kind = a": ({ kind }) => kind === "a",
  "done = false": ({ done }) => !done,
};

interface Stored {
  name: string;
  kind: string;
  done: boolean;
  deleted: boolean;
  /** Its completion is under way. */
  finishing: boolean;
}

class Storm {
  readonly random: Random;
  readonly operations: Stored[] = [];
  #shards = 1;
  #failures = 0;

  constructor(seed: number) {
    this.random = randomFromSeed(seed);
  }

  async begin(): Promise<void> {
    for (let n = 10 + this.random.below(15); n > 0; n -= 1) await this.#create();
    this.#failures = this.random.pick([0, 0.15]);
  }

  async walk(filter: string): Promise<string[]> {
    const seen: string[] = [];
    let pageToken: string | undefined;
    for (;;) {
      await this.#happen();
      const pageSize = 1 + this.random.below(8);
      const page = await this.#deployment().list("projects/p", { filter, pageSize, pageToken });
      if (page.status === 503) continue;
      if (page.status !== 200 || page.names.length > pageSize) throw new Error(JSON.stringify(page));
      seen.push(...page.names);
      if (page.nextPageToken === undefined) return seen;
      pageToken = page.nextPageToken;
    }
  }

  /** Several things at once, while a page may be under way. */
  async #happen(): Promise<void> {
    await Promise.all(Array.from({ length: this.random.below(4) }, () => this.#happenOnce()));
  }

  async #happenOnce(): Promise<void> {
    // One that is just being finished is left alone: deleted meanwhile, it could not be.
    const alive = this.operations.filter(({ deleted, finishing }) => !deleted && !finishing);
    const one = alive[this.random.below(alive.length)];
    const event = this.random.below(4);
    if (this.random.chance(0.5)) clock.advance(this.random.below(3));
    if (event === 0 || !one) return this.#create();
    if (event === 1 && !one.done) {
      one.done = true;
      one.finishing = true;
      await this.#deployment().finish(one.name);
      one.finishing = false;
      return;
    }
    if (event === 2) {
      one.deleted = true;
      return this.#deployment().delete(one.name);
    }
    if (this.random.chance(0.3)) this.#shards = Math.min(16, this.#shards * this.random.pick([2, 4]));
  }

  async #create(): Promise<void> {
    const kind = this.random.pick(["a", "b"]);
    const name = await this.#deployment().create("projects/p", { kind });
    this.operations.push({ name, kind, done: false, deleted: false, finishing: false });
  }

  /** One of the deployments that stand side by side: this one, or one from before the shards grew. */
  #deployment(): Deployment {
    const shards = this.random.chance(0.2) ? 1 : this.#shards;
    return aDeployment({
      variables: { INDEX_SHARDS: String(shards), KV_SNAPSHOTS: "off" },
      fails: () => this.random.chance(this.#failures),
    });
  }
}

describe("a walk through all pages while operations start, end and are deleted", () => {
  test.each(seeds(12))("returns each operation that existed throughout exactly once (seed %i)", async (seed) => {
    const storm = new Storm(seed);
    await storm.begin();
    const filter = storm.random.pick(Object.keys(FILTERS));
    const matches = FILTERS[filter]!;
    const before = storm.operations.filter((operation) => !operation.deleted && matches(operation));

    const seen = await storm.walk(filter);

    const throughout = before.filter((operation) => !operation.deleted && matches(operation));
    expect(new Set(seen).size).toBe(seen.length);
    expect(throughout.map(({ name }) => name).filter((name) => !seen.includes(name))).toEqual([]);
  });
});
