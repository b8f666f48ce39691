// The cost of steps and sleeps to a target, by their number: CPU of the runtime's process, and time.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { median } from "./measure.ts";
import { Runtime } from "./runtime.ts";
import type { BenchRequest, Target } from "./target.ts";

/** The numbers of steps that are measured. Work of one step has no other cost than that of its lifecycle. */
export const STEP_COUNTS = [1, 10, 100, 1_000] as const;
export const PARALLEL_STEPS = 100;
/** A sleep for which the service waits, and one that ends its invocation. */
export const SLEEPS_SECONDS = [1, 5] as const;
/** A stretch of steps at the beginning and at the end of the longest work. */
const STRETCH = 100;

/** Of one step, lifecycle taken off, or of one operation. CPU and time in milliseconds. */
export interface Cost {
  cpuMs: number;
  ms: number;
}

export interface StepFigures {
  /** By the number of steps: of each of them. */
  steps: ReadonlyMap<number, Cost>;
  /** Of each of the first hundred steps of a thousand, and of each of the last hundred. */
  first: Cost;
  last: Cost;
  /** Of each of a hundred steps side by side. */
  parallel: Cost;
  /** By its seconds: of a sleep. The time is what it takes longer than asked for. */
  sleeps: ReadonlyMap<number, Cost>;
}

interface Mark {
  number: number;
  cpuMs: number;
  time: number;
}

export async function measureSteps(target: Target, repeats: number): Promise<StepFigures> {
  // The lease as deployed: a runner with a shorter one looks at the clock before each step.
  const { LEASE_SECONDS: _short, ...vars } = target.vars;
  const runtime = await Runtime.start({ ...target, vars, consumes: true });
  const marks: Mark[] = [];
  const server = createServer((request, response) => {
    marks.push({ number: Number(request.url?.slice(1)), cpuMs: runtime.cpuMs(), time: performance.now() });
    response.end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const stepUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const adapter = target.adapter(runtime.url);
  const run = async (request: Partial<BenchRequest>): Promise<Cost> => {
    const before = { cpuMs: runtime.cpuMs(), time: performance.now() };
    await adapter.wait(await adapter.start({ echo: "steps", ...request }));
    return { cpuMs: runtime.cpuMs() - before.cpuMs, ms: performance.now() - before.time };
  };
  const medianOf = async (request: Partial<BenchRequest>, times: number): Promise<Cost> => {
    const costs: Cost[] = [];
    for (let number = 0; number < times; number += 1) costs.push(await run(request));
    return { cpuMs: mean(costs.map(({ cpuMs }) => cpuMs)), ms: median(costs.map(({ ms }) => ms)) };
  };
  try {
    // Code is compiled, and caches are filled.
    await medianOf({ steps: 100 }, 10);
    const empty = await medianOf({}, 20 * repeats);
    const each = ({ cpuMs, ms }: Cost, count: number): Cost => ({
      cpuMs: (cpuMs - empty.cpuMs) / count,
      ms: (ms - empty.ms) / count,
    });
    const steps = new Map<number, Cost>();
    for (const count of STEP_COUNTS) {
      // Few steps are measured often, and so are the stretches of a hundred.
      const times = repeats * Math.max(4, Math.min(20, 200 / count));
      steps.set(count, each(await medianOf({ steps: count, ...(count === 1_000 ? { stepUrl } : {}) }, times), count));
    }
    const parallel = each(await medianOf({ parallelSteps: PARALLEL_STEPS }, 2 * repeats), PARALLEL_STEPS);
    const sleeps = new Map<number, Cost>();
    for (const seconds of SLEEPS_SECONDS) {
      const { cpuMs, ms } = each(await medianOf({ sleepSeconds: seconds }, repeats), 1);
      sleeps.set(seconds, { cpuMs, ms: ms - 1_000 * seconds });
    }
    const last = STEP_COUNTS.at(-1) ?? 0;
    return {
      steps,
      first: stretch(marks, 0, STRETCH),
      last: stretch(marks, last - STRETCH, last),
      parallel,
      sleeps,
    };
  } finally {
    server.close();
    await runtime.dispose();
  }
}

/** The steps between two marks, of all runs together. */
function stretch(marks: readonly Mark[], from: number, to: number): Cost {
  const costs = marks.flatMap((end, place) => {
    const begin = marks[place - 1];
    return end.number === to && begin?.number === from
      ? [{ cpuMs: end.cpuMs - begin.cpuMs, ms: end.time - begin.time }]
      : [];
  });
  const count = to - from;
  // Collecting the garbage of all runs falls into some of them.
  return { cpuMs: median(costs.map(({ cpuMs }) => cpuMs)) / count, ms: median(costs.map(({ ms }) => ms)) / count };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
