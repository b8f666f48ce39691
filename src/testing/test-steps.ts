// The steps of a run: their mocks, and how often each function has run.
import { STEP_TIMED_OUT } from "../queue/step-try";
import type { RpcError } from "../rpc/error";
import type { Activity } from "./activity";
import { type MemoryChannel, never } from "./memory-channel";
import { type StepMock, type StepMocks, Takes, mockOf } from "./step-mock";
import type { TestClock } from "./test-clock";
import type { MadeCall } from "./watched-context";

export interface StepRuns {
  runs: number;
  /** Of them, after the result was stored. */
  runsAfterStored: number;
}

interface StepsPorts {
  clock: TestClock;
  cancel(this: void): void;
  /** The method's code has come to a point: a step's function begins, or has ended. */
  passes(this: void, point: MadeCall): void;
  isStored(this: void, name: string): boolean;
  within<T>(this: void, work: () => T): T;
}

interface Runner {
  channel: MemoryChannel;
  activity: Activity;
  /** Aborted when the step's time is over. */
  signal: AbortSignal;
}

export class TestSteps {
  readonly runs = new Map<string, StepRuns>();
  readonly usedMocks = new Set<string>();
  readonly #mocks: StepMocks;
  readonly #ports: StepsPorts;
  readonly #running = new Set<string>();

  constructor(mocks: StepMocks, ports: StepsPorts) {
    this.#mocks = mocks;
    this.#ports = ports;
  }

  /** The names of the steps whose functions run. */
  get running(): string[] {
    return [...this.#running];
  }

  async run<T>(name: string, work: () => Promise<T>, runner: Runner): Promise<T> {
    if (!runner.channel.isAlive) return never();
    const { clock } = this.#ports;
    const counts = this.runs.get(name) ?? { runs: 0, runsAfterStored: 0 };
    const again = this.#ports.isStored(name) ? 1 : 0;
    this.runs.set(name, { runs: counts.runs + 1, runsAfterStored: counts.runsAfterStored + again });
    const mocked = mockOf(this.#mocks, name);
    if (mocked) this.usedMocks.add(mocked.pattern);
    const mock = mocked?.mock;
    if (!(mock instanceof Takes)) return (await this.#call(name, mock, work, runner)) as T;
    const ends = runner.activity.virtualStepBegins();
    runner.signal.addEventListener("abort", () => {
      // A step whose operation is stopped may still hang.
      if ((runner.signal.reason as RpcError).reason === STEP_TIMED_OUT) ends();
    });
    await new Promise<void>((resolve) => void clock.after(mock.ms, resolve));
    ends();
    if (!runner.channel.isAlive) return never();
    return (await this.#call(name, mock.mock, work, runner)) as T;
  }

  /** The function runs in real time. */
  async #call(
    name: string,
    mock: StepMock | undefined,
    work: () => Promise<unknown>,
    runner: Runner,
  ): Promise<unknown> {
    const { channel, activity, signal } = runner;
    this.#ports.passes({ text: `the function of step ${JSON.stringify(name)}`, site: undefined });
    const ends = activity.stepBegins();
    this.#running.add(name);
    const { promise: death, resolve: died } = Promise.withResolvers<void>();
    const die = (): Promise<never> => {
      channel.die();
      died();
      return never();
    };
    const { runs = 1 } = this.runs.get(name) ?? {};
    const call = { name, attempt: channel.claimed.attempt, runs, signal, run: work, cancel: this.#ports.cancel, die };
    const result = this.#ports.within(async () => {
      if (mock === undefined) return work();
      return typeof mock === "function" ? (mock as (given: typeof call) => unknown)(call) : mock;
    });
    try {
      await Promise.race([result.catch(() => undefined), death]);
    } finally {
      this.#ports.passes({ text: `step ${JSON.stringify(name)}`, site: undefined });
      this.#running.delete(name);
      ends();
    }
    return channel.isAlive ? result : never();
  }
}
