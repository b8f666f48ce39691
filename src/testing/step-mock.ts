// Steps under test: what runs in place of a step's function.
import { type DurationText, durationTextToMs } from "../aip/duration";

/** A call of a step that is mocked. */
export interface StepCall {
  readonly name: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** How often this step's function has been called in this operation, this time included. */
  readonly runs: number;
  /** Aborted by the step's timeout, and whenever `op.signal` is. */
  readonly signal: AbortSignal;
  /** Runs the step's own function. */
  run(this: void): Promise<unknown>;
  /** A client cancels the operation. */
  cancel(this: void): void;
  /** The machine dies: nothing of this attempt continues, and the next one begins. */
  die(this: void): Promise<never>;
}

/** A step's result, or a function that is called in place of the step's own. */
export type StepMock = ((call: StepCall) => unknown) | Takes | string | number | boolean | null | object;

/** Mocks by the step's name. A `*` stands for any text: `"deliver *"`. */
export type StepMocks = Readonly<Record<string, StepMock>>;

/** A step that takes time by the test's clock. */
export class Takes {
  readonly ms: number;
  readonly mock: StepMock | undefined;

  constructor(ms: number, mock: StepMock | undefined) {
    this.ms = ms;
    this.mock = mock;
  }
}

/**
 * A step that takes this long, by the test's clock, and then has the result of `mock`; without one, that of its own function.
 * @example steps: { "deliver 0": takes("90s", 200) }
 */
export function takes(duration: DurationText, mock?: StepMock): Takes {
  const ms = durationTextToMs(duration);
  if (ms === undefined) throw new TypeError(`takes: ${JSON.stringify(duration)} is no duration; write "90s", "1h"`);
  return new Takes(ms, mock);
}

/** A step that never ends. */
export const hangs = new Takes(Infinity, undefined);

/** The mock of a step: of its exact name, or else of the first pattern that matches. */
export function mockOf(mocks: StepMocks, name: string): { pattern: string; mock: StepMock } | undefined {
  if (Object.hasOwn(mocks, name)) return { pattern: name, mock: mocks[name] as StepMock };
  for (const [pattern, mock] of Object.entries(mocks)) if (matches(pattern, name)) return { pattern, mock };
  return undefined;
}

function matches(pattern: string, name: string): boolean {
  if (!pattern.includes("*")) return false;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(name);
}
