// The growth of the runtime's memory while large things go through the service: a streamed table, the largest result, and
// the largest page of a list. `npm run bench:memory` prints it; docs/performance.md has the figures.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Operation, call, postOperation } from "../e2e/client";
import { DevServer } from "../e2e/dev-server";

const MIB = 1_048_576;

let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start({ main: "test/bench/memory-worker.ts" });
});

afterAll(async () => {
  await server?.dispose();
});

/** The runtime's processes: the one that runs the Worker and its objects, and the one that wrangler puts before it. */
function workerdPids(): number[] {
  const pids = server.processes().filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("workerd"));
  if (pids.length === 0) throw new Error("no workerd among the server's processes");
  return pids;
}

/** proc(5): resident memory, now (VmRSS) or at its highest since it was last reset (VmHWM), in bytes. */
function residentBytes(pids: readonly number[], field: "VmRSS" | "VmHWM"): number {
  const bytes = pids.map((pid) => {
    const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Number(kib) * 1_024;
  });
  return bytes.reduce((sum, one) => sum + one, 0);
}

/** Every row with values of its own: nothing of the table can be kept for free. */
function aTable(bytes: number): Uint8Array<ArrayBuffer> {
  const rows: string[] = ["id,when,amount,name,note"];
  for (let row = 0, length = rows[0]!.length + 1; ; row += 1) {
    const number = (row * 2_654_435_761) % 4_294_967_296;
    const line = `${row},2026-01-31T12:00:${String(row % 60).padStart(2, "0")}Z,${number / 100},name ${number},note ${number % 977}`;
    length += line.length + 1;
    if (length > bytes) break;
    rows.push(line);
  }
  return new Uint8Array(new TextEncoder().encode(`${rows.join("\n")}\n`));
}

/** By how much the resident memory rose at most while something went on. */
async function growthDuring<T>(act: () => Promise<T>): Promise<{ result: T; growth: number }> {
  const pids = workerdPids();
  // proc(5): 5 sets the highest resident size to the present one.
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = residentBytes(pids, "VmRSS");
  const result = await act();
  return { result, growth: residentBytes(pids, "VmHWM") - before };
}

/** Profiles a table; gives how many rows it was found to have. */
async function profile(table: Uint8Array<ArrayBuffer>): Promise<unknown> {
  const init = { method: "POST", headers: { "Content-Type": "text/csv" }, body: table };
  const started = await call<Operation>(`${server.url}/v1/projects/p/locations/l/tables:profile`, init);
  expect(started.status).toBe(200);
  const { response } = await postOperation(`${server.url}/v1/${started.body.name}:wait`, { timeout: "60s" });
  return (response?.["value"] as { rowCount: number } | undefined)?.rowCount;
}

/** Starts an operation with a result of that size, waits for it, and gets it once more; gives the text's length. */
async function make(parent: string, bytes: number): Promise<number> {
  const { name } = await postOperation(`${server.url}/v1/${parent}/texts:make`, { bytes });
  await postOperation(`${server.url}/v1/${name}:wait`, { timeout: "60s" });
  const { body } = await call<Operation>(`${server.url}/v1/${name}`);
  return (body.response?.["value"] as { text: string } | undefined)?.text.length ?? 0;
}

/** The bytes of a page, as it comes. */
async function page(parent: string): Promise<number> {
  const response = await fetch(`${server.url}/v1/${parent}/operations?pageSize=1000`);
  let bytes = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) bytes += part.length;
  return bytes;
}

const inMib = (bytes: number): number => Math.round(bytes / MIB);

test("a table of 30 MiB takes less than 48 MiB more memory than one of 3 MiB", async () => {
  const small = aTable(3 * MIB);
  const large = aTable(30 * MIB);
  const rowsOf = (table: Uint8Array) => table.filter((byte) => byte === 0x0a).length - 1;
  // Compiled code and first pages are there only once and are not the tables'.
  await growthDuring(() => profile(small));
  const ofSmall = await growthDuring(() => profile(small));
  const ofLarge = await growthDuring(() => profile(large));

  expect([ofSmall.result, ofLarge.result]).toEqual([rowsOf(small), rowsOf(large)]);
  console.log(`table of 3 MiB: ${inMib(ofSmall.growth)} MiB more; of 30 MiB: ${inMib(ofLarge.growth)} MiB more`);
  expect(ofLarge.growth - ofSmall.growth).toBeLessThan(48 * MIB);
});

test("a result of 24 MiB takes less than 144 MiB from its handler to its client, twice read", async () => {
  const size = 24 * MIB - 1_024;
  // The parts that are there only once are not the result's.
  await make("projects/p/locations/results", MIB);
  const { result, growth } = await growthDuring(() => make("projects/p/locations/results", size));

  expect(result).toBe(size);
  console.log(`result of 24 MiB: ${inMib(growth)} MiB more`);
  expect(growth).toBeLessThan(144 * MIB);
});

test("a page of 8 MiB takes less than 48 MiB", async () => {
  const parent = "projects/pages/locations/l";
  for (let count = 0; count < 110; count += 1) await make(parent, 80 * 1_024);
  await page(parent);
  const { result, growth } = await growthDuring(() => page(parent));

  expect(result).toBeGreaterThan(7.5 * MIB);
  console.log(`page of ${inMib(result)} MiB: ${inMib(growth)} MiB more`);
  expect(growth).toBeLessThan(48 * MIB);
});
