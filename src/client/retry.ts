// When a failed call is retried: at the service's own time, with jitter, within bounds (AIP-194).
import type { CallError } from "./status-error";

export interface CallRetry {
  /** Tries of one call in all. Default 5; 1: no retry. */
  maxAttempts?: number;
  /** The first backoff, in milliseconds; each next one is twice as long. Default 500. */
  initialDelayMs?: number;
  /** The longest pause, in milliseconds. An error whose Retry-After is longer is thrown. Default 30,000. */
  maxDelayMs?: number;
}

/** The pause before the next try; undefined: no other try. `attempt`: the number of the failed one, from 1. */
export function retryDelayMs(
  error: CallError,
  { attempt, random }: { attempt: number; random: number },
  { maxAttempts = 5, initialDelayMs = 500, maxDelayMs = 30_000 }: CallRetry,
): number | undefined {
  if (attempt >= maxAttempts || !isTransient(error)) return undefined;
  const { retryAfterMs = 0 } = error;
  if (retryAfterMs > maxDelayMs) return undefined;
  // Full jitter, behind the time that the service asks for: clients that failed together do not come back together.
  const backoffMs = Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1));
  return retryAfterMs + backoffMs * random;
}

/** No answer, an overloaded service, a gateway without one; a spent quota only where the service says when it is refilled. */
function isTransient({ httpStatus, retryAfterMs }: CallError): boolean {
  if (httpStatus === undefined || httpStatus === 502 || httpStatus === 503 || httpStatus === 504) return true;
  return httpStatus === 429 && retryAfterMs !== undefined;
}
