// Handlers' control flow in the real runtime: parallel branches, races, failures that are caught, and time limits.
import { beforeEach, describe, expect, test } from "vitest";
import { type OperationContext, RpcError } from "../../src/index";
import { MAKE, aDeployment, aMethod, letTimePass, loseLease, recordOf } from "./a-deployment";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";

let ran: string[] = [];

useFreshWorld();
beforeEach(() => {
  ran = [];
});

type Run = (op: OperationContext) => Promise<object>;

async function startOf(run: Run, options = {}, variables = {}) {
  const service = aDeployment({ methods: [aMethod(run, { timeout: "30d", ...options })] }, variables);
  const { operation } = await service.post(MAKE);
  return { service, name: operation.name, startTime: Date.now() };
}

/** A step that notes that it was run, and what the clock showed. */
function step<T>(op: OperationContext, name: string, result: T) {
  return op.step(name, () => {
    ran.push(name);
    return result;
  });
}

const seconds = (since: number): number => Math.round((Date.now() - since) / 1_000);
const fails = (error: unknown) => (): never => {
  throw error;
};

describe("sleeps in parallel branches", () => {
  test("keep their own times, whichever branch sleeps first in a replay", async () => {
    const times: Record<string, number> = {};
    const { service, name, startTime } = await startOf(async (op) => {
      const slow = Promise.withResolvers<void>();
      await Promise.all([
        (async () => {
          await op.step("a", () => slow.promise);
          await op.sleep("20s");
          times["long"] ??= seconds(startTime);
        })(),
        (async () => {
          await op.step("b", () => 1);
          setTimeout(() => slow.resolve(), 20);
          await op.sleep("7s");
          times["short"] ??= seconds(startTime);
        })(),
      ]);
      return times;
    });
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ short: 7, long: 20 });
  });

  test("overlap, so three take as long as the longest", async () => {
    const times: number[] = [];
    const { service, name, startTime } = await startOf(async (op) => {
      const branch = async (index: number): Promise<void> => {
        await step(op, `before ${index}`, 1);
        await op.sleep(`${[20, 12, 6][index]!}s`);
        times[index] ??= seconds(startTime);
        await step(op, `after ${index}`, 1);
      };
      await Promise.all([branch(0), branch(1), branch(2)]);
      return { times };
    });
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ times: [20, 12, 6] });
    expect(ran.toSorted()).toEqual(["after 0", "after 1", "after 2", "before 0", "before 1", "before 2"]);
  });

  test("wake one branch after another without a second run of any step", async () => {
    const { service, name } = await startOf(async (op) => {
      const branch = async (letter: string, length: `${number}s`): Promise<void> => {
        for (const round of [1, 2, 3]) {
          await op.sleep(length);
          await step(op, `${letter}${round}`, 1);
        }
      };
      await Promise.all([branch("a", "20s"), branch("b", "8s")]);
      return {};
    });
    await service.runToEnd(name);

    expect(ran).toEqual(["b1", "b2", "a1", "b3", "a2", "a3"]);
  });

  test("are found by their names after their calls have moved", async () => {
    const { service, name, startTime } = await startOf(async (op) => {
      // The calls stand in another order in each invocation, as under another version of the code.
      const calls = [() => op.sleep("long", "30s"), () => op.sleep("short", "5s")];
      if (seconds(startTime) > 0) calls.reverse();
      await Promise.all(calls.map((call) => call()));
      return { after: seconds(startTime) };
    });
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ after: 30 });
  });
});

describe("a sleep of a few seconds", () => {
  test("ends the invocation of a method with maxConcurrent, and releases the slot", async () => {
    const { service, name } = await startOf(
      async (op) => {
        await op.sleep("2s");
        return {};
      },
      { maxConcurrent: 1 },
    );
    await service.deliver(name);

    expect(await recordOf(name)).toMatchObject({ state: "SLEEPING" });
  });
});

describe("a sleep of an earlier attempt", () => {
  test.each<["5s" | "4s"]>([["5s"], ["4s"]])("is not reused by the next attempt, of %s", async (length) => {
    let slept = 0;
    const { service, name } = await startOf(
      async (op) => {
        if (op.attempt === 1) {
          await op.sleep("4s");
          throw new Error("the first always fails");
        }
        const start = Date.now();
        ran.push(String(start));
        await op.sleep(length);
        slept = Date.now() - Number(ran[0]);
        return {};
      },
      { retry: { initialBackoff: "1s" } },
    );
    await service.runToEnd(name);

    expect(slept).toBeGreaterThanOrEqual(length === "5s" ? 5_000 : 4_000);
  });

  test("is skipped before work that is retried", async () => {
    const { service, name, startTime } = await startOf(
      async (op) => {
        await step(op, "first mail", 1);
        await op.sleep("3d");
        await step(op, "second mail", 1);
        ran.push("called");
        if (ran.filter((what) => what === "called").length < 3) throw new Error("not yet");
        return { days: Math.round(seconds(startTime) / 86_400) };
      },
      { timeout: "30d" },
    );
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ days: 3 });
  });

  test("is skipped if its runner died after it", async () => {
    const woken = Promise.withResolvers<void>();
    const { service, name } = await startOf(async (op) => {
      await op.sleep("10m");
      ran.push("awake");
      if (ran.length > 1) return {};
      woken.resolve();
      return new Promise<never>(() => {});
    });
    await service.deliver(name);
    await letTimePass(name);
    clock.advance(600_000);
    await letTimePass(name);
    const lost = service.deliver(name);
    await woken.promise;
    await loseLease(name);
    await lost;
    const { done } = await service.runToEnd(name);

    expect(done).toBe(true);
    expect(ran).toEqual(["awake", "awake"]);
  });
});

describe("a race", () => {
  test("is over at once if a step has won it, and its sleep costs nothing", async () => {
    const { service, name, startTime } = await startOf(
      async (op) => {
        const winner = await Promise.race([step(op, "quick", "quick"), op.sleep("10m").then(() => "slept")]);
        return { winner, after: seconds(startTime) };
      },
      { timeout: "25s" },
    );
    await service.deliver(name);

    expect(await service.get(name)).toMatchObject({ done: true, response: { value: { winner: "quick", after: 0 } } });
  });

  test("of two sleeps takes as long as the shorter", async () => {
    const { service, name, startTime } = await startOf(async (op) => {
      await Promise.race([op.sleep("4s"), op.sleep("8s")]);
      return { after: seconds(startTime) };
    });

    expect((await service.runToEnd(name)).response?.value).toEqual({ after: 4 });
  });

  test("limits the time of a step, which continues and is stopped by its signal", async () => {
    const told = Promise.withResolvers<unknown>();
    const { service, name } = await startOf(async (op) => {
      const work = op.step("work", () => {
        op.signal.addEventListener("abort", () => told.resolve((op.signal.reason as RpcError).reason));
        return new Promise<string>(() => {});
      });
      return { winner: await Promise.race([work, op.sleep("150ms").then(() => "timeout")]) };
    });
    await service.deliver(name);

    expect(await service.get(name)).toMatchObject({ done: true, response: { value: { winner: "timeout" } } });
    expect(await told.promise).toBe("HANDLER_ENDED");
  });

  test("keeps its winner in every later invocation, although the loser has ended meanwhile", async () => {
    const winners: string[] = [];
    const { service, name } = await startOf(async (op) => {
      const slow = op.step("slow", () => new Promise<string>((resolve) => void setTimeout(() => resolve("slow"), 250)));
      const winner = await Promise.race([slow, op.sleep("120ms").then(() => "timeout")]);
      winners.push(winner);
      await step(op, `after ${winner}`, 1);
      await op.sleep("1h");
      return { winner, slow: await slow };
    });
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ winner: "timeout", slow: "slow" });
    expect(winners).toEqual(["timeout", "timeout"]);
    expect(ran).toEqual(["after timeout"]);
  });

  test("keeps a step as its winner in a replay, although the sleep is over by then", async () => {
    const { service, name } = await startOf(async (op) => {
      const winner = await Promise.race([step(op, "quick", "quick"), op.sleep("10s").then(() => "slept")]);
      await op.sleep("1h");
      return { winner };
    });

    expect((await service.runToEnd(name)).response?.value).toEqual({ winner: "quick" });
  });

  test("has the results of Promise.any and Promise.allSettled with any number of steps and sleeps", async () => {
    const { service, name } = await startOf(async (op) => {
      const first = await Promise.any([op.step("bad", fails(new Error("no"))), op.sleep("5s").then(() => "slept")]);
      const settled = await Promise.allSettled([
        op.sleep("7s"),
        step(op, "good", 1),
        op.step("worse", fails(new TypeError("no"))),
      ]);
      return { first, settled: settled.map(({ status }) => status) };
    });

    expect((await service.runToEnd(name)).response?.value).toEqual({
      first: "slept",
      settled: ["fulfilled", "fulfilled", "rejected"],
    });
  });
});

describe("a sleep that is not awaited", () => {
  test("does not delay the operation", async () => {
    const { service, name, startTime } = await startOf(async (op) => {
      void op.sleep("1h");
      await step(op, "work", 1);
      return { after: seconds(startTime) };
    });
    await service.deliver(name);

    expect(await service.get(name)).toMatchObject({ done: true, response: { value: { after: 0 } } });
  });

  test("runs beside another sleep, and is over when it is awaited at last", async () => {
    const { service, name, startTime } = await startOf(async (op) => {
      const pause = op.sleep("10s");
      await op.sleep("30s");
      await pause;
      return { after: seconds(startTime) };
    });

    expect((await service.runToEnd(name)).response?.value).toEqual({ after: 30 });
  });
});

describe("a step that fails", () => {
  test("does not end its siblings, which are stored and not run again", async () => {
    const { service, name } = await startOf(async (op) => {
      const [, receipt] = await Promise.all([
        op.step("flaky", () => {
          if (op.attempt < 3) throw new Error("not now");
          return 1;
        }),
        op.step("charge", async () => {
          ran.push("send");
          await new Promise((resolve) => void setTimeout(resolve, 100));
          return "receipt";
        }),
      ]);
      return { receipt };
    });
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ receipt: "receipt" });
    expect(ran).toEqual(["send"]);
  });

  test("ends the operation at once if the failure is not retried, and stops its siblings", async () => {
    const told = Promise.withResolvers<void>();
    const { service, name } = await startOf(async (op) => {
      await Promise.all([
        op.step("hangs", () => {
          op.signal.addEventListener("abort", () => told.resolve());
          return new Promise<never>(() => {});
        }),
        op.step("refused", fails(new RpcError("FAILED_PRECONDITION", "no"))),
      ]);
      return {};
    });
    await service.deliver(name);
    await told.promise;

    expect(await service.get(name)).toMatchObject({ done: true, error: { code: 9 } });
  });

  test.each<[string, (op: OperationContext) => Promise<unknown>, object]>([
    ["a sleep", (op) => op.sleep("1h"), {}],
    [
      "two sleeps and a step",
      async (op) => {
        await op.sleep("1h");
        await step(op, "between", 1);
        await op.sleep("1h");
      },
      {},
    ],
    [
      "the end of its invocation",
      (op) => op.step("late", () => clock.advance(15_000)).then(() => step(op, "next", 1)),
      { INVOCATION_SECONDS: "30" },
    ],
  ])("stays failed in the attempt if it is caught, after %s", async (_, goOn, variables) => {
    const { service, name } = await startOf(
      async (op) => {
        const caught = await op
          .step("flaky", () => {
            ran.push("flaky");
            throw new RangeError("out of stock");
          })
          .catch((error: unknown) => error as Error);
        await goOn(op);
        return { name: caught.name, message: caught.message };
      },
      {},
      variables,
    );
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ name: "RangeError", message: "out of stock" });
    expect(ran.filter((what) => what === "flaky")).toEqual(["flaky"]);
  });

  test("is run again by the next attempt even if it is caught", async () => {
    const { service, name } = await startOf(async (op) => {
      const caught = await op
        .step("flaky", () => {
          ran.push(`flaky ${op.attempt}`);
          if (op.attempt === 1) throw new Error("no");
          return "fine";
        })
        .catch(() => "failed");
      await op.sleep("pause", "1h");
      if (op.attempt === 1) throw new Error("the first fails");
      return { caught };
    });
    const { response } = await service.runToEnd(name);

    expect(response?.value).toEqual({ caught: "fine" });
    expect(ran).toEqual(["flaky 1", "flaky 2"]);
    expect((await recordOf(name))?.stepFailures).toBeUndefined();
  });
});

describe("work outside of steps beside a sleep", () => {
  test("completes before the invocation ends if it does no I/O", async () => {
    const { service, name } = await startOf(async (op) => {
      const digest = async (): Promise<void> => {
        await crypto.subtle.digest("SHA-256", new Uint8Array(1_000));
        await new Response(new Blob(["x".repeat(10_000)]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
        await step(op, "store", 1);
      };
      await Promise.all([digest(), op.sleep("1h")]);
      return {};
    });
    await service.deliver(name);

    expect(await recordOf(name)).toMatchObject({ state: "SLEEPING", steps: [{ name: "store" }] });
  });

  test("is interrupted if it takes longer, and run again after the sleep", async () => {
    const { service, name } = await startOf(async (op) => {
      const fetched = async (): Promise<string> => {
        ran.push("fetch");
        await new Promise((resolve) => void setTimeout(resolve, 200));
        return step(op, "store", "stored");
      };
      const [stored] = await Promise.all([fetched(), op.sleep("1h")]);
      return { stored };
    });

    expect((await service.runToEnd(name)).response?.value).toEqual({ stored: "stored" });
    expect(ran).toEqual(["fetch", "fetch", "store"]);
  });
});

describe("a loop with checkpoints", () => {
  test.each<[string, (op: OperationContext, pause: () => Promise<void>, work: () => Promise<void>) => Promise<void>]>([
    [
      "behind each part",
      async (_, pause, work) => {
        await work();
        await pause();
      },
    ],
    [
      "before each part",
      async (_, pause, work) => {
        await pause();
        await work();
      },
    ],
  ])("sleeps each time, %s", async (_, iteration) => {
    const { service, name, startTime } = await startOf(async (op) => {
      for (let part = Number(op.resumeFrom ?? 0); part < 4; part += 1) {
        await iteration(
          op,
          () => op.sleep("1m"),
          async () => {
            ran.push(`part ${part}`);
            await op.checkpoint(part + 1);
          },
        );
      }
      return { after: seconds(startTime) };
    });
    const { response } = await service.runToEnd(name);

    expect(ran).toEqual(["part 0", "part 1", "part 2", "part 3"]);
    // The handler of the first kind is called again behind its last sleep, and has nothing more to do.
    expect(response?.value).toEqual({ after: 240 });
  });
});
