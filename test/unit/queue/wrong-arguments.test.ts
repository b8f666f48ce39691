// A method's function in JavaScript that calls the library with anything: it learns what is wrong, and no attempt repeats it.
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { defineMethod } from "../../../src/method/define-method";
import type { ChildStarts } from "../../../src/queue/child-starts";
import type { RunContext } from "../../../src/queue/operation-context";
import { RpcError } from "../../../src/rpc/error";
import { prepareChild } from "../../../src/service/start-child";
import { NOW, aContext, turn } from "./a-context";

const aMethod = defineMethod({
  id: "things:do",
  http: { post: "/v1/{parent=projects/*}/things:do", body: "*" },
  request: (json) => json,
  run: async () => ({}),
});

const WRONG: readonly unknown[] = [undefined, null, 7, "text", true, [], {}, () => 1, Symbol("s"), 1n, Number.NaN];

/** Options of all calls. */
const NAMES = [
  "key",
  "labels",
  "parent",
  "detached",
  "atLeast",
  "retry",
  "timeout",
  "concurrency",
  "prompt",
  "payload",
];

/** Calls of the context that take arguments. */
const CALLS = [
  "progress",
  "write",
  "log",
  "step",
  "map",
  "checkpoint",
  "sleep",
  "sleepUntil",
  "suspend",
  "suspension",
  "start",
  "join",
  "call",
] as const satisfies (keyof RunContext)[];

const deployment = { policy: {}, locations: new Map(), indexShards: 1, maxOperationsPerCaller: undefined } as never;

const children: ChildStarts = {
  prepare: (asked) => prepareChild(deployment, asked, NOW),
  newId: () => "0".repeat(64),
  start: async () => {},
  read: async () => undefined,
};

/** The error of a call with these arguments; undefined: it is pending, or has a result. */
async function errorOf(call: (typeof CALLS)[number], parameters: readonly unknown[]): Promise<unknown> {
  const { op } = aContext({ level: 0 }, { children });
  let error: unknown;
  try {
    const result = (op[call] as (...all: unknown[]) => unknown).apply(op, [...parameters]);
    if (result instanceof Promise) result.catch((reason: unknown) => (error = reason));
    for (let turns = 0; turns < 3; turns += 1) await turn();
  } catch (thrown) {
    error = thrown;
  }
  return error;
}

/** Arguments that are wrong in themselves, and options that are, behind a right first argument. */
function* wrongLists(): Generator<readonly unknown[]> {
  for (const first of WRONG) {
    yield [first];
    for (const second of WRONG) {
      yield [first, second];
      for (const third of WRONG) yield [first, second, third];
    }
  }
  for (const request of WRONG) yield [aMethod, request, { key: "one" }];
  for (const name of NAMES) {
    for (const value of WRONG) {
      for (const first of ["name", [], [7]]) {
        yield [first, { [name]: value }];
        yield [first, () => 1, { [name]: value }];
      }
      yield [aMethod, {}, { key: "one", [name]: value }];
    }
  }
}

function shown(value: unknown): string {
  return value === aMethod ? "a method" : inspect(value, { breakLength: Infinity });
}

describe.each(CALLS)("op.%s", (call) => {
  it("says what is wrong with its arguments", async () => {
    const unclear: string[] = [];
    for (const parameters of wrongLists()) {
      const error = await errorOf(call, parameters);
      if (error !== undefined && !(error instanceof RpcError))
        unclear.push(`${parameters.map(shown).join(", ")}: ${inspect(error)}`);
    }
    expect(unclear).toEqual([]);
  });
});
