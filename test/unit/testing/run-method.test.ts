// runMethod: a method's whole life in memory, by the real start, lifecycle, runner and replay.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineMethod } from "../../../src/method/define-method";
import type { MethodDeclaration, OperationContext } from "../../../src/method/method";
import { RpcError } from "../../../src/rpc/own-error";
import type { JsonObject } from "../../../src/rpc/any";
import { hangs, runMethod, takes } from "../../../src/testing";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START = { parent: "projects/p" };

function aMethod(
  run: (op: OperationContext, request: JsonObject) => Promise<object>,
  declaration: Partial<MethodDeclaration<JsonObject, object>> = {},
) {
  return defineMethod({
    http: { post: "/v1/{parent=projects/*}/things:make", body: "*" },
    request: (json: JsonObject) => json,
    ...declaration,
    run: async (request, op) => run(op, request),
  });
}

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("runMethod", () => {
  it("returns the operation as its clients see it", async () => {
    const make = aMethod(async (op, { name }) => {
      op.progress({ made: 1, statusMessage: "Half way." });
      const greeting = await op.step("greet", () => `Hello, ${JSON.stringify(name)}.`);
      op.log("greeted", { name: name ?? null });
      return { greeting, operation: op.name };
    });
    const run = await runMethod(make, { ...START, name: "Ada" }, { startTime: new Date("2026-01-01T00:00:00Z") });

    expect(run.response).toEqual({ greeting: 'Hello, "Ada".', operation: run.name });
    expect(run.error).toBeUndefined();
    expect(run.operation).toMatchObject({
      name: expect.stringMatching(/^projects\/p\/operations\/[0-9a-f]{64}$/) as string,
      done: true,
      metadata: { value: { createTime: "2026-01-01T00:00:00.000Z", verb: "make", progressPercent: 100, made: 1 } },
    });
    expect(run).toMatchObject({
      attempts: 1,
      invocations: 1,
      steps: [{ name: "greet", runs: 1, result: 'Hello, "Ada".' }],
      progress: [{ made: 1, statusMessage: "Half way." }],
      logs: [{ level: "log", message: "greeted", name: "Ada", method: "things:make" }],
      durationMs: 0,
      unusedMocks: [],
    });
  });

  it("skips sleeps and backoffs, and advances its clock by their time", async () => {
    let failures = 2;
    const seenMs: number[] = [];
    const make = aMethod(
      async (op) => {
        await op.sleep("nap", "30d");
        seenMs.push(Date.now() - op.createTime.getTime(), new Date().getTime() - op.createTime.getTime());
        await op.step("flaky", () => {
          failures -= 1;
          if (failures >= 0) throw new Error("not yet");
        });
        return { attempt: op.attempt };
      },
      { timeout: "60d", retry: { initialBackoff: "1h" } },
    );
    const realTime = Date.now();
    const run = await runMethod(make, START);

    expect(Date.now() - realTime).toBeLessThan(5_000);
    expect(run).toMatchObject({ response: { attempt: 3 }, attempts: 3, steps: [{ name: "flaky", runs: 3 }] });
    expect(run.logs.map(({ level, message }) => `${level}: ${String(message)}`)).toEqual([
      "error: attempt failed",
      "error: attempt failed",
    ]);
    // Half of the longest backoff, twice.
    expect(run.durationMs).toBe(30 * DAY_MS + HOUR_MS);
    expect(seenMs.slice(0, 2)).toEqual([30 * DAY_MS, 30 * DAY_MS]);
  });

  it("gives concurrent runs their own clocks, and restores Date at the end", async () => {
    const realDate = Date;
    const make = aMethod(
      async (op, { days }) => {
        await op.sleep(`${Number(days)}d`);
        return { days: (Date.now() - op.createTime.getTime()) / DAY_MS, isDate: new Date() instanceof Date };
      },
      { timeout: "300d" },
    );
    const runs = await Promise.all([2, 200].map(async (days) => runMethod(make, { ...START, days })));

    expect(runs.map(({ response }) => response)).toEqual([
      { days: 2, isDate: true },
      { days: 200, isDate: true },
    ]);
    expect(Date).toBe(realDate);
  });

  it("passes the caller to the method, also with maxConcurrent", async () => {
    const make = aMethod(
      async (op) => {
        await op.sleep("1s");
        return { caller: op.caller?.id ?? "nobody", groups: op.caller?.members.length ?? 0 };
      },
      { maxConcurrent: 1 },
    );
    const caller = { id: "session:ada", members: ["user:ada@example.com"] };

    expect((await runMethod(make, START, { caller })).response).toEqual({ caller: "session:ada", groups: 1 });
    expect((await runMethod(make, START)).response).toEqual({ caller: "nobody", groups: 0 });
  });

  it("returns an immediate result", async () => {
    const make = aMethod(async () => ({}), { immediate: () => ({ response: { cached: true } }) });

    expect(await runMethod(make, START)).toMatchObject({ response: { cached: true }, invocations: 0, attempts: 0 });
  });
});

describe("steps", () => {
  const make = aMethod(async (op) => {
    const results = [];
    for (let index = 0; index < 3; index += 1) results.push(await op.step(`part ${index}`, () => `real ${index}`));
    return { results };
  });

  it("are mocked by name, by pattern, with a value or a function", async () => {
    const run = await runMethod(make, START, {
      steps: {
        "part *": async ({ name, run: own }) => `${name}: ${String(await own())}`,
        "part 1": "mocked",
        "no such step": null,
      },
    });

    expect(run.response).toEqual({ results: ["part 0: real 0", "mocked", "part 2: real 2"] });
    expect(run.unusedMocks).toEqual(["no such step"]);
  });

  it("fail with the error of a mock, and are retried", async () => {
    const run = await runMethod(make, START, {
      steps: {
        "part 1": ({ runs, attempt }) => {
          if (runs < 3) throw new Error(`attempt ${attempt} fails`);
          return attempt;
        },
      },
    });

    expect(run.response).toEqual({ results: ["real 0", 3, "real 2"] });
    expect(run.steps.map(({ name, runs }) => [name, runs])).toEqual([
      ["part 0", 1],
      ["part 1", 3],
      ["part 2", 1],
    ]);
  });

  it("are not run again after the death of a runner", async () => {
    const run = await runMethod(make, START, {
      steps: { "part 1": async ({ runs, die }) => (runs === 1 ? die() : "after") },
    });

    expect(run).toMatchObject({ response: { results: ["real 0", "after", "real 2"] }, attempts: 2 });
    expect(run.steps.map(({ runs }) => runs)).toEqual([1, 2, 1]);
  });

  it("end the operation if each attempt dies", async () => {
    const run = await runMethod(make, START, { steps: { "part 0": ({ die }) => die() } });

    expect(run.error).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("died 5 times") as string });
    expect(run.steps).toEqual([{ name: "part 0", runs: 5 }]);
  });

  it.each([
    ["10s", "step"],
    ["2m", "sleep"],
  ] as const)("of %s race with a sleep of a minute: the %s wins", async (duration, winner) => {
    const race = aMethod(async (op) => ({
      winner: await Promise.race([op.step("slow", () => "step"), op.sleep("1m").then(() => "sleep")]),
    }));
    const run = await runMethod(race, START, { steps: { slow: takes(duration) } });

    expect(run.response).toEqual({ winner });
    expect(run.durationMs).toBe(winner === "step" ? 10_000 : 60_000);
  });

  it("in real time win a race with a sleep, because time stands still meanwhile", async () => {
    const race = aMethod(async (op) => ({
      winner: await Promise.race([
        op.step("slow", async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return "step";
        }),
        op.sleep("1s").then(() => "sleep"),
      ]),
    }));

    expect(await runMethod(race, START)).toMatchObject({ response: { winner: "step" }, durationMs: 0 });
  });

  it("end with the deadline or the attempt's time limit if they hang", async () => {
    const steps = { "part 2": hangs };
    const deadline = await runMethod(make, START, { steps });
    const limited = aMethod(async (op) => ({ result: await op.step("part 2", () => 1) }), {
      attemptTimeout: "90s",
      retry: { maxAttempts: 2, initialBackoff: "0s" },
    });
    const attempts = await runMethod(limited, START, { steps });

    expect(deadline.error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(deadline.durationMs).toBeLessThanOrEqual(HOUR_MS);
    expect(attempts).toMatchObject({ error: { code: "DEADLINE_EXCEEDED" }, attempts: 2, durationMs: 180_000 });
  });

  it("run concurrently, and are stored although one of them fails", async () => {
    const parallel = aMethod(async (op) => ({
      results: await Promise.all([op.step("slow", () => "slow"), op.step("bad", () => "bad")]),
    }));
    const run = await runMethod(parallel, START, {
      steps: {
        slow: takes("5s"),
        bad: ({ runs }) => {
          if (runs === 1) throw new Error("bad");
          return "good";
        },
      },
    });

    expect(run.response).toEqual({ results: ["slow", "good"] });
    expect(run.steps).toEqual([
      { name: "slow", runs: 1, result: "slow" },
      { name: "bad", runs: 2, result: "good" },
    ]);
  });
});

describe("steps with tries of their own", () => {
  const retried = aMethod(
    async (op) => ({
      result: await op.step("send", () => "sent", {
        retry: { maxAttempts: 3, initialBackoff: "2m", backoffMultiplier: 1 },
        timeout: "30s",
      }),
    }),
    { retry: { maxAttempts: 1 } },
  );

  it("take their backoffs by the test's clock, in one attempt of the operation", async () => {
    const run = await runMethod(retried, START, {
      steps: {
        send: ({ runs, attempt }) => {
          if (runs < 3) throw new Error("not now");
          return `attempt ${attempt}`;
        },
      },
    });

    expect(run).toMatchObject({ response: { result: "attempt 1" }, attempts: 1, durationMs: 120_000 });
    expect(run.steps).toEqual([{ name: "send", runs: 3, result: "attempt 1" }]);
  });

  it("end with the error of the last try, or with their time", async () => {
    const failed = await runMethod(retried, START, {
      steps: {
        send: () => {
          throw new Error("never");
        },
      },
    });
    const hung = await runMethod(retried, START, { steps: { send: hangs } });

    expect(failed).toMatchObject({ error: { code: "UNKNOWN" }, attempts: 1, durationMs: 120_000 });
    expect(hung.error).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      message: expect.stringContaining('"send"') as string,
    });
    expect(hung.durationMs).toBe(120_000 + 3 * 30_000);
  });

  it("continue after work that is neither a step nor a sleep", async () => {
    const waiting = aMethod(async (op) => {
      const caught = await op.step("send", () => 1, { timeout: "30s" }).catch(() => "late");
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { caught, seconds: (Date.now() - op.createTime.getTime()) / 1_000 };
    });
    const run = await runMethod(waiting, START, { steps: { send: hangs } });

    expect(run.response).toEqual({ caught: "late", seconds: 30 });
  });
});

describe("a cancel request", () => {
  it("ends a sleeping operation at once", async () => {
    const make = aMethod(
      async (op) => {
        await op.sleep("1h");
        return {};
      },
      { timeout: "2h" },
    );
    const run = await runMethod(make, START, { cancelAfter: "10m" });

    expect(run.error).toMatchObject({ code: "CANCELLED" });
    expect(run).toMatchObject({ durationMs: 600_000, metadata: { requestedCancellation: true } });
  });

  it("aborts the signal of work that runs", async () => {
    const make = aMethod(async (op) => {
      await op.step("work", () => 1);
      op.signal.throwIfAborted();
      return {};
    });
    const run = await runMethod(make, START, {
      steps: {
        work: ({ cancel, run: own }) => {
          cancel();
          return own();
        },
      },
    });

    expect(run).toMatchObject({ error: { code: "CANCELLED" }, attempts: 1 });
  });
});

describe("suspensions", () => {
  const ask = aMethod(
    async (op) => {
      const answer = await op.suspend("approval", {
        prompt: "Pay?",
        payload: z.strictObject({ approved: z.boolean() }),
        timeout: "3d",
      });
      return { answer, days: Math.floor((Date.now() - op.createTime.getTime()) / DAY_MS) };
    },
    { timeout: "10d" },
  );

  it("are answered by their names, at once or later", async () => {
    const answered = await runMethod(ask, START, { answers: { approval: { approved: true } } });
    const late = await runMethod(ask, START, {
      answers: { approval: takes("2d", ({ name }: { name: string }) => ({ approved: name === "approval" })) },
    });

    expect(answered).toMatchObject({ response: { answer: { approved: true }, days: 0 }, attempts: 1, unusedMocks: [] });
    expect(late.response).toEqual({ answer: { approved: true }, days: 2 });
  });

  it("expire without an answer, or if it arrives too late", async () => {
    const none = await runMethod(ask, START, { answers: { other: 1 } });
    const late = await runMethod(ask, START, { answers: { approval: takes("4d", { approved: true }) } });

    expect(none).toMatchObject({
      error: { code: "DEADLINE_EXCEEDED" },
      durationMs: 3 * DAY_MS,
      unusedMocks: ["other"],
    });
    expect(none.error?.message).toContain('"approval" was not answered in time');
    expect(late.error?.code).toBe("DEADLINE_EXCEEDED");
  });

  it("reject an answer that the schema rejects", async () => {
    expect(await thrownBy(runMethod(ask, START, { answers: { approval: { approved: "yes" } } }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: [{ fieldViolations: [{ field: "payload.approved" }] }],
    });
  });

  it("resume a method that waits for an answer or for a step", async () => {
    const race = aMethod(async (op) => {
      const winner = await Promise.race([op.step("slow", () => "step"), op.suspend("skip").then(() => "answer")]);
      return { winner };
    });
    const first = await runMethod(race, START, { steps: { slow: takes("5m") }, answers: { skip: takes("1m", null) } });
    const second = await runMethod(race, START, { steps: { slow: takes("1m") }, answers: { skip: takes("5m", null) } });

    expect([first.response, second.response]).toEqual([{ winner: "answer" }, { winner: "step" }]);
  });
});

describe("limits and errors", () => {
  it("are those of the service: the Status that a method throws", async () => {
    const make = aMethod(async () => {
      throw new RpcError("FAILED_PRECONDITION", "locked");
    });
    const { error, attempts } = await runMethod(make, START);

    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: "FAILED_PRECONDITION", message: "locked" });
    expect(attempts).toBe(1);
  });

  it("reject what the service rejects, before the method runs", async () => {
    const make = defineMethod({
      http: { post: "/v1/{parent=projects/*}/things:make" },
      request: z.strictObject({ parent: z.string(), days: z.coerce.number().max(7), tags: z.array(z.string()) }),
      run: async ({ days, tags }) => ({ days, tags }),
    });
    const refused = await thrownBy(runMethod(make, { ...START, days: 9, tags: ["a", "b"] }));
    const untyped = z.strictObject({ parent: z.string(), days: z.number() });
    const wrongInQuery = defineMethod({
      http: { post: "/v1/{parent=projects/*}/things:make" },
      request: untyped,
      run: async ({ days }) => ({ days }),
    });

    expect(refused).toMatchObject({
      code: "INVALID_ARGUMENT",
      details: [{ fieldViolations: [{ field: "days", description: expect.any(String) as string }] }],
    });
    expect((await runMethod(make, { ...START, days: 7, tags: ["a", "b"] })).response).toEqual({
      days: 7,
      tags: ["a", "b"],
    });
    // A query has text alone.
    expect(await thrownBy(runMethod(wrongInQuery, { ...START, days: 1 }))).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("days") as string,
    });
    expect(await thrownBy(runMethod(make, { parent: "folders/f", days: 1, tags: [] }))).toBeInstanceOf(TypeError);
    expect(
      await thrownBy(
        runMethod(
          aMethod(async () => ({})),
          { ...START, text: "x".repeat(1_048_576) },
        ),
      ),
    ).toMatchObject({
      reason: "REQUEST_TOO_LARGE",
    });
  });

  it.each<[string, (op: OperationContext) => Promise<object>, string]>([
    [
      "a step's name that is used twice",
      async (op) => ({ one: await op.step("a", () => 1), two: await op.step("a", () => 2) }),
      'op.step: two steps of one operation have the name "a".',
    ],
    ["a value that is no JSON", async (op) => ({ big: await op.step("a", () => 5n as never) }), "is a bigint"],
    [
      "a report that the service makes",
      async (op) => (op.progress({ endTime: "now" }), {}),
      "endTime is set by the service",
    ],
  ])("end the operation for %s", async (_, run, message) => {
    const { error, attempts } = await runMethod(aMethod(run), START);

    expect(error).toMatchObject({ code: "INTERNAL", message: expect.stringContaining(message) as string });
    expect(attempts).toBe(1);
  });

  it("bound results, and pass large ones on whole", async () => {
    const make = aMethod(async (op, { size }) => ({ text: await op.step("make", () => "x".repeat(Number(size))) }), {
      maxResultBytes: 2_000_000,
    });
    const large = await runMethod(make, { ...START, size: 1_900_000 });
    const tooLarge = await runMethod(make, { ...START, size: 2_000_000 });

    expect((large.response as { text: string }).text).toHaveLength(1_900_000);
    expect(tooLarge.error).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });
});

describe("a raw body", () => {
  const count = aMethod(
    async (op) => {
      let text = "";
      for await (const part of op.input.pipeThrough(new TextDecoderStream())) text += part;
      await op.sleep("1h");
      return { text, bytes: op.inputBytes };
    },
    {
      http: { post: "/v1/{parent=projects/*}/tables:count" },
      input: { contentTypes: ["text/csv"], maxBytes: 10 },
      timeout: "1d",
    },
  );

  it.each([
    ["text", "a,b\n1,2"],
    ["bytes", new TextEncoder().encode("a,b\n1,2")],
    ["a Blob", new Blob(["a,b\n1,2"])],
    ["a stream", new Blob(["a,b\n1,2"]).stream()],
  ])("is read from its beginning by every invocation: %s", async (_, input) => {
    const run = await runMethod(count, START, { input });

    expect(run).toMatchObject({ response: { text: "a,b\n1,2", bytes: 7 }, invocations: 2 });
  });

  it.each([
    ["too large", { input: "12345678901" }, "REQUEST_TOO_LARGE"],
    ["empty", {}, "REQUEST_EMPTY"],
    ["of another type", { input: "{}", contentType: "application/json" }, "INVALID_ARGUMENT"],
  ])("is rejected if it is %s", async (_, options, reason) => {
    expect(await thrownBy(runMethod(count, START, options))).toMatchObject({ reason });
  });
});

describe("checkpoints", () => {
  it("give the next attempt the place to continue from", async () => {
    let failed = false;
    const make = aMethod(async (op) => {
      const from = Number(op.resumeFrom ?? 0);
      for (let row = from; row < 5; row += 1) {
        if (row === 3 && !failed) {
          failed = true;
          throw new Error("row 3");
        }
        await op.checkpoint(row + 1);
      }
      return { from };
    });

    expect(await runMethod(make, START)).toMatchObject({ response: { from: 3 }, attempts: 2 });
  });
});

describe("code that awaits a real timer or I/O", () => {
  it("is named with the call before it", async () => {
    const make = aMethod(async (op) => {
      await op.step("one", () => 1);
      await new Promise(() => {});
      return {};
    });
    const error = await thrownBy(runMethod(make, START, { patienceMs: 50 }));

    expect(String(error)).toMatch(
      /The method has made no call for 50 ms, after step "one" \(testing\/run-method\.test\.ts:\d+:\d+\)\./,
    );
  });

  it("is named if it is a step", async () => {
    const make = aMethod(async (op) => ({ value: await op.step("slow", () => new Promise<number>(() => {})) }));

    expect(String(await thrownBy(runMethod(make, START, { patienceMs: 50 })))).toContain(
      'The step "slow" has run for 50 ms.',
    );
  });
});
