// The operator's task: of many operations those of one method have failed. Find them, see why, end the cause, retry exactly
// those, and see them succeed. `npm run operator-task` does it with 500 operations of which 50 fail, once from a terminal
// and once in a browser, and fails where a way takes more than two minutes.
import { strict as assert } from "node:assert";
import buildIfStale from "./build.ts";
import { chromiumPath, launchChromium } from "./browser.ts";
import { type Operation, json, listAll, postOperation } from "./client.ts";
import { DevServer } from "./dev-server.ts";
import { taskByBrowser } from "./operator-by-browser.ts";
import { taskByTerminal } from "./operator-by-terminal.ts";

const MAX_SECONDS = 120;
/** Operations that failed for another reason. To retry all that failed would be wrong. */
const OTHER_FAILURES = 5;
const CONCURRENT_STARTS = 20;

export interface Task {
  url: string;
  parent: string;
  /** How many operations of the method must be found. */
  failed: number;
  /** Ends what made them fail. It is outside the service. */
  endCause: () => Promise<void>;
}

export interface TaskReport {
  operations: number;
  failed: number;
  /** From the first look to the last, without the making of the operations. */
  seconds: number;
  /** The acts of the operator, by kind: commands, clicks. */
  effort: Record<string, number>;
}

export interface TaskSize {
  url: string;
  parent: string;
  operations: number;
  failed: number;
}

/** Makes the operations, has them put right by `play`, and checks that exactly the failed ones were retried. */
export async function operatorTask(
  { url, parent, operations, failed }: TaskSize,
  play: (task: Task) => Promise<TaskReport["effort"]>,
): Promise<TaskReport> {
  const locks = `${url}/locks/orders`;
  await fetch(locks, { method: "PUT" });
  await startAll({ url, parent, operations, failed });

  const begin = performance.now();
  const effort = await play({
    url,
    parent,
    failed,
    endCause: async () => void (await fetch(locks, { method: "DELETE" })),
  });
  const seconds = (performance.now() - begin) / 1_000;

  const all = await listAll(`${url}/v1/${parent}/operations`);
  const locked = all.filter(({ error }) => error?.message.includes("locked"));
  const retries = all.filter(({ metadata }) => metadata.value?.["retryOf"] !== undefined);
  assert.equal(locked.length, failed);
  assert.equal(retries.length, failed);
  assert.deepEqual(
    new Set(retries.map(({ metadata }) => metadata.value?.["retryOf"])),
    new Set(locked.map(({ name }) => name)),
  );
  assert.ok(retries.every(({ done, error }) => done && error === undefined));
  return { operations, failed, seconds: Math.round(seconds * 10) / 10, effort };
}

/** Some at a time, and every one seen to its end. */
async function startAll({ url, parent, operations, failed }: TaskSize): Promise<void> {
  const tables = Array.from({ length: operations }, (_, n) =>
    n % Math.ceil(operations / failed) === 0 ? "orders" : "stock",
  );
  assert.equal(tables.filter((table) => table === "orders").length, failed);
  const rest = tables.values();
  await Promise.all(
    Array.from({ length: CONCURRENT_STARTS }, async () => {
      for (const table of rest) {
        const response = await fetch(`${url}/v1/${parent}/tables:load`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Prefer: "wait=60" },
          body: JSON.stringify({ table }),
        });
        const { done } = (await response.json()) as Operation;
        assert.equal(done, true);
      }
    }),
  );
  for (let n = 0; n < OTHER_FAILURES; n += 1) {
    const { name } = await postOperation(`${url}/v1/${parent}/operations`, { operation: {} });
    const error = { code: 9, message: "The disk is full." };
    const response = await fetch(`${url}/v1/${name}?updateMask=error`, { ...json({ error }), method: "PATCH" });
    assert.equal(response.status, 200);
  }
}

async function main(): Promise<void> {
  const chromium = chromiumPath();
  assert.ok(chromium !== undefined, "There is no Chromium. Install it: apt-get install chromium");
  buildIfStale();
  const server = await DevServer.start({ main: "test/e2e/locked-tables-worker.ts", assets: "dist/console" });
  const browser = await launchChromium(chromium);
  try {
    const size = { url: server.url, operations: 500, failed: 50 };
    const reports = {
      terminal: await operatorTask({ ...size, parent: "projects/terminal" }, taskByTerminal),
      browser: await operatorTask({ ...size, parent: "projects/browser" }, (task) => taskByBrowser(task, browser)),
    };
    for (const [way, { operations, failed, seconds, effort }] of Object.entries(reports)) {
      const acts = Object.entries(effort).map(([what, count]) => `${count} ${what}`);
      console.log(`${way}: ${failed} of ${operations} operations put right in ${seconds} s, ${acts.join(", ")}`);
    }
    for (const [way, { seconds }] of Object.entries(reports)) {
      assert.ok(seconds <= MAX_SECONDS, `The ${way} took ${seconds} s, and may take ${MAX_SECONDS} s.`);
    }
  } finally {
    await browser.close();
    await server.dispose();
  }
}

if (import.meta.main) await main();
