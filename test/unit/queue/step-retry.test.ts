// Steps with tries and a time of their own: op.step(name, fn, { retry, timeout }).
import { describe, expect, test } from "vitest";
import type { StepContext, StepOptions } from "../../../src/index";
import { RpcError } from "../../../src/rpc/own-error";
import { HOUR_MS } from "../../support/an-operation";
import { NOW, aContext, isPending } from "./a-context";
import { RunSignal } from "../../../src/queue/run-signal";

const THRICE: StepOptions = { retry: { maxAttempts: 3, initialBackoff: "2s", backoffMultiplier: 2 } };
/** The backoff of the first failure, because the test's random number is a half. */
const FIRST_BACKOFF_MS = 1_000;
const IN_PLACE = { sleepInPlaceMs: 3_000 };

/** A function that fails in its first runs, and notes which tries it was. */
function failing(failures: number, error: () => unknown = () => new Error("not now")) {
  const tries: number[] = [];
  const run = ({ attempt }: StepContext): number => {
    tries.push(attempt);
    if (tries.length <= failures) throw error();
    return tries.length;
  };
  return { tries, run };
}

describe("op.step with retry", () => {
  test("is retried in its invocation, and the handler gets the result alone", async () => {
    const { op, untilAwake, inPlace, saved } = aContext(IN_PLACE);
    const { run, tries } = failing(2);
    const result = op.step("flaky", run, THRICE);
    await untilAwake(result);

    expect(await result).toBe(3);
    expect(tries).toEqual([1, 2, 3]);
    expect(saved).toEqual([["flaky", "3"]]);
    expect(inPlace).toEqual([
      {
        stepTries: [{ name: "flaky", failures: 1, retryTime: NOW + FIRST_BACKOFF_MS }],
        restsUntil: NOW + FIRST_BACKOFF_MS,
      },
      {
        stepTries: [{ name: "flaky", failures: 2, retryTime: NOW + 3 * FIRST_BACKOFF_MS }],
        restsUntil: NOW + 3 * FIRST_BACKOFF_MS,
      },
    ]);
  });

  test("ends the invocation with the count of its tries if the next one is far", async () => {
    const { op, ending } = aContext(IN_PLACE);
    const { run } = failing(1);
    void op.step("flaky", run, { retry: { initialBackoff: "1h" } });

    expect(await ending()).toEqual({
      type: "sleep",
      ordinal: -1,
      wakeTime: NOW + HOUR_MS / 2,
      sleeps: [],
      stepTries: [{ name: "flaky", failures: 1, retryTime: NOW + HOUR_MS / 2 }],
    });
  });

  test("continues with its count in another invocation at its wake time", async () => {
    const stepTries = [{ name: "flaky", failures: 2, retryTime: NOW + 500 }];
    const { op, untilAwake, passTime } = aContext({ ...IN_PLACE, stepTries });
    const { run, tries } = failing(0);
    const result = op.step("flaky", run, THRICE);
    expect(await isPending(result)).toBe(true);
    expect(tries).toEqual([]);
    passTime();
    await untilAwake(result);

    expect(tries).toEqual([3]);
  });

  test.each<[string, number, StepOptions, () => unknown]>([
    ["its tries are used up", 3, THRICE, () => new Error("not now")],
    ["an RpcError that is not retried", 1, THRICE, () => new RpcError("NOT_FOUND", "no such table")],
    ["it has no retry", 1, {}, () => new Error("not now")],
    ["it may be tried once", 1, { retry: { maxAttempts: 1 } }, () => new Error("not now")],
  ])("fails with the error of its last try: %s", async (_case, count, options, error) => {
    const { op, untilAwake } = aContext(IN_PLACE);
    const { run, tries } = failing(Infinity, error);
    const caught = op.step("flaky", run, options).catch((thrown: unknown) => thrown);
    await untilAwake(caught);

    expect(await caught).toEqual(error());
    expect(tries).toHaveLength(count);
  });

  test("is retried after an UNAVAILABLE", async () => {
    const { op, untilAwake } = aContext(IN_PLACE);
    const { run, tries } = failing(1, () => new RpcError("UNAVAILABLE", "busy"));
    await untilAwake(op.step("flaky", run, THRICE));

    expect(tries).toEqual([1, 2]);
  });

  test("has its failure in a replay once its tries are used up, and no stored try", async () => {
    const first = aContext(IN_PLACE);
    const caught = first.op.step("flaky", failing(Infinity).run, { retry: { maxAttempts: 1 } }).catch(() => "caught");
    await caught;
    await first.op.step("next", () => 1);

    expect(first.memories.at(-1)).toMatchObject({ stepFailures: [{ name: "flaky" }] });
    expect(first.memories.at(-1)?.stepTries).toBeUndefined();
  });

  test("is not retried past the operation's deadline", async () => {
    const { op } = aContext({ ...IN_PLACE, deadline: NOW + FIRST_BACKOFF_MS });
    const { run, tries } = failing(Infinity);

    await expect(op.step("flaky", run, THRICE)).rejects.toThrow("not now");
    expect(tries).toEqual([1]);
  });

  test("is not retried after a cancel request, and its wait ends the invocation", async () => {
    const cancelled = new RunSignal();
    const { op, ending } = aContext(IN_PLACE, { signal: cancelled });
    const { run, tries } = failing(Infinity);
    const step = op.step("flaky", run, THRICE);
    expect(await isPending(step)).toBe(true);
    cancelled.abort(new RpcError("CANCELLED", "stop"));

    expect(await ending()).toMatchObject({ type: "sleep" });
    expect(tries).toEqual([1]);
  });

  test("fails for good after a cancel request", async () => {
    const cancelled = new RunSignal();
    const { op } = aContext(IN_PLACE, { signal: cancelled });
    const step = op.step(
      "flaky",
      () => {
        cancelled.abort(new RpcError("CANCELLED", "stop"));
        throw new Error("stopped");
      },
      THRICE,
    );

    await expect(step).rejects.toThrow("stopped");
  });

  test("has its count stored while another step runs", async () => {
    const { op, inPlace } = aContext(IN_PLACE);
    void op.step("long", () => new Promise<never>(() => {}));
    const step = op.step("flaky", failing(1).run, THRICE);
    expect(await isPending(step)).toBe(true);

    expect(inPlace).toEqual([{ stepTries: [{ name: "flaky", failures: 1, retryTime: NOW + FIRST_BACKOFF_MS }] }]);
  });

  test("yields without a try if its invocation is late", async () => {
    const { op, ending } = aContext(IN_PLACE, { yieldTime: NOW + FIRST_BACKOFF_MS });
    const { run, tries } = failing(1);
    void op.step("flaky", run, THRICE);

    expect(await ending()).toMatchObject({ type: expect.stringMatching(/^(yield|sleep)$/) as string });
    expect(tries).toEqual([1]);
  });

  test.each<[string, object, string]>([
    [
      "an unknown option",
      { timeouts: "3s" },
      'op.step "flaky": options has an unknown option "timeouts"; did you mean "timeout"?',
    ],
    ["no attempts", { retry: { maxAttempts: 0 } }, 'op.step "flaky": retry.maxAttempts is 0; it may be from 1 to 100'],
    ["retry that is a number", { retry: 3 }, 'op.step "flaky": retry is 3; it must be an object'],
    ["a timeout without a unit", { timeout: "30" }, 'op.step "flaky": timeout is "30"; write a number and a unit'],
    ["a timeout of no time", { timeout: "0s" }, 'op.step "flaky": timeout, in milliseconds, is 0; it may be from 1'],
    ["options that are no object", 3 as never, 'op.step "flaky": options is 3; it must be an object'],
  ])("rejects %s, which ends the operation", async (_case, options, text) => {
    const { op, ending } = aContext();
    const step = op.step("flaky", () => 1, options);

    await expect(step).rejects.toThrow(text);
    expect(await ending()).toMatchObject({ type: "failed", error: { reason: "LIBRARY_MISUSE" } });
  });
});

describe("op.step with a timeout", () => {
  const hangs = (): Promise<never> => new Promise<never>(() => {});

  test("fails when its time is over, with the reason in its signal", async () => {
    const { op, untilAwake } = aContext();
    const signals: AbortSignal[] = [];
    const caught = op
      .step(
        "slow",
        ({ signal }) => {
          signals.push(signal);
          return hangs();
        },
        { timeout: "30s" },
      )
      .catch((error: unknown) => error);
    await untilAwake(caught);

    const message = 'The step "slow" took longer than its timeout of 30s.';
    expect(await caught).toMatchObject({ code: "DEADLINE_EXCEEDED", reason: "STEP_TIMED_OUT", message });
    expect(signals[0]?.reason).toMatchObject({ reason: "STEP_TIMED_OUT" });
  });

  test("is retried", async () => {
    const { op, untilAwake } = aContext(IN_PLACE);
    let tries = 0;
    const result = op.step("slow", () => ((tries += 1) === 1 ? hangs() : "done"), { ...THRICE, timeout: "1s" });
    await untilAwake(result);

    expect(await result).toBe("done");
  });

  test("returns the result of a function that is in time, and leaves no timer", async () => {
    const { op, passTime } = aContext();
    let signal: AbortSignal | undefined;
    const result = await op.step("quick", (step) => ((signal = step.signal), "done"), { timeout: "30s" });
    passTime();

    expect(result).toBe("done");
    expect(signal?.aborted).toBe(false);
  });

  test.each<[string, StepOptions]>([
    ["with a timeout", { timeout: "30s" }],
    ["without one", {}],
  ])("has a signal that a cancel request aborts: %s", async (_case, options) => {
    const cancelled = new RunSignal();
    const { op } = aContext({}, { signal: cancelled });
    const step = op.step(
      "slow",
      ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      options,
    );
    expect(await isPending(step)).toBe(true);
    cancelled.abort(new RpcError("CANCELLED", "stop"));

    await expect(step).rejects.toThrow("stop");
  });
});
