// One thread of the simulation: it plays histories one after another until it is told to stop, or one scenario.
import { parentPort, workerData } from "node:worker_threads";
import { Coverage } from "./coverage";
import { replaceGlobals } from "./globals";
import { runHistory } from "./history";
import { type ScenarioResults, playScenario } from "./scenarios";

/** Which seeds. */
export interface Assignment {
  first: number;
  count: number;
  trace: boolean;
  /** How many failures are enough. */
  maxFailures: number;
  /** Faults that are not played. */
  without: readonly string[];
}

export interface FailedHistory {
  seed: number;
  violations: string[];
  trace: string[];
}

export interface ThreadReport {
  histories: number;
  events: number;
  failed: FailedHistory[];
  coverage: Record<string, number>;
  trace: string[];
}

const MAX_TRACE_LINES = 60;

export type ThreadMessage = { progress: number } | { report: ThreadReport } | { scenario: object };

function tell(message: ThreadMessage): void {
  // A thread has no origin.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage(message);
}

replaceGlobals();
const assignment = workerData as Assignment | { scenario: keyof ScenarioResults };
if ("scenario" in assignment) tell({ scenario: await playScenario(assignment.scenario) });
else tell({ report: await playHistories(assignment) });

async function playHistories({
  first,
  count,
  trace: isTraced,
  maxFailures,
  without,
}: Assignment): Promise<ThreadReport> {
  const milestone = 500;
  // A stack takes longer to write down than most of what is thrown; a replay has them.
  Error.stackTraceLimit = isTraced ? 20 : 0;
  const coverage = new Coverage();
  const report: ThreadReport = { histories: 0, events: 0, failed: [], coverage: {}, trace: [] };
  for (let seed = first; seed < first + count && report.failed.length < maxFailures; seed += 1) {
    const lines: string[] = [];
    const { events, violations } = await runHistory(seed, coverage, {
      without,
      trace: isTraced ? (line) => lines.push(line) : undefined,
    });
    report.histories += 1;
    report.events += events;
    if (isTraced) report.trace.push(...lines);
    if (report.histories % milestone === 0) tell({ progress: milestone });
    if (violations.length === 0) continue;
    // The same seed gives the same history: this time every line of it is written down.
    if (!isTraced) await runHistory(seed, new Coverage(), { without, trace: (line) => lines.push(line) });
    report.failed.push({
      seed,
      violations: violations.map(({ message }) => message),
      trace: lines.slice(-MAX_TRACE_LINES),
    });
  }
  report.coverage = coverage.toJSON();
  return report;
}
