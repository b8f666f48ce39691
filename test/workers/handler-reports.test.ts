// Handlers as public reports of other durable runtimes have them (docs/cases.md). Each is named by its report.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type OperationContext, RpcError } from "../../src/index";
import { MAKE, aDeployment, aMethod } from "./a-deployment";
import { useFreshWorld } from "./harness";

let ran: string[] = [];

useFreshWorld();
beforeEach(() => {
  ran = [];
});

async function startOf(run: (op: OperationContext) => Promise<object>, options = {}) {
  const service = aDeployment({
    methods: [aMethod(run, { timeout: "30d", retry: { initialBackoff: "1s" }, ...options })],
  });
  const { operation } = await service.post(MAKE);
  return { service, name: operation.name };
}

async function endOf(run: (op: OperationContext) => Promise<object>, options = {}) {
  const { service, name } = await startOf(run, options);
  return service.runToEnd(name);
}

function step<T>(op: OperationContext, name: string, result: T | (() => T | Promise<T>)) {
  return op.step(name, () => {
    ran.push(name);
    return typeof result === "function" ? (result as () => T)() : result;
  });
}

function fail(): never {
  throw new RangeError("out of stock");
}

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

describe("a step's failure", () => {
  // aws-durable-execution-sdk-js 177, 194, 206.
  test.each<[string, (failed: Promise<unknown>) => Promise<unknown>]>([
    ["Promise.allSettled", (failed) => Promise.allSettled([failed])],
    ["Promise.all and catch", (failed) => Promise.all([failed, Promise.resolve(1)]).catch(() => {})],
    ["Promise.any and catch", (failed) => Promise.any([failed, Promise.reject(new Error("no"))]).catch(() => {})],
  ])("is no unhandled rejection in a replay after %s has caught it", async (_, take) => {
    const { response } = await endOf(async (op) => {
      await take(step(op, "fails", fail));
      await op.sleep("1m");
      return { after: await step(op, "after", async () => pause(20).then(() => "fine")) };
    });

    expect(response?.value).toEqual({ after: "fine" });
    expect(ran).toEqual(["fails", "after"]);
  });

  // aws-durable-execution-sdk-js 216.
  test("is logged, and is no unhandled rejection, if nothing awaits it", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const { response } = await endOf(async (op) => {
      void step(op, "fails", fail);
      await step(op, "after", 1);
      return { after: true };
    });
    const lines = warn.mock.calls.map(([line]) => line as object);
    warn.mockRestore();

    expect(response?.value).toEqual({ after: true });
    expect(lines).toContainEqual(
      expect.objectContaining({
        message: "step failed",
        step: "fails",
        error: expect.stringContaining("out of stock"),
      }),
    );
  });

  test("is logged if the handler threw the other one of two", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    await endOf(
      async (op) => {
        await Promise.all([step(op, "first", fail), step(op, "second", fail)]);
        return {};
      },
      { retry: { maxAttempts: 1 } },
    );
    const lines = warn.mock.calls.map(([line]) => line as { message?: string; step?: string });
    warn.mockRestore();

    expect(lines.filter(({ message }) => message === "step failed").map((line) => line.step)).toEqual(["second"]);
  });

  test("may be awaited long after it happened", async () => {
    const { response } = await endOf(async (op) => {
      const failed = step(op, "fails", fail);
      await step(op, "slow", async () => pause(30));
      await op.sleep("1m");
      return { caught: await failed.then(String, String) };
    });

    expect(response?.value).toEqual({ caught: "RangeError: out of stock" });
    expect(ran).toEqual(["fails", "slow"]);
  });

  // restatedev/sdk-typescript 656; aws-durable-execution-sdk-js 218.
  test("keeps name, message, class and cause in a replay", async () => {
    const told: string[] = [];
    await endOf(async (op) => {
      const caught = await op
        .step("fails", () => {
          throw new RpcError("NOT_FOUND", "no file", { reason: "FILE_GONE", cause: new Error("disk") });
        })
        .catch((error: unknown) => error as RpcError);
      told.push(`${caught instanceof RpcError} ${caught.code} ${caught.reason} ${caught.message}`);
      await op.sleep("1m");
      return {};
    });

    expect(told).toEqual(Array.from({ length: 2 }, () => "true NOT_FOUND FILE_GONE no file"));
  });

  // cloudflare-docs 28638.
  test("runs its clean-up once, although the handler throws it on and is retried", async () => {
    const { response } = await endOf(async (op) => {
      try {
        return { done: await step(op, "flaky", () => (op.attempt < 3 ? fail() : true)) };
      } catch (error) {
        await step(op, "clean up", 1);
        throw error;
      }
    });

    expect(response?.value).toEqual({ done: true });
    expect(ran).toEqual(["flaky", "clean up", "flaky", "flaky"]);
  });

  // dbos-transact-ts 1303.
  test("leaves the operation cancelled if a cancel request caused it and the handler catches it", async () => {
    const begun = Promise.withResolvers<void>();
    const { service, name } = await startOf(async (op) => {
      const caught = await op
        .step("work", () => {
          begun.resolve();
          return new Promise<never>((_, reject) => {
            op.signal.addEventListener("abort", () => reject(op.signal.reason as Error));
          });
        })
        .catch(() => "cancelled");
      await step(op, "after", 1);
      return { caught };
    });
    const delivered = service.deliver(name);
    await begun.promise;
    await service.post(`/v1/${name}:cancel`);
    await delivered;

    expect(await service.get(name)).toMatchObject({ done: true, error: { code: 1 } });
    expect(ran).toEqual([]);
  });
});

describe("a step's result", () => {
  // restatedev/sdk-typescript 454.
  test("is plain data in the first invocation too, without the methods of an instance", async () => {
    class Row {
      readonly at = new Date(0);
      save(): string {
        return "saved";
      }
    }
    const seen: unknown[] = [];
    await endOf(async (op) => {
      seen.push(await op.step("row", () => new Row()));
      await op.sleep("1m");
      return {};
    });

    expect(seen).toEqual([{ at: "1970-01-01T00:00:00.000Z" }, { at: "1970-01-01T00:00:00.000Z" }]);
  });

  // restatedev/sdk-typescript 197.
  test("belongs to its step if steps are begun together and awaited in turn", async () => {
    const { response } = await endOf(async (op) => {
      const slow = step(op, "slow", async () => pause(30).then(() => "slow"));
      const quick = step(op, "quick", "quick");
      await op.sleep("1m");
      return { slow: await slow, quick: await quick };
    });

    expect(response?.value).toEqual({ slow: "slow", quick: "quick" });
    expect(ran).toEqual(["slow", "quick"]);
  });

  test("is stored for a nested step and for its outer step", async () => {
    const { response } = await endOf(async (op) => {
      const outer = await step(op, "outer", async () => `${await step(op, "inner", "inner")} in outer`);
      await op.sleep("1m");
      return { outer };
    });

    expect(response?.value).toEqual({ outer: "inner in outer" });
    expect(ran).toEqual(["outer", "inner"]);
  });
});

describe("a sleep", () => {
  // inngest 3069.
  test("of another length in each call of a loop is slept once, and no step runs twice", async () => {
    const lengths: number[] = [];
    const { response } = await endOf(async (op) => {
      for (let round = 1; round <= 3; round += 1) {
        lengths.push(lengths.length * 7 + 5);
        await op.sleep(`${lengths.at(-1)!}s`);
        await step(op, `round ${round}`, 1);
      }
      return {};
    });

    expect(response).toBeDefined();
    expect(ran).toEqual(["round 1", "round 2", "round 3"]);
  });

  // cloudflare-docs 32100, workerd 3691, nodejs/node 4541.
  test.each<[string, (op: OperationContext) => Promise<unknown>]>([
    ["a number", (op) => op.sleep(30 as never)],
    ["no unit", (op) => op.sleep("30" as never)],
    ["words", (op) => op.sleep("1 minute" as never)],
    ["less than nothing", (op) => op.sleep("-5s")],
    ["NaN", (op) => op.sleep("NaNs" as never)],
    ["a time as text", (op) => op.sleepUntil("2026-12-01T00:00:00Z" as never)],
    ["an invalid Date", (op) => op.sleepUntil(new Date(Number.NaN))],
    ["nothing", (op) => op.sleep(undefined as never)],
  ])("of %s ends the operation once, and names the accepted forms", async (_, sleep) => {
    const { error } = await endOf(async (op) => {
      ran.push("called");
      await sleep(op);
      return {};
    });

    expect(error).toMatchObject({ code: 13, message: expect.stringMatching(/^op\.sleep/) });
    expect(ran).toEqual(["called"]);
  });

  test.each<[string, (op: OperationContext) => Promise<unknown>]>([
    ["no length", (op) => op.sleep("0s")],
    ["a time that is over", (op) => op.sleepUntil(new Date(0))],
  ])("of %s takes no time", async (_, sleep) => {
    const { response } = await endOf(async (op) => {
      await sleep(op);
      return { slept: true };
    });

    expect(response?.value).toEqual({ slept: true });
  });

  test.each<[string, (op: OperationContext) => Promise<unknown>]>([
    ["a year", (op) => op.sleep("366d")],
    ["the last Date", (op) => op.sleepUntil(new Date(8.64e15))],
  ])("of %s past the deadline ends at the deadline", async (_, sleep) => {
    const { error } = await endOf(
      async (op) => {
        await sleep(op);
        return {};
      },
      { timeout: "1h" },
    );

    expect(error).toMatchObject({ code: 4 });
  });
});

describe("a retry", () => {
  // workerd 3691.
  test("begins at once without a backoff", async () => {
    const { response } = await endOf(
      async (op) => {
        if (op.attempt < 3) fail();
        return { attempt: op.attempt };
      },
      { retry: { maxAttempts: 3, initialBackoff: "0s" } },
    );

    expect(response?.value).toEqual({ attempt: 3 });
  });
});
