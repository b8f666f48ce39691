// npm run simulate: histories of the whole service, each from one seed, on every core. It imports nothing of the service,
// which is bundled for threads of its own: in them the simulated world stands in the place of the real one.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { faultKinds } from "./faults.ts";
import type { Assignment, FailedHistory, ThreadMessage, ThreadReport } from "./histories";
import type { ScenarioResults } from "./scenarios";

const USAGE = `npm run simulate -- [--histories 1000] [--first SEED] [--threads N] [--failures 3] [--json FILE]
npm run simulate -- --seed SEED    replays one history and prints its trace
  --before COMMIT  deploys replace the code of that commit, and not the same code
  --without FAULT  leaves a kind of fault out, such as one that the earlier code does not bear; may be repeated
`;

export interface SimulationReport {
  first: number;
  histories: number;
  events: number;
  milliseconds: number;
  threads: number;
  failed: FailedHistory[];
  /** How often each state, transition and fault occurred. */
  coverage: Record<string, number>;
}

export interface SimulationOptions {
  first: number;
  histories: number;
  threads?: number;
  /** Of each thread; where one is enough, the first of any ends all. */
  maxFailures?: number;
  onProgress?: (histories: number) => void;
  /** The commit whose code deploys replace; undefined: it is the same code. */
  before?: string | undefined;
  /** Kinds of faults to leave out. */
  without?: readonly string[];
}

/** Plays histories from consecutive seeds, divided among threads. */
export async function simulate({
  first,
  histories,
  threads = availableParallelism(),
  maxFailures = 3,
  onProgress = () => {},
  before,
  without = [],
}: SimulationOptions): Promise<SimulationReport> {
  const startTime = performance.now();
  const reports = await withBundle(async (file) => {
    const share = Math.ceil(histories / threads);
    const assignments = Array.from({ length: threads }, (_, index) => ({
      first: first + index * share,
      count: Math.max(0, Math.min(share, histories - index * share)),
      trace: false,
      maxFailures,
      without,
    }));
    const enough = new AbortController();
    return Promise.all(
      assignments.map(async (assignment) => {
        const report = await runThread(file, assignment, { onProgress, signal: enough.signal });
        if (maxFailures === 1 && report.failed.length > 0) enough.abort();
        return report;
      }),
    );
  }, before);
  const coverage: Record<string, number> = {};
  for (const report of reports) {
    for (const [key, count] of Object.entries(report.coverage)) coverage[key] = (coverage[key] ?? 0) + count;
  }
  const sum = (of: (report: ThreadReport) => number): number =>
    reports.reduce((total, report) => total + of(report), 0);
  return {
    first,
    histories: sum((report) => report.histories),
    events: sum((report) => report.events),
    milliseconds: Math.round(performance.now() - startTime),
    threads,
    failed: reports.flatMap(({ failed }) => failed),
    coverage,
  };
}

/** One history, every line of it. */
export async function replay(
  seed: number,
  { before, without = [] }: Pick<SimulationOptions, "before" | "without"> = {},
): Promise<ThreadReport> {
  const assignment = { first: seed, count: 1, trace: true, maxFailures: 1, without };
  return withBundle((file) => runThread(file, assignment), before);
}

/** The outcome of one scenario. */
export async function playScenario<Name extends keyof ScenarioResults>(name: Name): Promise<ScenarioResults[Name]> {
  return withBundle(async (file) => {
    const { promise, resolve, reject } = Promise.withResolvers<ScenarioResults[Name]>();
    const worker = threadOf(file, { scenario: name });
    worker.on("message", (message: ThreadMessage) => {
      if ("scenario" in message) resolve(message.scenario as ScenarioResults[Name]);
    });
    worker.on("error", reject);
    worker.on("exit", () => reject(new Error("a thread of the simulation ended early")));
    return promise;
  });
}

export function failureText({ seed, violations, trace }: FailedHistory): string {
  return `seed ${seed} (npm run simulate -- --seed ${seed})\n  ${violations.join("\n  ")}\n\n${trace.join("\n")}\n`;
}

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

async function withBundle<T>(use: (file: string) => Promise<T>, before?: string): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "simulation-"));
  try {
    const file = join(folder, "histories.mjs");
    await copySource(folder, before);
    await writeFile(file, await bundle(join(folder, "src"), before !== undefined));
    return await use(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Puts the source of the code that deploys replace into a folder. */
async function copySource(folder: string, commit: string | undefined): Promise<void> {
  if (commit === undefined) return cp(join(root, "src"), join(folder, "src"), { recursive: true });
  const archive = join(folder, "src.tar");
  await run("git", ["archive", `--output=${archive}`, commit, "src"], { cwd: root });
  await run("tar", ["-xf", archive, "-C", folder]);
}

/** `before`: the source of the code that deploys replace. */
async function bundle(before: string, isEarlier: boolean): Promise<string> {
  const here = import.meta.dirname;
  const { outputFiles } = await build({
    entryPoints: [join(here, "histories.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node22",
    sourcemap: "inline",
    logLevel: "error",
    alias: { "cloudflare:workers": join(here, "cloudflare-workers.ts") },
    define: { BEFORE_IS_EARLIER: String(isEarlier) },
    nodePaths: [join(root, "node_modules")],
    plugins: [
      {
        name: "code that deploys replace",
        setup(plugin) {
          plugin.onResolve({ filter: /\/src\/(?:index|webhooks)$/ }, ({ importer, path }) => {
            if (importer !== join(here, "code-before.ts")) return undefined;
            const file = join(before, `${basename(path)}.ts`);
            return { path: existsSync(file) ? file : join(here, "no-webhooks.ts") };
          });
        },
      },
      {
        name: "observe the lifecycle table",
        setup(plugin) {
          plugin.onResolve({ filter: /^\.\/state$/ }, ({ importer }) =>
            /\/lifecycle\/(?:draft|create-record)\.ts$/.test(importer) && !importer.startsWith(before)
              ? { path: join(here, "observed-state.ts") }
              : undefined,
          );
        },
      },
    ],
  });
  return outputFiles[0]!.text;
}

function threadOf(file: string, workerData: Assignment | { scenario: keyof ScenarioResults }): Worker {
  return new Worker(file, {
    workerData,
    execArgv: ["--enable-source-maps", "--no-warnings"],
    // Histories leave much behind that lives short.
    resourceLimits: { maxYoungGenerationSizeMb: 64 },
  });
}

interface ThreadOptions {
  onProgress?: (histories: number) => void;
  /** Ends it: what it has done by then is not told. */
  signal?: AbortSignal;
}

const NOTHING: ThreadReport = { histories: 0, events: 0, failed: [], coverage: {}, trace: [] };

function runThread(
  file: string,
  assignment: Assignment,
  { onProgress, signal }: ThreadOptions = {},
): Promise<ThreadReport> {
  return new Promise((resolve, reject) => {
    const worker = threadOf(file, assignment);
    let report: ThreadReport | undefined;
    signal?.addEventListener("abort", () => {
      report ??= NOTHING;
      void worker.terminate();
    });
    worker.on("message", (message: ThreadMessage) => {
      if ("progress" in message) onProgress?.(message.progress);
      if ("report" in message) ({ report } = message);
    });
    worker.on("error", reject);
    worker.on("exit", () => (report ? resolve(report) : reject(new Error("a thread of the simulation ended early"))));
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      first: { type: "string" },
      histories: { type: "string", default: "1000" },
      threads: { type: "string" },
      failures: { type: "string", default: "3" },
      json: { type: "string" },
      before: { type: "string" },
      without: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const unknown = values.without.find((fault) => !faultKinds.some((kind) => kind === fault));
  if (unknown !== undefined) throw new Error(`no fault is ${JSON.stringify(unknown)}: faults.ts has the kinds`);
  if (values.seed !== undefined) {
    const { trace, failed, events } = await replay(Number(values.seed), values);
    process.stdout.write(`${trace.join("\n")}\n\nseed ${values.seed}: ${events} events\n`);
    for (const { violations } of failed) process.stdout.write(`BROKEN ${violations.join("\n       ")}\n`);
    process.exitCode = failed.length > 0 ? 1 : 0;
    return;
  }
  const first = values.first === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.first);
  const histories = Number(values.histories);
  process.stdout.write(`${histories} histories from seed ${first} on\n`);
  let played = 0;
  const report = await simulate({
    first,
    histories,
    maxFailures: Number(values.failures),
    before: values.before,
    without: values.without,
    ...(values.threads === undefined ? {} : { threads: Number(values.threads) }),
    onProgress: (more) => {
      played += more;
      if (played % 10_000 === 0) process.stdout.write(`${played} of ${histories}\n`);
    },
  });
  for (const failed of report.failed) process.stdout.write(failureText(failed));
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  const perSecond = Math.round(report.histories / (report.milliseconds / 1_000));
  process.stdout.write(
    `${report.histories} histories, ${report.events} events, ${report.failed.length} failed; ${perSecond} histories/s on ${report.threads} threads\n`,
  );
  process.exitCode = report.failed.length > 0 ? 1 : 0;
}

if (import.meta.main) await main();
