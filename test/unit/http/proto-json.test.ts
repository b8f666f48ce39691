// proto3 JSON at the door: absent fields in each form that emitters write, and numbers that JavaScript cannot hold.
import { describe, expect, test } from "vitest";
import { countFields, inexactNumbers, repeatedFields } from "../../../src/http/exact-json";
import { MAX_JSON_DEPTH } from "../../../src/limits";
import type { Json, JsonObject } from "../../../src/rpc/any";
import { anAnswer } from "../../support/a-service";
import { type DoorAnswer, knock } from "../../support/a-door";
import { violatedFields } from "../../support/an-rpc-error";

const NAME = "projects/p/operations/1";
const LIST = "/v1/projects/p/operations";
const updates = { update: async () => ({ ok: true as const, answer: anAnswer() }) };

function send(method: string, path: string, body: string): Promise<DoorAnswer> {
  return knock(method, path, { body, headers: { "Content-Type": "application/json" }, store: updates });
}

const INT64 = "type.googleapis.com/google.protobuf.Int64Value";
const metadata = { "@type": INT64, value: "1" };

describe("null and the default of a field", () => {
  test.each<[string, string, Json]>([
    ["POST", LIST, { operation: null }],
    ["POST", LIST, { operation: { name: "", done: false } }],
    ["POST", LIST, { operation: { name: null, done: null, error: null, response: null, metadata: null } }],
    [
      "POST",
      LIST,
      { operation: { metadata, done: false }, ttl: null, heartbeatTimeout: null, heartbeat_timeout: "5s" },
    ],
    ["POST", LIST, { requestId: null, validateOnly: null }],
    ["PATCH", `/v1/${NAME}`, { name: null, metadata }],
    ["PATCH", `/v1/${NAME}`, { name: "", done: false, metadata, response: null, error: null }],
    ["POST", `/v1/${NAME}:wait`, { timeout: null }],
    ["POST", `/v1/${NAME}:wait`, { name: null, timeout: "1s" }],
    ["POST", `/v1/${NAME}:wait`, { name: "" }],
    ["POST", `/v1/${NAME}:cancel`, { name: null }],
    ["POST", `/v1/${NAME}:cancel`, { name: "" }],
    ["POST", "/v1/projects/p:getIamPolicy", { resource: null, options: null }],
    ["POST", "/v1/projects/p:getIamPolicy", { resource: "" }],
    ["POST", "/v1/projects/p:setIamPolicy", { resource: null, policy: { bindings: null }, updateMask: null }],
    ["POST", "/v1/projects/p:setIamPolicy", { resource: "", policy: { version: 0, etag: "" }, updateMask: "" }],
    ["POST", "/v1/projects/p:testIamPermissions", { resource: null, permissions: null }],
    ["POST", "/v1/projects/p:testIamPermissions", { resource: "", permissions: [] }],
    ["POST", "/v1/echo:wait", { ttl: null, success: { content: "" }, error: null, endTime: null }],
  ])("are treated as absent: %s %s with %j", async (method, path, body) => {
    expect(await send(method, path, JSON.stringify(body))).toMatchObject({ status: 200 });
  });

  test.each<[string, string, Json, string[]]>([
    ["POST", LIST, { operation: { name: "operations/1" } }, ["operation.name"]],
    ["POST", LIST, { operation: { done: true } }, ["operation.done"]],
    ["POST", LIST, { operation: { nonsense: null } }, ["operation.nonsense"]],
    ["PATCH", `/v1/${NAME}`, { name: "operations/2", metadata }, ["name"]],
    ["POST", `/v1/${NAME}:cancel`, { name: "operations/2" }, ["name"]],
    ["POST", `/v1/${NAME}:cancel`, { nonsense: null }, ["nonsense"]],
    ["POST", "/v1/projects/p:getIamPolicy", { resource: "projects/q" }, ["resource"]],
  ])("are rejected if the field is required: %s %s with %j", async (method, path, body, fields) => {
    const { error } = await send(method, path, JSON.stringify(body));

    expect(violatedFields(error?.details ?? [])).toEqual(fields);
  });
});

describe("a repeated field of an object", () => {
  test.each<[string, string[]]>([
    ['{"operation":{"metadata":null},"operation":{}}', ["operation"]],
    ['{"operation":{"metadata":{"@type":"acme/x.Y","a":1,"a":1}}}', ["operation.metadata.a"]],
    ['{"requestId":"a","request\\u0049d":"b"}', ["requestId"]],
  ])("is rejected: %s", async (body, fields) => {
    const { error } = await send("POST", LIST, body);

    expect(violatedFields(error?.details ?? [])).toEqual(fields);
    expect(error?.message).toContain("is given more than once");
  });

  test.each<[string, string[]]>([
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', []],
    ['{"a":":{}","b":"\\":","c":[]}', []],
    ['{"__proto__":1,"a":{"__proto__":1,"__proto__":2}}', ["a.__proto__"]],
    ['{"a":[{},{"b":1,"b":2,"b":3}]}', ["a.1.b", "a.1.b"]],
    ['{"":1,"":2}', [""]],
    ["[1,[2]]", []],
  ])("is named by its path: %s", (text, expected) => {
    const fieldCount = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1;

    expect(repeatedFields(text, 50).map((path) => path.join("."))).toEqual(expected);
    expect(fieldCount - countFields(JSON.parse(text) as Json)).toBe(expected.length);
  });
});

describe("a number that is not exact in JavaScript", () => {
  const metadataOf = (value: string): string => `{"operation":{"metadata":{"@type":"${INT64}","value":${value}}}}`;

  test.each(["9007199254740993", "12345678901234567890", "-9007199254740993", "1e400", "9.007199254740993e15"])(
    "is rejected: %s",
    async (number) => {
      const { error } = await send("POST", LIST, metadataOf(number));

      expect(violatedFields(error?.details ?? [])).toEqual(["operation.metadata.value"]);
      expect(error?.message).toContain(number);
    },
  );

  test("is accepted as a string", async () => {
    expect((await send("POST", LIST, metadataOf('"9007199254740993"'))).status).toBe(200);
  });

  test.each<[string, string[]]>([
    ['{"a":[1,{"b":9007199254740993}],"c":1e999}', ["a.1.b", "c"]],
    ['{"a":9007199254740992,"b":9223372036854775808,"c":1e300,"d":1E+21,"e":1000000000000000000000}', []],
    ['{"a":3.14159265358979323846,"b":1e-400,"c":0.1,"d":-0.0,"e":1.0e0,"f":12345678901234567.0e-1}', []],
    ['{"a":"9007199254740993","9007199254740993":"1e400"}', []],
    ['{"a":36028797018963969}', ["a"]],
    ['{"__proto__":{"b":9007199254740993}}', ["__proto__.b"]],
    ['{"a":{"b":[{},[1e1,2]]},"c":[[],"x\\"1e999",1e999]}', ["c.2"]],
    ['{"a\\"\\\\":1e999 , "b" : [ 1e999 ]}', ['a"\\', "b.0"]],
    ['{"a":36028797018963968,"b":3.6028797018963968e16,"c":-36028797018963968}', []],
    ['{"a":90071992547409920.5}', ["a"]],
    ["1e999", [""]],
  ])("is named by its path: %s", (text, expected) => {
    expect(inexactNumbers(text, 50).map(({ path }) => path.join("."))).toEqual(expected);
  });

  test.each([
    ["zeros that mean nothing", `[90071992547409920.${"0".repeat(100_000)}1]`, 1],
    ["digits", `[${"9".repeat(100_000)}]`, 1],
    ["strings beside a number", `[1e1${`,","`.repeat(30_000)}]`, 0],
    ["backslashes", `[1e1,"${"\\\\".repeat(50_000)}"]`, 0],
  ])("is found in one pass through a hundred thousand %s", (_, text, count) => {
    const startTime = performance.now();

    expect(inexactNumbers(text, 50)).toHaveLength(count);
    // One pass takes a millisecond; a pattern that tries again from each zero takes seven seconds.
    expect(performance.now() - startTime).toBeLessThan(1_000);
  });

  test("is searched for no further than the last one that is reported", () => {
    const many = JSON.stringify({ a: Array.from({ length: 100 }, () => 0) }).replaceAll("0", "1e400");

    expect(inexactNumbers(many, 50)).toHaveLength(50);
  });
});

test("a body that is one field of the request may be nested as deeply as any body", async () => {
  const levels = MAX_JSON_DEPTH - 2;
  const nested = `${"[".repeat(levels - 1)}{"b":1}${"]".repeat(levels - 1)}`;
  const { status } = await send(
    "PATCH",
    `/v1/${NAME}`,
    `{"metadata":{"@type":"type.googleapis.com/x.Y","a":${nested}}}`,
  );

  expect(status).toBe(200);
});

test("every field of an Any reaches the store unchanged, one named __proto__ too", async () => {
  const body = '{"response":{"@type":"type.googleapis.com/x.Y","__proto__":{"a":1},"b":2}}';
  const { calls } = await send("PATCH", `/v1/${NAME}`, body);
  const [, , { update }] = calls.at(-1) as [string, string, { update: { outcome: { value: JsonObject } } }];

  expect(update.outcome.value["response"]).toBe('{"@type":"type.googleapis.com/x.Y","__proto__":{"a":1},"b":2}');
});
