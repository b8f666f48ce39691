// Decoding JSON: every problem is a violation of its own.
import { MAX_FIELD_VIOLATIONS } from "../limits";
import { codeNameFromNumber } from "./code";
import { RpcError, invalidArgument } from "./error";
import type { FieldViolation, Status } from "./status";

/** Collects violations, each under the path of its field: no more than an answer has. */
export class Violations {
  readonly #list: FieldViolation[] = [];

  /** Adds a violation. Returns undefined, so that a decoder can return it. */
  add(field: string, description: string): undefined {
    if (this.#list.length < MAX_FIELD_VIOLATIONS) this.#list.push({ field, description });
  }

  throwIfAny(): void {
    const [first, ...more] = this.#list;
    if (first) throw invalidArgument([first, ...more]);
  }
}

/** The error with this Status. */
export function rpcErrorFromStatus({ code, message, details = [] }: Status): RpcError {
  return new RpcError(codeNameFromNumber(code) ?? "UNKNOWN", message, { details });
}
