// Failures: retried with backoff by the object, given up after the last attempt, and ended at once where the handler says so.
import { describe, expect, test } from "vitest";
import { RpcError } from "../../src/index";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  advanceUntil,
  call,
  getOperation,
  runNext,
  startEcho,
  startScript,
  stateOf,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();

describe("a failed attempt", () => {
  test("is followed by another after its backoff", async () => {
    const attempts: number[] = [];
    const operation = await startScript(async ({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error("the first always fails");
      return { attempt };
    });
    await runNext();
    const between = (await storedRecord(operation))!;
    const waiting = await getOperation(operation.name);
    expect(controls.sent).toEqual([]);
    clock.advanceTo(between.wakeTime!);
    await getOperation(operation.name);
    await runNext();

    expect(between.state).toBe("BACKING_OFF");
    // Full jitter: from nothing up to the bound.
    expect(between.wakeTime! - Date.now()).toBeLessThanOrEqual(10_000);
    expect(waiting.metadata.value["statusMessage"]).toBe("Attempt 1 of 3 failed; waiting to try again.");
    expect(attempts).toEqual([1, 2]);
    expect(await getOperation(operation.name)).toMatchObject({ done: true, response: { value: { attempt: 2 } } });
  });

  test("ends the operation with code 2 and the method's name if it is the last one", async () => {
    let attempts = 0;
    const operation = await startScript(async () => {
      attempts += 1;
      throw new TypeError("undefined is not a table");
    });
    await runNext();
    for (let count = 0; count < 2; count += 1) {
      clock.advanceTo((await storedRecord(operation))!.wakeTime!);
      await getOperation(operation.name);
      await runNext();
    }
    const { done, error } = await getOperation(operation.name);

    expect(attempts).toBe(3);
    expect(done).toBe(true);
    expect(error).toMatchObject({ code: 2 });
    expect(error).not.toHaveProperty("details");
    expect((error as { message: string }).message).toContain("scripts:run");
    expect((error as { message: string }).message).not.toContain("    at ");
    expect(controls.sent).toEqual([]);
  });

  test("is retried with UNAVAILABLE, and ends the operation with exactly that Status", async () => {
    const operation = await startScript(async ({ attempt }) => {
      throw new RpcError("UNAVAILABLE", `the store is away (${attempt})`);
    });
    await runNext();
    expect(await stateOf(operation)).toBe("BACKING_OFF");
    for (let count = 0; count < 2; count += 1) {
      clock.advanceTo((await storedRecord(operation))!.wakeTime!);
      await getOperation(operation.name);
      await runNext();
    }

    expect(await getOperation(operation.name)).toMatchObject({
      done: true,
      error: { code: 14, message: "the store is away (3)" },
    });
  });

  test("ends the operation at once with the exact Status of another RpcError", async () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "LOCKED", domain: "example.com" }];
    const operation = await startScript(async () => {
      throw new RpcError("FAILED_PRECONDITION", "The bucket is locked.", { details, reason: "NOT_ON_THE_WIRE" });
    });
    await runNext();

    expect((await getOperation(operation.name))["error"]).toEqual({
      code: 9,
      message: "The bucket is locked.",
      details,
    });
  });

  test("is followed by one that reads input and request from the beginning", async () => {
    const requests: unknown[] = [];
    const operation = await startScript(
      async ({ attempt }, request) => {
        requests.push(request["rows"]);
        if (attempt === 1) throw new Error("once more");
        return {};
      },
      { body: { rows: [1, "two", { three: "三" }] } },
    );
    await runNext();
    clock.advance(60_000);
    await getOperation(operation.name);
    await runNext();

    expect(requests).toEqual([
      [1, "two", { three: "三" }],
      [1, "two", { three: "三" }],
    ]);
  });
});

describe("a handler", () => {
  test.each([
    ["too much", () => ({ text: "x".repeat(26_000_000) }), 8],
    ["a value that JSON does not have", () => ({ big: 1n }), 13],
  ])("does not hang its operation if it returns %s", async (_, result, code) => {
    const operation = await startScript(async () => result());
    await runNext();
    for (let count = 0; count < 4 && (await stateOf(operation)) === "BACKING_OFF"; count += 1) {
      clock.advance(60_000);
      await getOperation(operation.name);
      await runNext();
    }

    expect(await getOperation(operation.name)).toMatchObject({ done: true, error: { code } });
  });

  test.each([
    ["nothing", undefined],
    ["a value that is not an object", "text"],
  ])("does not hang its operation if it returns, against its type, %s", async (_, result) => {
    const operation = await startScript(async () => result as unknown as object);
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ done: true });
  });

  test("has an enormous error cut to the stored size", async () => {
    const operation = await startScript(async () => {
      throw new RpcError("INTERNAL", "x".repeat(1_000_000), {
        details: [{ "@type": "type.googleapis.com/google.rpc.DebugInfo", detail: "y".repeat(1_000_000) }],
      });
    });
    await runNext();
    const { error } = await getOperation(operation.name);

    expect(error).toMatchObject({ code: 13 });
    expect(error).not.toHaveProperty("details");
    expect(JSON.stringify(error).length).toBeLessThan(10_000);
  });

  test("may return a large result, which is read back whole", async () => {
    const text = "Ünï".repeat(100_000);
    const operation = await startScript(async () => ({ text }));
    await runNext();

    expect(await getOperation(operation.name)).toMatchObject({ response: { value: { text } } });
    const { body } = await call("GET", "/v1/projects/p/operations");
    expect((body["operations"] as object[])[0]).toMatchObject({ response: { value: { text } } });
  });
});

test("echo:wait with an error ends with exactly that error", async () => {
  const error = {
    code: 5,
    message: "no such film",
    details: [{ "@type": "type.googleapis.com/google.rpc.Help", links: [] }],
  };
  const operation = await startEcho({ ttl: "60s", error });
  await runNext();
  await advanceUntil(operation, () => controls.sent.length > 0);
  await runNext();

  expect((await getOperation(operation.name))["error"]).toEqual(error);
});
