import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { MAX_LOGGED_STACK_CHARACTERS, MAX_LOGGED_TEXT_CHARACTERS } from "../../../src/limits";
import { boundedStatus } from "../../../src/method/bounded-status";
import { thrownFields, thrownText } from "../../../src/queue/thrown";
import { Code } from "../../../src/rpc/code";
import { RpcError } from "../../../src/rpc/error";

const throwing = (): never => {
  throw new Error("a trap");
};
const hostile = new Proxy(
  {},
  { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing, getOwnPropertyDescriptor: throwing },
);
const circular: Record<string, unknown> = { code: "E" };
circular["cause"] = circular;

/** Values that someone has thrown, and what is said of them. */
const thrown: [string, unknown, string][] = [
  ["an Error", new TypeError("broken"), "TypeError: broken"],
  ["an Error of another realm", runInNewContext("new RangeError('far')"), "RangeError: far"],
  ["a text", "broken", "broken"],
  ["nothing", undefined, "undefined"],
  ["null", null, "null"],
  ["a bigint", 10n, "10"],
  ["a symbol", Symbol("s"), "Symbol(s)"],
  ["a code and a message", { code: "E_QUOTA", message: "quota used up" }, "quota used up (code E_QUOTA)"],
  ["an object without a message", { status: 503 }, '{"status":503}'],
  ["an object without a prototype", Object.assign(Object.create(null), { message: "x" }), "x"],
  ["a toString that throws", { toString: throwing }, "[object Object]"],
  ["a toJSON that throws", { toJSON: throwing }, "[object Object]"],
  ["a message getter that throws", Object.defineProperty({}, "message", { get: throwing }), "{}"],
  ["an object that contains itself", circular, "[object Object]"],
  ["a Proxy whose every trap throws", hostile, "[an object that cannot be read]"],
  ["a function", Object.assign(() => 1, { message: "callable" }), "<anonymous>"],
  ["a Response", new Response("x"), "[object Response]"],
];

describe("a value that was thrown", () => {
  test.each(thrown)("is reported, and logged as JSON: %s", (_, value, text) => {
    const fields = thrownFields(value);

    expect(thrownText(value)).toContain(text === "<anonymous>" ? "callable" : text);
    expect(JSON.parse(JSON.stringify(fields))).toEqual(fields);
    expect(fields.error).not.toBe("");
  });

  test("is logged with its stack, its own fields, the chain of its causes and its errors", () => {
    const cause = new Error("the real reason", { cause: { code: "E_NET" } });
    const error = Object.assign(new AggregateError([new Error("one"), "two"], "all failed", { cause }), {
      status: 503,
      request: { url: "https://example.com/", attempts: 2n },
      retry: () => true,
    });
    const fields = thrownFields(error);

    expect(fields).toMatchObject({
      error: expect.stringMatching(/^AggregateError: all failed\n\s+at /),
      fields: { status: 503, request: "[object Object]" },
      cause: { error: expect.stringContaining("Error: the real reason"), cause: { error: '{"code":"E_NET"}' } },
      errors: [{ error: expect.stringContaining("Error: one") }, { error: "two" }],
    });
  });

  test("is logged although its stack getter throws", () => {
    const error = Object.defineProperty(new Error("broken"), "stack", { get: throwing });

    expect(thrownFields(error)).toEqual({ error: "Error: broken" });
  });

  test("is logged within bounds, however long, deep, wide or circular it is", () => {
    // Made once: 2,551 errors have these fields.
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, "x".repeat(9_999)]));
    const wide = (depth: number): Error => {
      const error = new AggregateError(depth === 0 ? [] : Array.from({ length: 50 }, () => wide(depth - 1)), "w");
      return Object.assign(error, fields);
    };
    const long = new Error("m".repeat(1_000_000));
    const loop = new Error("loop");
    loop.cause = new Error("back", { cause: loop });

    expect(JSON.stringify(thrownFields(wide(2))).length).toBeLessThan(256_000);
    expect(thrownText(long).length).toBeLessThanOrEqual(MAX_LOGGED_TEXT_CHARACTERS);
    expect(thrownFields(long).error.length).toBeLessThanOrEqual(MAX_LOGGED_STACK_CHARACTERS);
    expect(JSON.stringify(thrownFields(loop))).toContain("(the same error again)");
  });
});

describe("boundedStatus", () => {
  const bad = { "@type": "type.googleapis.com/acme.Detail", n: 10n } as never;
  const good = { "@type": "type.googleapis.com/acme.Other", n: 1 };

  test("omits details that are no JSON or no Any, and counts them", () => {
    const status = boundedStatus({ code: Code.FAILED_PRECONDITION, message: "m", details: [bad, good, "x" as never] });

    expect(status).toMatchObject({ code: 9, details: [good] });
    expect(status.message).toBe("m (2 of its details were dropped: they are no JSON of a google.protobuf.Any.)");
  });

  test("accepts details that are no list, and a message that is no string", () => {
    expect(boundedStatus({ code: Code.ABORTED, message: 5 as never, details: "x" as never })).toMatchObject({
      code: 10,
      message: "",
    });
  });

  test("cuts a message between characters, not within a surrogate pair", () => {
    const { message } = boundedStatus({ code: Code.ABORTED, message: "😀".repeat(4_096), details: [] });

    expect(message.isWellFormed()).toBe(true);
    expect(message.length).toBe(4_096);
  });
});

describe("new RpcError", () => {
  test.each<[unknown, string]>([
    [5, "not the number 5"],
    ["NOTFOUND", 'not "NOTFOUND"'],
    ["OK", 'not "OK"'],
    ["toString", 'not "toString"'],
    [undefined, "not a value of type undefined"],
  ])("throws for the code %j, and describes a code", (code, message) => {
    const make = (): RpcError => new RpcError(code as "NOT_FOUND", "x");

    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});
