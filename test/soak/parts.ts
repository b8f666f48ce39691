// The parts of the soak: what each runs, and what of its figures is kept.
import type { AgentsSummary } from "../chaos/agents.ts";
import type { ChaosSummary } from "../chaos/chaos-run.ts";
import type { WorstInputReport } from "../chaos/worst-input.ts";
import type { FuzzSummary } from "../chaos/fuzz-run.ts";
import type { MutantsReport } from "../mutants/mutants.ts";
import type { SimulationReport } from "../simulation/simulate.ts";

export const partNames = ["simulation", "mutants", "chaos", "agents", "fuzz", "guarded", "worstInput"] as const;
export type PartName = (typeof partNames)[number];

/** How much of each is asked for. */
export interface Amounts {
  histories: number;
  rounds: number;
  requests: number;
  minutes: number;
}

/** The figures of a part, ready to be written down, in their order. */
export interface Figures {
  passed: boolean;
  figures: Record<string, string>;
  /** Tables below the figures, as Markdown. */
  details: string[];
}

interface Part {
  title: string;
  arguments(amounts: Amounts): string[];
  figures(summary: unknown): Figures;
}

const MIB = 1_048_576;
const thousands = new Intl.NumberFormat("en-US");

export function grouped(count: number): string {
  return thousands.format(count);
}

export const parts: Record<PartName, Part> = {
  simulation: {
    title: "Deterministic simulation",
    arguments: ({ histories }) => ["test/simulation/simulate.ts", "--histories", String(histories)],
    figures: (summary) => simulationFigures(summary as SimulationReport),
  },
  mutants: {
    title: "Deliberate bugs",
    arguments: () => ["test/mutants/mutants.ts"],
    figures: (summary) => mutantsFigures(summary as MutantsReport),
  },
  chaos: {
    title: "Killing the real server under load",
    arguments: ({ rounds }) => ["test/chaos/chaos.ts", "--rounds", String(rounds)],
    figures: (summary) => chaosFigures(summary as ChaosSummary),
  },
  agents: {
    title: "Killing the real server under an agent's tasks",
    arguments: () => ["test/chaos/agents.ts", "--tasks", "1000", "--kills", "20"],
    figures: (summary) => agentsFigures(summary as AgentsSummary),
  },
  fuzz: {
    title: "Hostile input on every route",
    arguments: ({ requests }) => ["test/chaos/fuzz.ts", "--requests", String(requests)],
    figures: (summary) => fuzzFigures(summary as FuzzSummary),
  },
  guarded: {
    title: "Hostile input with authentication on",
    arguments: ({ requests }) => ["test/chaos/fuzz.ts", "--guarded", "--requests", String(requests)],
    figures: (summary) => fuzzFigures(summary as FuzzSummary),
  },
  worstInput: {
    title: "The input that costs most CPU",
    arguments: ({ minutes }) => ["test/chaos/worst-input.ts", "--minutes", String(minutes)],
    figures: (summary) => worstInputFigures(summary as WorstInputReport),
  },
};

function simulationFigures({ histories, events, failed, first, coverage }: SimulationReport): Figures {
  const occurred = (kind: string): [string, number][] =>
    Object.entries(coverage)
      .filter(([key]) => key.startsWith(`${kind}: `))
      .map(([key, count]) => [key.slice(kind.length + 2), count]);
  const rarest = (kind: string): string => {
    const [name, count] = occurred(kind).toSorted(([, a], [, b]) => a - b)[0] ?? ["none", 0];
    return `${occurred(kind).length}, the rarest ${grouped(count)} times (${name})`;
  };
  const faults = occurred("fault");
  return {
    passed: failed.length === 0,
    figures: {
      histories: grouped(histories),
      "first seed": String(first),
      "events, the invariants checked after each": grouped(events),
      "histories that broke an invariant": grouped(failed.length),
      "lifecycle transitions that occurred": rarest("transition"),
      "faults injected": grouped(faults.reduce((sum, [, count]) => sum + count, 0)),
    },
    details: [
      table(
        ["fault", "times"],
        faults.map(([fault, count]) => [fault, grouped(count)]),
      ),
    ],
  };
}

function mutantsFigures({ bugs }: MutantsReport): Figures {
  const caught = bugs.filter((bug) => bug.caught);
  return {
    passed: caught.length === bugs.length,
    figures: { "deliberate bugs": String(bugs.length), caught: String(caught.length) },
    details: [
      // No table: its rows would be too wide to be read as text.
      bugs
        .map(
          ({ name, file, tests, caught: isCaught }) =>
            `- ${name}\n  (\`${file}\`): ${isCaught ? tests : "**survived**"}`,
        )
        .join("\n"),
    ],
  };
}

function chaosFigures({ seed, violations, ...counts }: ChaosSummary): Figures {
  return {
    passed: violations.length === 0,
    figures: { ...counted(counts), violations: String(violations.length), seed: String(seed) },
    details: [],
  };
}

function agentsFigures({ seed, violations, ...counts }: AgentsSummary): Figures {
  return {
    passed: violations.length === 0,
    figures: { ...counted(counts), violations: String(violations.length), seed: String(seed) },
    details: [],
  };
}

function fuzzFigures({ seed, violations, outcomes, memory, refusals, ...counts }: FuzzSummary): Figures {
  const memoryOf = (kind: "resident" | "heap"): string =>
    memory ? `${memory.map((look) => (look[kind] / MIB).toFixed(1)).join(", ")} MiB after each fifth` : "not measured";
  return {
    passed: violations.length === 0,
    figures: {
      ...counted(counts),
      "resident memory": memoryOf("resident"),
      "heap of the Worker and its objects": memoryOf("heap"),
      ...(refusals
        ? {
            "CPU of a refused request": `${refusals.meanCpuMs} ms, at most ${refusals.worstCpuMs} ms (${refusals.requests} measured one by one)`,
          }
        : {}),
      violations: String(violations.length),
      seed: String(seed),
    },
    details: [
      table(
        ["the outcome of a request", "times"],
        Object.entries(outcomes).map(([outcome, count]) => [outcome, grouped(count)]),
      ),
    ],
  };
}

function worstInputFigures({ seed, minutes, worst }: WorstInputReport): Figures {
  return {
    passed: worst.every(({ worstMs, boundMs }) => worstMs <= boundMs),
    figures: { minutes: String(minutes), seed: String(seed) },
    details: [
      table(
        ["evaluator", "inputs tried", "CPU of the worst", "bound"],
        worst.map(({ kind, tried, worstMs, boundMs }) => [kind, grouped(tried), `${worstMs} ms`, `${boundMs} ms`]),
      ),
    ],
  };
}

/** Counts under their own names: `requestsAnswered` is "requests answered". */
function counted(counts: object): Record<string, string> {
  const numbers = Object.entries(counts).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return Object.fromEntries(
    numbers.map(([name, count]) => [name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), grouped(count)]),
  );
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
