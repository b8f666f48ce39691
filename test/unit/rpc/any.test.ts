import { describe, expect, test } from "vitest";
import { EMPTY_TYPE_URL, STRUCT_TYPE_URL, anyFromMessage } from "../../../src/rpc/any";

// proto3 JSON mapping, Any: "If the Any contains a value that has a special JSON mapping, it will be converted as
// follows: {"@type": xxx, "value": yyy}".
describe("anyFromMessage", () => {
  test.each([
    ["Struct", { a: 1 }],
    ["Value", null],
    ["ListValue", [1, "2"]],
    ["Timestamp", "2026-01-31T12:00:00Z"],
    ["Duration", "5s"],
    ["FieldMask", "a,b.c"],
    ["Any", { "@type": EMPTY_TYPE_URL }],
    ["StringValue", "text"],
    ["BytesValue", "AAE="],
    ["BoolValue", false],
    ["DoubleValue", 1.5],
    ["FloatValue", "NaN"],
    ["Int32Value", -1],
    ["UInt32Value", 1],
    ["Int64Value", "-9007199254740993"],
    ["UInt64Value", "9007199254740993"],
  ])("puts a google.protobuf.%s under `value`", (name, json) => {
    expect(anyFromMessage(`google.protobuf.${name}`, json)).toEqual({
      "@type": `type.googleapis.com/google.protobuf.${name}`,
      value: json,
    });
  });

  test("puts the fields of any other message beside `@type`", () => {
    expect(anyFromMessage("acme.v1.Table", { rows: 3 })).toEqual({
      "@type": "type.googleapis.com/acme.v1.Table",
      rows: 3,
    });
  });

  test("writes Empty without `value`", () => {
    expect(anyFromMessage("google.protobuf.Empty", {})).toEqual({ "@type": EMPTY_TYPE_URL });
  });

  test("never uses a field `@type` as the type", () => {
    expect(anyFromMessage("acme.v1.Table", { "@type": "evil", rows: 3 })).toEqual({
      "@type": "type.googleapis.com/acme.v1.Table",
      rows: 3,
    });
  });

  test.each([[null], [[1]], ["text"], [1], [true]])("rejects %j", (json) => {
    expect(() => anyFromMessage("acme.v1.Table", json)).toThrow("a acme.v1.Table must be a JSON object");
  });

  test("writes the full type URL of Struct", () => {
    expect(STRUCT_TYPE_URL).toBe("type.googleapis.com/google.protobuf.Struct");
  });
});
