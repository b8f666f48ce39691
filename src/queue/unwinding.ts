// How an invocation ends before its handler does: by an error thrown through the handler, which is called again later.

/** Why the handler is unwound: it sleeps, or its invocation has run long enough. */
export type UnwindingReason = { type: "sleep"; ordinal: number; wakeTime: number } | { type: "yield" };

/** The reason of the signal when the invocation's own limit has come: the work is to stop, and is called again. */
export class InvocationLimitReached extends Error {
  override readonly name = "InvocationLimitReached";
}

/** Thrown by op.sleep, op.step and op.checkpoint. A handler that catches it has its result discarded. */
export class Unwinding extends Error {
  override readonly name = "Unwinding";
  readonly reason: UnwindingReason;

  constructor(reason: UnwindingReason) {
    super("The invocation ends here and is continued later. This error must not be caught.");
    this.reason = reason;
  }
}
