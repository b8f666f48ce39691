// The options of operations(), checked when the Worker starts. It runs in Node, where the objects' base class is a
// stand-in.
import { describe, expect, test, vi } from "vitest";
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
    [
      "an authenticate that is no function",
      { methods: [], authenticate: {} },
      "operations(): authenticate must be a function (request, env) that returns { id, members }, or undefined",
    ],
    [
      "locations that are no list",
      { methods: [], locations: {} },
      'operations(): locations must be a list: [{ locationId: "eu", jurisdiction: "eu" }]',
    ],
    ["a text for a location", { methods: [], locations: ["eu"] }, 'locations[0] is "eu"; it must be an object'],
    [
      "an unknown option of a location",
      { methods: [], locations: [{ locationId: "eu", jurisdction: "eu" }] },
      'operations(): locations[0] has an unknown option "jurisdction"; did you mean "jurisdiction"?',
    ],
    [
      "a location without an id",
      { methods: [], locations: [{ jurisdiction: "eu" }] },
      'locations[0].locationId is missing; write letters, digits and ._-: "europe-west1"',
    ],
    [
      "a location whose id is no segment of a name",
      { methods: [], locations: [{ locationId: "eu" }, { locationId: "e/u" }] },
      'locations[1].locationId is "e/u"; write letters',
    ],
    [
      "the wildcard for a location",
      { methods: [], locations: [{ locationId: "-" }] },
      'locationId is "-"; write letters',
    ],
    [
      "a hint that is no text",
      { methods: [], locations: [{ locationId: "eu", placementHint: 3 }] },
      "locations[0]: placementHint is 3; it must be a text that is not empty",
    ],
    [
      "labels that are no texts",
      { methods: [], locations: [{ locationId: "eu", labels: { tier: 1 } }] },
      "locations[0]: tier is 1; it must be a text that is not empty",
    ],
    [
      "two locations of one id",
      { methods: [], locations: [{ locationId: "eu" }, { locationId: "eu" }] },
      "two locations have one id: eu, eu",
    ],
    ["a fetch that is no function", { methods: [], fetch: {} }, "operations(): fetch must be a function (request, env"],
    [
      "a cron instead of its handler",
      { methods: [], scheduled: "0 3 * * *" },
      "operations(): scheduled must be a function",
    ],
  ])("rejects %s", (_, options, message) => {
    expect(() => start(options)).toThrow(TypeError);
    expect(() => start(options)).toThrow(message);
  });

  test("accepts no methods, because work done elsewhere needs none", () => {
    expect(() => start({ methods: [] })).not.toThrow();
  });

  test("fails /healthz with 503 if a binding is missing, and names the line to add", async () => {
    const { fetch } = operations({ methods: [] });
    const response = await fetch(new Request("https://api.example/healthz"), {} as never);

    expect(response.status).toBe(503);
    expect(await response.text()).toContain("or later, and OperationObject to new_sqlite_classes");
  });
});

describe("a Worker with handlers of its own", () => {
  const env = { LOG: "off", DIRECTORY: { getByName: () => ({ nextShards: async () => [] }) } } as never;
  const context = { waitUntil: () => {} } as unknown as ExecutionContext;

  test("gets the requests whose path the library does not serve, unchanged", async () => {
    const seen: unknown[] = [];
    const { fetch } = operations({
      methods: [],
      fetch: (request, bindings, ctx) => {
        seen.push(request, bindings, ctx);
        return new Response("its own");
      },
    });
    const request = new Request("https://api.example/about", { method: "POST", body: "text" });
    const response = await fetch(request, env, context);

    expect(await response.text()).toBe("its own");
    expect(seen).toEqual([request, env, context]);
    expect([...response.headers.keys()]).toEqual(["content-type"]);
  });

  test.each([
    ["GET", "/openapi.json"],
    ["DELETE", "/v1/operations"],
    ["OPTIONS", "/v1/projects/p/operations/1:cancel"],
  ])("does not get %s %s, which is the library's under any method", async (method, path) => {
    const own = vi.fn<() => Response>(() => new Response("its own"));
    await operations({ methods: [], fetch: own }).fetch(new Request(`https://api.example${path}`, { method }), env);

    expect(own).not.toHaveBeenCalled();
  });

  test.each([
    ["*/5 * * * *", 0],
    ["0 3 * * *", 1],
  ])("gets the cron event %s %i times", async (cron, times) => {
    const own = vi.fn<() => void>();
    const swept = vi.spyOn(console, "log").mockImplementation(() => {});
    const { scheduled } = operations({ methods: [], scheduled: own });
    await scheduled({ cron, scheduledTime: 0, noRetry: () => {} }, env, context);

    expect(own).toHaveBeenCalledTimes(times);
    expect(swept).toHaveBeenCalledTimes(1 - times);
    swept.mockRestore();
  });

  test("sweeps at every cron event if it has no handler of crons", async () => {
    const swept = vi.spyOn(console, "log").mockImplementation(() => {});
    const { scheduled } = operations({ methods: [] });
    await scheduled({ cron: "0 3 * * *", scheduledTime: 0, noRetry: () => {} }, env, context);

    expect(swept).toHaveBeenCalledTimes(1);
    swept.mockRestore();
  });
});
