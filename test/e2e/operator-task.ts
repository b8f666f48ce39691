// The operator's task from a terminal: of many operations some have failed. Find them, see why, end the cause, retry exactly
// those, and see them succeed. `npm run operator-task` does it with 500 operations of which 50 fail.
import { strict as assert } from "node:assert";
import { commandLine } from "./command-line.ts";
import { DevServer } from "./dev-server.ts";

interface OperationJson {
  name: string;
  done: boolean;
  metadata: { value: { target: string; retryOf?: string } };
  error?: { code: number; message: string };
}

export interface TaskReport {
  operations: number;
  failed: number;
  /** From the first look to the last, without the making of the operations. */
  taskMs: number;
  /** Commands that the operator has written. */
  commands: number;
}

const PARENT = "projects/shop";
const FAILED = 'error.code = 9 AND verb = "load"';

export async function operatorTask(
  url: string,
  { operations, failed }: { operations: number; failed: number },
): Promise<TaskReport> {
  let commands = 0;
  const run = commandLine({
    EDGE_OPERATIONS_URL: url,
    EDGE_OPERATIONS_PARENT: PARENT,
    EDGE_OPERATIONS_CONFIG: "/dev/null/none",
  });
  const lines = async (...args: string[]): Promise<OperationJson[]> => {
    commands += 1;
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    return stdout === ""
      ? []
      : stdout
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as OperationJson);
  };
  await fetch(`${url}/locks/orders`, { method: "PUT" });
  await startAll(url, { operations, failed });

  const startTime = Date.now();
  const found = await lines("list", "--filter", FAILED, "--all", "--json");
  assert.equal(found.length, failed);
  const [one] = found;
  commands += 1;
  const why = await run("explain", one?.name ?? "");
  assert.match(why.stdout, /The table orders is locked\./);
  // The cause.
  await fetch(`${url}/locks/orders`, { method: "DELETE" });
  commands += 1;
  const counted = await run("retry-matching", FAILED);
  assert.match(counted.stdout, new RegExp(`^${failed} operations match\\. Nothing was changed`, "m"));
  commands += 1;
  const retried = await run("retry-matching", FAILED, "--force");
  assert.match(retried.stdout, new RegExp(`^${failed} operations were retried\\.`, "m"));
  const retries = await lines("list", "--filter", "metadata.retryOf:*", "--all", "--json");
  for (const { name } of retries) {
    const { code, stderr } = await waited(name);
    assert.equal(code, 0, stderr);
  }
  const succeeded = await lines(
    "list",
    "--filter",
    "metadata.retryOf:* AND done = true AND NOT error:*",
    "--all",
    "--json",
  );
  const taskMs = Date.now() - startTime;

  // Exactly those.
  assert.equal(succeeded.length, failed);
  const of = (some: OperationJson[], pick: (operation: OperationJson) => string | undefined) => new Set(some.map(pick));
  assert.deepEqual(
    of(succeeded, ({ metadata }) => metadata.value.retryOf),
    of(found, ({ name }) => name),
  );
  return { operations, failed, taskMs, commands };

  /** The last of many is done when it is looked at: most need no command of their own. */
  async function waited(name: string): Promise<{ code: number; stderr: string }> {
    const response = await fetch(`${url}/v1/${name}`);
    const { done } = (await response.json()) as OperationJson;
    if (done) return { code: 0, stderr: "" };
    commands += 1;
    return run("wait", name);
  }
}

/** Twenty at a time, and every one seen to its end. */
async function startAll(url: string, { operations, failed }: { operations: number; failed: number }): Promise<void> {
  const tables = Array.from({ length: operations }, (_, n) =>
    n % Math.ceil(operations / failed) === 0 ? "orders" : "stock",
  );
  assert.equal(tables.filter((table) => table === "orders").length, failed);
  const rest = tables.values();
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (const table of rest) {
        const response = await fetch(`${url}/v1/${PARENT}/tables:load`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Prefer: "wait=60" },
          body: JSON.stringify({ table }),
        });
        const { done } = (await response.json()) as OperationJson;
        assert.equal(done, true);
      }
    }),
  );
}

if (import.meta.main) {
  const server = await DevServer.start({ main: "test/e2e/locked-tables-worker.ts" });
  try {
    console.log(JSON.stringify(await operatorTask(server.url, { operations: 500, failed: 50 })));
  } finally {
    await server.dispose();
  }
}
