// Misuse of the library by a handler: a programming error, which another attempt would only repeat.
import { RpcError } from "../rpc/error";

const MISUSE_REASON = "LIBRARY_MISUSE";

/**
 * The error of a handler that uses the library wrongly. It ends the operation at once with code 13, INTERNAL, also where the
 * handler catches it. The message says where the fault is and what to change.
 */
export function misuse(message: string, cause?: unknown): RpcError {
  return new RpcError("INTERNAL", message, { reason: MISUSE_REASON, ...(cause === undefined ? {} : { cause }) });
}

export function isMisuse(error: unknown): error is RpcError {
  return error instanceof RpcError && error.reason === MISUSE_REASON;
}
