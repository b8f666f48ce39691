// docs/external-operations.md, line by line, and its worker against another.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, listAll, postOperation } from "./client";
import { OperationsClient } from "../../src/client";
import { eventually } from "../support/eventually";
import { DevServer } from "./dev-server";
import { codeBlocks, patternOf, runSession, sessionLines } from "./session";

const document = readFileSync(resolve(import.meta.dirname, "../../docs/external-operations.md"), "utf8");
const lines = sessionLines(document);

let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start();
});

afterAll(async () => {
  await server?.dispose();
});

describe("docs/external-operations.md", () => {
  let outputs: string[];

  beforeAll(async () => {
    outputs = await runSession(lines, server.url);
  });

  test.each(lines.map(({ command, output }, index) => ({ command, output, index })))(
    "prints the documented output: $command",
    ({ output, index }) => {
      expect(outputs[index]).toMatch(patternOf(output));
    },
  );
});

test("each of twelve operations is completed by exactly one of two racing workers", async () => {
  const [script = ""] = codeBlocks(document, "sh");
  const parent = "projects/race/locations/l";
  const names = await Promise.all(
    Array.from({ length: 12 }, async (_, number) => {
      const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { film: `film ${number}` } };
      const body = { operation: { metadata }, heartbeatTimeout: "60s" };
      return (await postOperation(`${server.url}/v1/${parent}/operations`, body)).name;
    }),
  );
  const completedBy = await Promise.all(
    ["one", "two"].map(async (worker) => {
      const parameters = ["-c", script, "worker.sh", server.url, parent, worker];
      const { stdout } = await promisify(execFile)("bash", parameters, { timeout: 60_000 });
      return { worker, names: stdout.split("\n").filter(Boolean) };
    }),
  );
  const listed = await listAll(`${server.url}/v1/${parent}/operations`);
  const recorded = listed.map(({ name, response }) => [
    name,
    (response?.["value"] as { worker: string } | undefined)?.worker,
  ]);

  expect(completedBy.flatMap((worker) => worker.names).toSorted()).toEqual(names.toSorted());
  expect(Object.fromEntries(recorded)).toEqual(
    Object.fromEntries(completedBy.flatMap((worker) => worker.names.map((name) => [name, worker.worker]))),
  );
});

test("200 watchers see every state that lasts, through two restarts of the runtime", { timeout: 110_000 }, async () => {
  const client = new OperationsClient({
    baseUrl: "",
    // The server has another port after each restart.
    fetch: (path, init) => fetch(server.url + path, init),
    retry: { maxAttempts: 50, maxDelayMs: 1_000 },
  });
  const { name } = await postOperation(`${server.url}/v1/projects/p/operations`, {});
  const seen = Array.from({ length: 200 }, () => new Set<unknown>());
  const watches = seen.map(async (states) => {
    for await (const { done, metadata } of client.watch(name)) states.add(done ? "done" : (metadata["n"] ?? "new"));
  });
  const patch = async (fields: object): Promise<void> => {
    const { status } = await call(`${server.url}/v1/${name}?updateMask=${Object.keys(fields).join()}`, {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(fields),
    });
    expect(status).toBe(200);
  };
  const type = "type.googleapis.com/example.Progress";
  const lasts = (state: unknown): Promise<unknown> =>
    eventually(() => seen.every((states) => states.has(state)), { timeoutMs: 40_000, intervalMs: 50 });
  await lasts("new");
  for (const n of [1, 2, 3, 4, 5]) {
    if (n % 2 === 0) {
      await server.kill();
      server = await DevServer.start({ state: server.state });
    }
    await patch({ metadata: { "@type": type, n } });
    await lasts(n);
  }
  await patch({ response: { "@type": type } });
  await Promise.all(watches);

  for (const states of seen) expect([...states]).toEqual(["new", 1, 2, 3, 4, 5, "done"]);
});
