// Random handlers: programs of steps, sleeps, races and failures, and the function that runs one over an OperationContext.
import type { OperationContext, StepContext, StepOptions } from "../../../../src/index";
import type { Random } from "../../../support/random";

export type Program =
  /** Fails in its first runs; `Infinity`: in all. */
  | Step
  | { do: "sleep"; id: number; ms: number; isNamed: boolean }
  /** Waits for an answer that comes after a time, or for the end of that time. */
  | { do: "suspend"; id: number; ms: number; expires: boolean }
  /** Begins a sleep that nothing waits for. */
  | { do: "leave"; id: number; ms: number }
  | { do: "checkpoint"; id: number }
  /** Throws in the first attempts; `isFinal`: an error that is not retried. */
  | { do: "throw"; id: number; attempts: number }
  | { do: "sequence"; parts: Program[] }
  | { do: "map"; id: number; items: Step[]; concurrency: number }
  | { do: "all" | "race" | "any" | "allSettled"; id: number; parts: Program[] }
  | { do: "try"; id: number; body: Program; rescue: Program; last: Program };

export interface Step {
  do: "step";
  id: number;
  ms: number;
  failures: number;
  /** It is tried a second time by itself. */
  retry?: {
    backoffMs: number;
    /** A try that fails hangs until its time is over. */
    timeoutMs?: number;
  };
}

export interface Shape {
  /** Steps that fail in their first runs, so that an attempt may fail and a later one succeed. */
  hasRetries: boolean;
  /** Races, and Promise.any: their outcome hangs on the time. */
  hasRaces: boolean;
}

/** A program of at most so many timed parts. Each has a length of its own, a power of two, so that no two ends fall together. */
export function aProgram(random: Random, { hasRetries, hasRaces }: Shape): Program {
  let id = 0;
  const lengths = Array.from({ length: MAX_TIMED }, (_, power) => 1_000 * 2 ** power);
  for (let index = lengths.length - 1; index > 0; index -= 1) {
    const other = random.below(index + 1);
    [lengths[index], lengths[other]] = [lengths[other]!, lengths[index]!];
  }
  const nextId = (): number => (id += 1);
  const failures = (): number => {
    if (random.chance(0.75)) return 0;
    return hasRetries && random.chance(0.6) ? 1 + random.below(2) : Number.POSITIVE_INFINITY;
  };
  const leaf = (): Program => {
    const ms = lengths.pop();
    if (ms === undefined) return { do: "checkpoint", id: nextId() };
    const kind = random.below(24);
    if (kind >= 20) return { do: "suspend", id: nextId(), ms, expires: random.chance(0.25) };
    if (kind < 6) return { do: "step", id: nextId(), ms, failures: failures() };
    if (kind < 9) return retriedStep(ms);
    if (kind < 17) return { do: "sleep", id: nextId(), ms, isNamed: random.chance(0.25) };
    if (kind < 18) return { do: "leave", id: nextId(), ms };
    if (kind < 19 && hasRetries) return { do: "throw", id: nextId(), attempts: 1 + random.below(2) };
    return { do: "checkpoint", id: nextId() };
  };
  /** It takes as long as a step that fails once and is tried again: so do two failures. */
  const retriedStep = (totalMs: number): Program => {
    const [half, quarter] = [totalMs / 2, totalMs / 4];
    const step = { do: "step", id: nextId(), ms: quarter } as const;
    if (random.chance(0.3)) return { ...step, failures: 1, retry: { backoffMs: quarter, timeoutMs: half } };
    return { ...step, failures: random.pick([1, 1, Number.POSITIVE_INFINITY]), retry: { backoffMs: half } };
  };
  const tree = (depth: number): Program => {
    if (depth === 0 || random.chance(0.25)) return leaf();
    const parts = (count: number): Program[] => Array.from({ length: count }, () => tree(depth - 1));
    const kind = random.below(10);
    if (kind < 4) return { do: "sequence", parts: parts(1 + random.below(3)) };
    if (kind < 6) return { do: "all", id: nextId(), parts: parts(2 + random.below(2)) };
    if (kind < 7 && random.chance(0.4) && lengths.length >= 4) return map();
    if (kind < 7) return { do: "allSettled", id: nextId(), parts: parts(2) };
    if (kind < 8 && hasRaces && lengths.length >= 2) return race(depth);
    if (kind < 9) return { do: "try", id: nextId(), body: tree(depth - 1), rescue: tree(depth - 1), last: leaf() };
    return { do: "sequence", parts: parts(2) };
  };
  const map = (): Program => {
    const items = Array.from({ length: 3 + random.below(2) }, (): Step => {
      return { do: "step", id: nextId(), ms: lengths.pop()!, failures: random.chance(0.5) ? 0 : failures() };
    });
    return { do: "map", id: nextId(), items, concurrency: 1 + random.below(3) };
  };
  // Each side takes a time of its own: two that take none end in any order.
  const race = (depth: number): Program => {
    const timed = [lengths.pop()!, lengths.pop()!].map((ms): Program => {
      if (random.chance(0.5)) return { do: "step", id: nextId(), ms, failures: failures() };
      if (random.chance(0.4)) return { do: "suspend", id: nextId(), ms, expires: random.chance(0.25) };
      return { do: "sleep", id: nextId(), ms, isNamed: random.chance(0.25) };
    });
    const parts = timed.map((first): Program => ({ do: "sequence", parts: [first, tree(depth - 1)] }));
    return { do: random.pick(["race", "any"]), id: nextId(), parts };
  };
  return { do: "sequence", parts: Array.from({ length: 1 + random.below(3) }, () => tree(3)) };
}

const MAX_TIMED = 12;

/** The report of a run of a program. */
export interface Observer {
  /** Runs a step's work: takes its time, and whether it fails. */
  work(step: Step, context: StepContext): Promise<void>;
  called(id: number): void;
  /** Somebody answers a suspension after its time, unless it expires. */
  suspends(part: Extract<Program, { do: "suspend" }>): void;
  /** A part of the program has come to an outcome: `isFailure` where it was thrown. */
  came(id: number, outcome: string, isFailure: boolean): void;
}

type Context = Pick<OperationContext, "step" | "map" | "sleep" | "suspend" | "checkpoint" | "attempt">;

/** Runs a program; its outcome is a text that says how it went. */
export async function run(program: Program, op: Context, observer: Observer): Promise<string> {
  if (!("id" in program)) {
    const outcomes: string[] = [];
    for (const part of program.parts) outcomes.push(await run(part, op, observer));
    return outcomes.join(" ");
  }
  observer.called(program.id);
  try {
    const outcome = await outcomeOf(program, op, observer);
    observer.came(program.id, outcome, false);
    return outcome;
  } catch (error) {
    observer.came(program.id, messageOf(error), true);
    throw error;
  }
}

async function outcomeOf(program: Extract<Program, { id: number }>, op: Context, observer: Observer): Promise<string> {
  const { id } = program;
  switch (program.do) {
    case "step":
      return op.step(
        `step ${id}`,
        async (step) => {
          await observer.work(program, step);
          return `step ${id}`;
        },
        stepOptions(program),
      );
    case "sleep":
      await (program.isNamed ? op.sleep(`sleep ${id}`, `${program.ms}ms`) : op.sleep(`${program.ms}ms`));
      return `sleep ${id}`;
    case "suspend":
      observer.suspends(program);
      return op
        .suspend<string>(`suspend-${id}`, program.expires ? { timeout: `${program.ms}ms` } : {})
        .catch((error: unknown) => {
          if ((error as { reason?: unknown }).reason === "SUSPENSION_EXPIRED") return `suspend ${id} expires`;
          throw error;
        });
    case "leave":
      void op.sleep(`${program.ms}ms`);
      return "left";
    case "checkpoint":
      await op.checkpoint(id);
      return "saved";
    case "throw":
      if (op.attempt <= program.attempts) throw new Error(`throw ${id}`);
      return "not thrown";
    case "try":
      try {
        return await run(program.body, op, observer);
      } catch (error) {
        return `caught ${messageOf(error)}, ${await run(program.rescue, op, observer)}`;
      } finally {
        await run(program.last, op, observer);
      }
    case "allSettled": {
      const settled = await Promise.allSettled(program.parts.map((part) => run(part, op, observer)));
      return settled.map((one) => (one.status === "fulfilled" ? one.value : messageOf(one.reason))).join(" | ");
    }
    case "all":
      try {
        return (await Promise.all(program.parts.map((part) => run(part, op, observer)))).join(" & ");
      } catch (error) {
        // Which of its parts fails first hangs on the time.
        throw new Error(`all ${id} fails`, { cause: error });
      }
    case "map":
      try {
        const key = (item: Step): string => `step ${item.id}`;
        const work = async (item: Step, step: StepContext): Promise<string> => {
          await observer.work(item, step);
          return `step ${item.id}`;
        };
        return (await op.map(program.items, work, { concurrency: program.concurrency, key })).join(" & ");
      } catch (error) {
        throw new Error(`map ${id} fails`, { cause: error });
      }
    case "race":
    case "any":
      return Promise[program.do](program.parts.map((part) => run(part, op, observer)));
    default:
      return program satisfies never;
  }
}

/** The jitter of the world halves each backoff. */
function stepOptions({ retry }: Step): StepOptions {
  if (!retry) return {};
  const { backoffMs, timeoutMs } = retry;
  return {
    retry: { maxAttempts: 2, initialBackoff: `${2 * backoffMs}ms`, backoffMultiplier: 1 },
    ...(timeoutMs === undefined ? {} : { timeout: `${timeoutMs}ms` }),
  };
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(" and ");
  return error instanceof Error ? error.message : String(error);
}

/** Every part that has an id. */
export function partsOf(program: Program): Extract<Program, { id: number }>[] {
  const inner =
    "parts" in program ? program.parts : program.do === "try" ? [program.body, program.rescue, program.last] : [];
  const items = program.do === "map" ? program.items : [];
  return [...("id" in program ? [program] : []), ...items, ...inner.flatMap(partsOf)];
}
