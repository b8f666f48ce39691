// One operation is in list pages that many clients read, so the common clients must read every accepted value. Here the
// official runtime for JavaScript (@bufbuild/protobuf) reads it, as Operation and as ListOperationsResponse.
import { create, createFileRegistry, createRegistry, fromJson } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
} from "@bufbuild/protobuf/wkt";
import * as fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { anyType } from "../../../src/protobuf/any-type";
import { any, int32 } from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import { Reading } from "../../../src/protobuf/reading";
import { decodeMessage } from "../../../src/http/decode-message";
import { Operation } from "../../../src/api/messages/longrunning";
import { errorStatus } from "../../../src/protobuf/rpc-status";
import type { Any, Json } from "../../../src/rpc/any";

const field = (name: string, number: number, type: Type, typeName = "", label = Label.OPTIONAL) => ({
  name,
  number,
  type,
  label,
  ...(typeName === "" ? {} : { typeName }),
});
const ANY = ".google.protobuf.Any";
const files = create(FileDescriptorSetSchema, {
  file: [
    {
      name: "google/longrunning/operations.proto",
      package: "google.longrunning",
      syntax: "proto3",
      dependency: ["google/protobuf/any.proto"],
      messageType: [
        {
          name: "Status",
          field: [
            field("code", 1, Type.INT32),
            field("message", 2, Type.STRING),
            field("details", 3, Type.MESSAGE, ANY, Label.REPEATED),
          ],
        },
        {
          name: "Operation",
          field: [
            field("name", 1, Type.STRING),
            field("metadata", 2, Type.MESSAGE, ANY),
            field("done", 3, Type.BOOL),
            { ...field("error", 4, Type.MESSAGE, ".google.longrunning.Status"), oneofIndex: 0 },
            { ...field("response", 5, Type.MESSAGE, ANY), oneofIndex: 0 },
          ],
          oneofDecl: [{ name: "result" }],
        },
        {
          name: "ListOperationsResponse",
          field: [field("operations", 1, Type.MESSAGE, ".google.longrunning.Operation", Label.REPEATED)],
        },
      ],
    },
  ],
});
const declared = createFileRegistry(files.file[0]!, () => file_google_protobuf_any.proto);
const registry = createRegistry(
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
);

function read(name: string, json: object): object {
  const schema = declared.getMessage(`google.longrunning.${name}`);
  if (!schema) throw new Error(`${name} is not declared`);
  // As it crosses the wire.
  return fromJson(schema, JSON.parse(JSON.stringify(json)) as never, { registry });
}

function accepted(json: Json): Any | undefined {
  try {
    return decodeMessage(Operation, { response: json }).response;
  } catch {
    // Rejected: nothing of it is stored.
    return undefined;
  }
}

function url(name: string): string {
  return `type.googleapis.com/google.protobuf.${name}`;
}

const WRAPPERS = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];
const TYPES = [
  "Empty",
  "Struct",
  "Value",
  "ListValue",
  "Timestamp",
  "Duration",
  "FieldMask",
  "Any",
  ...WRAPPERS.map((name) => `${name}Value`),
];

/** A good value of each type. */
const GOOD: Readonly<Record<string, { [field: string]: Json }>> = {
  Empty: {},
  Struct: { value: {} },
  Value: { value: 1 },
  ListValue: { value: [] },
  Timestamp: { value: "2026-01-31T12:00:00Z" },
  Duration: { value: "1s" },
  FieldMask: { value: "a" },
  Any: { value: { "@type": url("Empty") } },
  DoubleValue: { value: 1.5 },
  FloatValue: { value: 1.5 },
  Int64Value: { value: "1" },
  UInt64Value: { value: "1" },
  Int32Value: { value: 1 },
  UInt32Value: { value: 1 },
  BoolValue: { value: true },
  StringValue: { value: "a" },
  BytesValue: { value: "AA==" },
};

const scalar = fc.oneof(
  fc.constantFrom<Json>(null, true, false, "true", 0, -1, 1.5, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, -(2 ** 63)),
  fc.constantFrom<Json>("", "0", "-1", "1.0", "1e3", " 1", "+1", "01", "0x10", "NaN", "Infinity", "-Infinity", "nan"),
  fc.constantFrom<Json>("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616"),
  fc.constantFrom<Json>("AAE=", "AAE", "-_8", "!", "AA==", "A", "====", "AB=="),
  fc.constantFrom<Json>(
    "a",
    "a.b",
    "a,b.c",
    "a..b",
    "display_name",
    "displayName",
    "*",
    "a.*",
    ",",
    "a,",
    "a b",
    "_",
    "A",
  ),
  fc.constantFrom<Json>(
    "5s",
    "1.5s",
    "-0.5s",
    "1.0000000001s",
    "5",
    ".5s",
    "5.s",
    "+5s",
    "315576000001s",
    "1e2s",
    "-s",
  ),
  fc.constantFrom<Json>(
    "2026-01-31T12:00:00Z",
    "2026-01-31t12:00:00z",
    "2026-01-31T12:00:00.5+01:00",
    "2026-02-30T12:00:00Z",
    "2026-01-31",
    "0000-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999999Z",
    "9999-12-31T23:59:59-01:00",
    "2026-01-31T12:00:60Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31 12:00:00Z",
  ),
  fc.constantFrom<Json>("\ud800", "é", "\u0000", "😀"),
);
const key = fc.constantFrom("a", "b", "value", "@type", "__proto__", "\udc00", "fields", "typeUrl");
const generated = fc.letrec<{ json: Json; any: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    { weight: 4, arbitrary: scalar },
    fc.array(tie("json"), { maxLength: 2 }),
    // Own properties, `__proto__` included, as JSON.parse makes them.
    fc.array(fc.tuple(key, tie("json")), { maxLength: 3 }).map((entries) => Object.fromEntries(entries) as Json),
    tie("any"),
  ),
  any: fc
    .tuple(fc.constantFrom(...TYPES), fc.array(fc.tuple(key, tie("json")), { maxLength: 1 }), fc.option(tie("json")))
    .map(([type, others, value]) => {
      const fields = [["@type", url(type)], ...(value === null ? [] : [["value", value]])];
      return Object.fromEntries(others.length > 0 && type === "Empty" ? [...fields, ...others] : fields) as Json;
    }),
}));

test.each<Json>([
  { "@type": url("Empty"), value: {} },
  { "@type": url("BoolValue"), value: "true" },
  { "@type": url("FieldMask"), value: "a_b" },
])("the official runtime fails on a list page with %j, so such values are checked", (response) => {
  const operation = { name: "operations/1", done: true, response };

  expect(() => read("ListOperationsResponse", { operations: [operation] })).toThrow(/cannot decode/);
});

describe("a value that is accepted from a client", () => {
  test("makes an Operation and a list page that the official runtime reads", () => {
    const kept = new Set<string>();
    fc.assert(
      fc.property(generated.any, (json) => {
        const response = accepted(json);
        if (response === undefined) return;
        kept.add(response["@type"]);
        const operation = { name: "operations/1", metadata: response, done: true, response };
        read("Operation", operation);
        read("ListOperationsResponse", { operations: [operation, operation] });
      }),
      // Chance alone does not meet a good value of each type in every run.
      {
        numRuns: 5_000,
        examples: Object.entries(GOOD).map(([type, fields]): [Json] => [{ "@type": url(type), ...fields }]),
      },
    );

    // It has looked at each.
    expect([...kept].toSorted()).toEqual(TYPES.map(url).toSorted());
  });

  test.each<[string, Json, Json]>([
    ["Go's form of Empty", { "@type": url("Empty"), value: {} }, { "@type": url("Empty") }],
    ["Java's form of Empty", { "@type": url("Empty") }, { "@type": url("Empty") }],
    ["an Empty with null", { "@type": url("Empty"), value: null }, { "@type": url("Empty") }],
    [
      "Go's form of Empty in an Any",
      { "@type": url("Any"), value: { "@type": url("Empty"), value: {} } },
      { "@type": url("Any"), value: { "@type": url("Empty") } },
    ],
    ["a null that is a Value", { "@type": url("Value"), value: null }, { "@type": url("Value"), value: null }],
    ["a mask by proto names", { "@type": url("FieldMask"), value: "a_b" }, { "@type": url("FieldMask"), value: "aB" }],
    ["an int64 as a number", { "@type": url("Int64Value"), value: 5 }, { "@type": url("Int64Value"), value: "5" }],
    ["NaN", { "@type": url("DoubleValue"), value: "NaN" }, { "@type": url("DoubleValue"), value: "NaN" }],
    [
      "a timestamp of another zone",
      { "@type": url("Timestamp"), value: "2026-01-31T13:00:00.5+01:00" },
      { "@type": url("Timestamp"), value: "2026-01-31T12:00:00.500Z" },
    ],
  ])("is stored in the form that every client reads: %s", (_, given, held) => {
    expect(accepted(given)).toEqual(held);
  });

  test("keeps a field named __proto__, and the order of fields", () => {
    const text = '{"@type":"type.googleapis.com/x.Y","__proto__":{"a":1},"b":2}';

    expect(JSON.stringify(accepted(JSON.parse(text) as Json))).toBe(text);
  });

  test.each<[string, Json, string]>([
    ["BoolValue", "true", "response.value"],
    ["ListValue", {}, "response.value"],
    ["StringValue", null, "response.value"],
    ["Any", null, "response.value"],
    ["Any", {}, "response.value.@type"],
    ["BytesValue", "!", "response.value"],
    ["FieldMask", "a..b", "response.value"],
    ["Struct", [], "response.value"],
    ["Struct", null, "response.value"],
    ["Struct", { a: [{ b: "\ud800" }] }, "response.value.a[0].b"],
    ["Timestamp", "2026-02-30T00:00:00Z", "response.value"],
    ["Duration", "5", "response.value"],
    ["Int32Value", 2 ** 31, "response.value"],
    ["UInt32Value", -1, "response.value"],
    ["Empty", { a: 1 }, "response.value.a"],
    ["Any", { "@type": url("BoolValue"), value: "true" }, "response.value.value"],
  ])("is rejected as %s if it is %j", (name, value, expected) => {
    expect(() => decodeMessage(Operation, { response: { "@type": url(name), value } })).toThrow(expected);
  });

  test("is rejected if it has half a surrogate pair, also in an unknown type", () => {
    expect(accepted({ "@type": "type.googleapis.com/x.Y", a: "\ud800" })).toBeUndefined();
    expect(accepted({ "@type": "type.googleapis.com/x.Y", "\ud800": 1 })).toBeUndefined();
  });

  test("is checked in an error's details and its message", () => {
    const detail = { "@type": url("BoolValue"), value: "true" };
    const error = { code: 5, message: "\ud800", details: [detail] };

    expect(() => decodeMessage(Operation, { error })).toThrow(
      "error.message: must be well-formed Unicode (and 1 more)",
    );
  });

  test("makes an error that the official runtime reads", () => {
    const given: Json = { code: 5, message: null, details: [{ "@type": url("Empty"), value: {} }] };
    const violations: string[] = [];
    const decoded = decodeMessage(Operation, { error: given }).error ?? {};
    const error = errorStatus(decoded, [], (_, description) => void violations.push(description));

    expect(violations).toEqual([]);
    expect(error).toEqual({ code: 5, message: "", details: [{ "@type": url("Empty") }] });
    expect(() => read("Operation", { name: "operations/1", done: true, error })).not.toThrow();
  });
});

describe("an Any within Anys", () => {
  test.each([0, 1, 20])("is read once at %i levels", (levels) => {
    let nested: unknown = { "@type": url("Struct"), value: { a: 1 } };
    for (let level = 0; level < levels; level += 1) nested = { "@type": url("Any"), value: nested };
    const reading = new Reading("decode");
    const readAt = vi.spyOn(reading, "readAt");

    expect(anyType.read(nested, reading)).toEqual(nested);

    // Each level's value, the Struct and its field.
    expect(readAt).toHaveBeenCalledTimes(levels + 2);
  });
});

describe("an Any in a declared message", () => {
  const holder = message("example.v1.Holder", { any: any(1), count: int32(2) });
  const validate = (json: unknown) => holder["~standard"].validate(json);

  test("accepts Go's form of Empty, and stores the form that every client reads", () => {
    expect(validate({ any: { "@type": url("Empty"), value: {} } })).toEqual({
      value: { any: { "@type": url("Empty") } },
    });
  });

  test.each<[string, Json]>([
    ["BoolValue", "true"],
    ["ListValue", {}],
    ["Any", {}],
    ["Timestamp", "now"],
  ])("is rejected as %s if it is %j", (name, value) => {
    expect(validate({ any: { "@type": url(name), value } })).toHaveProperty("issues");
  });
});
