// The exit codes of the command line (docs/command-line.md): what a script can tell apart without reading text.
import { CommandError } from "./command-error.ts";

export const EXIT = {
  done: 0,
  unexpected: 1,
  /** Arguments, profile or configuration are wrong, and no call was made. */
  usage: 2,
  operationFailed: 3,
  operationCancelled: 4,
  /** `--timeout` has passed. The operation continues. */
  notDone: 5,
  rejected: 6,
  /** The credentials are missing or wrong, or have not the permission. */
  denied: 7,
  unreachable: 8,
  /** Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;

/** An end that has said all that there is to say. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/** By the shapes of the client's errors, whose classes are of the built package. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Exit) return error.code;
  if (error instanceof CommandError) return EXIT.usage;
  const { name, code } = error as { name?: unknown; code?: unknown };
  if (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS")) return EXIT.usage;
  if (name === "OperationError") return code === "CANCELLED" ? EXIT.operationCancelled : EXIT.operationFailed;
  if (name !== "CallError") return EXIT.unexpected;
  if (code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED") return EXIT.denied;
  return code === "UNAVAILABLE" || code === "DEADLINE_EXCEEDED" ? EXIT.unreachable : EXIT.rejected;
}
