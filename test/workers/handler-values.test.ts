// Values of a handler: responses, results, checkpoints, progress, and thrown errors, however odd.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type OperationContext, RpcError } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { MAKE, aDeployment, aMethod, recordOf } from "./a-deployment";
import { useFreshWorld } from "./harness";

const STRUCT = "type.googleapis.com/google.protobuf.Struct";

let runs = 0;
let logged: JsonObject[] = [];

useFreshWorld();
beforeEach(() => {
  runs = 0;
  logged = [];
  vi.spyOn(console, "error").mockImplementation((line: JsonObject) => void logged.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Run = (op: OperationContext) => unknown;

/** Runs an operation to its end: what it ended with, and how often its handler was called. */
async function endOf(run: Run, options = {}) {
  const method = aMethod(
    (op) => {
      runs += 1;
      return run(op) as Promise<object>;
    },
    { retry: { maxAttempts: 3, initialBackoff: "1s" }, ...options },
  );
  const service = aDeployment({ methods: [method] });
  const { operation } = await service.post(MAKE);
  return service.runToEnd(operation.name);
}

describe("a response that is no JSON object ends the operation once, and names the accepted values", () => {
  const circular: Record<string, unknown> = {};
  circular["itself"] = circular;
  const throwing = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("a trap");
      },
    },
  );

  test.each<[string, unknown, string]>([
    ["an array", [1, 2, 3], "it is an array"],
    ["a text", "text", "it is a string"],
    ["a number", 5, "it is a number"],
    ["a Date", new Date(0), "it is a string (as a Date is)"],
    ["a toJSON that gives nothing", { toJSON: () => undefined }, "toJSON gives nothing"],
    ["a bigint", { n: 10n }, "n is a bigint"],
    ["a circular object", circular, "contains itself"],
    ["a Map", new Map([["a", 1]]), "it is a Map"],
    ["a Set inside", { ids: new Set([1]) }, "ids is a Set"],
    ["a Response", new Response("x"), "it is a Response"],
    ["NaN inside", { mean: Number.NaN }, "mean is NaN"],
    ["bytes inside", { bytes: new Uint8Array(3) }, "bytes is an Uint8Array"],
    ["a promise that was not awaited", { rows: Promise.resolve(1) }, "rows is a Promise: await it"],
    ["a Proxy whose traps throw", throwing, "reading it throws"],
  ])("%s", async (_, response, message) => {
    const { error, response: none } = await endOf(async () => response);

    expect(error).toMatchObject({ code: 13, message: expect.stringMatching(/^response: /) });
    expect(error?.message).toContain(message);
    expect(none).toBeUndefined();
    expect(runs).toBe(1);
  });

  test.each<[string, unknown, JsonObject]>([
    ["nothing", undefined, {}],
    ["an undefined property", { a: undefined, b: 1 }, { b: 1 }],
    ["a Date inside", { at: new Date(0) }, { at: "1970-01-01T00:00:00.000Z" }],
    ["half a surrogate pair", { text: "a\ud800" }, { text: "a\ufffd" }],
  ])("but %s is accepted", async (_, response, value) => {
    expect((await endOf(async () => response)).response).toEqual({ "@type": STRUCT, value });
  });
});

describe("a value that is no JSON ends the operation once", () => {
  test.each<[string, (op: OperationContext) => Promise<unknown>, string]>([
    [
      "as a step's result",
      (op) => op.step("parse", () => ({ n: 10n })),
      'the result of the step "parse": n is a bigint',
    ],
    [
      "as a function of a step",
      (op) => op.step("parse", () => () => 1),
      'the result of the step "parse": it is a function',
    ],
    ["as a checkpoint", (op) => op.checkpoint({ n: 10n } as never), "the cursor of op.checkpoint: n is a bigint"],
    [
      "as nothing of a checkpoint",
      (op) => op.checkpoint(undefined as never),
      "the cursor of op.checkpoint: it is undefined",
    ],
  ])("%s", async (_, act, message) => {
    const { error } = await endOf(async (op) => {
      await act(op);
      return {};
    });

    expect(error).toMatchObject({ code: 13 });
    expect(error?.message).toContain(message);
    expect(runs).toBe(1);
  });

  test.each<[string, unknown]>([
    ["a text", "half way"],
    ["a percentage as text", { progressPercent: "50%" }],
    ["a percentage over 100", { progressPercent: 150 }],
    ["a bigint", { rows: 5n }],
  ])("as progress: %s", async (_, report) => {
    const { error } = await endOf(async (op) => op.progress(report as JsonObject));

    expect(error).toMatchObject({ code: 13, message: expect.stringMatching(/^op\.progress/) });
    expect(runs).toBe(1);
  });
});

describe("any thrown value is a failed attempt, and ends within its attempts", () => {
  const throws = (): never => {
    throw new Error("a trap");
  };

  test.each<[string, unknown]>([
    ["an object without a prototype", Object.assign(Object.create(null), { message: "x" })],
    ["an object whose toString throws", { toString: throws }],
    ["an Error whose stack getter throws", Object.defineProperty(new Error("m"), "stack", { get: throws })],
    ["a Proxy whose traps throw", new Proxy({}, { get: throws, has: throws, getPrototypeOf: throws, ownKeys: throws })],
    ["nothing", undefined],
    ["a bigint", 1n],
    ["an RpcError whose code was taken away", Object.assign(new RpcError("ABORTED", "m"), { code: undefined })],
    ["an RpcError whose Status cannot be told", Object.assign(new RpcError("ABORTED", "m"), { toStatus: throws })],
  ])("%s", async (_, thrown) => {
    const { error } = await endOf(async () => {
      throw thrown;
    });

    expect(error).toMatchObject({ code: 2 });
    expect(runs).toBe(3);
    expect(logged).toHaveLength(3);
  });

  test("an RpcError ends the operation with its code even if a detail is no JSON", async () => {
    const details = [{ "@type": "type.googleapis.com/acme.Detail", n: 10n } as never];
    const { error } = await endOf(async () => {
      throw new RpcError("FAILED_PRECONDITION", "m", { details });
    });

    expect(error).toMatchObject({ code: 9, message: expect.stringContaining("m (1 of its details were dropped") });
    expect(runs).toBe(1);
  });

  test("a handler that is no async function fails in the same way", async () => {
    const { error } = await endOf(() => throws());

    expect(error).toMatchObject({ code: 2 });
    expect(runs).toBe(3);
  });

  test("the log line has the code and the message of an object, and the causes and errors of an Error", async () => {
    await endOf(
      async (op) => {
        if (op.attempt === 1) throw { code: "E_QUOTA", message: "quota used up" };
        if (op.attempt === 2) throw new Error("outer", { cause: new Error("the real reason") });
        return Promise.any([Promise.reject(new Error("one")), Promise.reject(new Error("two"))]);
      },
      { retry: { maxAttempts: 3, initialBackoff: "1s" } },
    );

    expect(logged).toMatchObject([
      { error: expect.stringContaining("quota used up (code E_QUOTA)"), fields: { code: "E_QUOTA" } },
      { error: expect.stringContaining("outer"), cause: { error: expect.stringContaining("the real reason") } },
      { errors: [{ error: expect.stringContaining("one") }, { error: expect.stringContaining("two") }] },
    ]);
  });
});

describe("progress", () => {
  test("is 100 percent once the operation has succeeded, whatever was reported last", async () => {
    const { metadata } = await endOf(async (op) => {
      op.progress({ progressPercent: 50 });
      return {};
    });

    expect(metadata.value["progressPercent"]).toBe(100);
  });

  test("keeps its last value when the operation has failed", async () => {
    const { metadata } = await endOf(async (op) => {
      op.progress({ progressPercent: 50 });
      throw new RpcError("ABORTED", "no more");
    });

    expect(metadata.value["progressPercent"]).toBe(50);
  });

  test("keeps its status message while the operation sleeps", async () => {
    const method = aMethod(async (op) => {
      op.progress({ statusMessage: "Waiting for the courier." });
      await op.sleep("1h");
      return {};
    });
    const service = aDeployment({ methods: [method] });
    const { operation } = await service.post(MAKE);
    await service.deliver(operation.name);

    expect(await recordOf(operation.name)).toMatchObject({ state: "SLEEPING" });
    expect((await service.get(operation.name)).metadata.value["statusMessage"]).toBe("Waiting for the courier.");
  });
});
