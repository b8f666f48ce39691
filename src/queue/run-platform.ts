// The surroundings of a run: the runtime's (workers-platform.ts), or a test's.

/** Attributes that are undefined are left out. */
export type SpanAttributes = Record<string, string | number | undefined>;

export interface RunPlatform {
  /** Milliseconds since 1970. */
  now(this: void): number;
  /** 0 ≤ r < 1, for the jitter of a retry. */
  random(this: void): number;
  /** Runs a function later. The returned function cancels it. */
  after(this: void, ms: number, run: () => void): () => void;
  /** The same, for the limits of an invocation: a test gives the code as long as it takes. */
  atLimit(this: void, ms: number, run: () => void): () => void;
  /** Resolves when every promise that can continue has continued. */
  turn(this: void): Promise<void>;
  /** Runs work within a span of the platform's traces. `signal`: of a step, aborted when its time is over. */
  span<T>(
    this: void,
    name: "operation.attempt" | "operation.step",
    attributes: SpanAttributes,
    work: () => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  log(this: void, level: "log" | "warn" | "error", fields: Record<string, unknown>): void;
}
