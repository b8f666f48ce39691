// npm run bench: the service beside its floor and beside Cloudflare Workflows, round by round in one run, against the
// budgets. It writes the figures of docs/performance.md; `--no-write` only prints them, `--quick` makes a first impression.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { bundleSize, startupTime } from "./bundle.ts";
import { fsyncsPerLifecycle } from "./fsyncs.ts";
import { type Figures, type Plan, type Running, type Verdict, measureRound } from "./measure.ts";
import { type PowerCut, cutPower } from "./power-cut.ts";
import { type Results, report } from "./report.ts";
import { Runtime } from "./runtime.ts";
import type { Target } from "./target.ts";
import { type StepFigures, measureSteps } from "./steps.ts";
import { TARGETS } from "./targets.ts";
import { writeFigures } from "./write-figures.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string" },
    targets: { type: "string", default: TARGETS.map(({ name }) => name).join(",") },
    quick: { type: "boolean", default: false },
    "no-write": { type: "boolean", default: false },
  },
});
const isQuick = values.quick;
const ROUNDS = Number(values.rounds ?? (isQuick ? 2 : 7));
/** A round takes a target about five seconds where nothing else runs, and what comes behind its turns. */
const PLAN: Plan = isQuick
  ? { starts: 60, gets: 200, lifecycles: 60, oneAtATime: 20, lists: 10, reporters: 3, cancels: 3, concurrency: 8 }
  : {
      starts: 250,
      gets: 1_000,
      lifecycles: 250,
      oneAtATime: 100,
      lists: 40,
      reporters: 24,
      cancels: 8,
      concurrency: 8,
    };
/** How often work of a thousand steps is run; less of them is run more often. */
const STEP_REPEATS = isQuick ? 1 : 5;
const IN_FLIGHT = isQuick ? 100 : 1_000;
const FSYNCS = { count: isQuick ? 10 : 50, settleMs: 5_000 };

const targets = TARGETS.filter(({ name }) => values.targets.split(",").includes(name));

await main();
process.exit(process.exitCode);

async function main(): Promise<void> {
  const running = new Map<string, Running>();
  for (const target of targets) running.set(target.name, await run(target));
  const verdicts = new Map<string, Verdict>();
  const rounds = new Map<string, Figures[]>();
  for (const { name } of targets) {
    verdicts.set(name, { operations: 0, wrong: 0, lost: 0, doubled: 0 });
    rounds.set(name, []);
  }
  for (let round = 0; round <= ROUNDS; round += 1) {
    // Each begins in its turn: what the machine does meanwhile falls on all alike.
    const order = targets.map((_, place) => targets[(place + round) % targets.length]!);
    const measured = await inTurns(
      order.map(({ name }) => measureRound(running.get(name)!, PLAN, verdicts.get(name)!)),
    );
    // The first fills caches and compiles code.
    if (round > 0) for (const [place, { name }] of order.entries()) rounds.get(name)!.push(measured[place]!);
    console.error(round === 0 ? "warmed up" : `round ${round} of ${ROUNDS}`);
  }
  const fsyncs = new Map<string, number | undefined>();
  await Promise.all([...running.values()].flatMap(({ runtime, held }) => [runtime.dispose(), held.runtime.dispose()]));
  for (const target of targets) fsyncs.set(target.name, await fsyncsPerLifecycle(target, FSYNCS));
  const steps = new Map<string, StepFigures>();
  for (const target of targets.filter(({ hasSteps }) => hasSteps)) {
    steps.set(target.name, await measureSteps(target, STEP_REPEATS));
    console.error(`steps: ${target.name}`);
  }
  const cuts = new Map<string, PowerCut>();
  for (const target of targets) {
    cuts.set(target.name, await cutPower(target, IN_FLIGHT));
    console.error(`power cut: ${target.name}`);
  }
  const results: Results = {
    rounds,
    verdicts,
    fsyncs,
    steps,
    cuts,
    bundle: await bundleSize(),
    startupMs: await startupTime(),
    plan: PLAN,
    machine: `${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}, Node ${process.versions.node}`,
  };
  const { markdown, broken } = report(results);
  console.log(markdown);
  if (!values["no-write"] && !isQuick) await writeFigures("bench", markdown);
  if (broken.length > 0) process.exitCode = 1;
}

/** Each takes one turn after the other has: what they measure is never under way at the same time. */
async function inTurns(measuring: readonly AsyncGenerator<undefined, Figures>[]): Promise<Figures[]> {
  const figures: Figures[] = [];
  for (let waiting = [...measuring.entries()]; waiting.length > 0;) {
    const still: typeof waiting = [];
    for (const [place, turns] of waiting) {
      const turn = await turns.next();
      if (turn.done) figures[place] = turn.value;
      else still.push([place, turns]);
    }
    waiting = still;
  }
  return figures;
}

/** The target, and, where a queue can be left alone, a second one whose operations are only started. */
async function run(target: Target): Promise<Running> {
  const runtime = await Runtime.start({ ...target, consumes: true });
  const adapter = target.adapter(runtime.url);
  // Its re-sends do not count for a start.
  const vars = { ...target.vars, ...(target.vars["RESEND_SECONDS"] ? { RESEND_SECONDS: "600" } : {}) };
  const heldRuntime = await Runtime.start({ ...target, vars, consumes: false });
  const request = target.holdsBy === "request" ? { held: true } : {};
  return { runtime, adapter, held: { runtime: heldRuntime, adapter: target.adapter(heldRuntime.url), request } };
}
