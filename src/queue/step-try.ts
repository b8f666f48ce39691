// One try of a step: its function under a time limit, with a signal that tells it when to stop.
import { RpcError } from "../rpc/error";
import type { StepContext } from "../method/method";

export interface TryLimits {
  /** 1 for the first try. */
  attempt: number;
  timeoutMs: number | undefined;
  /** The operation's. */
  signal: AbortSignal;
  after(this: void, ms: number, run: () => void): () => void;
}

/** The error of a try that took too long. It is retried, by the step and by the method. */
export const STEP_TIMED_OUT = "STEP_TIMED_OUT";

/** `work` receives the argument of the step's function. After the timeout its outcome is ignored. */
export async function inTime<T>(
  name: string,
  { attempt, timeoutMs, signal, after }: TryLimits,
  work: (step: StepContext) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return work({ attempt, signal });
  const abort = new AbortController();
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const cancel = after(timeoutMs, () => {
    const message = `The step ${JSON.stringify(name)} took longer than its timeout of ${timeoutMs / 1_000}s.`;
    const error = new RpcError("DEADLINE_EXCEEDED", message, { reason: STEP_TIMED_OUT });
    abort.abort(error);
    reject(error);
  });
  const onAbort = (): void => abort.abort(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work({ attempt, signal: abort.signal }), timedOut]);
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
  }
}
