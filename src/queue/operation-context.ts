// A method's view of its operation while it runs: OperationContext, over ports.
import { type DurationText, durationTextToMs } from "../aip/duration";
import { MAX_TIMEOUT_MS } from "../limits";
import type { Child, ChildOutcome, JoinOptions } from "../method/child";
import type { JsonOf } from "../method/json-of";
import type { OperationCaller, OperationContext, MapOptions, StepContext, StepOptions } from "../method/method";
import type { Suspension, SuspensionOptions } from "../method/suspension";
import { misuse } from "../method/misuse";
import type { AttemptMemory } from "../lifecycle/record";
import type { Claimed, News, ProgressMessage } from "../contract/run-channel";
import type { Json, JsonObject } from "../rpc/any";
import { Checkpoints } from "./checkpoints";
import type { Children } from "./children";
import type { FailedStep } from "./failures";
import { type Ending, Invocation } from "./invocation";
import { OutputWriter } from "./output-writer";
import { ProgressReporter } from "./progress-reporter";
import type { RunPorts } from "./run-ports";
import type { AskedSleep } from "./sleeps";
import { Steps } from "./steps";

export class RunContext implements OperationContext {
  readonly name: string;
  readonly createTime: Date;
  readonly deadline: Date;
  readonly caller: OperationCaller | undefined;
  readonly traceparent: string | undefined;
  readonly inputBytes: number;
  readonly #ended = Promise.withResolvers<Ending>();
  readonly #claimed: Claimed;
  readonly #ports: RunPorts;
  #made: { invocation: Invocation; steps: Steps; checkpoints: Checkpoints } | undefined;
  #isClosed = false;
  readonly #reporter: ProgressReporter;
  readonly #output: OutputWriter;
  #input: ReadableStream<Uint8Array> | undefined;

  constructor(claimed: Claimed, ports: RunPorts) {
    this.name = claimed.name;
    this.createTime = new Date(claimed.createTime);
    this.deadline = new Date(claimed.deadline);
    this.caller = claimed.caller;
    this.traceparent = claimed.traceparent;
    this.inputBytes = claimed.inputBytes ?? 0;
    this.#input = ports.input;
    this.#reporter = new ProgressReporter({
      now: ports.now,
      send: ports.sendProgress,
      hasDefaultMetadata: ports.hasDefaultMetadata,
    });
    this.#output = new OutputWriter(claimed, ports);
    this.#claimed = claimed;
    this.#ports = ports;
  }

  /** Made for a handler that asks for one of them: many just return. */
  get #parts() {
    if (!this.#made) {
      const invocation = new Invocation(this.#claimed, this.#ports, this.#ended.resolve);
      this.#made = { invocation, steps: new Steps(invocation), checkpoints: new Checkpoints(invocation) };
      if (this.#isClosed) invocation.close();
    }
    return this.#made;
  }

  get #invocation(): Invocation {
    return this.#parts.invocation;
  }

  /** A handler that knows its attempt may sleep differently in each: its sleeps belong to the attempt from here on. */
  get attempt(): number {
    this.#invocation.sleeps.areOfAttempt();
    return this.#invocation.claimed.attempt;
  }

  get signal(): AbortSignal {
    return this.#invocation.signal.abortSignal;
  }

  get resumeFrom(): Json | undefined {
    if (this.#claimed.checkpoint !== undefined) this.#output.goesOn();
    return this.#parts.checkpoints.resumeFrom;
  }

  get input(): ReadableStream<Uint8Array> {
    this.#input ??= new ReadableStream({ start: (controller) => controller.close() });
    return this.#input;
  }

  progress(report: JsonObject & { statusMessage?: string }): void {
    if (this.#invocation.isClosed) return;
    this.#invocation.orMisuse(() => this.#reporter.report(report));
  }

  write(text: string): void {
    if (this.#invocation.isClosed) return;
    this.#invocation.orMisuse(() => this.#output.write(text));
  }

  log(message: string, fields: JsonObject = {}): void {
    this.#invocation.log(message, fields);
  }

  step<T>(name: string, run: (step: StepContext) => T | Promise<T>, options: StepOptions = {}): Promise<JsonOf<T>> {
    this.#output.called("step", name);
    return this.#parts.steps.step(name, run, options);
  }

  map<Item, T>(
    items: readonly Item[],
    run: (item: Item, step: StepContext) => T | Promise<T>,
    options: MapOptions<Item> = {},
  ): Promise<JsonOf<T>[]> {
    return this.#parts.steps.map(items, run, options);
  }

  checkpoint(cursor: Json): Promise<void> {
    return this.#parts.checkpoints.checkpoint(cursor);
  }

  // ── Sleeps ────────────────────────────────────────────────────────────────────────────────────────────────────────

  sleep(...parameters: [duration: DurationText] | [name: string, duration: DurationText]): Promise<void> {
    const [name, duration] = parameters.length === 1 ? [undefined, parameters[0]] : parameters;
    return this.#sleep(name, () => {
      const ms = typeof duration === "string" ? durationTextToMs(duration) : undefined;
      if (ms === undefined || ms > MAX_TIMEOUT_MS) {
        throw misuse(
          `op.sleep takes a number and a unit ("90s", "1h"), 366 days at most, and may have a name before it; not ${quoted(duration)}`,
        );
      }
      return { wakeTime: this.#invocation.ports.now() + ms, ms };
    });
  }

  sleepUntil(...parameters: [time: Date] | [name: string, time: Date]): Promise<void> {
    const [name, time] = parameters.length === 1 ? [undefined, parameters[0]] : parameters;
    return this.#sleep(name, () => {
      const wakeTime = time instanceof Date ? time.getTime() : Number.NaN;
      if (Number.isNaN(wakeTime)) throw misuse("op.sleepUntil takes a valid Date, and may have a name before it");
      return { wakeTime };
    });
  }

  #sleep(name: unknown, asked: () => AskedSleep): Promise<void> {
    // A loop that continues from a cursor does not reach the earlier sleeps again, so this is a different one.
    this.#output.called("sleep", name);
    const isNew = name === undefined && this.#parts.checkpoints.haveMovedOn;
    return this.#pending(() => this.#invocation.sleeps.set(name, asked(), isNew));
  }

  // ── Suspensions ───────────────────────────────────────────────────────────────────────────────────────────────────

  suspend<T = Json>(name: string, options: SuspensionOptions<T> = {}): Promise<T> {
    this.#output.called("suspension", name);
    return this.#pending(() => this.#invocation.suspensions.reach(name, options, { hasLink: false }).wait.promise);
  }

  suspension<T = Json>(name: string, options: SuspensionOptions<T> = {}): Promise<Suspension<T>> {
    this.#output.called("suspension", name);
    const { replay, suspensions } = this.#invocation;
    return new Promise<Suspension<T>>((resolve) => {
      if (replay.isClosed) return;
      const reached = this.#invocation.orMisuse(() => suspensions.reach(name, options, { hasLink: true }));
      // As a checkpoint: the handler continues from it before anything else is delivered, in a replay as at first.
      replay.checkpointBegins();
      void this.#saveSuspension(() => resolve(reached.handle()));
    });
  }

  async #saveSuspension(deliver: () => void): Promise<void> {
    const { ports, replay, suspensions } = this.#invocation;
    try {
      const isStopped =
        suspensions.hasUnsaved &&
        (await ports.save({ type: "saveSuspensions", ...this.#invocation.takeMemory() })) === "stopped";
      if (isStopped) return;
    } catch (error) {
      return this.#invocation.fail(error);
    }
    replay.checkpointEnds({ isLate: this.#invocation.isLate, deliver });
  }

  // ── Child operations ──────────────────────────────────────────────────────────────────────────────────────────────

  start(...parameters: Parameters<Children["start"]>): Promise<Child<never>> {
    this.#output.called("start");
    return this.#invocation.children.start(...parameters) as Promise<Child<never>>;
  }

  join(children: readonly Child<unknown>[], options: JoinOptions = {}): Promise<ChildOutcome<never>[]> {
    return this.#pending(() => this.#invocation.children.join(children, options)) as Promise<ChildOutcome<never>[]>;
  }

  async call(...parameters: Parameters<Children["start"]>): Promise<never> {
    const [outcome] = await this.join([await this.start(...parameters)]);
    if (outcome?.error) throw outcome.error;
    return outcome?.response as never;
  }

  /** Stays pending in an invocation that is over. Rejects for a misuse. */
  #pending<T>(call: () => Promise<T>): Promise<T> {
    if (this.#invocation.isClosed) return new Promise<T>(() => {});
    try {
      return this.#invocation.orMisuse(call);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  // ── For the attempt ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Resolves if the invocation ends before its handler. From then on everything that the handler awaits stays pending.
   */
  get ended(): Promise<Ending> {
    return this.#ended.promise;
  }

  takeProgress(): ProgressMessage | undefined {
    return this.#reporter.take();
  }

  /** Resolves when all output is stored, or the work is lost. */
  outputFinished(): Promise<void> {
    return this.#output.finished();
  }

  /** Suspensions were answered or have expired, and children have ended, while the handler runs. */
  receive({ suspensions, children = [] }: News): void {
    if (this.#invocation.isClosed) return;
    this.#invocation.suspensions.receive(suspensions);
    this.#invocation.children.receive(children);
  }

  /** Failures of steps in this invocation that are not in the log yet. */
  takeUnloggedFailures(): FailedStep[] {
    return this.#made?.invocation.failures.takeUnlogged() ?? [];
  }

  /** Whether steps run, or their results are being stored. */
  get isWorking(): boolean {
    return this.#made?.steps.areWorking ?? false;
  }

  /** Resolves when the running steps have ended and their results are stored. */
  async stepsSettled(): Promise<void> {
    await this.#made?.steps.settled();
  }

  /** The state that the attempt must remember and that is not stored yet. */
  memory(): AttemptMemory {
    return this.#invocation.memory();
  }

  /** From now on the handler receives nothing, and nothing new is begun or stored for it. */
  close(): void {
    this.#isClosed = true;
    this.#made?.invocation.close();
  }
}

function quoted(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : `a value of type ${typeof value}`;
}
