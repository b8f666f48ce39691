// The client's errors: a call that failed, and an operation that ended with an error. Both have a google.rpc.Code (AIP-193).
import type { Any, JsonObject } from "../rpc/any";
import { type CodeName, codeNameFromNumber, httpStatusByCode } from "../rpc/code";
import type { FieldViolation } from "../rpc/status";
import type { ResponseLike } from "./platform";

/** The common part of {@link CallError} and {@link OperationError}. */
export abstract class StatusError extends Error {
  /** A google.rpc.Code by name: `"NOT_FOUND"`. */
  readonly code: CodeName;
  /** ErrorInfo's reason, UPPER_SNAKE_CASE: constant for one cause. Without an ErrorInfo, the code. */
  readonly reason: string;
  /** ErrorInfo's metadata: the variable parts of the message. */
  readonly metadata: Readonly<Record<string, string>>;
  /** google.rpc details, each type at most once. */
  readonly details: readonly Any[];

  constructor(code: CodeName, message: string, { details = [], reason, cause }: StatusErrorParts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    const info = this.detail("google.rpc.ErrorInfo");
    this.reason = reason ?? (typeof info?.["reason"] === "string" ? info["reason"] : code);
    this.metadata = (info?.["metadata"] ?? {}) as Record<string, string>;
  }

  /** The detail of a type by its full name: `"google.rpc.BadRequest"`. */
  detail(fullName: string): Any | undefined {
    return this.details.find((detail) => detail["@type"].endsWith(`/${fullName}`));
  }

  /** BadRequest's violations: the fields that are wrong, with the rule that each breaks. */
  get fieldViolations(): readonly FieldViolation[] {
    return (this.detail("google.rpc.BadRequest")?.["fieldViolations"] ?? []) as unknown as FieldViolation[];
  }
}

interface StatusErrorParts {
  details?: readonly Any[] | undefined;
  reason?: string | undefined;
  cause?: unknown;
}

/** A call failed: the service rejected it, or it could not be reached. */
export class CallError extends StatusError {
  override readonly name = "CallError";
  /** undefined: there was no answer. */
  readonly httpStatus: number | undefined;
  /** The time after which the service takes the call again, in milliseconds, if it says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: CodeName,
    message: string,
    {
      httpStatus,
      retryAfterMs,
      ...parts
    }: StatusErrorParts & { httpStatus?: number; retryAfterMs?: number | undefined },
  ) {
    super(code, message, parts);
    this.httpStatus = httpStatus;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An operation ended with an error. A cancelled one has the code `"CANCELLED"`. */
export class OperationError extends StatusError {
  override readonly name = "OperationError";
  /** The operation's resource name. */
  readonly operation: string;

  constructor(
    operation: string,
    { code, message, details }: { code: number; message: string; details?: readonly Any[] },
  ) {
    super(codeNameFromNumber(code) ?? "UNKNOWN", message, { details });
    this.operation = operation;
  }
}

/** The error of an answer. A proxy's answer is not the service's JSON, so then the HTTP status has to do. */
export function errorFromResponse(response: ResponseLike, text: string, now: number): CallError {
  const { status: httpStatus } = response;
  const retryAfterMs = msFromRetryAfter(response.headers.get("retry-after"), now);
  const error = errorIn(text);
  if (error === undefined) {
    const type = response.headers.get("content-type") ?? "no type";
    const message = `The server answered ${httpStatus} with ${type}, which is not an answer of the service.`;
    return new CallError(codeFromHttpStatus(httpStatus), message, { httpStatus, retryAfterMs });
  }
  const { status, message, details } = error;
  const code = typeof status === "string" && Object.hasOwn(httpStatusByCode, status) ? (status as CodeName) : undefined;
  return new CallError(
    code ?? codeFromHttpStatus(httpStatus),
    typeof message === "string" ? message : `HTTP status ${httpStatus}.`,
    {
      httpStatus,
      retryAfterMs,
      details: Array.isArray(details) ? (details as Any[]) : [],
    },
  );
}

function errorIn(text: string): JsonObject | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "object" && error !== null ? (error as JsonObject) : undefined;
  } catch {
    // Not JSON: an answer of a proxy.
    return undefined;
  }
}

function codeFromHttpStatus(httpStatus: number): CodeName {
  // A gateway's own failures.
  if (httpStatus === 502 || httpStatus === 504) return "UNAVAILABLE";
  const names = Object.keys(httpStatusByCode) as CodeName[];
  return names.findLast((name) => httpStatusByCode[name] === httpStatus) ?? "UNKNOWN";
}

// Retry-After = HTTP-date / delay-seconds (RFC 9110, section 10.2.3)

export function msFromRetryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return 1_000 * Number(text);
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
