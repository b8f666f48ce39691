// crashEverywhere: runs a method once for each point at which its machine may die, lets it die there, and compares.
import { inspect } from "node:util";
import type { MetadataOfMethod, RequestOf, ResponseOf, TypedMethod } from "../client/method-client";
import type { Method } from "../method/define-method";
import type { JsonObject } from "../rpc/any";
import { played, runOf, startOf } from "./play";
import type { MethodRun, RunMethodOptions } from "./method-run";
import { withSurroundings } from "./surroundings";
import { type FetchCall, type Passage, type Point, type RunObserver, type TestRun, textOfPoint } from "./test-run";
import type { MadeCall } from "./watched-context";

export interface CrashOptions<Response = JsonObject, Metadata = JsonObject> extends RunMethodOptions {
  /**
   * The world that the method changes, as a value that can be printed: a list of what was sent, the rows of a table. It is
   * looked at between steps. Code outside of steps that changes it again when it runs again is not safe to repeat.
   */
  observe?: () => unknown;
  /** Also fails if a step that was interrupted before its result was stored changes the world again. Default false. */
  repeatableSteps?: boolean;
  /** The part of the run that has to be alike. Default: response and error. */
  compare?: (run: MethodRun<Response, Metadata>) => unknown;
}

/** The facts about a method that passed. */
export interface CrashReport<Response = JsonObject, Metadata = JsonObject> {
  /** The points at which it was interrupted, in words, with the lines of the code. */
  points: string[];
  /** The run without an interruption. */
  run: MethodRun<Response, Metadata>;
}

/** More points than this take too long: a smaller request has the same code. */
const MAX_POINTS = 1_000;
const MAX_FINDINGS = 10;

/**
 * Interrupts a method at each point of its work: before, in and after each step, sleep and checkpoint, and at its end. Each
 * time the machine dies there, and another one continues. `options` may be a function that makes a new world for each run.
 *
 * @throws Error naming each interruption after which the method did something else, and the line of the code.
 * @example
 * await crashEverywhere(deliver, request, () => {
 *   const sent: string[] = [];
 *   return { steps: { "deliver *": ({ name }) => sent.push(name) }, observe: () => sent };
 * });
 */
export async function crashEverywhere<M extends Method & TypedMethod>(
  method: M,
  request: RequestOf<M>,
  options:
    | CrashOptions<ResponseOf<M>, MetadataOfMethod<M>>
    | (() => CrashOptions<ResponseOf<M>, MetadataOfMethod<M>>) = {},
): Promise<CrashReport<ResponseOf<M>, MetadataOfMethod<M>>> {
  const newOptions = (typeof options === "function" ? options : () => options) as () => CrashOptions;
  return withSurroundings(async () => {
    const run = (deadly?: number): Promise<Observed> => observed(method, request, { ...newOptions() }, deadly);
    const whole = await run();
    const again = await run();
    if (whole.outcome !== again.outcome) throw new Error(unlike(method, whole, again));
    const { points } = whole;
    if (points.length > MAX_POINTS) {
      throw new Error(
        `crashEverywhere: ${method.id} has ${points.length} points of interruption with this request; at most ${MAX_POINTS} ` +
          "are tried. Take a smaller request.",
      );
    }
    const findings = new Findings();
    findings.add(undefined, findingsOf(whole, whole));
    for (const index of points.keys()) {
      const crashed = await run(index);
      findings.add(crashed.death ?? points[index], findingsOf(crashed, whole));
    }
    if (findings.size > 0) throw new Error(findings.message(method, points.length));
    return { points: points.map(textOfPoint), run: runOf(whole.run) } as CrashReport<
      ResponseOf<M>,
      MetadataOfMethod<M>
    >;
  });
}

/** A run, and what was seen of it. */
interface Observed {
  run: TestRun;
  points: Point[];
  death: Point | undefined;
  /** The part that has to be alike, printed. */
  outcome: string;
  /** On these ways of the method's code the world changed. */
  changes: Passage[];
  fetches: FetchCall[];
  repeatableSteps: boolean;
}

async function observed(
  method: Method,
  request: JsonObject,
  options: CrashOptions,
  deadly: number | undefined,
): Promise<Observed> {
  const { observe, compare = outcomeOf, repeatableSteps = false } = options;
  const look = (): string => (observe ? printed(observe()) : "");
  let world = look();
  const points: Point[] = [];
  const changes: Passage[] = [];
  const fetches: FetchCall[] = [];
  let death: Point | undefined;
  const observer: RunObserver = {
    diesAt: (point) => {
      const isDeadly = death === undefined && points.length === deadly;
      points.push(point);
      if (isDeadly) death = point;
      return isDeadly;
    },
    passed: (passage) => {
      const before = world;
      world = look();
      if (world !== before) changes.push(passage);
    },
    fetchedOutside: (call) => fetches.push(call),
  };
  const run = await played(method, await startOf(method, request, options), options, observer);
  return { run, points, death, outcome: printed(compare(runOf(run))), changes, fetches, repeatableSteps };
}

function outcomeOf({ response, error }: MethodRun): unknown {
  return { response, error: error && { code: error.code, message: error.message } };
}

function printed(value: unknown): string {
  return inspect(value, { depth: 20, maxArrayLength: null, maxStringLength: null, sorted: true, breakLength: 120 });
}

function unlike({ id }: Method, one: Observed, other: Observed): string {
  return (
    `crashEverywhere: two runs of ${id} without an interruption end differently, so that interrupted ones cannot be compared. ` +
    "Mock the steps that differ, make a new world for each run with a function of options, or pass compare.\n" +
    `first:  ${one.outcome}\nsecond: ${other.outcome}`
  );
}

// ── Outcomes that an interruption must not change ───────────────────────────────────────────────────────────────────

function findingsOf(crashed: Observed, whole: Observed): string[] {
  return [
    ...repeatedChanges(crashed),
    ...repeatedFetches(crashed, whole),
    ...otherWays(crashed.run.calls),
    ...repeatedSteps(crashed),
    ...(crashed.outcome === whole.outcome
      ? []
      : [`The operation ends differently.\n    without: ${whole.outcome}\n    with:    ${crashed.outcome}`]),
  ];
}

function repeatedChanges({ changes, repeatableSteps }: Observed): string[] {
  const seen = new Set<string>();
  return changes.flatMap(({ from, to, inSteps, cursor, callCount }) => {
    if (inSteps && !repeatableSteps) return [];
    const key = JSON.stringify([inSteps, cursor, callCount, to.text]);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    if (inSteps) return [`The function of ${textOfPoint(to)} ran again, and what observe() shows changed again.`];
    const place = `Code between ${textOfPoint(from)} and ${textOfPoint(to)}`;
    return [`${place} ran again, and what observe() shows changed again. Put it into a step.`];
  });
}

/** Reading again does no harm. */
function repeatedFetches({ fetches }: Observed, whole: Observed): string[] {
  const repeated = fetches.filter(
    (call) => !/^(?:GET|HEAD) /.test(call.text) && countOf(fetches, call) > countOf(whole.fetches, call),
  );
  return repeated.map((call) => `fetch ${textOfPoint(call)} was called again, outside of a step. Put it into a step.`);
}

function countOf(calls: readonly FetchCall[], { text, site }: FetchCall): number {
  return calls.filter((call) => call.text === text && call.site === site).length;
}

/** Each call of the function makes the calls of the previous one, until it reads what differs. */
function otherWays(calls: readonly (readonly MadeCall[])[]): string[] {
  return calls.slice(1).flatMap((later, index) => {
    const earlier = calls[index] ?? [];
    const length = Math.min(earlier.length, later.length);
    for (let place = 0; place < length; place += 1) {
      const [before, now] = [earlier[place], later[place]];
      if (!before || !now || before.text.startsWith("reading ")) return [];
      if (before.text === now.text) continue;
      return [
        `The function went another way when it was called again: it called ${textOfPoint(now)} where it had called ` +
          `${textOfPoint(before)}. Code between steps must do the same each time: put what differs into a step.`,
      ];
    }
    return [];
  });
}

function repeatedSteps({ run }: Observed): string[] {
  return Array.from(run.steps.runs).flatMap(([name, { runsAfterStored }]) =>
    runsAfterStored === 0 ? [] : [`The step ${JSON.stringify(name)} ran again after its result was stored.`],
  );
}

/** The findings, each once, with the first point of interruption that shows it. */
class Findings {
  readonly #points = new Map<string, string[]>();

  get size(): number {
    return this.#points.size;
  }

  add(point: Point | undefined, findings: readonly string[]): void {
    const text = point ? `Interrupted at ${textOfPoint(point)}` : "Without an interruption";
    for (const finding of new Set(findings)) this.#points.set(finding, [...(this.#points.get(finding) ?? []), text]);
  }

  message({ id }: Method, pointCount: number): string {
    const shown = [...this.#points].slice(0, MAX_FINDINGS).map(([finding, [first = "", ...others]]) => {
      const more = others.length === 0 ? "" : ` (and at ${others.length} other points)`;
      return `${first}${more}:\n  ${finding}`;
    });
    const rest = this.size > MAX_FINDINGS ? [`(${this.size - MAX_FINDINGS} more)`] : [];
    return [`crashEverywhere: ${id} is not safe to interrupt (${pointCount} points tried).`, ...shown, ...rest].join(
      "\n\n",
    );
  }
}
