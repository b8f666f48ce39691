// RpcError: the one error class of the service and of method handlers (AIP-193).
import { MAX_FIELD_VIOLATIONS, MAX_QUOTED_CHARACTERS } from "../limits";
import type { Any } from "./any";
import { Code, type CodeName } from "./code";
import type { Reason } from "./reasons";
import { type FieldViolation, type Status, badRequest, resourceInfo, retryInfo } from "./status";

/** The optional parts of an RpcError, beside its code and message. */
export interface RpcErrorOptions<OwnReason extends string = string> {
  /** google.rpc details for the client, each type at most once. */
  details?: Any[];
  /** ErrorInfo.reason on the wire, UPPER_SNAKE_CASE; the code's name when absent. */
  reason?: OwnReason;
  /** ErrorInfo.metadata on the wire: the variable parts of the message. */
  metadata?: Record<string, string>;
  /** The HTTP status, if it is not the code's own (405, 413). */
  httpStatus?: number;
  /** Extra response headers (`Allow`). */
  headers?: Record<string, string>;
  /** The underlying error. Only the log shows it. */
  cause?: unknown;
}

/**
 * An error with a google.rpc.Code. Thrown by a method's handler, it ends the operation with exactly this Status; thrown
 * on the way to an answer, it becomes the error answer.
 *
 * @example
 * throw new RpcError("FAILED_PRECONDITION", "The bucket is locked until its retention has passed.");
 */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: CodeName;
  readonly details: readonly Any[];
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly httpStatus: number | undefined;
  readonly headers: Readonly<Record<string, string>>;

  /** @throws TypeError if `code` is not the name of a google.rpc.Code. JavaScript or a computed name can cause that. */
  constructor(code: CodeName, message: string, options: RpcErrorOptions<Reason> = {}) {
    if (!Object.hasOwn(Code, code)) {
      throw new TypeError(
        `new RpcError takes the name of a google.rpc.Code ("NOT_FOUND", "UNAVAILABLE", …) first, not ${quoted(code)}`,
      );
    }
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.reason = options.reason ?? code;
    this.metadata = options.metadata ?? {};
    this.httpStatus = options.httpStatus;
    this.headers = options.headers ?? {};
  }

  /** This error as a google.rpc.Status, for `Operation.error`. */
  toStatus(): Status {
    return { code: Code[this.code], message: this.message, details: [...this.details] };
  }

  /** Any thrown value as an RpcError; another becomes INTERNAL without its text, which `cause` has for the log. */
  static from(thrown: unknown): RpcError {
    if (thrown instanceof RpcError) return thrown;
    return new RpcError("INTERNAL", "Internal error. It was logged under the request id in `details`.", {
      cause: thrown,
    });
  }
}

function quoted(code: unknown): string {
  if (typeof code === "string") return JSON.stringify(code.slice(0, MAX_QUOTED_CHARACTERS));
  return typeof code === "number" ? `the number ${code}` : `a value of type ${typeof code}`;
}

/** INVALID_ARGUMENT with at most {@link MAX_FIELD_VIOLATIONS} violations. The message names the first. */
export function invalidArgument(
  violations: [FieldViolation, ...FieldViolation[]],
  options: RpcErrorOptions<Reason> = {},
): RpcError {
  const [first, ...more] = violations;
  const tail = more.length > 0 ? ` (and ${more.length} more)` : "";
  const at = first.field === "" ? "" : `${first.field}: `;
  return new RpcError("INVALID_ARGUMENT", `${at}${first.description}${tail}`, {
    ...options,
    details: [badRequest(violations.slice(0, MAX_FIELD_VIOLATIONS)), ...(options.details ?? [])],
  });
}

export function notFound(resourceType: string, resourceName: string): RpcError {
  const description = `${resourceType} ${JSON.stringify(resourceName)} was not found.`;
  return new RpcError("NOT_FOUND", description, {
    details: [resourceInfo(resourceType, resourceName, description)],
    metadata: { resource: resourceName },
  });
}

/** UNAVAILABLE. The client may try again after `delaySeconds`. */
export function unavailable(message: string, delaySeconds: number, cause?: unknown): RpcError {
  return new RpcError("UNAVAILABLE", message, {
    details: [retryInfo(delaySeconds)],
    headers: { "Retry-After": String(delaySeconds) },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A wrong value of the deployment's configuration. The error does not repeat it, because it may be a misplaced secret. */
export function misconfigured(variable: string, rule: string): RpcError {
  return new RpcError("INTERNAL", `The deployment's configuration is wrong: ${variable} ${rule}.`, {
    reason: "CONFIGURATION_INVALID",
    metadata: { variable },
  });
}
