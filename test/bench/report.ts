// The budgets, and the tables that hold the figures against them.
import { MAX_BUNDLE_GZIP_BYTES, MAX_STARTUP_MS } from "./bundle.ts";
import { COUNTS, type Counts, DIRECT_LIFECYCLES, LIFECYCLES, totals } from "./counts.ts";
import { type Figures, type Measure, type Plan, type Verdict, median } from "./measure.ts";
import type { PowerCut } from "./power-cut.ts";
import {
  BUDGETED,
  BY_DEFAULT,
  type LifecycleOptions,
  PRICES_DATE,
  billOf,
  dollarsPerMillion,
  lifecycleBill,
  waiterAndPoller,
} from "./prices.ts";
import { type Cost, PARALLEL_STEPS, SLEEPS_SECONDS, STEP_COUNTS, type StepFigures } from "./steps.ts";

export interface Results {
  /** By the target's name. */
  rounds: ReadonlyMap<string, readonly Figures[]>;
  verdicts: ReadonlyMap<string, Verdict>;
  fsyncs: ReadonlyMap<string, number | undefined>;
  /** Of targets whose work has steps. */
  steps: ReadonlyMap<string, StepFigures>;
  cuts: ReadonlyMap<string, PowerCut>;
  bundle: { bytes: number; gzipBytes: number };
  /** The time of the bundle's top level, in milliseconds. */
  startupMs: number;
  plan: Plan;
  machine: string;
}

/** More than this cannot be asked of the service than of the floor with its promises, in one run: the rest is noise. */
const FSYNC_TOLERANCE = 0.5;
const MAX_ROWS_WRITTEN = 15;
const MAX_OBJECT_REQUESTS = 5;
const MAX_DOLLARS = { without: 22, with: 27 };
const DIRECT_BUDGETS = { requests: 4, rowsWritten: 10, dollars: 16 };
/**
 * The floors', read off their code: start, add, claim, complete, markDone; record three times, alarm once, index row twice.
 * The bare one tells its index of several ends at once; the other has no call for the end, which comes over its socket, and
 * writes once more that the index has heard. Nothing of either expires.
 */
const FLOOR_COUNTS = {
  requests: ["5", "4"],
  rowsWritten: ["6, no expiry", "7, no expiry"],
  kvWrites: ["0", "0"],
};
/** How many times slower Workflows have to be. */
const MIN_WORKFLOWS_RATIO = 1.5;

const FLOORS = ["floor", "floor with promises"] as const;
type FloorName = (typeof FLOORS)[number];

interface Row {
  measure: Measure;
  label: string;
  digits: number;
  /** At most so many times the floor's; where that cannot be (docs/performance.md), the floor's with the promises. */
  budget?: { ratio: number; of: FloorName };
  /** Whether the comparison with Workflows has a budget. */
  isCompared?: boolean;
}

const ROWS: Row[] = [
  { measure: "getCpu", label: "CPU per get, ms", digits: 2, budget: { ratio: 1.25, of: "floor" }, isCompared: true },
  {
    measure: "coldGetCpu",
    label: "CPU per get, out of memory, ms",
    digits: 2,
    budget: { ratio: 1.25, of: "floor" },
  },
  { measure: "startCpu", label: "CPU per start, ms", digits: 2, budget: { ratio: 1.5, of: "floor" } },
  {
    measure: "lifecycleCpu",
    label: "lifecycle CPU, one at a time, ms",
    digits: 2,
    budget: { ratio: 1.5, of: "floor with promises" },
  },
  {
    measure: "parallelLifecycleCpu",
    label: "lifecycle CPU, eight at a time, ms",
    digits: 2,
    budget: { ratio: 1.5, of: "floor with promises" },
  },
  {
    measure: "doneLatency",
    label: "start → done, one at a time, p50, ms",
    digits: 1,
    budget: { ratio: 1.5, of: "floor" },
  },
  { measure: "reportsCpu", label: "CPU per lifecycle with ten progress reports, ms", digits: 2, isCompared: true },
  { measure: "reportsLatency", label: "the same, start → done, p50, ms", digits: 1, isCompared: true },
  { measure: "cancelLatency", label: "cancel → end seen by its waiter, p50, ms", digits: 1 },
  { measure: "startLatency", label: "start, p50, ms", digits: 1 },
  { measure: "getLatency", label: "get, p50, ms", digits: 1 },
  { measure: "listCpu", label: "CPU per list page of 100, ms", digits: 2 },
  { measure: "throughput", label: "lifecycles per second, eight at a time", digits: 0 },
];

/** Of direct dispatch: at most so many times its floor's, and Workflows so many times slower. */
const MAX_DIRECT_RATIO = 1.5;
const DIRECT_MEASURES: ReadonlySet<Measure> = new Set<Measure>(["lifecycleCpu", "parallelLifecycleCpu", "doneLatency"]);

interface Line {
  cells: string[];
  /** undefined: it has no budget, or was not measured. */
  holds?: boolean | undefined;
}

/** The tables, and the labels of the budgets that do not hold. */
export function report(results: Results): { markdown: string; broken: string[] } {
  const timed = ROWS.map((row) => timedLine(row, results));
  const counted = countedLines(results);
  const stepped = stepLines(results);
  const direct = ROWS.filter(({ measure }) => DIRECT_MEASURES.has(measure)).map((row) => directLine(row, results));
  const broken = [...timed, ...counted, ...stepped, ...direct]
    .filter(({ holds }) => holds === false)
    .map(({ cells }) => cells[0] ?? "");
  const { plan } = results;
  const names = [...results.rounds.keys()];
  const count = results.rounds.get(names[0] ?? "")?.length ?? 0;
  const markdown = [
    `${count} rounds, each target in its turn; in a round ${plan.lifecycles} lifecycles, ${plan.gets} gets and`,
    `${plan.starts} starts, ${plan.concurrency} at a time, and ${plan.oneAtATime} lifecycles one at a time. Median, and the lowest and`,
    `highest round. A ratio is the median of the rounds' own. ${results.machine}.`,
    "",
    table(["", "target", "median (lowest to highest)"], measuredLines(results)),
    "",
    "Ratios:",
    "",
    table(["", ...FLOORS.map((floor) => `service / ${floor}`), "workflows / service", "budget"], timed),
    "",
    "Direct dispatch:",
    "",
    table(
      [
        "",
        `direct / direct floor ≤ ${MAX_DIRECT_RATIO}`,
        `workflows / direct ≥ ${MIN_WORKFLOWS_RATIO}`,
        "workflows / service ≥ 1",
        "all",
      ],
      direct,
    ),
    "",
    table(["", "service", ...FLOORS, "budget"], counted),
    "",
    table(
      ["", ...names],
      [
        verdictLine("operations whose result was looked at", results, ({ operations }) => operations),
        verdictLine("with a wrong result", results, ({ wrong }) => wrong),
        verdictLine("lost", results, ({ lost }) => lost),
        verdictLine("under an id twice, or twice on a page", results, ({ doubled }) => doubled),
        cutLine("in flight at kill -9", results, ({ inFlight }) => String(inFlight)),
        cutLine("of these lost", results, ({ lost }) => String(lost)),
        cutLine("with a wrong result", results, ({ wrong }) => String(wrong)),
        cutLine("run more than once after the restart", results, ({ doubled }) => String(doubled)),
        cutLine("restart → all done, s", results, ({ recoverySeconds }) => recoverySeconds.toFixed(1)),
      ],
    ),
    "",
    "Steps that do nothing, and sleeps, one operation at a time: CPU and time, in milliseconds, without those of an empty",
    "lifecycle. The time of a sleep is what it takes longer than asked for.",
    "",
    table(["", ...[...results.steps.keys()].flatMap((name) => [`${name} CPU`, "time"]), "budget"], stepped),
    "",
    "The effects of each call, held by `test/workers/cost.test.ts`, and its price in dollars per million, the Worker's own",
    "request left out: requests, socket messages and alarms of objects, rows written and read, queue messages, reads and writes",
    "of KV.",
    "",
    table(
      ["", "requests", "messages", "alarms", "written", "read", "queue", "KV read", "KV written", "$"],
      countLines(),
    ),
    "",
    broken.length === 0 ? "All budgets hold." : `Budgets that fail: ${broken.join("; ")}.`,
  ].join("\n");
  return { markdown, broken };
}

/** One line for each measure and target, because a line of all targets would be too wide to read. */
function measuredLines({ rounds }: Results): Line[] {
  return ROWS.flatMap(({ measure, label, digits }) =>
    [...rounds].flatMap(([target, figures]) => {
      const values = figures.map((one) => one[measure]);
      return values.every((value) => value === undefined) ? [] : [{ cells: [label, target, spread(values, digits)] }];
    }),
  );
}

/** The queue's lifecycle has a budget too: no slower than that of Workflows. */
function directLine({ measure, label }: Row, { rounds }: Results): Line {
  const toFloor = ratio(rounds, measure, ["direct", "direct floor"]);
  const toWorkflows = ratio(rounds, measure, ["workflows", "direct"]);
  const ofQueue = ratio(rounds, measure, ["workflows", "service"]);
  const isMeasured = toFloor !== undefined && toWorkflows !== undefined && ofQueue !== undefined;
  const holds = isMeasured
    ? toFloor <= MAX_DIRECT_RATIO && toWorkflows >= MIN_WORKFLOWS_RATIO && ofQueue >= 1
    : undefined;
  const budget = holds === undefined ? "" : holds ? "hold" : "**fail**";
  return {
    cells: [`direct: ${label}`, ...[toFloor, toWorkflows, ofQueue].map((one) => one?.toFixed(2) ?? "–"), budget],
    holds,
  };
}

function timedLine({ measure, label, budget, isCompared = false }: Row, { rounds }: Results): Line {
  const toFloors = FLOORS.map((floor) => [floor, ratio(rounds, measure, ["service", floor])] as const);
  const isFaster = measure !== "throughput";
  const toWorkflows = ratio(rounds, measure, isFaster ? ["workflows", "service"] : ["service", "workflows"]);
  const toFloor = budget && toFloors.find(([floor]) => floor === budget.of)?.[1];
  // A budget without a measurement fails.
  const budgets = [
    ...(budget === undefined || toFloor === undefined
      ? []
      : [{ text: `≤ ${budget.ratio} × ${budget.of}`, holds: toFloor <= budget.ratio }]),
    ...(!isCompared || toWorkflows === undefined
      ? []
      : [{ text: `workflows ≥ ${MIN_WORKFLOWS_RATIO}`, holds: toWorkflows >= MIN_WORKFLOWS_RATIO }]),
  ];
  const holds = budgets.length === 0 ? undefined : budgets.every((one) => one.holds);
  return {
    cells: [
      label,
      ...[...toFloors.map(([, value]) => value), toWorkflows].map((value) => value?.toFixed(2) ?? "–"),
      budgets.map(({ text, holds: one }) => `${text}: ${one ? "holds" : "**fails**"}`).join("; "),
    ],
    holds,
  };
}

/** Of rounds that were side by side: what the machine did meanwhile is in both. */
function ratio(rounds: Results["rounds"], measure: Measure, [above, below]: [string, string]): number | undefined {
  const numerators = rounds.get(above)?.map((figures) => figures[measure]);
  const denominators = rounds.get(below)?.map((figures) => figures[measure]);
  const ratios = numerators?.map((one, round) => (one ?? Number.NaN) / (denominators?.[round] ?? Number.NaN));
  const value = ratios === undefined ? Number.NaN : median(ratios);
  return Number.isNaN(value) ? undefined : value;
}

function spread(values: readonly (number | undefined)[], digits: number): string {
  const known = values.filter((value) => value !== undefined);
  const [low, middle, high] = [Math.min(...known), median(known), Math.max(...known)].map((one) => one.toFixed(digits));
  return `${middle} (${low} to ${high})`;
}

function countedLines({ fsyncs, bundle, startupMs }: Results): Line[] {
  const { requests, rowsWritten, rowsRead } = totals(LIFECYCLES[20]);
  const many = 20;
  const price = (usage: Omit<LifecycleOptions, "dispatch">, dispatch: LifecycleOptions["dispatch"] = "queue"): number =>
    dollarsPerMillion(lifecycleBill({ ...usage, dispatch }));
  const without = price({ ...BUDGETED, snapshots: false });
  const withSnapshots = price({ ...BUDGETED, snapshots: true });
  const byDefault = price({ ...BY_DEFAULT, snapshots: true });
  const direct = totals(DIRECT_LIFECYCLES[20]);
  const { waiter, poller } = waiterAndPoller();
  return [
    budgetLine("object requests per lifecycle", requests / many, MAX_OBJECT_REQUESTS, FLOOR_COUNTS.requests),
    budgetLine("rows written per lifecycle, to expiry", rowsWritten / many, MAX_ROWS_WRITTEN, FLOOR_COUNTS.rowsWritten),
    { cells: ["rows read per lifecycle", (rowsRead / many).toFixed(2), "", "", ""] },
    budgetLine("KV writes per lifecycle", (LIFECYCLES[20].kvWrites ?? 0) / many, 1, FLOOR_COUNTS.kvWrites),
    fsyncLine(fsyncs),
    budgetLine(`$ per million lifecycles, without snapshots, prices of ${PRICES_DATE}`, without, MAX_DOLLARS.without),
    budgetLine("$ per million lifecycles, with snapshots", withSnapshots, MAX_DOLLARS.with),
    {
      cells: [
        "$ per million by default: with snapshots, kept 30 days, requests logged",
        byDefault.toFixed(2),
        "",
        "",
        "",
      ],
    },
    budgetLine("direct: object requests per lifecycle", direct.requests / many, DIRECT_BUDGETS.requests),
    budgetLine("direct: rows written per lifecycle, to expiry", direct.rowsWritten / many, DIRECT_BUDGETS.rowsWritten),
    budgetLine(
      "direct: $ per million lifecycles, without snapshots",
      price({ ...BUDGETED, snapshots: false }, "direct"),
      DIRECT_BUDGETS.dollars,
    ),
    {
      cells: [
        "direct: $ per million lifecycles, with snapshots",
        price({ ...BUDGETED, snapshots: true }, "direct").toFixed(2),
        "",
        "",
        "",
      ],
    },
    { cells: ["$ per million waits of any length", waiter.toFixed(2), "", "", ""] },
    { cells: ["$ per million times ten polls, one a second", poller.toFixed(2), "", "", ""] },
    budgetLine("bundle, minified + gzip, KiB", bundle.gzipBytes / 1_024, MAX_BUNDLE_GZIP_BYTES / 1_024),
    budgetLine("start-up, the top level of the bundle, ms", startupMs, MAX_STARTUP_MS),
  ];
}

function countLines(): Line[] {
  const calls = Object.entries(COUNTS).map(([name, counts]) => [`\`${name}\``, counts] as const);
  const lifecycles = Object.entries(LIFECYCLES).map(
    ([count, counts]) => [`${count} × from start to expiry`, counts] as const,
  );
  const direct = Object.entries(DIRECT_LIFECYCLES).map(
    ([count, counts]) => [`${count} × the same by direct dispatch`, counts] as const,
  );
  return [...calls, ...lifecycles, ...direct].map(([label, counts]: readonly [string, Counts]) => {
    const { requests, messages, alarms, rowsWritten, rowsRead } = totals(counts);
    const { queueMessages = 0, kvReads = 0, kvWrites = 0 } = counts;
    const effects = [requests, messages, alarms, rowsWritten, rowsRead, queueMessages, kvReads, kvWrites];
    const price = dollarsPerMillion(billOf(counts)).toFixed(2);
    return { cells: [label, ...effects.map((count) => (count === 0 ? "" : String(count))), price] };
  });
}

/** A step must cost the same however many went before. */
const MAX_STEP_GROWTH = 1.2;

function stepLines({ steps }: Results): Line[] {
  const line = (label: string, of: (figures: StepFigures) => Cost | undefined): Line => ({
    cells: [
      label,
      ...[...steps.values()].flatMap((figures) => {
        const cost = of(figures);
        return [cost?.cpuMs.toFixed(2) ?? "–", cost?.ms.toFixed(2) ?? "–"];
      }),
      "",
    ],
  });
  const service = steps.get("service");
  const growth = service && service.last.cpuMs / service.first.cpuMs;
  const holds = growth === undefined ? undefined : growth <= MAX_STEP_GROWTH;
  const last = line("last 100 of 1,000", (figures) => figures.last);
  const budget = `≤ ${MAX_STEP_GROWTH} × first${verdict(holds)}`;
  return [
    ...STEP_COUNTS.map((count) =>
      line(`a step of ${count.toLocaleString("en")}`, (figures) => figures.steps.get(count)),
    ),
    line("first 100 of 1,000", (figures) => figures.first),
    { cells: [...last.cells.slice(0, -1), budget], holds },
    line(`each of ${PARALLEL_STEPS} steps side by side`, (figures) => figures.parallel),
    ...SLEEPS_SECONDS.map((seconds) => line(`a sleep of ${seconds} s`, (figures) => figures.sleeps.get(seconds))),
  ];
}

function fsyncLine(fsyncs: Results["fsyncs"]): Line {
  const [service, ...floors] = ["service", ...FLOORS].map((name) => fsyncs.get(name));
  const floor = floors.at(-1);
  const holds = service === undefined || floor === undefined ? undefined : service <= floor + FSYNC_TOLERANCE;
  return {
    cells: [
      "fsyncs per lifecycle, local runtime",
      ...[service, ...floors].map((count) => count?.toFixed(1) ?? "not measured: no strace"),
      `≤ the floor with promises${verdict(holds)}`,
    ],
    holds,
  };
}

function budgetLine(label: string, figure: number, max: number, floors: readonly string[] = ["", ""]): Line {
  const holds = figure <= max;
  return { cells: [label, figure.toFixed(2), ...floors, `≤ ${max}${verdict(holds)}`], holds };
}

function verdict(holds: boolean | undefined): string {
  return holds === undefined ? "" : holds ? ": holds" : ": **fails**";
}

function verdictLine(label: string, { verdicts }: Results, figure: (verdict: Verdict) => number): Line {
  return { cells: [label, ...[...verdicts.values()].map((one) => figure(one).toLocaleString("en"))] };
}

function cutLine(label: string, { cuts }: Results, figure: (cut: PowerCut) => string): Line {
  return { cells: [label, ...[...cuts.values()].map(figure)] };
}

function table(header: readonly string[], lines: readonly Line[]): string {
  return [header, header.map(() => "---"), ...lines.map(({ cells }) => cells)]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
