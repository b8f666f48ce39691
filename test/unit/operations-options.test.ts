// The options of operations(), checked when the Worker starts. It runs in Node, where the objects' base class is a
// stand-in.
import { describe, expect, test } from "vitest";
import { operations } from "../../src/index";

const start = operations as unknown as (options?: unknown) => unknown;

describe("operations()", () => {
  test.each<[mistake: string, options: unknown, message: string]>([
    ["no arguments", undefined, "operations() is missing; it must be an object"],
    ["no methods", {}, "operations() takes { methods: [...] }, a list of what defineMethod has made"],
    ["methods that are no list", { methods: {} }, "operations() takes { methods: [...] }"],
    [
      "a declaration that defineMethod was not called with",
      { methods: [{ http: {} }] },
      "methods[0] is not what defineMethod makes",
    ],
    ["an unknown option", { methods: [], location: [] }, 'unknown option "location"; did you mean "locations"?'],
    [
      "a queue that is no function",
      { methods: [], queue: "JOBS" },
      "operations(): queue must be a function (batch, env, ctx)",
    ],
  ])("refuses %s", (_, options, message) => {
    expect(() => start(options)).toThrow(TypeError);
    expect(() => start(options)).toThrow(message);
  });

  test("takes no methods at all: work done elsewhere needs none", () => {
    expect(() => start({ methods: [] })).not.toThrow();
  });

  test("fails /healthz with 503 where a binding is missing, and says what to add", async () => {
    const { fetch } = operations({ methods: [] });
    const response = await fetch(new Request("https://api.example/healthz"), {} as never);

    expect(response.status).toBe(503);
    expect(await response.text()).toContain("or later, and OperationObject to new_sqlite_classes");
  });
});
