// A developer saves a source file while work runs: `wrangler dev` restarts the runtime, and everything in memory is lost.
import { appendFileSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { DevServer } from "./dev-server";

const ROOT = resolve(import.meta.dirname, "../..");
const LIBRARY = JSON.stringify(join(ROOT, "src/index.ts"));
const WORKER = `
import { defineMethod, operations } from ${LIBRARY};
export * from ${LIBRARY};

const work = defineMethod({
  id: "work",
  http: { post: "/v1/work:run", body: "*" },
  request: (json) => json,
  run: async (_, op) => {
    if (op.attempt === 1) await scheduler.wait(600_000);
    return { attempt: op.attempt };
  },
});

export default operations({ methods: [work] });
`;

interface Operation {
  name: string;
  done: boolean;
  metadata: { value: { statusMessage: string } };
  response?: { value: { attempt: number } };
}

let directory: string;
let server: DevServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "edge-operations-"));
  writeFileSync(join(directory, "worker.ts"), WORKER);
  copyFileSync(join(ROOT, "wrangler.toml"), join(directory, "wrangler.toml"));
  server = await DevServer.start({ directory: relative(ROOT, directory), main: "worker.ts" });
});

afterAll(async () => {
  await server.dispose();
  rmSync(directory, { recursive: true, force: true });
});

async function json(path: string, init: RequestInit = {}): Promise<Operation> {
  const response = await fetch(`${server.url}/v1/${path}`, init);
  return (await response.json()) as Operation;
}

test("wrangler dev › continues work that a saved file interrupted, long before its lease would expire", async () => {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
  const { name } = await json("work:run", init);
  await eventually(async () => (await json(name)).metadata.value.statusMessage === "Running.", { timeoutMs: 20_000 });
  appendFileSync(join(directory, "worker.ts"), "// saved\n");
  await eventually(
    async () => {
      // The runtime does not answer while it restarts.
      const operation = await json(name).catch(() => undefined);
      return operation?.done;
    },
    { timeoutMs: 40_000, intervalMs: 500 },
  );

  expect((await json(name)).response?.value).toEqual({ attempt: 2 });
});
