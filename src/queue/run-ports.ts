// The ports by which a handler's operation reaches its object, its runner and the clock.
import type { ReservedChild, StoredEnd } from "../contract/child";
import type { ProgressMessage } from "../contract/run-channel";
import type { AttemptMemory, JoinCondition } from "../lifecycle/record";
import type { Settlement } from "./channel";
import type { ChildStarts } from "./child-starts";
import type { ReplayPorts } from "./replay";

export interface RunPorts extends ReplayPorts {
  sendProgress(this: void, progress: ProgressMessage): void;
  /**
   * Stores a step's result, and `memory` with it. `order` is its place among the outcomes that the handler receives.
   */
  saveStep(
    this: void,
    step: { name: string; result: string; order: number },
    memory: AttemptMemory,
  ): Promise<Settlement>;
  saveCheckpoint(this: void, cursor: string, memory: AttemptMemory): Promise<Settlement>;
  /** Stores sleeps for which the invocation waits. `restsUntil`: it does nothing else until then. */
  saveSleeps(this: void, memory: AttemptMemory & { restsUntil?: number }): Promise<Settlement>;
  /** Stores the suspensions that the handler has reached. */
  saveSuspensions(this: void, memory: AttemptMemory): Promise<Settlement>;
  /** Writes children down that are about to be started. */
  saveChildren(this: void, children: ReservedChild[], memory: AttemptMemory): Promise<Settlement>;
  /** The outcomes of those children at these places that have ended. */
  childEnds(this: void, places: JoinCondition["places"]): Promise<StoredEnd[]>;
  children: ChildStarts;
  /** Stores a part of the output. */
  saveOutput(this: void, part: { offset: number; text: string }): Promise<Settlement>;
  /** The JSON text of an answer that was too large to come along. */
  answer(this: void, id: string): Promise<string>;
  /** A secret that nobody can guess. */
  newSecret(this: void): string;
  /** 0 ≤ r < 1, for the jitter of a retry. */
  random(this: void): number;
  /** The JSON text of a result that was too large to come with the claim. */
  stepResult(this: void, place: number): Promise<string>;
  /** Aborts the signal if the lease has expired unnoticed. */
  checkLease(this: void): Promise<void>;
  /** Runs a step within a span of the platform's traces. `signal`: aborted when its time is over. */
  stepSpan<T>(this: void, name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  log(this: void, fields: Record<string, unknown>): void;
  signal: AbortSignal;
  /** undefined: the operation was started without one. */
  input: ReadableStream<Uint8Array> | undefined;
  hasDefaultMetadata: boolean;
  /** The time (milliseconds since 1970) after which the invocation yields before its next step. */
  yieldTime: number;
}
