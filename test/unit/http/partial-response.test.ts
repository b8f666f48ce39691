import { describe, expect, test } from "vitest";
import { ListOperationsResponse, Operation } from "../../../src/api/messages/longrunning";
import { rpcErrorOf } from "../../support/an-rpc-error";
import { maskOf, maskedJson, maskedResponse } from "../../../src/http/partial-response";
import { MAX_MASKED_SOURCE_BYTES, MAX_PAGE_BYTES } from "../../../src/limits";

const ask = (fields: string, headers: Record<string, string> = {}) =>
  maskOf(
    new Request("https://api.example/v1/operations", { headers }),
    new URLSearchParams({ fields }),
    ListOperationsResponse,
  );

const LIST = JSON.stringify({
  operations: [
    { name: "operations/1", metadata: { "@type": "t", a: 1, b: 2 }, done: false },
    {
      name: "operations/2",
      metadata: { "@type": "t", a: 3 },
      done: true,
      error: { code: 1, message: "m", details: [] },
    },
  ],
  nextPageToken: "token",
});

describe("fields", () => {
  test.each([
    "__proto__",
    "operations/__proto__",
    "operations(name,__proto__)",
    "constructor",
    "operations/toString",
    "operations/hasOwnProperty",
    "valueOf",
  ])("rejects %s, which is a property of every JavaScript object", async (fields) => {
    expect(await rpcErrorOf(() => ask(fields))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test.each([
    ["nextPageToken", { nextPageToken: "token" }],
    ["operations/name", { operations: [{ name: "operations/1" }, { name: "operations/2" }] }],
    [
      "operations(name,done)",
      {
        operations: [
          { name: "operations/1", done: false },
          { name: "operations/2", done: true },
        ],
      },
    ],
    ["operations(metadata/a)", { operations: [{ metadata: { a: 1 } }, { metadata: { a: 3 } }] }],
    [
      "operations/error(code,message),nextPageToken",
      { operations: [{}, { error: { code: 1, message: "m" } }], nextPageToken: "token" },
    ],
    ["operations/error/code,operations/error/message", { operations: [{}, { error: { code: 1, message: "m" } }] }],
    ["operations/error,operations/error/code", { operations: [{}, { error: { code: 1, message: "m", details: [] } }] }],
    [
      "operations/error(code),operations/error",
      { operations: [{}, { error: { code: 1, message: "m", details: [] } }] },
    ],
    ["operations/metadata(*/x,a)", { operations: [{ metadata: { a: 1 } }, { metadata: { a: 3 } }] }],
    ["operations/metadata/__proto__/x", { operations: [{ metadata: {} }, { metadata: {} }] }],
    ["unreachable", {}],
    ["*/nothing", { operations: [{}, {}] }],
    ["*/*/code", { operations: [{ metadata: {} }, { metadata: {}, error: { code: 1 } }] }],
    ["nextPageToken/*,operations/name/*", { operations: [{}, {}] }],
    ["operations/metadata/*/*", { operations: [{ metadata: {} }, { metadata: {} }] }],
    ["operations/error/details/*", { operations: [{}, { error: { details: [] } }] }],
    [
      "operations(metadata/*)",
      { operations: [{ metadata: { "@type": "t", a: 1, b: 2 } }, { metadata: { "@type": "t", a: 3 } }] },
    ],
  ])("%s keeps the named fields", (fields, expected) => {
    const mask = ask(fields);

    expect(JSON.parse(maskedJson(LIST, mask!))).toEqual(expected);
  });

  test("takes the header X-Goog-FieldMask, whose paths have dots", () => {
    const mask = maskOf(
      new Request("https://api.example/", { headers: { "X-Goog-FieldMask": "error.code,name" } }),
      new URLSearchParams(),
      Operation,
    );

    expect(JSON.parse(maskedJson('{"name":"n","done":true,"error":{"code":5,"message":"m"}}', mask!))).toEqual({
      name: "n",
      error: { code: 5 },
    });
  });

  test.each(["", "*", "  "])("%j asks for the whole answer", (fields) => {
    expect(ask(fields)).toBeUndefined();
  });

  test.each([
    "nme",
    "operations/nme",
    "operations(name,dne)",
    "operations/error/cod",
    "a(b",
    "a)b",
    "a//b",
    "operations(",
    ",",
    "a(b)c",
    "a(b)/c",
    "name)",
    "operations((name))",
    "next PageToken",
    "a;b",
    "x".repeat(3_000),
  ])("%j is INVALID_ARGUMENT on fields", (fields) => {
    expect(() => ask(fields)).toThrow(
      expect.objectContaining({
        code: "INVALID_ARGUMENT",
        details: [expect.objectContaining({ fieldViolations: [expect.objectContaining({ field: "fields" })] })],
      }),
    );
  });
});

describe("maskedResponse", () => {
  const mask = maskOf(new Request("https://a.example"), new URLSearchParams("fields=name"), Operation)!;
  const asItIs = (json: string): string => json;
  const answerOf = (characters: number): string =>
    JSON.stringify({ name: "n", response: { a: "x".repeat(characters) } });

  test("keeps the fields of an answer as large as a full page", async () => {
    const response = await maskedResponse(new Response(answerOf(MAX_PAGE_BYTES)), mask, asItIs);

    expect(await response.text()).toBe('{"name":"n"}');
  });

  test("passes a larger answer on whole, after reading a bounded part of it", async () => {
    const bytes = new TextEncoder().encode(answerOf(3 * MAX_MASKED_SOURCE_BYTES));
    let offset = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(bytes.subarray(offset, offset + 1_048_576));
          offset += 1_048_576;
          if (offset >= bytes.length) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const response = await maskedResponse(new Response(body, { headers: { ETag: '"1"' } }), mask, asItIs);

    expect(offset).toBeLessThan(bytes.length / 2);
    expect(response.headers.get("ETag")).toBe('"1"');
    expect((await response.arrayBuffer()).byteLength).toBe(bytes.length);
  });
});
