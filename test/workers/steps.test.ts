// "No finished step twice" (architecture.md, 3.10), and what a step's result may be.
import { evictDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import type { OperationContext } from "../../src/index";
import { MAX_RESPONSE_BYTES, MAX_STEPS_APART, STEPS_IN_RECORD } from "../../src/limits";
import type { JsonOf } from "../../src/method/json-of";
import { MAKE, aDeployment, aMethod, loseLease, objectOf, recordOf, storedKeys } from "./a-deployment";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";

const MIB = 1_048_576;
/** Longer than a third of an invocation, so that the next step belongs to another; shorter than a lease. */
const INVOCATION_SECONDS = "30";
const LATE_MS = 15_000;

let ran: string[] = [];

useFreshWorld();
beforeEach(() => {
  ran = [];
});

/** A step that notes that it was run. */
function step<T>(op: OperationContext, name: string, result: T): Promise<JsonOf<T>> {
  return op.step(name, () => {
    ran.push(name);
    return result;
  });
}

/** A step that takes so long that the next belongs to another invocation. */
function longStep<T>(op: OperationContext, name: string, result: T): Promise<JsonOf<T>> {
  return op.step(name, () => {
    ran.push(name);
    clock.advance(LATE_MS);
    return result;
  });
}

async function startOf(run: (op: OperationContext) => Promise<object>, options = {}) {
  const service = aDeployment(
    { methods: [aMethod(run, { maxResultBytes: MAX_RESPONSE_BYTES, ...options })] },
    { INVOCATION_SECONDS },
  );
  const { operation } = await service.post(MAKE);
  return { service, name: operation.name };
}

describe("a finished step is not run again", () => {
  test("when its attempt fails and is retried", async () => {
    const { service, name } = await startOf(async (op) => {
      const first = await step(op, "first", { rows: 1 });
      if (op.attempt < 3) throw new Error("broken");
      return { first, attempt: op.attempt };
    });
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ first: { rows: 1 }, attempt: 3 });
    expect(ran).toEqual(["first"]);
  });

  test("when its invocation yields to another of the same attempt", async () => {
    const { service, name } = await startOf(async (op) => {
      const first = await longStep(op, "first", 1);
      const second = await step(op, "second", 2);
      return { first, second, attempt: op.attempt };
    });
    await service.deliver(name);
    const between = await service.get(name);
    await service.deliver(name);

    expect(between.done).toBe(false);
    expect((await service.get(name)).response?.value).toEqual({ first: 1, second: 2, attempt: 1 });
    expect(ran).toEqual(["first", "second"]);
  });

  test("when its runner loses the lease", async () => {
    const arrived = Promise.withResolvers<void>();
    const { service, name } = await startOf(async (op) => {
      await step(op, "first", 1);
      if (op.attempt > 1) return { attempt: op.attempt };
      arrived.resolve();
      return new Promise<never>(() => {});
    });
    const lost = service.deliver(name);
    await arrived.promise;
    await loseLease(name);
    await lost;
    await service.deliver(name);

    expect((await service.get(name)).response?.value).toEqual({ attempt: 2 });
    expect(ran).toEqual(["first"]);
  });

  test("when the operation sleeps in between", async () => {
    const { service, name } = await startOf(async (op) => {
      await step(op, "before", 1);
      await op.sleep("10m");
      return { after: await step(op, "after", 2) };
    });
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ after: 2 });
    expect(ran).toEqual(["before", "after"]);
  });
});

describe("a step after many others", () => {
  const COUNT = STEPS_IN_RECORD + MAX_STEPS_APART + 20;

  test("is stored apart from the record, which is written now and then", async () => {
    const recorded: number[] = [];
    const { service, name } = await startOf(async (op) => {
      for (let number = 0; number < COUNT; number += 1) {
        await step(op, `step ${number}`, number);
        recorded.push((await recordOf(name))?.steps?.length ?? 0);
      }
      return {};
    });
    await service.deliver(name);

    expect(new Set(recorded.slice(STEPS_IN_RECORD - 1))).toEqual(
      new Set([STEPS_IN_RECORD, STEPS_IN_RECORD + MAX_STEPS_APART + 1]),
    );
    expect(await storedKeys(name)).toEqual(["record"]);
  });

  test.each([
    ["and recorded soon after", STEPS_IN_RECORD + MAX_STEPS_APART + 1],
    ["and not recorded yet", STEPS_IN_RECORD + 30],
  ])("%s is not run again if object and runner are lost", async (_, count) => {
    const isStuck = Promise.withResolvers<void>();
    let attempts = 0;
    const { service, name } = await startOf(async (op) => {
      attempts += 1;
      const results: number[] = [];
      for (let number = 0; number < count; number += 1) results.push(await step(op, `step ${number}`, number));
      if (attempts > 1) return { sum: results.reduce((sum, result) => sum + result) };
      isStuck.resolve();
      return new Promise<never>(() => {});
    });
    const lost = service.deliver(name);
    await isStuck.promise;
    await evictDurableObject(objectOf(name), { webSockets: "close" });
    await loseLease(name);
    await lost;
    const { done, response } = await service.runToEnd(name);

    expect(done).toBe(true);
    expect(response?.value).toEqual({ sum: (count * (count - 1)) / 2 });
    expect(ran).toHaveLength(count);
  });
});

describe("concurrent steps", () => {
  test("keep the results of the others when one fails", async () => {
    const { service, name } = await startOf(async (op) => {
      const results = await Promise.allSettled(
        ["a", "b", "c", "d"].map((letter) =>
          op.step(letter, () => {
            ran.push(letter);
            if (letter === "c" && op.attempt === 1) throw new Error("not now");
            return letter.toUpperCase();
          }),
        ),
      );
      if (results.some(({ status }) => status === "rejected")) throw new Error("one failed");
      return { letters: results.map((result) => (result.status === "fulfilled" ? result.value : "")) };
    });
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ letters: ["A", "B", "C", "D"] });
    expect(ran).toEqual(["a", "b", "c", "d", "c"]);
  });

  // "The runtime yields only between steps."
  test("all end before their invocation yields", async () => {
    const slow = Promise.withResolvers<void>();
    const { service, name } = await startOf(async (op) => {
      const first = op.step("slow", async () => {
        ran.push("slow");
        clock.advance(LATE_MS);
        await slow.promise;
        return 1;
      });
      const second = step(op, "late", 2);
      setTimeout(() => slow.resolve(), 0);
      return { sum: (await second) + (await first) };
    });
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ sum: 3 });
    expect(ran).toEqual(["slow", "late"]);
  });

  test("stay distinct while their large results are stored", async () => {
    const texts = ["ä", "ö", "ü", "ß"].map((letter) => letter.repeat(300_000));
    const { service, name } = await startOf(async (op) => {
      const stored = await Promise.all(texts.map((text, index) => step(op, `text ${index}`, text)));
      if (op.attempt === 1) throw new Error("broken");
      return { same: stored.map((text, index) => text === texts[index]) };
    });
    const operation = await service.runToEnd(name);

    expect(operation.response?.value).toEqual({ same: [true, true, true, true] });
    expect(ran).toHaveLength(4);
  });
});

describe("a step that was interrupted before its result was stored", () => {
  test("is run again", async () => {
    const arrived = Promise.withResolvers<void>();
    const { service, name } = await startOf(async (op) => {
      const value = await op.step("only", () => {
        ran.push(`only ${op.attempt}`);
        if (op.attempt > 1) return 5;
        arrived.resolve();
        return new Promise<number>(() => {});
      });
      return { value };
    });
    const lost = service.deliver(name);
    await arrived.promise;
    await loseLease(name);
    await lost;
    await service.deliver(name);

    expect((await service.get(name)).response?.value).toEqual({ value: 5 });
    expect(ran).toEqual(["only 1", "only 2"]);
  });

  test("stores nothing when it ends after another runner has the lease", async () => {
    const arrived = Promise.withResolvers<void>();
    const late = Promise.withResolvers<string>();
    const { service, name } = await startOf(async (op) => {
      const value = await op.step("only", () => {
        arrived.resolve();
        return op.attempt === 1 ? late.promise : "of the second";
      });
      return { value };
    });
    const lost = service.deliver(name);
    await arrived.promise;
    await loseLease(name);
    await service.deliver(name);
    late.resolve("of the first");
    await lost;

    expect((await service.get(name)).response?.value).toEqual({ value: "of the second" });
  });
});

describe("a step's result", () => {
  test.each<[string, unknown, unknown?]>([
    ["nothing, which is null", undefined, null],
    ["of 300 KiB", "x".repeat(300 * 1_024)],
    ["of 5 MiB", "0123456789".repeat(MIB / 2)],
    ["of 5 MiB in letters beyond Latin-1", "語".repeat((5 * MIB) / 3)],
    ["of exactly 24 MiB", "y".repeat(MAX_RESPONSE_BYTES - 2)],
    ["a list of objects", [{ a: [1.5, null, true] }, {}]],
  ])("may be %s", async (_, result, replayed = result) => {
    const expected = JSON.stringify(replayed);
    const { service, name } = await startOf(async (op) => {
      const stored = await step(op, "only", result);
      if (op.attempt === 1) throw new Error("broken");
      return { same: JSON.stringify(stored) === expected };
    });
    const operation = await service.runToEnd(name);

    expect(operation).toMatchObject({ done: true, response: { value: { same: true } } });
    expect(ran).toEqual(["only"]);
  });

  test("of more than 24 MiB ends the operation with an error that names the limit, without a retry", async () => {
    const { service, name } = await startOf((op) => step(op, "too much", { text: "z".repeat(MAX_RESPONSE_BYTES) }));
    const { error } = await service.runToEnd(name);

    expect(error).toMatchObject({ code: 8 });
    expect(error?.message).toMatch(/"too much" .* at most 25165824 are kept/);
    expect(ran).toEqual(["too much"]);
  });

  test("is counted in bytes, not in characters", async () => {
    const { service, name } = await startOf((op) => step(op, "wide", { text: "語".repeat(9 * MIB) }));
    const { error } = await service.runToEnd(name);

    expect(error?.message).toContain(String(27 * MIB + '{"text":""}'.length));
  });
});

describe("op.step › misuse ends the operation at once, and is not retried", () => {
  test.each<[string, (op: OperationContext) => Promise<unknown>, string]>([
    [
      "two steps of one name",
      async (op) => {
        await step(op, "twice", 1);
        await step(op, "twice", 2);
      },
      'two steps of one operation have the name "twice". Give each its own, in a loop by a number, and in op.map by its key.',
    ],
    ["no name", (op) => step(op, "", 1), "a step's name has 1 to 256 characters"],
    [
      "a function in the place of the name",
      (op) => (op.step as unknown as (run: () => number) => Promise<number>)(() => 1),
      'op.step takes a name and a function: op.step("parse", () => parse(text))',
    ],
    ["a name without a function", (op) => op.step("parse", 1 as never), "op.step takes a name and a function"],
    ["a duration without a unit", (op) => op.sleep("90" as "90s"), 'op.sleep takes a number and a unit ("90s", "1h")'],
    ["an invalid Date", (op) => op.sleepUntil(new Date(Number.NaN)), "op.sleepUntil takes a valid Date"],
    [
      "two sleeps of one name",
      (op) => Promise.race([op.sleep("pause", "1h"), op.sleep("pause", "2h")]),
      'two sleeps of one operation have the name "pause"',
    ],
  ])("%s, even if the handler catches it", async (_, act, message) => {
    let runs = 0;
    const { service, name } = await startOf(async (op) => {
      runs += 1;
      await act(op).catch(() => undefined);
      return { caught: true };
    });
    const { error } = await service.runToEnd(name);

    expect(error).toMatchObject({ code: 13 });
    expect(error?.message).toContain(message);
    expect(runs).toBe(1);
  });
});

// "The promise stays pending in the invocation that ends."
test("a yield runs no catch and no finally of a handler", async () => {
  const seen: string[] = [];
  const { service, name } = await startOf(async (op) => {
    await longStep(op, "first", 1);
    try {
      return { second: await step(op, "second", 2) };
    } catch (error) {
      seen.push(String(error));
      return { swallowed: true };
    } finally {
      seen.push("finally");
    }
  });
  const operation = await service.runToEnd(name);

  expect(operation.response?.value).toEqual({ second: 2 });
  expect(seen).toEqual(["finally"]);
});

// "Inputs and step results are erased when the operation is done."
test.each([
  ["success", false],
  ["failure", false],
  ["cancellation", true],
])("after its %s an operation keeps its record alone", async (end, isWaiting) => {
  const arrived = Promise.withResolvers<void>();
  const { service, name } = await startOf(
    async (op) => {
      await Promise.all([step(op, "small", 1), step(op, "large", "x".repeat(3 * MIB))]);
      await op.checkpoint({ row: 1 });
      arrived.resolve();
      if (end === "failure") throw new Error("broken");
      if (end === "success") return { done: true };
      return new Promise<never>((_, reject) => {
        op.signal.addEventListener("abort", () => reject(op.signal.reason as Error));
      });
    },
    { retry: { maxAttempts: 1 } },
  );
  const running = service.deliver(name);
  await arrived.promise;
  const before = await storedKeys(name);
  if (isWaiting) await service.post(`/v1/${name}:cancel`);
  await running;

  // One that does not wait may be at its end before anybody looks.
  expect(before.some((key) => key.startsWith("step/")) || !isWaiting).toBe(true);
  expect((await service.get(name)).done).toBe(true);
  expect(await storedKeys(name)).toEqual(["record"]);
});
