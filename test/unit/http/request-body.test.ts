import { describe, expect, test, vi } from "vitest";
import { RequestBody, decodeJson, readJsonObject } from "../../../src/http/request-body";
import { MAX_DRAIN_BYTES, MAX_DRAIN_MS, MAX_JSON_CONTAINERS } from "../../../src/limits";
import { aBodyStream } from "../../support/a-body-stream";
import { rpcErrorOf, violatedFields, violationsOf } from "../../support/an-rpc-error";

const url = "https://api.example/v1/x";
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
/** A list of so many empty ones. */
const listOf = (count: number): string => `[${"[],".repeat(count - 1)}{}]`;
const nested = (depth: number): string => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`;

function aRequest(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  // `duplex`: Node asks for it where a body is a stream.
  return new Request(url, { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

function read(request: Request, maxBytes = 1_000) {
  return readJsonObject(request, new RequestBody(request), maxBytes);
}

describe("readJsonObject", () => {
  test.each<[string, Request]>([
    ["an absent body", aRequest(null)],
    ["an absent body of some other type", aRequest(null, { "Content-Type": "text/plain" })],
    ["zero bytes", aRequest("")],
    ["zero bytes of some other type", aRequest("", { "Content-Type": "application/x-www-form-urlencoded" })],
  ])("reads %s as {}", async (_, request) => {
    expect(await read(request)).toEqual({});
  });

  test.each([
    ["application/json"],
    ["application/json; charset=utf-8"],
    ["text/json"],
    ["application/vnd.x+json"],
    [""],
  ])("reads a body of the type %j", async (contentType) => {
    expect(await read(aRequest(encode('{"a":1}'), { "Content-Type": contentType }))).toEqual({ a: 1 });
  });

  test.each(["text/plain", "text/csv", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])(
    "rejects a body of the type %s",
    async (contentType) => {
      const error = await rpcErrorOf(() => read(aRequest('{"a":1}', { "Content-Type": contentType })));

      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(violatedFields(error.details)).toEqual(["body"]);
    },
  );

  test("reads a body of exactly the limit", async () => {
    expect(await read(aRequest(encode('{"a":1}')), 7)).toEqual({ a: 1 });
  });

  test.each(["[]", '"x"', "null", "5", "true"])("rejects %s, which is no object", async (text) => {
    const error = await rpcErrorOf(() => read(aRequest(encode(text))));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(["body"]);
  });

  test.each<[string, () => Request]>([
    ["that says so", () => aRequest(encode('{"a":12}'), { "Content-Length": "8" })],
    ["that does not say so", () => aRequest(aBodyStream({ pieces: 8 }).stream)],
    ["with a wrong Content-Length", () => aRequest(aBodyStream({ pieces: 8 }).stream, { "Content-Length": "1" })],
    ["in one piece", () => aRequest(aBodyStream({ pieceBytes: 8 }).stream)],
  ])("rejects with 413 a body over the limit %s", async (_, request) => {
    const error = await rpcErrorOf(() => read(request(), 7));

    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", httpStatus: 413, reason: "REQUEST_TOO_LARGE" });
    expect(violatedFields(error.details)).toEqual(["body"]);
  });
});

describe("decodeJson", () => {
  test.each([
    ['{"a":"€"}', { a: "€" }],
    ['\ufeff{"a":1}', { a: 1 }],
    [' {"a":1}\n', { a: 1 }],
    ['{"a":"[[[{{{"}', { a: "[[[{{{" }],
    [String.raw`{"a":"\"[\\"}`, { a: '"[\\' }],
  ])("reads %j", (text, json) => {
    expect(decodeJson(encode(text))).toEqual(json);
  });

  test("reads __proto__ as a field like any other", () => {
    const json = decodeJson(encode('{"__proto__":{"polluted":true}}'));

    expect(Object.keys(json as object)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("reads a body nested 100 deep", () => {
    expect(decodeJson(encode(nested(100)))).toHaveProperty("a");
  });

  test("reads as many objects and lists as a body may have", () => {
    expect(decodeJson(encode(listOf(MAX_JSON_CONTAINERS - 1)))).toHaveLength(MAX_JSON_CONTAINERS - 1);
  });

  test.each<[string, Uint8Array, string]>([
    ["a body of more objects and lists", encode(listOf(MAX_JSON_CONTAINERS)), "has more than 200000 objects and lists"],
    ["text that is cut off", encode('{"a":'), "is not JSON"],
    ["text", encode("hello"), "is not JSON"],
    ["two objects", encode("{}{}"), "is not JSON"],
    ["a comment", encode("{/* */}"), "is not JSON"],
    ["NaN", encode('{"a":NaN}'), "is not JSON"],
    ["blanks", encode(" "), "is not JSON"],
    ["Latin-1", Uint8Array.of(0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d), "is not UTF-8"],
    ["an encoded surrogate", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), "is not UTF-8"],
    ["a body nested 101 deep", encode(nested(101)), "nested deeper than 100"],
    ["a body that would overflow a parser's stack", encode("[".repeat(1_000_000)), "nested deeper than 100"],
    ["deep nesting behind a string", encode(`{"\\"":${"[".repeat(100)}`), "nested deeper than 100"],
  ])("rejects %s as a violation of `body`", async (_, bytes, description) => {
    const error = await rpcErrorOf(() => decodeJson(bytes));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violationsOf(error.details)).toEqual([
      { field: "body", description: expect.stringContaining(description) as string },
    ]);
  });

  test("reads the next body unchanged after one that ends within a character", async () => {
    const error = await rpcErrorOf(() => decodeJson(Uint8Array.of(0x22, 0xe2, 0x82)));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(decodeJson(encode('{"a":1}'))).toEqual({ a: 1 });
    expect(decodeJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toBe(1);
    expect(decodeJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x32))).toBe(2);
  });
});

test("a body that breaks off is a cancellation by the client, not an error of the service", async () => {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encode('{"a":')),
    pull: (controller) => controller.error(new Error("Network connection lost.")),
  });

  await expect(read(aRequest(stream))).rejects.toMatchObject({ code: "CANCELLED", reason: "REQUEST_BROKEN_OFF" });
});

describe("drain", () => {
  test("reads a body to its end", async () => {
    const { stream, taken } = aBodyStream({ pieces: 20 });

    await new RequestBody(aRequest(stream)).drain();

    expect(taken()).toBe(20);
  });

  test("continues after the part that a rejected call has read", async () => {
    const { stream, taken } = aBodyStream({ pieces: 20 });
    const body = new RequestBody(aRequest(stream));
    await rpcErrorOf(() => body.bytes(3));

    await body.drain();

    expect(taken()).toBe(20);
  });

  test("stops at a bound of bytes", async () => {
    const pieceBytes = 1_024 * 1_024;
    const { stream, taken } = aBodyStream({ pieces: 1_000, pieceBytes });

    await new RequestBody(aRequest(stream)).drain();

    expect(taken()).toBe(MAX_DRAIN_BYTES / pieceBytes);
  });

  test("stops when the client sends nothing for some time", async () => {
    vi.useFakeTimers();
    try {
      const drained = new RequestBody(aRequest(aBodyStream({ stalls: true }).stream)).drain();
      await vi.advanceTimersByTimeAsync(MAX_DRAIN_MS);

      await expect(drained).resolves.toBeUndefined();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("ignores a client that has disconnected", async () => {
    vi.spyOn(console, "info").mockReturnValue(undefined);
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("gone")) });

    await expect(new RequestBody(aRequest(stream)).drain()).resolves.toBeUndefined();
  });
});
