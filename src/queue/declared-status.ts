// The errors that a handler declares, and which of them are retried.
import { Code, codeNameFromNumber } from "../rpc/code";
import { RpcError } from "../rpc/error";
import type { Status } from "../rpc/status";
import { STEP_TIMED_OUT } from "./step-try";

/** The Status of an RpcError, even if a handler has changed it; undefined: not one, or it cannot be read. */
export function declaredStatus(error: unknown): Status | undefined {
  try {
    if (!(error instanceof RpcError)) return undefined;
    const { code, message, details = [] } = error.toStatus();
    return codeNameFromNumber(code) === undefined ? undefined : { code, message, details };
  } catch {
    // A Proxy whose traps throw is logged as such, and retried.
    return undefined;
  }
}

/**
 * AIP-194: of the errors that a handler declares, only UNAVAILABLE is retried. So is the end of a step's time, which the library
 * declares, and any other thrown value.
 */
export function isRetried(error: unknown): boolean {
  const declared = declaredStatus(error);
  return !declared || declared.code === Code.UNAVAILABLE || (error as RpcError).reason === STEP_TIMED_OUT;
}
