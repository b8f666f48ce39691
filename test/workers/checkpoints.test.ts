// Invocations and attempts (architecture.md, 4): what is bounded, what goes on from what is stored, and what is said
// where nothing is.
import { describe, expect, test, vi } from "vitest";
import type { OperationContext } from "../../src/index";
import { MAX_CHECKPOINT_CHARACTERS, MAX_PLATFORM_DEATHS } from "../../src/limits";
import { MAKE, aDeployment, aMethod, letTimePass, loseLease, recordOf } from "./a-deployment";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";

/** Longer than a third of an invocation, so that it gives way at the next checkpoint; shorter than a lease. */
const INVOCATION_SECONDS = "30";
const LATE_MS = 15_000;

useFreshWorld();

async function startOf(
  run: (op: OperationContext) => Promise<object>,
  options = {},
  variables = { INVOCATION_SECONDS },
) {
  const service = aDeployment({ methods: [aMethod(run, options)] }, variables);
  const { operation } = await service.post(MAKE);
  return { service, name: operation.name };
}

/** Never comes back: its platform has died, as far as anybody knows. */
function hang(): Promise<never> {
  return new Promise(() => {});
}

describe("a loop with checkpoints", () => {
  test("continues over 20 invocations from its last checkpoint", async () => {
    const begun: unknown[] = [];
    const { service, name } = await startOf(async (op) => {
      begun.push(op.resumeFrom ?? 0);
      let row = Number(op.resumeFrom ?? 0);
      while (row < 20) {
        row += 1;
        clock.advance(LATE_MS);
        await op.checkpoint(row);
      }
      return { row, attempt: op.attempt };
    });
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ row: 20, attempt: 1 });
    expect(begun).toEqual(Array.from({ length: 21 }, (_, index) => index));
  });

  test("continues from its last checkpoint after a failure and after a death", async () => {
    const begun: unknown[] = [];
    const arrived = Promise.withResolvers<void>();
    const { service, name } = await startOf(
      async (op) => {
        begun.push([op.attempt, op.resumeFrom]);
        if (op.attempt === 3) return { row: op.resumeFrom ?? null };
        await op.checkpoint({ row: op.attempt });
        if (op.attempt === 1) throw new Error("broken");
        arrived.resolve();
        return hang();
      },
      { retry: { initialBackoff: "0s" } },
    );
    await service.deliver(name);
    while ((await recordOf(name))?.state !== "QUEUED") await letTimePass(name);
    const dying = service.deliver(name);
    await arrived.promise;
    await loseLease(name);
    await dying;
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ row: { row: 2 } });
    expect(begun).toEqual([
      [1, undefined],
      [2, { row: 1 }],
      [3, { row: 2 }],
    ]);
  });

  test("may save up to the documented limit, and no more", async () => {
    const { service, name } = await startOf(
      async (op) => {
        await op.checkpoint("x".repeat(MAX_CHECKPOINT_CHARACTERS - 2));
        await op.checkpoint("x".repeat(MAX_CHECKPOINT_CHARACTERS - 1));
        return {};
      },
      { retry: { maxAttempts: 1 } },
    );
    const { error } = await service.runToEnd(name);

    expect(error?.message).toContain(`at most ${MAX_CHECKPOINT_CHARACTERS} characters of JSON; this has`);
  });
});

// "Two invocations in a row without a new step or checkpoint are a failed attempt, which says so."
describe("work that stores nothing within an invocation's limit", () => {
  const briefly = { INVOCATION_SECONDS: "0.1" };
  const once = { retry: { maxAttempts: 1 } };

  /** Works until it is told to stop. */
  function idle(op: OperationContext): Promise<never> {
    return new Promise((_, reject) => {
      op.signal.addEventListener("abort", () => reject(op.signal.reason as Error));
    });
  }

  test("fails after two invocations, with a remedy in the error", async () => {
    const run = vi.fn<typeof idle>(idle);
    const { service, name } = await startOf(run, once, briefly);
    await service.deliver(name);
    const between = await service.get(name);
    await service.deliver(name);
    const { done, error } = await service.get(name);

    expect(between.done).toBe(false);
    expect(run).toHaveBeenCalledTimes(2);
    expect({ done, code: error?.code }).toEqual({ done: true, code: 4 });
    expect(error?.message).toMatch(
      /^The work of things:make reached the limit of 0\.1s per invocation 2 times in a row .* op\.step .* op\.checkpoint/,
    );
  });

  test("ends even if the handler ignores its signal", async () => {
    const { service, name } = await startOf(hang, once, briefly);
    await service.deliver(name);
    await service.deliver(name);

    expect((await service.get(name)).error).toMatchObject({ code: 4 });
  });

  test("loses a partial result that the handler returns at the stop", async () => {
    const { service, name } = await startOf((op) => idle(op).catch(() => ({ half: true })), once, briefly);
    await service.deliver(name);
    await service.deliver(name);

    expect((await service.get(name)).error).toMatchObject({ code: 4 });
  });

  test("loses a partial result of a step in the same way", async () => {
    const { service, name } = await startOf(
      async (op) => ({ half: await op.step("half", () => idle(op).catch(() => "half")) }),
      once,
      briefly,
    );
    await service.deliver(name);
    const record = await recordOf(name);
    await service.deliver(name);

    expect(record?.steps).toBeUndefined();
    expect((await service.get(name)).error).toMatchObject({ code: 4 });
  });
});

describe("attemptTimeout", () => {
  test("fails the attempt, which is retried, and at last ends the operation with a reason", async () => {
    const attempts: number[] = [];
    const arrivals = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { service, name } = await startOf(
      async (op) => {
        attempts.push(op.attempt);
        arrivals[op.attempt - 1]?.resolve();
        return hang();
      },
      { attemptTimeout: "20s", retry: { maxAttempts: 2, initialBackoff: "0s" } },
    );
    for (const arrived of arrivals) {
      const running = service.deliver(name);
      await arrived.promise;
      clock.advance(20_000);
      await letTimePass(name);
      await running;
      await letTimePass(name);
    }

    expect(attempts).toEqual([1, 2]);
    expect((await service.get(name)).error).toMatchObject({
      code: 4,
      message: "An attempt of things:make took longer than its limit of 20s.",
    });
  });

  test("does not count durable sleeps", async () => {
    const { service, name } = await startOf(
      async (op) => {
        await op.sleep("10m");
        return { attempt: op.attempt };
      },
      { attemptTimeout: "20s" },
    );
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ attempt: 1 });
  });

  test("counts over all the invocations of an attempt", async () => {
    const { service, name } = await startOf(
      async (op) => {
        for (let row = Number(op.resumeFrom ?? 0); ; row += 1) {
          clock.advance(LATE_MS);
          await op.checkpoint(row);
        }
      },
      { attemptTimeout: "40s", retry: { maxAttempts: 1 } },
    );
    const { error } = await service.runToEnd(name);

    expect(error?.message).toBe("An attempt of things:make took longer than its limit of 40s.");
  });
});

// "Attempts that die with their platform (lost lease, no report) are bounded apart from failures that the handler reports."
describe("attempts that die with their platform", () => {
  async function dieUntilDone(run: (op: OperationContext, arrive: () => void) => Promise<object>, most: number) {
    let arrived = Promise.withResolvers<void>();
    const { service, name } = await startOf((op) => run(op, () => arrived.resolve()), {
      timeout: "30d",
      retry: { maxAttempts: 2 },
    });
    let deaths = 0;
    while (deaths < most && !(await service.get(name)).done) {
      arrived = Promise.withResolvers();
      const dying = service.deliver(name);
      await Promise.race([arrived.promise, dying]);
      if ((await recordOf(name))?.state === "RUNNING") {
        await loseLease(name);
        deaths += 1;
      }
      await dying;
      await letTimePass(name);
    }
    return { operation: await service.get(name), deaths };
  }

  test.each<[string, (op: OperationContext) => void]>([
    ["without a word", () => undefined],
    ["even if they report progress", (op) => op.progress({ rows: op.attempt })],
  ])("end the operation after five, %s", async (_, before) => {
    const { operation, deaths } = await dieUntilDone((op, arrive) => {
      before(op);
      arrive();
      return hang();
    }, 10);

    expect(deaths).toBe(MAX_PLATFORM_DEATHS);
    expect(operation.error).toMatchObject({ code: 13 });
    expect(operation.error?.message).toMatch(/^The work of things:make died 5 times with its platform.*memory or CPU/);
  });

  test("are counted from zero once the work has stored something", async () => {
    const { operation, deaths } = await dieUntilDone(async (op, arrive) => {
      const row = Number(op.resumeFrom ?? 0) + 1;
      await op.checkpoint(row);
      if (row > 8) return { row };
      arrive();
      return hang();
    }, 20);

    expect(deaths).toBe(8);
    expect(operation.response?.value).toEqual({ row: 9 });
  });
});

// "A handler may call it 10,000 times a second at the cost of a few writes."
test("10,000 progress reports cost a few writes, and the last one is kept", async () => {
  const { service, name } = await startOf(async (op) => {
    for (let rows = 1; rows <= 10_000; rows += 1) op.progress({ rows, statusMessage: `Row ${rows}.` });
    return {};
  });
  const before = await recordOf(name);
  await service.deliver(name);
  const after = await recordOf(name);

  expect(after?.metadata).toEqual({ rows: 10_000, progressPercent: 100 });
  // Each write of the record that a client can see is a revision: the claim, the first report, the end with the last.
  expect((after?.revision ?? 0) - (before?.revision ?? 0)).toBeLessThanOrEqual(5);
});

test("the metadata of several invocations is bounded, and the latest report is kept", async () => {
  const { service, name } = await startOf(async (op) => {
    const row = Number(op.resumeFrom ?? 0) + 1;
    op.progress({ [`field ${row}`]: "x".repeat(200_000) });
    if (row === 5) return {};
    clock.advance(LATE_MS);
    await op.checkpoint(row);
    return {};
  });
  await service.runToEnd(name);

  expect(Object.keys((await recordOf(name))?.metadata ?? {})).toEqual(["field 5", "progressPercent"]);
});
