// 30 MiB of CSV go through the service in pieces: what the runtime's memory grows by hardly depends on the table's size.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Operation, call, postOperation } from "../e2e/client";
import { DevServer } from "../e2e/dev-server";

const MIB = 1_048_576;

let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start();
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

/** Profiles a table; gives by how much the resident memory rose at most while that went on. */
async function growthDuring(table: Uint8Array<ArrayBuffer>): Promise<{ rowCount: unknown; growth: number }> {
  const pids = workerdPids();
  // proc(5): 5 sets the highest resident size to the present one.
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = residentBytes(pids, "VmRSS");
  const init = { method: "POST", headers: { "Content-Type": "text/csv" }, body: table };
  const started = await call<Operation>(`${server.url}/v1/projects/p/locations/l/tables:profile`, init);
  expect(started.status).toBe(200);
  const { response } = await postOperation(`${server.url}/v1/${started.body.name}:wait`, { timeout: "60s" });
  const profile = response?.["value"] as { rowCount: number } | undefined;
  return { rowCount: profile?.rowCount, growth: residentBytes(pids, "VmHWM") - before };
}

test("a table of 30 MiB takes less than 48 MiB more memory than one of 3 MiB", async () => {
  const small = aTable(3 * MIB);
  const large = aTable(30 * MIB);
  const rowsOf = (table: Uint8Array) => table.filter((byte) => byte === 0x0a).length - 1;
  // What is there only once, compiled code and first pages, is not the tables'.
  await growthDuring(small);
  const ofSmall = await growthDuring(small);
  const ofLarge = await growthDuring(large);

  expect([ofSmall.rowCount, ofLarge.rowCount]).toEqual([rowsOf(small), rowsOf(large)]);
  console.log(
    `3 MiB: ${Math.round(ofSmall.growth / MIB)} MiB more; 30 MiB: ${Math.round(ofLarge.growth / MIB)} MiB more`,
  );
  expect(ofLarge.growth - ofSmall.growth).toBeLessThan(48 * MIB);
});
