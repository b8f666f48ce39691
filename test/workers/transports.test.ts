// The ways by which a runner and its operation talk: the session of its claim, its socket, and direct dispatch. One suite, which
// all of them run.
import { afterEach, describe, expect, test, vi } from "vitest";
import { type DurationText, RpcError } from "../../src/index";
import { MINUTE_MS } from "../support/an-operation";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import {
  type Started,
  advanceUntil,
  call,
  deliver,
  getOperation,
  socketIsOpen,
  startScript,
  stateOf,
  storedBy,
  storedRecord,
  useFreshWorld,
} from "./harness";

useFreshWorld();
afterEach(() => void vi.restoreAllMocks());

interface Transport {
  verb: string;
  /** Delivers what the queue has, if this transport has one. */
  deliver(this: void): void;
  /** Awaited before the work begins. */
  ready?(this: void, operation: Started): Promise<void>;
}

function deliverAll(): void {
  for (const message of controls.sent.splice(0)) void deliver(message);
}

const transports: Record<string, Transport> = {
  "the queue": {
    verb: "run",
    deliver: deliverAll,
  },
  "the queue, once the runner has its socket": {
    verb: "run",
    deliver: deliverAll,
    ready: socketIsOpen,
  },
  "direct dispatch": {
    verb: "direct",
    deliver: () => expect(controls.sent).toEqual([]),
  },
};

describe.each(Object.entries(transports))("a run by %s", (_, transport) => {
  /** An operation whose runner has begun, or will. */
  async function started(script: Script): Promise<Started> {
    const whenReady: Script = async (op, request) => {
      await transport.ready?.(operation);
      return script(op, request);
    };
    const operation = await startScript(whenReady, { verb: transport.verb });
    transport.deliver();
    return operation;
  }

  async function ended(operation: Started): Promise<Awaited<ReturnType<typeof getOperation>>> {
    await eventually(async () => {
      transport.deliver();
      return (await getOperation(operation.name)).done;
    });
    return getOperation(operation.name);
  }

  const isIn = (operation: Started, state: string): Promise<true> =>
    eventually(async () => (await stateOf(operation)) === state);

  /** A script that runs until its signal is aborted, or it is released. */
  function untilReleased() {
    const released = Promise.withResolvers<object>();
    const seen: { reasons: unknown[]; runs: number } = { reasons: [], runs: 0 };
    const script: Script = ({ signal }) => {
      seen.runs += 1;
      return new Promise((resolve, reject) => {
        void released.promise.then(resolve);
        signal.addEventListener("abort", () => {
          seen.reasons.push(signal.reason);
          reject(signal.reason as Error);
        });
      });
    };
    return { script, seen, release: () => released.resolve({}), running: () => eventually(() => seen.runs > 0) };
  }

  test("a response ends the operation", async () => {
    const operation = await started(async ({ attempt, name }) => ({ attempt, name }));

    expect(await ended(operation)).toMatchObject({ response: { value: { attempt: 1, name: operation.name } } });
    expect((await storedBy(operation)).filter((key) => key !== "(alarm)")).toEqual(["record"]);
  });

  test("an RpcError ends the operation with its Status", async () => {
    const operation = await started(async () => {
      throw new RpcError("FAILED_PRECONDITION", "The table is locked.");
    });

    expect(await ended(operation)).toMatchObject({ error: { code: 9, message: "The table is locked." } });
  });

  test("steps, a checkpoint and large values are stored, and erased at the end", async () => {
    const large = "x".repeat(2 * 1_048_576);
    const { script, release, running } = untilReleased();
    const operation = await started(async (op, request) => {
      await op.step("small", () => 1);
      const { length } = await op.step("large", () => large);
      await op.checkpoint({ length });
      await script(op, request);
      return { large };
    });
    await running();

    expect(await storedRecord(operation)).toMatchObject({
      steps: [{ name: "small" }, { name: "large", bytes: large.length + 2 }],
      checkpoint: JSON.stringify({ length: large.length }),
    });
    release();
    expect(await ended(operation)).toMatchObject({ response: { value: { large } } });
    expect((await storedBy(operation)).filter((key) => key.startsWith("step/"))).toEqual([]);
  });

  test("a finished step is not run again after a sleep", async () => {
    let runs = 0;
    const operation = await started(async (op) => {
      const result = await op.step("once", () => (runs += 1));
      await op.sleep("10m");
      return { result };
    });
    await isIn(operation, "SLEEPING");
    await advanceUntil(operation, async () => (await stateOf(operation)) !== "SLEEPING");

    expect(await ended(operation)).toMatchObject({ response: { value: { result: 1 } } });
    expect(runs).toBe(1);
  });

  test("an error that is no RpcError is retried after a backoff", async () => {
    const operation = await started(async ({ attempt }) => {
      if (attempt === 1) throw new Error("the first one fails");
      return { attempt };
    });
    await isIn(operation, "BACKING_OFF");
    await advanceUntil(operation, async () => (await stateOf(operation)) !== "BACKING_OFF");

    expect(await ended(operation)).toMatchObject({ response: { value: { attempt: 2 } } });
  });

  test.each<[string, (steps: Promise<unknown>[]) => Promise<unknown>]>([
    ["the first failure ends the attempt", (steps) => Promise.all(steps)],
    [
      "the handler catches the first failure and throws another error",
      (steps) => Promise.all(steps).catch((cause: unknown) => Promise.reject(new Error("no batch", { cause }))),
    ],
  ])("of 50 parallel steps, only the 5 that failed run again: %s", async (_case, together) => {
    const runs: number[] = Array.from({ length: 50 }, () => 0);
    const operation = await started(async (op) => {
      await together(
        runs.map((_count, number) =>
          op.step(`step ${number}`, async () => {
            runs[number]! += 1;
            // The steps that fail come first, so that most others are still under way then.
            if (number < 5 && runs[number] === 1) throw new Error("not now");
            await new Promise((resolve) => void setTimeout(resolve, number % 10));
            return number;
          }),
        ),
      );
      return {};
    });
    await isIn(operation, "BACKING_OFF");
    await advanceUntil(operation, async () => (await stateOf(operation)) !== "BACKING_OFF");

    expect(await ended(operation)).toMatchObject({ done: true, response: {} });
    expect(runs).toEqual(runs.map((_count, number) => (number < 5 ? 2 : 1)));
  });

  test("a failed step is retried in its attempt, in place or after a sleep", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const tries: string[] = [];
    const operation = await started(async (op) => {
      const flaky = (name: string, initialBackoff: DurationText) =>
        op.step(
          name,
          ({ attempt }) => {
            tries.push(`${name} ${attempt}`);
            if (attempt === 1) throw new Error("not now");
            return attempt;
          },
          { retry: { initialBackoff } },
        );
      await Promise.all([flaky("soon", "300ms"), flaky("later", "10m")]);
      return { attempt: op.attempt };
    });
    await isIn(operation, "SLEEPING");
    const { steps, stepTries, createTime, wakeTime, statusMessage } = (await storedRecord(operation))!;
    await advanceUntil(operation, async () => (await stateOf(operation)) !== "SLEEPING");

    expect(await ended(operation)).toMatchObject({ response: { value: { attempt: 1 } } });
    expect(tries).toEqual(["soon 1", "later 1", "soon 2", "later 2"]);
    expect(steps).toMatchObject([{ name: "soon" }]);
    expect(stepTries).toEqual([{ name: "later", failures: 1, retryTime: wakeTime }]);
    expect(wakeTime).toBeGreaterThanOrEqual(createTime + 5 * MINUTE_MS);
    expect(statusMessage).toContain("to try a step again");
  });

  test("a step that takes longer than its timeout is aborted and retried", async () => {
    const reasons: unknown[] = [];
    const operation = await started(async (op) => {
      const result = await op.step(
        "slow",
        ({ attempt, signal }) => {
          signal.addEventListener("abort", () => reasons.push((signal.reason as RpcError).reason));
          return attempt === 1 ? new Promise<never>(() => {}) : attempt;
        },
        { retry: { initialBackoff: "1ms" }, timeout: "30ms" },
      );
      return { result };
    });

    expect(await ended(operation)).toMatchObject({ response: { value: { result: 2 } } });
    expect(reasons).toEqual(["STEP_TIMED_OUT"]);
  });

  test("progress is visible while the work runs", async () => {
    const { script, release, running } = untilReleased();
    const operation = await started(async (op, request) => {
      op.progress({ statusMessage: "Half of it." });
      return script(op, request);
    });
    await running();
    await eventually(async () => {
      const { metadata } = await getOperation(operation.name);
      return metadata.value["statusMessage"] === "Half of it.";
    });

    release();
    expect((await ended(operation)).metadata.value).toMatchObject({ statusMessage: "Done." });
  });

  test("a cancel request reaches the work within a second", async () => {
    const { script, seen, running } = untilReleased();
    const operation = await started(script);
    await running();
    await call("POST", `/v1/${operation.name}:cancel`, {});
    const time = performance.now();
    await eventually(() => seen.reasons.length > 0);

    expect(performance.now() - time).toBeLessThan(1_000);
    expect(seen.reasons).toMatchObject([{ code: "CANCELLED" }]);
    expect(await ended(operation)).toMatchObject({ error: { code: 1 } });
  });

  test("the deadline stops the work", async () => {
    const { script, seen, running } = untilReleased();
    const operation = await started(script);
    await running();
    clock.advanceTo((await storedRecord(operation))!.deadline);
    await getOperation(operation.name);
    await eventually(() => seen.reasons.length > 0);

    expect(seen.reasons).toMatchObject([{ reason: "LEASE_LOST" }]);
    expect(await ended(operation)).toMatchObject({ error: { code: 4 } });
  });

  test("a deletion hides the operation, and its work continues to its end", async () => {
    const { script, seen, release, running } = untilReleased();
    const operation = await started(script);
    await running();
    await call("DELETE", `/v1/${operation.name}`);
    expect((await call("GET", `/v1/${operation.name}`)).status).toBe(404);
    release();
    await eventually(async () => (await storedRecord(operation)) === undefined);

    expect(seen.reasons).toEqual([]);
  });
});
