// The queues of the deployments in this repository: lanes that carry work, every option set, and dead letters that lead to
// a consumer.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { lanesOf } from "../../src/lifecycle/lane";

const ROOT = resolve(import.meta.dirname, "../..");
const OPTIONS = ["max_batch_size", "max_batch_timeout", "max_retries", "retry_delay"];
const SERVICES = ["wrangler.toml", "examples/reports/wrangler.toml"];

/** A consumer as wrangler reads it. */
interface Consumer {
  queue: string;
  max_batch_size?: number;
  dead_letter_queue?: string;
}

function queuesOf(file: string) {
  const config = unstable_readConfig({ config: resolve(ROOT, file) });
  const { queues, limits } = config;
  const flags: string[] = config.compatibility_flags;
  const consumers = (queues.consumers ?? []) as Consumer[];
  const producers = (queues.producers ?? []) as { binding: string; queue: string }[];
  const queueOf = new Map(producers.map(({ binding, queue }) => [binding, queue]));
  return {
    queueOf,
    lanes: lanesOf([...queueOf.keys()]).map((binding) => queueOf.get(binding)),
    consumers,
    flags,
    limits,
  };
}

describe.each(SERVICES)("%s", (file) => {
  const { queueOf, lanes, consumers, limits } = queuesOf(file);

  test("has four lanes, each a queue of its own", () => {
    expect(new Set(lanes).size).toBe(4);
  });

  test("consumes every queue that it binds, one message a batch", () => {
    expect(new Set(consumers.map(({ queue }) => queue))).toEqual(new Set(queueOf.values()));
    expect(consumers.map(({ max_batch_size: size }) => size)).toEqual(consumers.map(() => 1));
  });

  test("sets every option of every consumer, because local and production defaults differ", () => {
    for (const consumer of consumers) expect(Object.keys(consumer)).toEqual(expect.arrayContaining(OPTIONS));
  });

  test("sends the dead letters of every lane to a consumer whose own are not sent on", () => {
    const deadLetters = queueOf.get("DEAD_LETTERS");
    const ofWebhooks = queueOf.get("WEBHOOK_DEAD_LETTERS");

    for (const { queue, dead_letter_queue: to } of consumers) {
      const isLast = queue === deadLetters || queue === ofWebhooks;
      expect(to).toBe(isLast ? undefined : queue === queueOf.get("WEBHOOK_QUEUE") ? ofWebhooks : deadLetters);
    }
  });

  test("sets no limit that the Free plan rejects", () => {
    expect(limits).toBeUndefined();
  });
});

// Locally it would hide that work left under waitUntil is cancelled in production.
test.each([...SERVICES, "test/bench/floor/wrangler.toml", "test/bench/floor-with-promises/wrangler.toml"])(
  "%s does not lift the local queue's wait for its handler",
  (file) => {
    expect(queuesOf(file).flags.filter((flag) => flag.startsWith("queue_consumer"))).toEqual([]);
  },
);

test("README.md creates no queue by hand, because the first deploy creates every queue that a producer names", () => {
  expect(readFileSync(resolve(ROOT, "README.md"), "utf8")).not.toContain("wrangler queues create");
});
