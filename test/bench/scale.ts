// npm run bench:scale: 100,000 operations through one runtime, from start to expiry: what it holds in memory after the
// first fifth of them, and after all, once they have expired and their objects have been evicted.
// `--operations 10000` for fewer; `--minutes 10` starts no more after that; `--target floor` for what another one holds;
// `--per-second 70` is the pace behind the first fifth, which goes as fast as it can: the allocator keeps for ever what was
// needed when most objects were in memory, and that is to lie before the first look.
import { parseArgs } from "node:util";
import { eventually } from "../support/eventually.ts";
import { paceOf } from "../support/pace.ts";
import { type Memory, calmMemory, collecting, growth } from "./calm-memory.ts";
import { inParallel } from "./measure.ts";
import { Runtime } from "./runtime.ts";
import type { Adapter } from "./target.ts";
import { TARGETS, shortLived } from "./targets.ts";
import { writeFigures } from "./write-figures.ts";

const MIB = 1_048_576;
const CONCURRENCY = 16;
/** Retention, the index's alarm behind it, and the backlog of thousands that expire at the same time. */
const EXPIRY_MS = 300_000;
const LOOK_MS = 1_000;

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "100000" },
    target: { type: "string", default: shortLived.name },
    "per-second": { type: "string", default: "70" },
    minutes: { type: "string", default: "40" },
    "no-write": { type: "boolean", default: false },
  },
});

interface Stage {
  operations: number;
  /** Per second. */
  throughput: number;
  memory: Memory;
}

await main();
process.exit(process.exitCode);

async function main(): Promise<void> {
  const target = [shortLived, ...TARGETS].find(({ name }) => name === values.target);
  if (!target) throw new Error(`there is no target ${values.target}`);
  const runtime = await Runtime.start({ ...target, consumes: true, inspects: true });
  try {
    const stages = await runStages(runtime, target.adapter(runtime.url), target === shortLived);
    const markdown = report(stages);
    console.log(markdown);
    if (!values["no-write"]) await writeFigures("bench:scale", markdown);
  } finally {
    await runtime.dispose();
  }
}

async function runStages(runtime: Runtime, adapter: Adapter, expires: boolean): Promise<Stage[]> {
  const count = Number(values.operations);
  const endTime = performance.now() + Number(values.minutes) * 60_000;
  const stages: Stage[] = [];
  let operations = 0;
  for (const [end, perSecond] of [
    [Math.floor(count / 5), Number.POSITIVE_INFINITY],
    [count, Number(values["per-second"])],
  ] as const) {
    const time = performance.now();
    const begin = operations;
    const turn = paceOf(perSecond);
    const load = (): Promise<void> =>
      inParallel(end - begin, CONCURRENCY, async (number) => {
        await turn(number);
        if (performance.now() >= endTime) return;
        await lifecycle(adapter, `operation ${begin + number}`);
        operations += 1;
      });
    await collecting(runtime, load);
    const throughput = (operations - begin) / ((performance.now() - time) / 1_000);
    if (expires) {
      const { list } = adapter;
      await eventually(async () => (await list?.())?.length === 0, { timeoutMs: EXPIRY_MS, intervalMs: LOOK_MS });
    }
    // A whole lifecycle goes through object and queue.
    const memory = await calmMemory(runtime, () => lifecycle(adapter, "stirred"));
    stages.push({ operations, throughput, memory });
    console.error(`${operations} operations, ${inMib(memory.resident)} MiB, of which heap ${inMib(memory.heap)}`);
  }
  return stages;
}

async function lifecycle(adapter: Adapter, echo: string): Promise<void> {
  const seen = await adapter.wait(await adapter.start({ echo }));
  if (seen !== echo) throw new Error(`${seen} instead of ${echo}`);
}

function report(stages: readonly Stage[]): string {
  const [fifth, all] = stages;
  if (!fifth || !all || all.operations === fifth.operations) throw new Error("too little time to tell");
  const grown = growth([fifth.memory, all.memory]);
  if (grown.length > 0) process.exitCode = 1;
  const lines = stages.map(
    ({ operations, throughput, memory }) =>
      `| ${operations.toLocaleString("en")} | ${inMib(memory.resident)} | ${inMib(memory.heap)} | ${throughput.toFixed(0)} |`,
  );
  return [
    "| started, done, expired | resident, MiB | of it heap of Worker and objects | lifecycles a second |",
    "| --- | --- | --- | --- |",
    ...lines,
    "",
    grown.length === 0
      ? "At most 10 % more after the last is allowed: holds."
      : `**Does not hold**: ${grown.join("; ")}.`,
  ].join("\n");
}

function inMib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
