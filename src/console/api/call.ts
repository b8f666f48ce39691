// Calls of the public API with the caller's own credentials, and its errors (AIP-193).
import { type JsonObject, listOf, objectOf, textOf } from "./json";
import { credentialHeaders, savedCredentials } from "./credentials";

export interface Violation {
  field: string;
  description: string;
}

/** An error that the service answered, or that kept a call from reaching it. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status; 0 where there was no answer. */
  readonly httpStatus: number;
  /** The name of a google.rpc.Code. */
  readonly code: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];

  /** Whether the same call by the same caller gets the same error again. */
  get isFinal(): boolean {
    return this.httpStatus >= 400 && this.httpStatus < 500 && this.httpStatus !== 408 && this.httpStatus !== 429;
  }

  constructor(
    message: string,
    { httpStatus = 0, code = "UNAVAILABLE", reason = "", metadata = {}, violations = [] }: Partial<ErrorFacts> = {},
  ) {
    super(message);
    this.httpStatus = httpStatus;
    this.code = code;
    this.reason = reason;
    this.metadata = metadata;
    this.violations = violations;
  }
}

type ErrorFacts = Pick<ApiError, "httpStatus" | "code" | "reason" | "metadata" | "violations">;

export interface CallOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** JSON, or a file that is sent as it is. */
  body?: JsonObject | undefined;
  file?: { data: Blob; contentType: string } | undefined;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

export function pathOf(name: string, query: CallOptions["query"] = {}): string {
  const path = name.split("/").map(encodeSegment).join("/");
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined || value === "" ? [] : [[key, String(value)]],
  );
  return `/v1/${path}${given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`}`;
}

/** A verb's colon stays as it is. One that belongs to a name is percent-encoded in the name. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replaceAll("%3A", ":");
}

const signInListeners = new Set<(error: ApiError) => void>();

/** Calls the listener with each error that other credentials may cure. */
export function onUnauthenticated(listener: (error: ApiError) => void): () => void {
  signInListeners.add(listener);
  return () => signInListeners.delete(listener);
}

/** The answer, whatever its status. @throws ApiError where no answer comes. */
export async function send(path: string, options: CallOptions = {}): Promise<Response> {
  const { method = "GET", body, file, headers, signal } = options;
  // A change needs a type that no form can send, because the caller may be known by a cookie.
  const type = file?.contentType ?? (method === "GET" ? undefined : "application/json");
  try {
    return await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...credentialHeaders(savedCredentials(sessionStorage, localStorage)),
        ...(type === undefined ? {} : { "Content-Type": type }),
        ...headers,
      },
      ...(file ? { body: file.data } : body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ?? null,
      cache: "no-store",
      redirect: "error",
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError("The service cannot be reached. Is the network up, and the deployment running?");
  }
}

/** The JSON of a successful answer. @throws ApiError */
export async function call<T = JsonObject>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (response.ok) return (await response.json()) as T;
  const error = errorFromBody(response.status, await response.text());
  if (response.status === 401 || error.reason === "AUTHENTICATION_NOT_CONFIGURED") {
    for (const listener of signInListeners) listener(error);
  }
  throw error;
}

export function errorFromBody(httpStatus: number, text: string): ApiError {
  const { error } = objectOf(jsonFrom(text));
  const { message, status, details } = objectOf(error);
  if (typeof message !== "string" || typeof status !== "string") {
    const other = `HTTP ${httpStatus}, with an answer that is not the service's. Is a proxy in between?`;
    return new ApiError(other, { httpStatus, code: "UNKNOWN" });
  }
  const detail = (type: string): JsonObject =>
    listOf(details)
      .map(objectOf)
      .find((one) => textOf(one["@type"]).endsWith(type)) ?? {};
  const { reason, metadata } = detail("google.rpc.ErrorInfo");
  const violations = listOf(detail("google.rpc.BadRequest")["fieldViolations"]).map(objectOf);
  return new ApiError(message, {
    httpStatus,
    code: status,
    reason: textOf(reason),
    metadata: objectOf(metadata) as Readonly<Record<string, string>>,
    violations: violations.map(({ field, description }) => ({
      field: textOf(field),
      description: textOf(description),
    })),
  });
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page.
    return undefined;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
