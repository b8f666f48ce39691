// One round of one target: what its calls cost in CPU of the runtime's process, and how long its users wait.
import { setTimeout as sleep } from "node:timers/promises";
import type { Runtime } from "./runtime.ts";
import type { Adapter, BenchRequest } from "./target.ts";

/** How many of each in a round, and how many at the same time. */
export interface Plan {
  starts: number;
  gets: number;
  lifecycles: number;
  oneAtATime: number;
  lists: number;
  reporters: number;
  cancels: number;
  concurrency: number;
}

/** Figures of a round. CPU in milliseconds per call, times in milliseconds, throughput in operations per second. */
export type Figures = Partial<Record<Measure, number>>;
export type Measure =
  | "getCpu"
  | "coldGetCpu"
  | "startCpu"
  | "lifecycleCpu"
  | "parallelLifecycleCpu"
  | "reportsCpu"
  | "listCpu"
  | "doneLatency"
  | "startLatency"
  | "getLatency"
  | "reportsLatency"
  | "cancelLatency"
  | "throughput";

/** A target that runs: `held` is the same with nobody to do the work, where starts are measured alone. */
export interface Running {
  runtime: Runtime;
  adapter: Adapter;
  held: { runtime: Runtime; adapter: Adapter; request: Partial<BenchRequest> };
  /** The finished operations of the round before, by id, and when all of their objects are out of memory. */
  earlier?: { echoes: ReadonlyMap<string, string>; outOfMemory: Promise<void> };
}

/** Of everything that was started: not there, with another's result, or under an id twice. */
export interface Verdict {
  operations: number;
  wrong: number;
  lost: number;
  doubled: number;
}

let counter = 0;
const nextEcho = (): string => `echo ${(counter += 1)}`;

/**
 * By then what a lifecycle causes behind its end is over: the index is told, garbage is collected, and the direct floor's alarm,
 * five seconds after its start, has found nothing to do. The objects are still in memory.
 */
const AFTERMATH_MS = 6_000;
/** The runtime evicts an object ten seconds after its last event, which may be that alarm. Those of Workflows stay in memory. */
const EVICTED_MS = 20_000;

/** A round in turns: between two of them others may be measured, while what the last one set off comes to its end. */
export async function* measureRound(
  running: Running,
  plan: Plan,
  verdict: Verdict,
): AsyncGenerator<undefined, Figures> {
  const { adapter, runtime, held, earlier } = running;
  const figures: Figures = {};
  const get = async (id: string, echo: string): Promise<void> => {
    const seen = await adapter.get(id);
    if (seen === undefined) verdict.lost += 1;
    else if (seen !== echo) verdict.wrong += 1;
  };
  const finished = new Map<string, string>();
  const lifecycle = async (request: Partial<BenchRequest> = {}): Promise<void> => {
    const echo = nextEcho();
    const id = await adapter.start({ echo, ...request });
    if (finished.has(id)) verdict.doubled += 1;
    finished.set(id, echo);
    verdict.operations += 1;
    if ((await adapter.wait(id)) !== echo) verdict.wrong += 1;
  };

  if (earlier) {
    const cold = [...earlier.echoes].slice(0, plan.lifecycles);
    await earlier.outOfMemory;
    figures.coldGetCpu = await cpuPer(runtime, cold.length, () =>
      inParallel(cold.length, plan.concurrency, (number) => get(...cold[number]!)),
    );
  }

  figures.parallelLifecycleCpu = yield* cpuToTheEnd(runtime, plan.lifecycles, async () => {
    const time = performance.now();
    await inParallel(plan.lifecycles, plan.concurrency, () => lifecycle());
    figures.throughput = plan.lifecycles / ((performance.now() - time) / 1_000);
  });

  const ids = [...finished];
  // Others had their turns meanwhile: this brings the objects back into memory.
  await inParallel(ids.length, plan.concurrency, (number) => get(...ids[number]!));
  const getTimes: number[] = [];
  figures.getCpu = await cpuPer(runtime, plan.gets, () =>
    inParallel(plan.gets, plan.concurrency, async (number) => {
      const time = performance.now();
      await get(...ids[number % ids.length]!);
      getTimes.push(performance.now() - time);
    }),
  );
  figures.getLatency = median(getTimes);

  const { list, cancelled } = adapter;
  if (list) {
    figures.listCpu = await cpuPer(runtime, plan.lists, () =>
      inParallel(plan.lists, 1, async () => {
        const page = await list();
        verdict.doubled += page.length - new Set(page).size;
      }),
    );
  }

  const startTimes: number[] = [];
  figures.startCpu = await cpuPer(held.runtime, plan.starts, () =>
    inParallel(plan.starts, plan.concurrency, async () => {
      const time = performance.now();
      await held.adapter.start({ echo: nextEcho(), ...held.request });
      startTimes.push(performance.now() - time);
    }),
  );
  figures.startLatency = median(startTimes);

  figures.lifecycleCpu = yield* cpuToTheEnd(runtime, plan.oneAtATime, async () => {
    figures.doneLatency = await oneAtATime(plan.oneAtATime, () => lifecycle());
  });
  figures.reportsCpu = await cpuPer(runtime, plan.reporters, async () => {
    figures.reportsLatency = await oneAtATime(plan.reporters, () => lifecycle({ reports: 10 }));
  });

  if (cancelled) {
    figures.cancelLatency = await timesOf(plan.cancels, async () => {
      const id = await adapter.start({ echo: nextEcho(), untilCancelled: true });
      return cancelled(id);
    });
  }
  const isOver = sleep(AFTERMATH_MS);
  running.earlier = { echoes: finished, outOfMemory: sleep(EVICTED_MS) };
  yield;
  await isOver;
  return figures;
}

/** CPU per call, with what the calls set off behind themselves: others may take their turns meanwhile. */
async function* cpuToTheEnd(
  runtime: Runtime,
  count: number,
  act: () => Promise<void>,
): AsyncGenerator<undefined, number> {
  const before = runtime.cpuMs();
  await act();
  const after = sleep(AFTERMATH_MS).then(() => runtime.cpuMs());
  yield;
  return ((await after) - before) / count;
}

async function cpuPer(runtime: Runtime, count: number, act: () => Promise<void>): Promise<number> {
  const before = runtime.cpuMs();
  await act();
  return (runtime.cpuMs() - before) / count;
}

function oneAtATime(count: number, act: () => Promise<void>): Promise<number> {
  return timesOf(count, async () => {
    const time = performance.now();
    await act();
    return performance.now() - time;
  });
}

/** The median of what `act` measures, one after another. */
async function timesOf(count: number, act: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let number = 0; number < count; number += 1) times.push(await act());
  return median(times);
}

/** `count` times, so many at once, in the order of their numbers. */
export async function inParallel(
  count: number,
  concurrency: number,
  act: (number: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next;
      next += 1;
      await act(number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] =
    sorted.length % 2 === 1 ? [sorted[middle], sorted[middle]] : [sorted[middle - 1], sorted[middle]];
  return (low + high) / 2;
}
