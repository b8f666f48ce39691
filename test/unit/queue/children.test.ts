import { describe, expect, test } from "vitest";
import { RpcError, defineMethod } from "../../../src/index";
import { MAX_CHILDREN } from "../../../src/limits";
import type { JsonObject } from "../../../src/rpc/any";
import { crashEverywhere, runMethod, takes } from "../../../src/testing";
import type { OperationContext } from "../../../src/method/method";
import type { Settlement } from "../../../src/queue/channel";
import type { PreparedChild } from "../../../src/service/start-child";
import { aContext, isPending } from "./a-context";

const child = defineMethod({
  http: { post: "/v1/{parent=projects/*}/pages:render", body: "*" },
  request: (json: JsonObject) => json,
  run: async () => ({}),
});

const other = defineMethod({ ...declaration("sites:other"), run: async () => ({}) });

function declaration(id: string) {
  return {
    http: { post: `/v1/{parent=projects/*}/${id}`, body: "*" },
    request: (json: JsonObject) => json,
  };
}

function parent(run: (op: OperationContext) => Promise<JsonObject>) {
  return defineMethod({
    ...declaration("sites:render"),
    timeout: "1h",
    retry: { maxAttempts: 2 },
    run: (_, op) => run(op),
  });
}

const request = { parent: "projects/p" };
const children = { "pages:render": ({ key }: { key: string }) => ({ key }) };

async function errorOf(run: (op: OperationContext) => Promise<JsonObject>): Promise<string | undefined> {
  return (await runMethod(parent(run), request, { children })).error?.message;
}

describe("op.start", () => {
  test("gives the same child for the same key", async () => {
    const { response, children: started } = await runMethod(
      parent(async (op) => {
        const [a, b] = await Promise.all([op.start(child, {}, { key: "a" }), op.start(child, {}, { key: "a" })]);
        const c = await op.start(child, {}, { key: "a" });
        return { isSame: a.name === b.name && b.name === c.name };
      }),
      request,
      { children },
    );

    expect(response).toEqual({ isSame: true });
    expect(started).toEqual([{ key: "a", method: "pages:render", request: { parent: "projects/p" } }]);
  });

  test("takes at most 1,000 children", async () => {
    const message = await errorOf(async (op) => {
      await Promise.all(Array.from({ length: MAX_CHILDREN + 1 }, (_, i) => op.start(child, {}, { key: String(i) })));
      return {};
    });

    expect(message).toBe("op.start: an operation has at most 1000 children. Let children start others.");
  });

  test.each([
    ["a key", async (op: OperationContext) => op.start(child, {}, { key: "" }), /a key has 1 to 256 characters/],
    [
      "a method",
      async (op: OperationContext) => op.start({} as never, {}, { key: "a" }),
      /a method that defineMethod has returned/,
    ],
    [
      "a key that is another method's",
      async (op: OperationContext) => {
        await op.start(child, {}, { key: "a" });
        await op.start(other, {}, { key: "a" });
      },
      /the key "a" is that of a child of pages:render/,
    ],
    [
      "children of its own",
      async (op: OperationContext) => op.join([{ name: "projects/p/operations/1", key: "a" }]),
      /op.join takes children that op.start has returned/,
    ],
    [
      "as many children as there are",
      async (op: OperationContext) => op.join([await op.start(child, {}, { key: "a" })], { atLeast: 2 }),
      /atLeast is a whole number up to that of the children, 1$/,
    ],
  ])("wants %s", async (_, misuse, message) => {
    const error = await runMethod(
      parent(async (op) => {
        await misuse(op);
        return {};
      }),
      request,
      { children: { ...children, "sites:other": {} } },
    ).then(({ error: end }) => end?.message);

    expect(error).toMatch(message);
  });

  test("rejects a request that its method does not accept, and the handler may continue", async () => {
    const picky = defineMethod({
      ...declaration("pages:render"),
      request: () => {
        throw new RpcError("INVALID_ARGUMENT", "url: is required");
      },
      run: async () => ({}),
    });
    const { response, children: started } = await runMethod(
      parent(async (op) => ({ caught: String(await op.start(picky, {}, { key: "a" }).catch((error) => error)) })),
      request,
      { children },
    );

    expect(response).toEqual({ caught: "RpcError: url: is required" });
    expect(started).toEqual([]);
  });

  test.each([
    [{ labels: { Env: "prod" } }, /operationOptions.labels: a key must be a lowercase letter/],
    [{ parent: "folders/f" }, /parent: "folders\/f" does not fit the path/],
  ])("rejects the options %j", async (options, message) => {
    const { response } = await runMethod(
      parent(async (op) => ({ caught: String(await op.start(child, {}, { key: "a", ...options }).catch((e) => e)) })),
      request,
      { children },
    );

    expect(response).toEqual({ caught: expect.stringMatching(message) });
  });
});

test("op.start waits until the object has stored a child, and starts it then", async () => {
  const { promise: stored, resolve: store } = Promise.withResolvers<Settlement>();
  const started: string[] = [];
  const { op } = aContext(
    { level: 0 },
    {
      save: () => stored,
      children: {
        prepare: async ({ parent: above }) => ({ parent: above }) as PreparedChild,
        newId: () => "c41d",
        start: async (_, { id }) => void started.push(id),
        read: async () => undefined,
      },
    },
  );
  const handle = op.start(child, {}, { key: "a" });

  expect(await isPending(handle)).toBe(true);
  expect(started).toEqual([]);

  store("settled");

  expect(await handle).toMatchObject({ key: "a" });
  expect(started).toEqual(["c41d"]);
});

test("op.start writes children down before it starts any", async () => {
  const { points } = await crashEverywhere(
    parent(async (op) => ({ key: (await op.start(child, {}, { key: "a" })).key })),
    request,
    () => {
      const started: string[] = [];
      return {
        children: { "pages:render": ({ key }: { key: string }) => ({ key, of: started.push(key) }) },
        observe: () => started,
      };
    },
  );

  expect(points.map((point) => point.replace(/ \(.*/, ""))).toContain(
    "the moment before a group of children was stored",
  );
});

describe("op.join", () => {
  test("of none is over at once", async () => {
    const { response } = await runMethod(
      parent(async (op) => ({ outcomes: (await op.join([])).length })),
      request,
      { children: {} },
    );

    expect(response).toEqual({ outcomes: 0 });
  });

  test.each([
    ["10s", "join"],
    ["2m", "sleep"],
  ] as const)(
    "of a child that takes %s against a sleep is won by the %s, in each call of the handler",
    async (ms, wins) => {
      const winners: string[] = [];
      const { response } = await runMethod(
        parent(async (op) => {
          const one = await op.start(child, {}, { key: "a" });
          const winner = await Promise.race([op.join([one]).then(() => "join"), op.sleep("1m").then(() => "sleep")]);
          winners.push(winner);
          await op.sleep("10m");
          return { winner };
        }),
        request,
        { children: { "pages:render": takes(ms, {}) } },
      );

      expect(response).toEqual({ winner: wins });
      expect(winners.length).toBeGreaterThan(1);
      expect(new Set(winners)).toEqual(new Set([wins]));
    },
  );

  test("gives a replay the outcomes that it gave before, however many children have ended since", async () => {
    const firsts: string[][] = [];
    let ended = 0;
    const slower = takes("1m", {});
    const { response } = await runMethod(
      parent(async (op) => {
        const first = await op.start(child, {}, { key: "first" });
        const second = await op.start(other, {}, { key: "second" });
        const some = await op.join([first, second], { atLeast: 1 });
        firsts.push(some.map(({ key }) => key));
        await op.sleep("10m");
        return { all: (await op.join([first, second])).map(({ key }) => key) };
      }),
      request,
      { children: { "pages:render": () => ({ ended: (ended += 1) }), "sites:other": slower } },
    );

    expect(firsts).toEqual([["first"], ["first"]]);
    expect(response).toEqual({ all: ["first", "second"] });
  });

  test("gives the same outcomes, and starts each child once, wherever the machine dies", async () => {
    const { run, points } = await crashEverywhere(
      parent(async (op) => {
        const a = await op.start(child, {}, { key: "a" });
        const started = await op.step("a step", () => "done");
        const b = await op.start(child, {}, { key: "b" });
        const outcomes = await op.join([a, b]);
        const c = await op.call(child, {}, { key: "c" });
        return { started, outcomes: outcomes.map(({ key, response }) => ({ key, response })), c } as never;
      }),
      request,
      () => {
        const ended: string[] = [];
        return {
          children: { "pages:render": ({ key }: { key: string }) => ({ key, count: ended.push(key) }) },
          observe: () => ended,
        };
      },
    );

    expect(run.children.map(({ key }) => key)).toEqual(["a", "b", "c"]);
    expect(run.response).toMatchObject({ started: "done", c: { key: "c" } });
    expect(points.length).toBeGreaterThan(10);
  });
});

test("op.call throws the error of the child", async () => {
  const { error } = await runMethod(
    parent(async (op) => op.call(child, {}, { key: "a" }) as Promise<JsonObject>),
    request,
    { children: { "pages:render": new RpcError("NOT_FOUND", "There is no such page.") } },
  );

  expect(error).toMatchObject({ code: "NOT_FOUND", message: "There is no such page." });
});

test("a test without an outcome for a child fails with a hint", async () => {
  const { error } = await runMethod(
    parent(async (op) => op.call(child, {}, { key: "a" }) as Promise<JsonObject>),
    request,
  );

  expect(error?.message).toMatch(/The method starts a child of pages:render/);
});
