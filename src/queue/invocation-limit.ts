// The limit of one invocation, as a handler's signal reports it.

/** The reason of the signal after the invocation's own limit: the work must stop, and the handler is called again. */
export class InvocationLimitReached extends Error {
  override readonly name = "InvocationLimitReached";
}
