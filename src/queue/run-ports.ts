// The ports by which a handler's operation reaches its object, its runner and the clock.
import type { ProgressMessage } from "../contract/run-channel";
import type { LargeValueStore, SaveMessage, Settlement } from "./channel";
import type { ChildStarts } from "./child-starts";
import type { ReplayPorts } from "./replay";
import type { RunSignal } from "./run-signal";

export interface RunPorts extends ReplayPorts {
  sendProgress(this: void, progress: ProgressMessage): void;
  /** Stores a value. A step's `order` is its place among the outcomes that the handler receives. */
  save(this: void, message: SaveMessage): Promise<Settlement>;
  /** Values that are too large to come with the claim. */
  largeValues: Pick<LargeValueStore, "stepResult" | "answer" | "childEnds">;
  children: ChildStarts;
  /** A secret that nobody can guess. */
  newSecret(this: void): string;
  /** 0 ≤ r < 1, for the jitter of a retry. */
  random(this: void): number;
  /** Aborts the signal if the lease has expired unnoticed. */
  checkLease(this: void): Promise<void>;
  /** Runs a step within a span of the platform's traces. `signal`: aborted when its time is over. */
  stepSpan<T>(this: void, name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  log(this: void, fields: Record<string, unknown>): void;
  signal: RunSignal;
  /** undefined: the operation was started without one. */
  input: ReadableStream<Uint8Array> | undefined;
  hasDefaultMetadata: boolean;
  /** The time (milliseconds since 1970) after which the invocation yields before its next step. */
  yieldTime: number;
}
