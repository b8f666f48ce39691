// The operator's task (operator-task.ts) from a terminal: each command a process, as the operator starts it.
import { strict as assert } from "node:assert";
import type { Operation } from "./client.ts";
import { commandLine } from "./command-line.ts";
import type { Task } from "./operator-task.ts";

const FAILED = 'state = FAILED AND method = "tables:load"';

export async function taskByTerminal({ url, parent, failed, endCause }: Task): Promise<{ commands: number }> {
  let commands = 0;
  const command = commandLine({
    EDGE_OPERATIONS_URL: url,
    EDGE_OPERATIONS_PARENT: parent,
    EDGE_OPERATIONS_CONFIG: "/dev/null/none",
  });
  const run = async (...args: string[]): Promise<string> => {
    commands += 1;
    const { code, stdout, stderr } = await command(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const list = async (filter: string): Promise<Operation[]> => {
    const lines = (await run("list", "--filter", filter, "--all", "--json")).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as Operation);
  };

  const found = await list(FAILED);
  assert.equal(found.length, failed);
  assert.match(await run("explain", found[0]?.name ?? ""), /The table orders is locked\./);
  await endCause();
  const counted = await run("retry-matching", FAILED);
  assert.match(counted, new RegExp(`^${failed} operations match\\. Nothing was changed`, "m"));
  const retried = await run("retry-matching", FAILED, "--force");
  assert.match(retried, new RegExp(`^${failed} operations were retried\\.`, "m"));
  for (const { name } of await list("metadata.retryOf:* AND done = false")) await run("wait", name);
  const succeeded = await list("metadata.retryOf:* AND state = SUCCEEDED");
  assert.equal(succeeded.length, failed);
  return { commands };
}
