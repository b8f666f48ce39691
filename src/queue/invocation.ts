// One invocation of a handler: how it ends before its handler, and what its attempt must remember then.
import { UNSTORED_SLEEP_MS } from "../limits";
import type { AttemptMemory, WaitCondition } from "../lifecycle/record";
import type { Claimed, ClaimedStep } from "../contract/run-channel";
import type { JsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import type { AnswerWait } from "./answer-wait";
import type { SaveMessage } from "./channel";
import { Children, JoinWait } from "./children";
import { Failures } from "./failures";
import { InvocationLimitReached } from "./invocation-limit";
import { Replay } from "./replay";
import type { RunPorts } from "./run-ports";
import type { RunSignal } from "./run-signal";
import { Sleeps } from "./sleeps";
import { FailedTries } from "./step-tries";
import { Suspensions } from "./suspensions";

/** The reasons why an invocation ends before its handler. */
export type Ending =
  | ({ type: "sleep"; ordinal: number; wakeTime: number } & AttemptMemory)
  | ({ type: "suspend"; waitsFor: WaitCondition; wakeTime?: number } & AttemptMemory)
  | ({ type: "yield" } & AttemptMemory)
  /** The handler uses the library wrongly, or a stored value could not be read or written. */
  | { type: "failed"; error: unknown };

/** A stored step with its place among the outcomes that the handler receives. */
type NumberedStep = ClaimedStep & { order: number };

export class Invocation {
  readonly claimed: Omit<Claimed, "steps"> & { steps: readonly NumberedStep[] };
  readonly ports: RunPorts;
  readonly replay: Replay;
  readonly sleeps: Sleeps;
  readonly suspensions: Suspensions;
  readonly children: Children;
  readonly failures: Failures;
  readonly failedTries: FailedTries;
  readonly #end: (ending: Ending) => void;

  /** `end` is told if the invocation ends before its handler. From then on everything that the handler awaits stays pending. */
  constructor(claimed: Claimed, ports: RunPorts, end: (ending: Ending) => void) {
    const steps = numberedSteps(claimed.steps);
    this.claimed = { ...claimed, steps };
    this.ports = ports;
    this.#end = end;
    const { sleeps, stepFailures = [], stepTries = [], suspensions = [], joins = [] } = claimed;
    const orders = [...steps, ...sleeps, ...stepFailures, ...suspensions, ...joins].map(({ order = 0 }) => order);
    this.failures = new Failures(stepFailures);
    this.failedTries = new FailedTries(stepTries);
    this.replay = new Replay(
      ports,
      {
        onSleep: ({ ordinal, wakeTime }) =>
          // Sent even if there is no new one. Without them, the object would take the runner for an earlier version's.
          this.#end({ type: "sleep", ordinal, wakeTime, sleeps: [], ...this.memory() }),
        onSleepInPlace: ({ wakeTime }) => this.#save({ type: "saveSleeps", ...this.memory(), restsUntil: wakeTime }),
        hasUnsavedTries: () => this.failedTries.hasUnsaved,
        inPlaceMs: () => this.#inPlaceMs(),
        onSuspend: (waits, wake) =>
          this.#end({
            type: "suspend",
            waitsFor: conditionOf(waits),
            ...(wake ? { wakeTime: wake.wakeTime } : {}),
            ...this.memory(),
          }),
        onStay: () => this.#saveBesides(),
        onYield: () => this.#end({ type: "yield", ...this.memory() }),
        onFailure: (error) => this.fail(error),
        onWake: (timer, order, isAlone) => this.sleeps.woken(timer, order, isAlone),
      },
      Math.max(0, ...orders),
    );
    this.sleeps = new Sleeps(claimed, this.replay, ports.now);
    ports.signal.onAbort(() => this.#aborted());
    this.suspensions = new Suspensions(this);
    this.children = new Children(this);
  }

  get signal(): RunSignal {
    return this.ports.signal;
  }

  get isClosed(): boolean {
    return this.replay.isClosed;
  }

  /** Whether the invocation yields to another before it begins anything new. */
  get isLate(): boolean {
    return this.signal.reason instanceof InvocationLimitReached || this.ports.now() >= this.ports.yieldTime;
  }

  log(message: string, fields: JsonObject): void {
    this.ports.log({ message, operation: this.claimed.name, attempt: this.claimed.attempt, ...fields });
  }

  /** From now on the handler receives nothing, and nothing new is begun or stored for it. */
  close(): void {
    this.replay.close();
  }

  fail(error: unknown): void {
    this.#end({ type: "failed", error });
    this.close();
  }

  /** A misuse ends the operation, even if the handler catches the error. */
  orMisuse<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  // ── The stored state of the attempt ───────────────────────────────────────────────────────────────────────────────

  /** The state that the attempt must remember and that is not stored yet. */
  memory(): AttemptMemory {
    return this.takeMemory(this.sleeps.takePending());
  }

  /** The same, without sleeps that are not over. */
  takeMemory(pending: AttemptMemory["sleeps"] = []): AttemptMemory {
    const sleeps = [...this.sleeps.takeWoken(), ...pending];
    const stepFailures = this.failures.take();
    const stepTries = this.failedTries.take();
    const suspensions = this.suspensions.takeReports();
    return {
      ...(sleeps.length > 0 ? { sleeps } : {}),
      ...(stepFailures.length > 0 ? { stepFailures } : {}),
      ...(stepTries.length > 0 ? { stepTries } : {}),
      ...(suspensions.length > 0 ? { suspensions } : {}),
      ...this.children.takeReports(),
    };
  }

  /** The handler does something else meanwhile. Suspensions can be answered once they are stored. */
  #saveBesides(): void {
    if (this.suspensions.hasUnsaved) this.#save({ type: "saveSuspensions", ...this.takeMemory() });
    else if (this.failedTries.hasUnsaved) this.#save({ type: "saveSleeps", ...this.takeMemory() });
  }

  #save(message: SaveMessage): void {
    this.ports.save(message).catch((error: unknown) => this.fail(error));
  }

  // ── Sleeps for which the invocation waits ─────────────────────────────────────────────────────────────────────────

  /** How long the invocation may wait for a sleep. After it, it would have to yield to another in any case. */
  #inPlaceMs(): number {
    const { sleepInPlaceMs = 0 } = this.claimed;
    if (this.signal.aborted) return UNSTORED_SLEEP_MS;
    return Math.max(UNSTORED_SLEEP_MS, Math.min(sleepInPlaceMs, this.ports.yieldTime - this.ports.now()));
  }

  /** A cancelled operation does not sleep on, and a handler whose work belongs to another runner does not wake. */
  #aborted(): void {
    const reason: unknown = this.signal.reason;
    if (reason instanceof RpcError && reason.reason === "LEASE_LOST") this.replay.dropTimers();
    else this.replay.reconsider();
  }
}

function conditionOf(waits: readonly AnswerWait[]): WaitCondition {
  const joins = waits.flatMap((wait) => (wait instanceof JoinWait ? wait.condition : []));
  const answersTo = waits.filter((wait) => !(wait instanceof JoinWait)).map(({ id }) => id);
  return joins.length > 0 ? { answersTo, joins } : { answersTo };
}

/** A step of an earlier version has no place of its own: it is behind the step before it. */
function numberedSteps(steps: readonly ClaimedStep[]): NumberedStep[] {
  let order = 0;
  return steps.map((step) => {
    order = step.order ?? order + 1;
    return { ...step, order };
  });
}
