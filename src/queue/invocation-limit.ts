// The limit of one invocation, as a handler's signal tells of it.

/** The reason of the signal once the invocation's own limit has come: the work is to stop, and the handler is called again. */
export class InvocationLimitReached extends Error {
  override readonly name = "InvocationLimitReached";
}
