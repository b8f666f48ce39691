// npm run bench:list: what a page of 100 costs among 1,000, 100,000 and 1,000,000 operations, in 1, 4 and 16 shards.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_startWorker } from "wrangler";
import type { PagesAnswer } from "./list-worker.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 15);
/** Pages of one measurement: the way to the server is a small part of it. */
const TIMES = 10;
const SIZES = (process.env["SIZES"] ?? "1000,100000,1000000").split(",").map(Number);
const SHARDS = [1, 4, 16];
const NEWEST_CREATE_TIME = Date.UTC(2026, 0, 1);
const STEP_MS = 1_000;
const TOKEN_KEY = btoa(String.fromCodePoint(...new Uint8Array(32).fill(1)));
const MAX_RATIO = 1.3;
const MAX_SCANNED_ROWS = 5_000;
/** Reads beside a page's rows: how many shards there are, whether there is a table, whether there is another page. */
const OVERHEAD_ROWS = 3;

interface Filled {
  scope: string;
  count: number;
  shards: number;
}

interface PageCase {
  name: string;
  filter: string;
  /** How deep the page is: the part of the operations that are newer. */
  depth?: number;
  /** Whether an index serves it: then it may not grow with the number of operations. */
  isIndexed?: boolean;
}

const CASES: PageCase[] = [
  { name: "newest", filter: "", isIndexed: true },
  { name: "newest, half-way down", filter: "", depth: 0.5, isIndexed: true },
  { name: "newest, near the end", filter: "", depth: 0.85, isIndexed: true },
  { name: "`done = false`", filter: "done = false", isIndexed: true },
  { name: "`metadata.env = staging`, one in ten", filter: "metadata.env = staging" },
  { name: "`metadata.env = nowhere`, none", filter: "metadata.env = nowhere" },
];

interface Series {
  filled: Filled;
  page: PageCase;
  operations: number;
  rowsRead: number;
  /** Milliseconds of a page, one figure per round. */
  times: number[];
}

const persist = await mkdtemp(join(tmpdir(), "bench-list-"));
const worker = await unstable_startWorker({
  config: "wrangler.toml",
  entrypoint: "test/bench/list-worker.ts",
  bindings: {
    AUTH: { type: "plain_text", value: "open" },
    PAGE_TOKEN_KEYS: { type: "plain_text", value: TOKEN_KEY },
  },
  dev: { server: { hostname: "127.0.0.1", port: 0 }, inspector: false, watch: false, persist, logLevel: "error" },
});
try {
  await main();
} finally {
  await worker.dispose();
  await rm(persist, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const fillings = await fillAll();
  const bySize = await measure(fillings.filter(({ shards }) => shards === 1));
  const byShards = await measure(fillings.filter(({ count }) => count === Math.max(...SIZES)));
  console.log(`\n## By number of operations, one shard\n\n${sizeTable(bySize)}`);
  console.log(
    `\n## By number of shards, ${Math.max(...SIZES).toLocaleString("en")} operations\n\n${shardTable(byShards)}`,
  );
  report(bySize, byShards);
}

async function fillAll(): Promise<Filled[]> {
  const largest = Math.max(...SIZES);
  const wanted = [
    ...SIZES.map((count) => ({ count, shards: 1 })),
    ...SHARDS.filter((shards) => shards > 1).map((shards) => ({ count: largest, shards })),
  ];
  const fillings: Filled[] = [];
  for (const { count, shards } of wanted) {
    const filled = { scope: `projects/p${count}x${shards}`, count, shards };
    const startTime = performance.now();
    await post("fill", filled);
    const seconds = (performance.now() - startTime) / 1_000;
    console.error(`${count.toLocaleString("en")} operations in ${shards} shards: ${seconds.toFixed(1)} s`);
    fillings.push(filled);
  }
  return fillings;
}

/** Every case in every filling, in turn, round after round: what the machine does meanwhile falls on all alike. */
async function measure(fillings: readonly Filled[]): Promise<Series[]> {
  const series: Series[] = [];
  for (const page of CASES) {
    for (const filled of fillings) series.push({ filled, page, operations: 0, rowsRead: 0, times: [] });
  }
  const paths = await Promise.all(series.map(pathOf));
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [index, one] of series.entries()) {
      const startTime = performance.now();
      const answer = await post("pages", { ...one.filled, path: paths[index], times: TIMES });
      const time = (performance.now() - startTime) / TIMES;
      Object.assign(one, (await answer.json()) as PagesAnswer);
      // The first round fills caches.
      if (round >= 0) one.times.push(time);
    }
  }
  return series;
}

async function pathOf({ filled: { scope, count }, page: { filter, depth } }: Series): Promise<string> {
  const query = new URLSearchParams({ pageSize: "100", filter });
  if (depth !== undefined) {
    const createTime = NEWEST_CREATE_TIME - Math.floor(count * depth) * STEP_MS;
    query.set("pageToken", await (await post("token", { scope, filter, createTime })).text());
  }
  return `/v1/${scope}/operations?${query.toString()}`;
}

async function post(what: string, body: object) {
  const response = await worker.fetch(`https://bench.example/bench/${what}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`);
  return response;
}

// ── The report ──────────────────────────────────────────────────────────────────────────────────────────────────────

function sizeTable(series: readonly Series[]): string {
  const header = ["page of 100", ...SIZES.map((size) => size.toLocaleString("en")), "slowest / fastest"];
  return table(header, series, ({ filled }) => SIZES.indexOf(filled.count));
}

function shardTable(series: readonly Series[]): string {
  const header = [
    "page of 100",
    ...SHARDS.map((shards) => (shards === 1 ? "1 shard" : `${shards} shards`)),
    "slowest / fastest",
  ];
  return table(header, series, ({ filled }) => SHARDS.indexOf(filled.shards));
}

function table(header: string[], series: readonly Series[], columnOf: (one: Series) => number): string {
  const lines = CASES.map((page) => {
    const own = series.filter((one) => one.page === page).toSorted((a, b) => columnOf(a) - columnOf(b));
    return [page.name, ...own.map(cell), ratioOf(own).toFixed(2)];
  });
  return [header, header.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function cell({ rowsRead, times, operations }: Series): string {
  const [low, median, high] = [0.1, 0.5, 0.9].map((part) => quantile(times, part).toFixed(2));
  return `${median} ms (${low} to ${high}), ${Math.round(rowsRead).toLocaleString("en")} rows, ${operations} found`;
}

function ratioOf(series: readonly Series[]): number {
  const medians = series.map(({ times }) => quantile(times, 0.5));
  return Math.max(...medians) / Math.min(...medians);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
}

/** The budgets, and what does not keep them. */
function report(bySize: readonly Series[], byShards: readonly Series[]): void {
  const broken = [...bySize, ...byShards]
    .filter(({ rowsRead, filled }) => rowsRead > MAX_SCANNED_ROWS + OVERHEAD_ROWS * filled.shards)
    .map(({ page, filled }) => `${page.name}: more rows read than the bound, with ${filled.shards} shards`);
  for (const page of CASES.filter(({ isIndexed }) => isIndexed)) {
    const own = bySize.filter((one) => one.page === page);
    const reads = own.map(({ rowsRead }) => rowsRead);
    if (Math.max(...reads) - Math.min(...reads) > OVERHEAD_ROWS)
      broken.push(`${page.name}: rows read are not constant`);
    if (ratioOf(own) > MAX_RATIO) broken.push(`${page.name}: time grows with the number of operations`);
  }
  const findings = broken.map((line) => `- ${line}`).join("\n");
  console.log(broken.length === 0 ? "\nAll budgets hold." : `\nBudgets that do not hold:\n${findings}`);
  if (broken.length > 0) process.exitCode = 1;
}
