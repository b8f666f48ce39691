// Bytes that nobody meant as a filter, or as a token: they are refused or read within the bound, and never a 5xx.
import { beforeAll, describe, expect, test } from "vitest";
import { type Random, randomFromSeed, seeds } from "../support/random";
import { aDeployment, countCost, fillShard, pageFrom, shardOf } from "./list-harness";

const ROUNDS = 5;
const REQUESTS_PER_ROUND = 1_000;
/** Of a round: values that are made of the grammar's words, and so are well formed now and then. */
const MEANT_PER_ROUND = 20;
/** The bound, and what is read beside it: how many shards there are, and whether there is a table. */
const MAX_ROWS_READ = 5_000 + 3;

const WORDS = {
  filter: ["done", "=", ":", "AND", "OR", "NOT", "(", ")", "-", "*", '"', "a.b", "1", "metadata", " ", "<", "é", "%"],
  pageToken: ["A", "Q", "B", "_", "-", "0", "zz", "AQAB"],
};

/** A query's value of random bytes. Short ones are often well formed, and then cost a scan. */
function aRandomValue(random: Random): string {
  const length = random.chance(0.015) ? 1 + random.below(12) : 16 + random.below(random.chance(0.1) ? 300 : 30);
  return Array.from({ length }, () => `%${random.below(256).toString(16).padStart(2, "0")}`).join("");
}

function aMeantValue(random: Random, words: readonly string[]): string {
  return Array.from({ length: 1 + random.below(8) }, () => encodeURIComponent(random.pick(words))).join("");
}

beforeAll(async () => {
  await fillShard(shardOf("projects/p"), { count: 6_000 });
});

describe.each(["filter", "pageToken"] as const)("random bytes as %s", (parameter) => {
  test.each(seeds(ROUNDS))(`get 200 or 400, ${REQUESTS_PER_ROUND} times (seed %i)`, async (seed) => {
    const random = randomFromSeed(seed);
    const service = aDeployment();
    const cost = await countCost(shardOf("projects/p"));
    const wrong: string[] = [];
    for (let n = 0; n < REQUESTS_PER_ROUND; n += 1) {
      const value = n < MEANT_PER_ROUND ? aMeantValue(random, WORDS[parameter]) : aRandomValue(random);
      cost.rowsRead = 0;
      const page = pageFrom(await service.call("GET", `/v1/projects/p/operations?pageSize=1&${parameter}=${value}`));
      const isRight = page.status === 200 || (page.status === 400 && page.fields.join(",") === parameter);
      if (!isRight || cost.rowsRead > MAX_ROWS_READ) wrong.push(`${page.status} ${cost.rowsRead} ${value}`);
    }

    expect(wrong).toEqual([]);
  });
});
