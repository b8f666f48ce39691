// "Walking all pages gives each operation that existed throughout exactly once, whatever is created, finished or deleted
// meanwhile" (docs/lists.md), over the index's own statements.
import { describe, expect, test } from "vitest";
import type { IndexRow } from "../../../src/list/index-row";
import { precedes } from "../../../src/list/page";
import { type AList, type SeenPage, aList } from "../../support/a-list";
import { AnIndex, aLargeRow, anIndexRow } from "../../support/an-index";
import { CREATE_TIME } from "../../support/an-operation";
import { type Random, randomFromSeed, seeds } from "../../support/random";

const SEEDS = 150;

interface Stored {
  row: IndexRow;
  shard: number;
  deleted: boolean;
}

/** Filters, and whether an operation matches one in a state. */
const FILTERS: Readonly<Record<string, (row: IndexRow) => boolean>> = {
  "": () => true,
  "done = false": ({ done }) => !done,
  "done = true": ({ done }) => done,
  "metadata.kind = a": ({ operation }) => operation.includes('"kind":"a"'),
  "metadata.tags:x": ({ operation }) => operation.includes('"tags":["x"]'),
  "done = false AND metadata.kind = a": ({ done, operation }) => !done && operation.includes('"kind":"a"'),
  [`createTime >= ${new Date(CREATE_TIME + 20).toISOString()}`]: ({ createTime }) => createTime >= CREATE_TIME + 20,
};

interface WalkedPage extends SeenPage {
  pageSize: number;
  /** Operations whose deletion had been answered before the page was asked for. */
  seenThoughGone: string[];
}

/** A service under way: operations come, end and go, shards become more, and now and then one does not answer. */
class Storm {
  readonly random: Random;
  readonly index = new AnIndex();
  readonly operations: Stored[] = [];
  readonly list: AList;
  #shards: number;
  #now = CREATE_TIME;

  constructor(seed: number) {
    this.random = randomFromSeed(seed);
    this.#shards = this.random.pick([1, 1, 2, 4]);
    const failures = this.random.pick([0, 0, 0.2]);
    this.index.fails = () => this.random.chance(failures);
    if (this.random.chance(0.5)) this.index.atMost.maxRows = 2 + this.random.below(40);
    if (this.random.chance(0.3)) this.index.atMost.maxBytes = 1 + this.random.below(5_000);
    this.list = aList({ index: this.index, whole: async (name) => this.#whole(name) });
    const count = this.random.below(120);
    for (let n = 0; n < count; n += 1) this.create();
  }

  create(): void {
    if (this.random.chance(0.6)) this.#now += this.random.below(3);
    // Clocks of several machines: some are behind. And not all writers know of the newest number of shards.
    const createTime = this.#now - (this.random.chance(0.1) ? this.random.below(5) : 0);
    const shard = this.random.below(this.random.chance(0.2) ? 1 : this.#shards);
    const metadata = { kind: this.random.pick(["a", "b"]), tags: [this.random.pick(["x", "y"])] };
    const row = this.random.chance(0.05)
      ? aLargeRow(20_000 + this.random.below(3_000_000), { createTime, metadata })
      : anIndexRow({ createTime, metadata, done: this.random.chance(0.2) });
    this.#write({ row, shard, deleted: false });
  }

  happen(): void {
    const alive = this.operations.filter(({ deleted }) => !deleted);
    const one = this.random.pick(alive.length > 0 ? alive : [undefined]);
    const event = this.random.below(4);
    if (event === 0 || !one) return this.create();
    if (event === 1) return this.#finish(one);
    if (event === 2) return this.#delete(one);
    if (this.random.chance(0.2)) this.#shards = Math.min(16, this.#shards * this.random.pick([1, 2, 4]));
  }

  /** Walks to the end while things happen, and gives its pages. */
  async walk(filter: string): Promise<WalkedPage[]> {
    const pages: WalkedPage[] = [];
    let pageToken: string | undefined;
    do {
      for (let n = this.random.below(6); n > 0; n -= 1) this.happen();
      const pageSize = 1 + this.random.below(30);
      const goneBefore = new Set(this.operations.filter(({ deleted }) => deleted).map(({ row }) => row.id));
      const page = await this.#retried(() => this.list.list({ filter, pageSize, pageToken }));
      pages.push({ ...page, pageSize, seenThoughGone: page.ids.filter((id) => goneBefore.has(id)) });
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return pages;
  }

  async #retried(call: () => Promise<SeenPage>): Promise<SeenPage> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if ((error as { code?: unknown }).code !== "UNAVAILABLE") throw error;
        if (this.random.chance(0.3)) this.happen();
      }
    }
  }

  #finish(one: Stored): void {
    if (one.row.done) return;
    const { operation, revision } = one.row;
    const done = operation.replace(/"done":false/, '"done":true');
    one.row = { ...one.row, operation: done, done: true, revision: revision + 1 };
    this.index.write(one.row, one);
  }

  #delete(one: Stored): void {
    one.deleted = true;
    this.index.bury(one.row, one);
  }

  #write(stored: Stored): void {
    this.operations.push(stored);
    this.index.write(stored.row, stored);
  }

  #whole(name: string): string | undefined {
    const found = this.operations.find(({ row, deleted }) => !deleted && name.endsWith(row.id));
    return found && JSON.stringify({ name, done: true, response: "x".repeat(20_000) });
  }
}

describe("a walk through all pages while operations start, end and are deleted", () => {
  test.each(seeds(SEEDS))("returns each operation that existed throughout exactly once (seed %i)", async (seed) => {
    const storm = new Storm(seed);
    const filter = storm.random.pick(Object.keys(FILTERS));
    const matches = FILTERS[filter]!;
    const before = storm.operations.filter(({ row, deleted }) => !deleted && matches(row)).map(({ row }) => row.id);

    const pages = await storm.walk(filter);

    const seen = pages.flatMap(({ ids }) => ids);
    const byId = new Map(storm.operations.map((stored) => [stored.row.id, stored]));
    const throughout = before.filter((id) => !byId.get(id)!.deleted && matches(byId.get(id)!.row));
    expect(pages.every(({ ids, pageSize }) => ids.length <= pageSize)).toBe(true);
    expect(pages.flatMap(({ seenThoughGone }) => seenThoughGone)).toEqual([]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(throughout.filter((id) => !seen.includes(id))).toEqual([]);
    const places = seen.map((id) => byId.get(id)!.row);
    expect(places.every((place, n) => n === 0 || precedes(places[n - 1]!, place))).toBe(true);
  });
});
