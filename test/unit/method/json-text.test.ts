import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { MAX_JSON_DEPTH } from "../../../src/limits";
import { jsonText } from "../../../src/method/json-text";
import { isMisuse } from "../../../src/method/misuse";
import { responseJson } from "../../../src/method/response-json";
import { RpcError } from "../../../src/rpc/error";

class Table {
  readonly rows = 3;
  get twice(): number {
    return 2 * this.rows;
  }
}

const nested = (levels: number): object => {
  let value: object = {};
  for (let level = 1; level < levels; level += 1) value = { value };
  return value;
};
const circular: Record<string, unknown> = {};
circular["itself"] = { circular };
/** As many objects as the walk may see, of few: each level holds the one below it twice. */
const doubled = (): object => {
  let value: object = {};
  for (let level = 0; level < 60; level += 1) value = [value, value];
  return value;
};

describe("jsonText", () => {
  test.each<[string, unknown, string]>([
    ["a plain object", { a: [1, "two", null, true] }, '{"a":[1,"two",null,true]}'],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ["an object of another realm", runInNewContext("({ a: [1, { b: 2 }] })"), '{"a":[1,{"b":2}]}'],
    ["an object of a class", new Table(), '{"rows":3}'],
    ["an undefined property, which is left out", { a: undefined, b: 1 }, '{"b":1}'],
    ["an undefined element, which is null", [undefined, 1], "[null,1]"],
    ["a Date inside", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["a URL", new URL("https://example.com/"), '"https://example.com/"'],
    ["a toJSON", { toJSON: () => ({ a: 1 }) }, '{"a":1}'],
    ["a frozen Proxy of a plain object", new Proxy(Object.freeze({ a: 1 }), {}), '{"a":1}'],
    ["numbers at the edges", [-0, 1e308, Number.MIN_VALUE], "[0,1e+308,5e-324]"],
    ["as many levels as are read back", nested(MAX_JSON_DEPTH), JSON.stringify(nested(MAX_JSON_DEPTH))],
    ["half a surrogate pair, which is replaced", { "\ud800": ["a\udc00b", "😀"] }, '{"\ufffd":["a\ufffdb","😀"]}'],
    ["a text that only looks like an escape", String.raw`\ud800`, String.raw`"\\ud800"`],
  ])("writes %s", (_, value, text) => {
    expect(jsonText("it", value)).toBe(text);
  });

  test.each<[string, unknown, string]>([
    ["undefined", undefined, "where: it is undefined"],
    ["a bigint", { rows: [{ total: 10n }] }, "where: rows[0].total is a bigint"],
    ["a function", { a: { run: () => 1 } }, "where: a.run is a function"],
    ["a symbol", [Symbol("x")], "where: [0] is a symbol"],
    ["NaN", { "a b": Number.NaN }, 'where: ["a b"] is NaN'],
    ["Infinity", [1, Number.NEGATIVE_INFINITY], "where: [1] is -Infinity"],
    ["a Map", { a: new Map([[1, 2]]) }, "where: a is a Map"],
    ["a Set", new Set([1]), "where: it is a Set"],
    ["bytes", { a: new Uint8Array(3) }, "where: a is an Uint8Array"],
    ["a Buffer, whose toJSON is not meant", { a: Buffer.from("x") }, "where: a is an Uint8Array"],
    ["an ArrayBuffer", new ArrayBuffer(3), "where: it is an ArrayBuffer"],
    ["a Response", new Response("x"), "where: it is a Response"],
    ["an Error", { error: new Error("x") }, "where: error is an Error"],
    ["a pattern", { a: /x/ }, "where: a is a RegExp"],
    ["a promise that was not awaited", { a: Promise.resolve(1) }, "where: a is a Promise: await it"],
    ["an invalid Date", { at: new Date(Number.NaN) }, "where: at is an invalid Date"],
    [
      "an object that contains itself",
      circular,
      `where: it has more than ${MAX_JSON_DEPTH} levels, or a part of it contains itself`,
    ],
    ["too many levels", nested(MAX_JSON_DEPTH + 2), `where: it has more than ${MAX_JSON_DEPTH} levels`],
    ["too many values", doubled(), "where: it has more than 12582912 values"],
    ["a toJSON that gives nothing", { toJSON: () => undefined }, "where: it is an object whose toJSON gives nothing"],
    ["a toJSON that gives a bigint", { a: { toJSON: () => 1n } }, "where: a is a bigint"],
  ])("rejects %s", (_, value, message) => {
    const error = errorOf(() => jsonText("where", value));

    expect(error.message).toContain(message);
    expect(error.message).toContain("Return JSON: plain objects, arrays, strings");
    expect(error).toMatchObject({ code: "INTERNAL" });
    expect(isMisuse(error)).toBe(true);
  });

  test.each<[string, unknown]>([
    [
      "a getter",
      Object.defineProperty({}, "a", {
        enumerable: true,
        get: () => {
          throw new Error("inner");
        },
      }),
    ],
    [
      "a toJSON",
      {
        toJSON: () => {
          throw new Error("inner");
        },
      },
    ],
    [
      "a Proxy",
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("inner");
          },
        },
      ),
    ],
    ["a revoked Proxy", revoked()],
  ])("reports that %s throws, with the error as the cause", (_, value) => {
    const error = errorOf(() => jsonText("where", value));

    expect(error.message).toMatch(/^where: it could not be written as JSON, because reading it throws/);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("writes numbers that are not finite as null if it is told to", () => {
    expect(jsonText("it", { eta: Number.NaN, rate: Infinity }, { allowsNonFinite: true })).toBe(
      '{"eta":null,"rate":null}',
    );
  });
});

describe("responseJson", () => {
  const STRUCT = "google.protobuf.Struct";
  const typed = (name: string): string => `{"@type":"type.googleapis.com/${name}"`;

  test.each<[string, string, unknown, string]>([
    ["a Struct", STRUCT, { a: 1 }, `${typed(STRUCT)},"value":{"a":1}}`],
    ["nothing, which is an empty object", STRUCT, undefined, `${typed(STRUCT)},"value":{}}`],
    ["null likewise", STRUCT, null, `${typed(STRUCT)},"value":{}}`],
    ["a message", "acme.v1.Table", { rows: 3 }, `${typed("acme.v1.Table")},"rows":3}`],
    ["an empty message", "acme.v1.Table", {}, `${typed("acme.v1.Table")}}`],
    [
      "a message that names a type itself",
      "acme.v1.Table",
      { "@type": "x", rows: 3 },
      `${typed("acme.v1.Table")},"rows":3}`,
    ],
    [
      "a list, where that is declared",
      "google.protobuf.ListValue",
      [1],
      `${typed("google.protobuf.ListValue")},"value":[1]}`,
    ],
  ])("packs %s", (_, type, value, json) => {
    expect(responseJson(type, value)).toBe(json);
    expect(JSON.parse(json)).toBeTypeOf("object");
  });

  test.each<[string, unknown, string]>([
    ["an array", [1, 2, 3], "response: it is an array. A handler returns a JSON object"],
    ["a text", "text", "response: it is a string"],
    ["a number", 5, "response: it is a number"],
    ["a Date", new Date(0), "response: it is a string (as a Date is)"],
    ["false", false, "response: it is a boolean"],
    [
      "a toJSON that gives nothing",
      { toJSON: () => undefined },
      "response: it is an object whose toJSON gives nothing",
    ],
    ["a bigint inside", { n: 10n }, "response: n is a bigint"],
  ])("rejects %s", (_, value, message) => {
    for (const type of [STRUCT, "acme.v1.Table"])
      expect(errorOf(() => responseJson(type, value)).message).toContain(message);
  });
});

function errorOf(act: () => unknown): RpcError {
  try {
    act();
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
