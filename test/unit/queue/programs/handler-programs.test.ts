// 7,000 random handlers against a reference: what must have happened once, at least once, and not before when.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CREATE_TIME } from "../../../support/an-operation";
import { type Random, randomFromSeed } from "../../../support/random";
import { type IdealRun, idealRun } from "./ideal";
import { type Program, type Shape, type Step, aProgram, partsOf } from "./program";
import { ProgramWorld } from "./world";

/** The cost of one invocation beside the work: the way there, the final message, and the moment before it. */
const INVOCATION_OVERHEAD_MS = 60;

/** `VITE_SEED=17 npx vitest run handler-programs` plays that one alone. */
const onlySeed = (import.meta as ImportMeta & { env: { VITE_SEED?: string } }).env.VITE_SEED;

beforeAll(() => {
  // Attempts that fail are logged, as they should be.
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterAll(() => {
  vi.restoreAllMocks();
});

function seeds(first: number, count: number): number[] {
  if (onlySeed !== undefined) return [Number(onlySeed)].filter((seed) => seed >= first && seed < first + count);
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Plays a program for each seed, until some have gone wrong: what was wrong with each. */
async function wrongOf(all: readonly number[], play: (random: Random) => Promise<Played>): Promise<string[]> {
  const wrong: string[] = [];
  for (const seed of all) {
    const { program, problems } = await play(randomFromSeed(seed));
    if (problems.length > 0) wrong.push(`seed ${seed}: ${problems.join("; ")}\n${JSON.stringify(program)}`);
    if (wrong.length === MAX_WRONG) break;
  }
  return wrong;
}

interface Played {
  program: Program;
  problems: string[];
}

/** More of them say no more. */
const MAX_WRONG = 3;

/** A program that comes to an end in its first attempt, and what it comes to. */
async function sound(random: Random, shape: Shape): Promise<{ program: Program; ideal: IdealRun }> {
  const program = aProgram(random, shape);
  const ideal = await idealRun(program);
  if (!ideal.isFailure) return { program, ideal };
  const [rescue, last] = [LAST_ID, LAST_ID + 1].map((id): Program => ({ do: "checkpoint", id }));
  const caught: Program = { do: "try", id: LAST_ID + 2, body: program, rescue: rescue!, last: last! };
  return { program: caught, ideal: await idealRun(caught) };
}

/** No program has as many parts. */
const LAST_ID = 10_000;

describe("random handlers", { timeout: 60_000 }, () => {
  test("have in one attempt the outcome and the duration of plain JavaScript, and run each step once", async () => {
    let invocations = 0;
    const wrong = await wrongOf(seeds(0, 3_500), async (random) => {
      const { program, ideal } = await sound(random, { hasRetries: false, hasRaces: true });
      // An invocation that gives way waits for steps that run, also for those that have lost a race.
      const world = new ProgramWorld({ random, program, crashes: [], yieldMs: Infinity });
      await world.play();
      invocations += world.invocations;
      return { program, problems: [...world.violations, ...differences(world, program, ideal)] };
    });

    expect(wrong).toEqual([]);
    expect(invocations).toBeGreaterThan(onlySeed === undefined ? 5_500 : -1);
  });

  test("keep their stored results and decisions when they fail, are retried and lose runners", async () => {
    let deaths = 0;
    const wrong = await wrongOf(seeds(5_000, 2_000), async (random) => {
      const program = aProgram(random, { hasRetries: true, hasRaces: true });
      const crashes = someCrashes(random);
      const world = new ProgramWorld({ random, program, crashes, yieldMs: random.pick([Infinity, 50_000]) });
      await world.play();
      deaths += world.record.attempt.deaths;
      return { program, problems: [...world.violations, ...repeatedTooOften(world, program)] };
    });

    expect(wrong).toEqual([]);
    expect(deaths).toBeGreaterThan(onlySeed === undefined ? 700 : -1);
  });

  test("have the same outcome whenever their runners die, if it does not depend on the time", async () => {
    const wrong = await wrongOf(seeds(8_000, 1_500), async (random) => {
      const { program, ideal } = await sound(random, { hasRetries: false, hasRaces: false });
      const yieldMs = random.pick([Infinity, 20_000, 300_000]);
      const world = new ProgramWorld({ random, program, crashes: someCrashes(random), yieldMs });
      await world.play();
      const problems = [...outcomeDifference(world, ideal.outcome), ...repeatedTooOften(world, program)];
      return { program, problems: [...world.violations, ...problems] };
    });

    expect(wrong).toEqual([]);
  });
});

/** At most three: the fifth death in a row ends an operation. */
function someCrashes(random: Random): number[] {
  return Array.from({ length: random.below(4) }, () => 1 + random.below(60)).toSorted((a, b) => a - b);
}

function outcomeDifference({ record }: ProgramWorld, expected: string): string[] {
  const { outcome } = record;
  const response = outcome && "response" in outcome ? outcome.response : JSON.stringify(outcome ?? "nothing");
  return response.includes(JSON.stringify({ outcome: expected })) ? [] : [`it came to ${response}, not to ${expected}`];
}

function differences(world: ProgramWorld, program: Program, ideal: IdealRun): string[] {
  const problems = outcomeDifference(world, ideal.outcome);
  const ms = world.time.now - CREATE_TIME;
  const overhead = world.invocations * INVOCATION_OVERHEAD_MS + world.time.events * 5;
  if (ms < ideal.ms || ms > ideal.ms + overhead) problems.push(`it took ${ms} ms instead of ${ideal.ms}`);
  for (const part of partsOf(program)) {
    if (part.do !== "step" || !ideal.ended.has(part.id)) continue;
    const [count, expected] = [world.runs.get(part.id) ?? 0, triesOf(part)];
    if (count !== expected) problems.push(`step ${part.id} was run ${count} times, not ${expected}`);
  }
  for (const id of world.runs.keys()) if (!ideal.begun.has(id)) problems.push(`step ${id} was run`);
  return problems;
}

function triesOf({ failures, retry }: Step): number {
  return retry && failures > 0 ? 2 : 1;
}

/** A step runs once, or as often as it is tried, and once more for each attempt that died with it, or in which it failed. */
function repeatedTooOften({ runs, record }: ProgramWorld, program: Program): string[] {
  return partsOf(program).flatMap((part) => {
    if (part.do !== "step") return [];
    const attempts = record.attempt.deaths + (part.failures > 0 ? record.attempt.failures : 0) + 1;
    const count = (runs.get(part.id) ?? 0) / triesOf(part);
    return count > attempts ? [`step ${part.id} was run ${count} times in ${attempts} attempts`] : [];
  });
}
