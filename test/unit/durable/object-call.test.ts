// Calls of objects: which failures are retried, how often, when, and what the client is told.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  CallTimedOut,
  callObject,
  objectByName,
  overloadedRetrySeconds,
  reached,
  retryDelayMs,
} from "../../../src/durable/object-call";
import { MAX_CALL_MS } from "../../../src/limits";
import type { RpcError } from "../../../src/rpc/error";
import { type AnObject, aPlatformError, anObject, throws } from "../../support/an-object";

interface Thing extends Rpc.DurableObjectBranded {
  look(isRepeated: boolean): Promise<string>;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function look(object: AnObject, options?: Parameters<typeof callObject>[2]): Promise<string> {
  const address = objectByName<Thing>(object.namespace, "thing");
  return callObject(address, async (stub, { isRepeated }): Promise<string> => stub.look(isRepeated), options);
}

/** How a call ends when all the time that it takes has passed. */
async function ended<T>(call: Promise<T>): Promise<T | Error> {
  const end = call.catch((error: Error) => error);
  await vi.runAllTimersAsync();
  return end;
}

describe("callObject", () => {
  test("retries an error that the platform marks retryable, with a new stub for each try", async () => {
    const object = anObject(throws(aPlatformError()), throws(aPlatformError()), () => "seen");

    expect(await ended(look(object))).toBe("seen");
    expect(object.stubs).toBe(3);
    expect(object.calls).toEqual([
      ["look", false],
      ["look", true],
      ["look", true],
    ]);
  });

  test("retries twice and no more", async () => {
    const object = anObject(throws(aPlatformError()));

    expect(await ended(look(object))).toMatchObject({ retryable: true });
    expect(object.calls).toHaveLength(3);
  });

  test.each([
    ["an overloaded object", aPlatformError({ overloaded: true })],
    [
      "an overloaded object whose error is marked retryable as well",
      aPlatformError({ overloaded: true, retryable: true }),
    ],
    ["an exception in the object's own code", aPlatformError({ remote: true })],
    ["an error without a mark", new Error("Durable Object exceeded its memory limit and was reset.")],
  ])("does not retry %s", async (_, error) => {
    const object = anObject(throws(error));

    expect(await ended(look(object))).toBe(error);
    expect(object.calls).toHaveLength(1);
  });

  test("does not retry a call that is not idempotent", async () => {
    const object = anObject(throws(aPlatformError()));

    expect(await ended(look(object, { isIdempotent: false }))).toMatchObject({ retryable: true });
    expect(object.calls).toHaveLength(1);
  });

  test("waits 20 s for a silent object", async () => {
    const call = look(anObject(() => new Promise(() => {}))).catch((error: unknown) => error);
    let isOver = false;
    void call.then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(MAX_CALL_MS - 1);

    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await call).toBeInstanceOf(CallTimedOut);
  });

  test("applies the limit to all tries together, and begins none after it", async () => {
    const object = anObject(() => new Promise((_, reject) => setTimeout(() => reject(aPlatformError()), 15_000)));
    const begun = Date.now();
    const call = look(object).catch((error: unknown) => error);
    let endTime = 0;
    void call.then(() => (endTime = Date.now()));

    expect(await ended(call)).toBeInstanceOf(CallTimedOut);
    expect(endTime - begun).toBe(MAX_CALL_MS);
    expect(object.calls).toHaveLength(2);
  });

  test("sets no limit for an upload", async () => {
    const object = anObject(() => new Promise((resolve) => setTimeout(() => resolve("stored"), 10 * MAX_CALL_MS)));

    expect(await ended(look(object, { limitMs: Infinity }))).toBe("stored");
  });

  test("leaves no timer behind", async () => {
    await look(anObject(() => "seen"));

    expect(vi.getTimerCount()).toBe(0);
  });
});

test.each([
  [0, 0, 125],
  [0, 0.5, 187.5],
  [1, 0, 250],
  [1, 0.5, 375],
])("retry %i at random %f waits %f ms", (retries, random, ms) => {
  expect(retryDelayMs(retries, random)).toBe(ms);
});

describe("the error for the client", () => {
  async function told(error: Error): Promise<RpcError> {
    return (await ended(reached(() => look(anObject(throws(error)))))) as unknown as RpcError;
  }

  test.each([
    ["of an object that could not be reached", aPlatformError()],
    ["of an exception in the object's own code", aPlatformError({ remote: true })],
  ])("is UNAVAILABLE %s, with a retry at once", async (_, error) => {
    expect(await told(error)).toMatchObject({ code: "UNAVAILABLE", headers: { "Retry-After": "1" }, cause: error });
  });

  // In the words of the platform, where a migration names the class in new_classes, or none does.
  test.each([
    "SQL is not enabled for this Durable Object class. To enable it, change `new_classes` to `new_sqlite_classes` " +
      "within the 'migrations' field in your wrangler.jsonc or wrangler.toml file.",
    "The storage.kv (synchronous KV) API is only available for SQLite-backed Durable Objects, but this object's " +
      "namespace is not declared to use SQLite. Alternatively, to enable SQLite, change `new_classes` to " +
      "`new_sqlite_classes` within the 'migrations' field in your wrangler.jsonc or wrangler.toml file.",
  ])("is INTERNAL for a class without SQLite, and names the missing line of wrangler.toml: %s", async (message) => {
    const error = Object.assign(new Error(message), { remote: true });
    const answer = await told(error);

    expect(answer).toMatchObject({ code: "INTERNAL", reason: "SQLITE_MISSING", cause: error, headers: {} });
    expect(answer.message).toContain("new_sqlite_classes");
  });

  test("is UNAVAILABLE for an overloaded object, with a retry in 5 to 10 s", async () => {
    const { code, headers } = await told(aPlatformError({ overloaded: true }));

    expect(code).toBe("UNAVAILABLE");
    expect(Number(headers["Retry-After"])).toBeGreaterThanOrEqual(5);
    expect(Number(headers["Retry-After"])).toBeLessThanOrEqual(10);
  });

  test("is UNAVAILABLE for a silent object", async () => {
    const silent = anObject(() => new Promise(() => {}));

    expect(await ended(reached(() => look(silent)))).toMatchObject({ code: "UNAVAILABLE" });
  });
});

test.each([
  [0, 5],
  [0.999, 10],
])("an overloaded object's Retry-After at random %f is %i s", (random, seconds) => {
  expect(overloadedRetrySeconds(random)).toBe(seconds);
});
