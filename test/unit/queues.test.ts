// The queues of the deployments in this repository: every option set, dead letters led to a consumer that knows them, and
// the command in README.md that creates them all.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { isDeadLetterQueue } from "../../src/queue/dead-letters";

const ROOT = resolve(import.meta.dirname, "../..");
const OPTIONS = ["max_batch_size", "max_batch_timeout", "max_retries", "retry_delay"];

/** A consumer as wrangler reads it. */
interface Consumer {
  queue: string;
  dead_letter_queue?: string;
}

function queuesOf(file: string): { producer: string | undefined; consumers: Consumer[] } {
  const { queues } = unstable_readConfig({ config: resolve(ROOT, file) });
  return { producer: queues.producers?.[0]?.queue, consumers: (queues.consumers ?? []) as Consumer[] };
}

describe.each(["wrangler.toml", "examples/reports/wrangler.toml"])("%s", (file) => {
  const { producer, consumers } = queuesOf(file);

  test("sets every option of every consumer: local and production defaults differ", () => {
    expect(consumers).toHaveLength(2);
    for (const consumer of consumers) expect(Object.keys(consumer)).toEqual(expect.arrayContaining(OPTIONS));
  });

  test("leads what could not be claimed to a consumer that takes it for a dead letter", () => {
    const work = consumers.find(({ queue }) => !isDeadLetterQueue(queue));
    const deadLetters = consumers.find(({ queue }) => isDeadLetterQueue(queue));

    expect(work?.queue).toBe(producer);
    expect(work?.dead_letter_queue).toBe(deadLetters?.queue);
    expect(deadLetters?.dead_letter_queue).toBeUndefined();
  });
});

test("README.md creates every queue of wrangler.toml", () => {
  const readme = readFileSync(resolve(ROOT, "README.md"), "utf8");
  const created = Array.from(readme.matchAll(/wrangler queues create ([\w-]+)/g), ([, queue]) => queue);

  expect(new Set(created)).toEqual(new Set(queuesOf("wrangler.toml").consumers.map(({ queue }) => queue)));
});
