// The one way to a Durable Object, for Workers and for other objects: a new stub for each try, retries, a time limit.
// https://developers.cloudflare.com/durable-objects/best-practices/error-handling/
import {
  MAX_CALL_MS,
  MAX_CALL_RETRIES,
  MAX_OVERLOADED_RETRY_SECONDS,
  MIN_CALL_RETRY_MS,
  MIN_OVERLOADED_RETRY_SECONDS,
  SWEEP_CONCURRENCY,
  UNAVAILABLE_RETRY_SECONDS,
} from "../limits";
import { RpcError, unavailable } from "../rpc/error";
import { withinLimit } from "../time-limit";

type Branded = Rpc.DurableObjectBranded;

/** Which object. A stub that has thrown stays broken, so each try takes a new one. */
export interface ObjectAddress<T extends Branded> {
  newStub(this: void): DurableObjectStub<T>;
}

export function objectByName<T extends Branded>(namespace: DurableObjectNamespace<T>, name: string): ObjectAddress<T> {
  return { newStub: () => namespace.getByName(name) };
}

/** Throws a TypeError where the text is not an id of the namespace. */
export function objectById<T extends Branded>(
  namespace: DurableObjectNamespace<T>,
  id: string,
  options: DurableObjectNamespaceGetDurableObjectOptions = {},
): ObjectAddress<T> {
  const objectId = namespace.idFromString(id);
  return { newStub: () => namespace.get(objectId, options) };
}

export interface Try {
  /** An earlier try of the same call failed, and may have been carried out all the same. */
  isRepeated: boolean;
}

export interface CallOptions {
  /** False where a second try would do more than the first one did. Default: true. */
  isIdempotent?: boolean;
  /** For all tries together. Default: {@link MAX_CALL_MS}; Infinity where the call carries an upload. */
  limitMs?: number;
}

/** The object did not answer in time. It may still carry the call out. */
export class CallTimedOut extends Error {
  override readonly name = "CallTimedOut";

  constructor(limitMs: number) {
    super(`the object did not answer within ${limitMs} ms`);
  }
}

/**
 * Calls an object. An error that the platform marks `retryable` is retried after a delay with jitter. One that it marks
 * `overloaded` is not, even if it is marked `retryable` as well: a retry would add to the load.
 */
export async function callObject<T extends Branded, Result>(
  { newStub }: ObjectAddress<T>,
  call: (stub: DurableObjectStub<T>, attempt: Try) => Promise<Result>,
  { isIdempotent = true, limitMs = MAX_CALL_MS }: CallOptions = {},
): Promise<Result> {
  const maxRetries = isIdempotent ? MAX_CALL_RETRIES : 0;
  let isOver = false;
  const tries = async (): Promise<Result> => {
    for (let retries = 0; ; retries += 1) {
      try {
        return await call(newStub(), { isRepeated: retries > 0 });
      } catch (error) {
        if (retries === maxRetries || isOver || !isRetryable(error)) throw error;
        await pause(retryDelayMs(retries, Math.random()));
      }
    }
  };
  if (limitMs === Infinity) return tries();
  return withinLimit(tries(), limitMs, () => {
    isOver = true;
    throw new CallTimedOut(limitMs);
  });
}

/** Up to the double of the time that doubles with each retry: `random` is 0 ≤ r < 1. */
export function retryDelayMs(retries: number, random: number): number {
  return MIN_CALL_RETRY_MS * 2 ** retries * (1 + random);
}

/** Calls `run` for each item, a slice of {@link SWEEP_CONCURRENCY} at a time, one slice after another. */
export async function inSlices<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let offset = 0; offset < items.length; offset += SWEEP_CONCURRENCY) {
    await Promise.all(items.slice(offset, offset + SWEEP_CONCURRENCY).map(run));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function isOverloaded(error: unknown): boolean {
  return isMarked(error, "overloaded");
}

/** Whether the platform says that the same call may succeed now. */
export function isRetryable(error: unknown): boolean {
  return isMarked(error, "retryable") && !isOverloaded(error);
}

/** Whether the object runs the code of an earlier version, without this method: then the call has done nothing. */
export function lacksMethod(error: unknown, method: string): boolean {
  return error instanceof Error && error.message.includes(`does not implement the method "${method}"`);
}

/** A call, or what stands for it: for minutes after a deploy a busy object may run the code before it, without this method. */
export async function orEarlier<T>(
  method: string,
  call: () => Promise<T>,
  earlier: (error: unknown) => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (lacksMethod(error, method)) return earlier(error);
    throw error;
  }
}

function isMarked(error: unknown, mark: "retryable" | "overloaded"): boolean {
  return typeof error === "object" && error !== null && (error as Record<string, unknown>)[mark] === true;
}

/**
 * Runs a call for a client: a failure becomes UNAVAILABLE. An exception in an object's own code does too, because it
 * arrives like one of the platform's (a memory limit, a storage that was reset), and because a snapshot may still answer.
 */
export async function reached<T>(call: () => Promise<T>, what = "The operation"): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw unreachable(what, error);
  }
}

/** The platform's advice where an object uses `storage.sql` or `storage.kv` and its class has no SQLite storage. */
const NO_SQLITE = "change `new_classes` to `new_sqlite_classes`";

/** The fault of a set-up without SQLite storage, where an object's error tells of it. */
export function sqliteMissing(error: unknown): RpcError | undefined {
  if (!(error instanceof Error && error.message.includes(NO_SQLITE))) return undefined;
  return new RpcError(
    "INTERNAL",
    "The deployment's configuration is wrong: a Durable Object class has no SQLite storage. Add to wrangler.toml: " +
      "[[migrations]] with new_sqlite_classes that name every class of [[durable_objects.bindings]].",
    { reason: "SQLITE_MISSING", cause: error },
  );
}

function unreachable(what: string, error: unknown): RpcError {
  const fault = sqliteMissing(error);
  if (fault) return fault;
  if (isOverloaded(error)) {
    return unavailable(
      `${what} gets too many requests. Try again later.`,
      overloadedRetrySeconds(Math.random()),
      error,
    );
  }
  return unavailable(`${what} could not be reached. Try again.`, UNAVAILABLE_RETRY_SECONDS, error);
}

/** Whole seconds, spread so that clients do not return in one moment: `random` is 0 ≤ r < 1. */
export function overloadedRetrySeconds(random: number): number {
  const steps = MAX_OVERLOADED_RETRY_SECONDS - MIN_OVERLOADED_RETRY_SECONDS + 1;
  return MIN_OVERLOADED_RETRY_SECONDS + Math.floor(random * steps);
}
