// Errors that the platform throws in the place of an object's answer, with the marks that say what a caller may do.
// https://developers.cloudflare.com/durable-objects/best-practices/error-handling/

/** An error of the platform: unlike one that an object's code throws, it leaves the stub broken. */
export class PlatformError extends Error {
  readonly retryable: boolean | undefined;
  readonly overloaded: boolean | undefined;

  constructor(message: string, marks: { retryable?: true; overloaded?: true } = {}) {
    super(message);
    if (marks.retryable) this.retryable = true;
    if (marks.overloaded) this.overloaded = true;
  }
}

export function connectionLost(): PlatformError {
  return new PlatformError("Network connection lost.", { retryable: true });
}

export function objectReset(why: string): PlatformError {
  return new PlatformError(`Durable Object reset because ${why}.`, { retryable: true });
}

/** Both marks occur together: `overloaded` decides. */
export function objectOverloaded(isRetryableToo: boolean): PlatformError {
  const message = "Durable Object is overloaded. Too many requests queued.";
  return new PlatformError(message, { overloaded: true, ...(isRetryableToo ? { retryable: true } : {}) });
}

/** An object's own error, as it reaches the caller: its class and its own fields do not cross. */
export function remoteError(error: unknown): Error {
  if (error instanceof PlatformError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(message), { remote: true });
}
