// The budgets, and the tables that hold the figures against them.
import { MAX_BUNDLE_GZIP_BYTES } from "./bundle.ts";
import { LIFECYCLES, totals } from "./counts.ts";
import { type Figures, type Measure, type Plan, type Verdict, median } from "./measure.ts";
import type { PowerCut } from "./power-cut.ts";
import { BUDGETED, PRICES_DATE, dollarsPerMillion, lifecycleBill, waiterAndPoller } from "./prices.ts";

export interface Results {
  /** By the target's name. */
  rounds: ReadonlyMap<string, readonly Figures[]>;
  verdicts: ReadonlyMap<string, Verdict>;
  fsyncs: ReadonlyMap<string, number | undefined>;
  cuts: ReadonlyMap<string, PowerCut>;
  bundle: { bytes: number; gzipBytes: number };
  plan: Plan;
  machine: string;
}

const MAX_FSYNCS = 13;
const MAX_ROWS_WRITTEN = 15;
const MAX_OBJECT_REQUESTS = 5;
const MAX_DOLLARS = { without: 22, with: 27 };
/**
 * The floor's, read off its code: start, add, claim, complete, markDone; record three times, alarm once, index row twice.
 * Its index is told of several ends at once, and nothing of it expires.
 */
const FLOOR = { requests: "5", rowsWritten: "6, nothing expires", kvWrites: "0" };
/** How many times slower Workflows have to be. */
const MIN_WORKFLOWS_RATIO = 1.5;

interface Row {
  measure: Measure;
  label: string;
  digits: number;
  /** At most so many times the floor's. */
  maxFloorRatio?: number;
  /** Whether the comparison with Workflows has a budget. */
  isCompared?: boolean;
}

const ROWS: Row[] = [
  { measure: "getCpu", label: "CPU per get, ms", digits: 2, maxFloorRatio: 1.25, isCompared: true },
  { measure: "startCpu", label: "CPU per start, ms", digits: 2, maxFloorRatio: 1.5, isCompared: true },
  { measure: "lifecycleCpu", label: "CPU per lifecycle, ms", digits: 2, maxFloorRatio: 1.5, isCompared: true },
  {
    measure: "doneLatency",
    label: "start → done seen by its waiter, p50, ms",
    digits: 1,
    maxFloorRatio: 1.5,
    isCompared: true,
  },
  { measure: "reportsCpu", label: "CPU per lifecycle with ten progress reports, ms", digits: 2 },
  { measure: "reportsLatency", label: "the same, start → done, p50, ms", digits: 1 },
  { measure: "startLatency", label: "start, p50, ms", digits: 1 },
  { measure: "getLatency", label: "get, p50, ms", digits: 1 },
  { measure: "listCpu", label: "CPU per list page of 100, ms", digits: 2 },
  { measure: "throughput", label: "lifecycles per second", digits: 0 },
];

interface Line {
  cells: string[];
  /** undefined: it has no budget, or was not measured. */
  holds?: boolean | undefined;
}

/** The tables, and the labels of the budgets that do not hold. */
export function report(results: Results): { markdown: string; broken: string[] } {
  const timed = ROWS.map((row) => timedLine(row, results));
  const counted = countedLines(results);
  const broken = [...timed, ...counted].filter(({ holds }) => holds === false).map(({ cells }) => cells[0] ?? "");
  const { plan } = results;
  const names = [...results.rounds.keys()];
  const count = results.rounds.get(names[0] ?? "")?.length ?? 0;
  const markdown = [
    `${count} rounds, each target in its turn; in a round ${plan.lifecycles} lifecycles, ${plan.gets} gets and`,
    `${plan.starts} starts, ${plan.concurrency} at a time, and ${plan.oneAtATime} lifecycles one at a time. Median, and the lowest and`,
    `highest round. A ratio is the median of the rounds' own. ${results.machine}.`,
    "",
    table(["", ...names, "service / floor", "workflows / service", "budget"], timed),
    "",
    table(["", "service", "floor", "budget"], counted),
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
    broken.length === 0 ? "All budgets hold." : `Budgets that do not hold: ${broken.join("; ")}.`,
  ].join("\n");
  return { markdown, broken };
}

function timedLine({ measure, label, digits, maxFloorRatio, isCompared = false }: Row, { rounds }: Results): Line {
  const toFloor = ratio(rounds, measure, ["service", "floor"]);
  const isFaster = measure !== "throughput";
  const toWorkflows = ratio(rounds, measure, isFaster ? ["workflows", "service"] : ["service", "workflows"]);
  // What was not measured holds no budget.
  const budgets = [
    ...(maxFloorRatio === undefined || toFloor === undefined
      ? []
      : [{ text: `≤ ${maxFloorRatio} × floor`, holds: toFloor <= maxFloorRatio }]),
    ...(!isCompared || toWorkflows === undefined
      ? []
      : [{ text: `workflows ≥ ${MIN_WORKFLOWS_RATIO} ×`, holds: toWorkflows >= MIN_WORKFLOWS_RATIO }]),
  ];
  const holds = budgets.length === 0 ? undefined : budgets.every((budget) => budget.holds);
  return {
    cells: [
      label,
      ...[...rounds.values()].map((figures) =>
        spread(
          figures.map((one) => one[measure]),
          digits,
        ),
      ),
      toFloor === undefined ? "–" : toFloor.toFixed(2),
      toWorkflows === undefined ? "–" : toWorkflows.toFixed(2),
      budgets.map(({ text, holds: one }) => `${text}: ${one ? "holds" : "**does not hold**"}`).join("; "),
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
  if (known.length === 0) return "–";
  const [low, middle, high] = [Math.min(...known), median(known), Math.max(...known)].map((one) => one.toFixed(digits));
  return `${middle} (${low} to ${high})`;
}

function countedLines({ fsyncs, bundle }: Results): Line[] {
  const { requests, rowsWritten, rowsRead } = totals(LIFECYCLES[20]);
  const many = 20;
  const without = dollarsPerMillion(lifecycleBill({ ...BUDGETED, snapshots: false }));
  const withSnapshots = dollarsPerMillion(lifecycleBill({ ...BUDGETED, snapshots: true }));
  const { waiter, poller } = waiterAndPoller();
  const serviceFsyncs = fsyncs.get("service");
  const floorFsyncs = fsyncs.get("floor");
  const unknown = "not measured: no strace";
  return [
    budgetLine("object requests per lifecycle", {
      figure: requests / many,
      max: MAX_OBJECT_REQUESTS,
      floor: FLOOR.requests,
    }),
    budgetLine("rows written per lifecycle, creation to expiry", {
      figure: rowsWritten / many,
      max: MAX_ROWS_WRITTEN,
      floor: FLOOR.rowsWritten,
    }),
    { cells: ["rows read per lifecycle", (rowsRead / many).toFixed(2), "", ""] },
    budgetLine("KV writes per lifecycle", {
      figure: (LIFECYCLES[20].kvWrites ?? 0) / many,
      max: 1,
      floor: FLOOR.kvWrites,
    }),
    {
      cells: [
        "fsyncs per lifecycle, local runtime",
        serviceFsyncs?.toFixed(1) ?? unknown,
        floorFsyncs?.toFixed(1) ?? unknown,
        `≤ ${MAX_FSYNCS}${verdict(serviceFsyncs === undefined ? undefined : serviceFsyncs <= MAX_FSYNCS)}`,
      ],
      holds: serviceFsyncs === undefined ? undefined : serviceFsyncs <= MAX_FSYNCS,
    },
    budgetLine(`$ per million lifecycles, without snapshots, at the prices of ${PRICES_DATE}`, {
      figure: without,
      max: MAX_DOLLARS.without,
      floor: "",
    }),
    budgetLine("$ per million lifecycles, with snapshots", { figure: withSnapshots, max: MAX_DOLLARS.with, floor: "" }),
    { cells: ["$ per million waits of any length", waiter.toFixed(2), "", ""] },
    { cells: ["$ per million times ten polls, one a second", poller.toFixed(2), "", ""] },
    budgetLine("bundle, minified + gzip, KiB", {
      figure: bundle.gzipBytes / 1_024,
      max: MAX_BUNDLE_GZIP_BYTES / 1_024,
      floor: "",
    }),
  ];
}

function budgetLine(label: string, { figure, max, floor }: { figure: number; max: number; floor: string }): Line {
  const holds = figure <= max;
  return { cells: [label, figure.toFixed(2), floor, `≤ ${max}${verdict(holds)}`], holds };
}

function verdict(holds: boolean | undefined): string {
  return holds === undefined ? "" : holds ? ": holds" : ": **does not hold**";
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
