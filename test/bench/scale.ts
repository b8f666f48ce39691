// npm run bench:scale: 100,000 operations, in waves, one runtime: what its memory is after each wave, once the objects that
// nobody asks for any more have been let go. `--operations 10000` for fewer; `--minutes 10` ends it in time.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { inParallel } from "./measure.ts";
import { Runtime } from "./runtime.ts";
import { TARGETS } from "./targets.ts";
import { writeFigures } from "./write-figures.ts";

const MIB = 1_048_576;
/** The runtime lets an object go that had nothing to do for ten seconds; the alarm that a start armed comes after three. */
const IDLE_MS = 20_000;
/** Between the memory after the second wave and that after the last: what an operation may leave behind. */
const MAX_GROWTH_BYTES_PER_OPERATION = 1_024;
/** What the allocator and the garbage collector sway by. */
const SLACK_BYTES = 32 * MIB;
const CONCURRENCY = 16;
const WAVES = 10;

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "100000" },
    target: { type: "string", default: "service" },
    minutes: { type: "string", default: "40" },
    "no-write": { type: "boolean", default: false },
  },
});

interface Wave {
  operations: number;
  seconds: number;
  residentBytes: number;
}

await main();
process.exit(process.exitCode);

async function main(): Promise<void> {
  const target = TARGETS.find(({ name }) => name === values.target);
  if (!target) throw new Error(`there is no target ${values.target}`);
  // On disk: a file for each operation is too much for memory.
  const state = mkdtempSync(join(tmpdir(), "bench-scale-"));
  const runtime = await Runtime.start({ ...target, consumes: true }, state);
  try {
    const waves = await runWaves(runtime, target.adapter(runtime.url));
    const markdown = report(waves);
    console.log(markdown);
    if (!values["no-write"]) await writeFigures("bench:scale", markdown);
  } finally {
    await runtime.dispose();
  }
}

async function runWaves(runtime: Runtime, adapter: ReturnType<(typeof TARGETS)[number]["adapter"]>): Promise<Wave[]> {
  const count = Math.ceil(Number(values.operations) / WAVES);
  const endTime = performance.now() + Number(values.minutes) * 60_000;
  const waves: Wave[] = [];
  let operations = 0;
  while (waves.length < WAVES && performance.now() < endTime) {
    const time = performance.now();
    await inParallel(count, CONCURRENCY, async (number) => {
      if (performance.now() >= endTime) return;
      const echo = `wave ${waves.length}, ${number}`;
      const seen = await adapter.wait(await adapter.start({ echo }));
      if (seen !== echo) throw new Error(`${seen} instead of ${echo}`);
      operations += 1;
    });
    const seconds = (performance.now() - time) / 1_000;
    await sleep(IDLE_MS);
    waves.push({ operations, seconds, residentBytes: runtime.residentBytes() });
    console.error(`${operations} operations, ${(runtime.residentBytes() / MIB).toFixed(0)} MiB`);
  }
  return waves;
}

function report(waves: readonly Wave[]): string {
  const settled = waves[1];
  const last = waves.at(-1);
  if (!settled || !last || settled === last)
    throw new Error("two waves are too few to tell: more time, or fewer operations");
  const operations = last.operations - settled.operations;
  const growth = last.residentBytes - settled.residentBytes;
  const bound = SLACK_BYTES + operations * MAX_GROWTH_BYTES_PER_OPERATION;
  const holds = growth <= bound;
  const lines = waves.map(
    (wave, place) =>
      `| ${wave.operations.toLocaleString("en")} | ${(wave.residentBytes / MIB).toFixed(0)} | ${((wave.operations - (waves[place - 1]?.operations ?? 0)) / wave.seconds).toFixed(0)} |`,
  );
  if (!holds) process.exitCode = 1;
  return [
    "| operations so far | resident, once idle, MiB | lifecycles per second |",
    "| --- | --- | --- |",
    ...lines,
    "",
    `From the second wave to the last ${operations.toLocaleString("en")} operations added ${(growth / MIB).toFixed(0)} MiB; at most`,
    `${(bound / MIB).toFixed(0)} MiB are allowed: ${holds ? "holds" : "**does not hold**"}.`,
  ].join("\n");
}
