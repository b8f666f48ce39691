// Looks for the input that costs most CPU, evaluator by evaluator, by hill climbing on what it measures:
//   node test/chaos/worst-input.ts --minutes 60 --json worst.json
//   node test/chaos/worst-input.ts --minutes 1 --kind filter
// The worst inputs that were found are kept in worst-inputs.json, and are where the next search begins.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { type Random, randomFromSeed } from "../support/random.ts";
import type { CostlyKind, costlyKinds } from "./costly-inputs.ts";

export interface WorstInput {
  kind: string;
  boundMs: number;
  /** CPU of the worst input, the least of its measurements. */
  worstMs: number;
  tried: number;
  input: string;
}

export interface WorstInputReport {
  seed: number;
  minutes: number;
  worst: WorstInput[];
}

const KEPT_FILE = join(import.meta.dirname, "worst-inputs.json");
/** Inputs that a search goes on from: with one alone it stays on the first hill. */
const POPULATION = 12;
/** The collector may fall into one measurement of an input, and not into all. */
const MEASUREMENTS = 3;
const MAX_SHOWN_CHARACTERS = 4_000;

async function withKinds<T>(act: (kinds: typeof costlyKinds) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "worst-input-"));
  try {
    const outfile = join(folder, "costly-inputs.mjs");
    await build({
      entryPoints: [join(import.meta.dirname, "costly-inputs.ts")],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "error",
    });
    const bundle = (await import(pathToFileURL(outfile).href)) as { costlyKinds: typeof costlyKinds };
    return await act(bundle.costlyKinds);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function cpuMsOf({ call }: CostlyKind, input: string): Promise<number> {
  const measured = call(input);
  const before = process.cpuUsage();
  await measured();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

interface Candidate {
  input: string;
  ms: number;
}

async function search(
  kind: CostlyKind,
  { random, kept, endTime }: { random: Random; kept: readonly string[]; endTime: number },
): Promise<{ worst: Candidate; tried: number }> {
  const population: Candidate[] = [];
  let tried = 0;
  const attempt = async (input: string): Promise<void> => {
    tried += 1;
    let ms = await cpuMsOf(kind, input);
    const least = population.at(-1)?.ms ?? 0;
    for (let count = 1; count < MEASUREMENTS && (ms > least || population.length < POPULATION); count += 1) {
      ms = Math.min(ms, await cpuMsOf(kind, input));
    }
    if (population.length >= POPULATION && ms <= least) return;
    if (population.some((candidate) => candidate.input === input)) return;
    population.push({ input, ms });
    population.sort((a, b) => b.ms - a.ms);
    population.splice(POPULATION);
  };
  // The first calls compile the code.
  for (const input of kind.seeds) for (let count = 0; count < 20; count += 1) await cpuMsOf(kind, input);
  for (const input of [...kind.seeds, ...kept]) await attempt(input);
  while (performance.now() < endTime) {
    // The worst most often.
    const parent = population[Math.floor(random.next() ** 2 * population.length)]!;
    const other = random.pick(population);
    let { input } = parent;
    for (let count = 1 + random.below(4); count > 0; count -= 1) input = mutated(random, input, other.input, kind);
    await attempt(input.slice(0, kind.maxCharacters));
  }
  return { worst: population[0]!, tried };
}

function mutated(random: Random, input: string, other: string, { tokens, maxCharacters }: CostlyKind): string {
  const at = random.below(input.length + 1);
  const length = 1 + random.below(random.pick([4, 40, 400]));
  const piece = input.slice(at, at + length);
  const insert = (text: string): string => input.slice(0, at) + text + input.slice(at);
  switch (random.below(7)) {
    case 0:
      return insert(random.pick(tokens));
    case 1:
      return insert(random.pick(tokens).repeat(1 + random.below(random.pick([8, 80]))));
    case 2:
      // The same again and again: what is not linear shows.
      return insert(piece.repeat(1 + random.below(random.pick([4, 40]))));
    case 3:
      return input.slice(0, at) + input.slice(at + length);
    case 4:
      return input.slice(0, at) + other.slice(random.below(other.length + 1));
    case 5:
      return input.slice(0, at) + random.pick(tokens) + input.slice(at + 1);
    default:
      return piece === ""
        ? input
        : insert(piece.repeat(Math.max(0, Math.ceil((maxCharacters - input.length) / piece.length))));
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      kind: { type: "string", multiple: true },
      seed: { type: "string" },
      json: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const minutes = Number(values.minutes);
  const kept = JSON.parse(await readFile(KEPT_FILE, "utf8")) as Record<string, string[]>;
  const report = await withKinds(async (kinds): Promise<WorstInputReport> => {
    const names = values.kind ?? Object.keys(kinds);
    const random = randomFromSeed(seed);
    const worst: WorstInput[] = [];
    for (const name of names) {
      const kind = kinds[name];
      if (!kind) throw new Error(`no kind ${name}; there are ${Object.keys(kinds).join(", ")}`);
      const endTime = performance.now() + (minutes * 60_000) / names.length;
      const found = await search(kind, { random, kept: kept[name] ?? [], endTime });
      worst.push({
        kind: name,
        boundMs: kind.boundMs,
        worstMs: Number(found.worst.ms.toFixed(2)),
        tried: found.tried,
        input: found.worst.input,
      });
      console.error(`${name}: ${found.worst.ms.toFixed(2)} ms of ${kind.boundMs}, ${found.tried} tried`);
    }
    return { seed, minutes, worst };
  });
  const json = `${JSON.stringify(report, null, 2)}\n`;
  if (values.json !== undefined) await writeFile(values.json, json);
  if (values.keep) {
    for (const { kind, input } of report.worst) {
      if (input.length <= MAX_SHOWN_CHARACTERS) kept[kind] = [...new Set([input, ...(kept[kind] ?? [])])].slice(0, 4);
    }
    await writeFile(KEPT_FILE, `${JSON.stringify(kept, null, 2)}\n`);
  }
  const over = report.worst.filter(({ worstMs, boundMs }) => worstMs > boundMs);
  for (const { kind, worstMs, boundMs, input } of over) {
    console.error(`OVER: ${kind} ${worstMs} ms (${boundMs}): ${JSON.stringify(input.slice(0, MAX_SHOWN_CHARACTERS))}`);
  }
  process.exitCode = over.length === 0 ? 0 : 1;
}

await main();
