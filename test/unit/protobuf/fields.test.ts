// Every builder: the type it declares, and that values of it are read as that type reads them.
import { expect, test } from "vitest";
import * as fields from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import type { SingularField } from "../../../src/protobuf/declaration";

type Build = (number: number) => SingularField<unknown>;

const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;
const INT64_MAX = "9223372036854775807";
const UINT64_MAX = "18446744073709551615";

const builders: [name: string, build: Build, largest: unknown, refused: unknown][] = [
  ["double", fields.double, Number.MAX_VALUE, "x"],
  ["float", fields.float, 3.4028234663852886e38, 3.5e38],
  ["int32", fields.int32, INT32_MAX, INT32_MAX + 1],
  ["sint32", fields.sint32, INT32_MAX, INT32_MAX + 1],
  ["sfixed32", fields.sfixed32, INT32_MAX, INT32_MAX + 1],
  ["uint32", fields.uint32, UINT32_MAX, -1],
  ["fixed32", fields.fixed32, UINT32_MAX, -1],
  ["int64", fields.int64, INT64_MAX, UINT64_MAX],
  ["sint64", fields.sint64, INT64_MAX, UINT64_MAX],
  ["sfixed64", fields.sfixed64, INT64_MAX, UINT64_MAX],
  ["uint64", fields.uint64, UINT64_MAX, "-1"],
  ["fixed64", fields.fixed64, UINT64_MAX, "-1"],
  ["bool", fields.bool, true, "true"],
  ["string", fields.string, "text", 5],
  ["bytes", fields.bytes, "aGk=", "?"],
  ["google.protobuf.Timestamp", fields.timestamp, "9999-12-31T23:59:59.999999999Z", "now"],
  ["google.protobuf.Duration", fields.duration, "315576000000s", "5"],
  ["google.protobuf.FieldMask", fields.fieldMask, "a.b", "a b"],
  ["google.protobuf.Struct", fields.struct, { a: 1 }, [1]],
  ["google.protobuf.Value", fields.value, null, NaN],
  ["google.protobuf.ListValue", fields.listValue, [1], { a: 1 }],
  ["google.protobuf.Any", fields.any, { "@type": "type.googleapis.com/a.B" }, {}],
  ["google.protobuf.Empty", fields.empty, {}, { a: 1 }],
  ["google.protobuf.DoubleValue", fields.doubleValue, 1.5, "x"],
  ["google.protobuf.FloatValue", fields.floatValue, 1.5, 3.5e38],
  ["google.protobuf.Int64Value", fields.int64Value, INT64_MAX, UINT64_MAX],
  ["google.protobuf.UInt64Value", fields.uint64Value, UINT64_MAX, "-1"],
  ["google.protobuf.Int32Value", fields.int32Value, INT32_MAX, UINT32_MAX],
  ["google.protobuf.UInt32Value", fields.uint32Value, UINT32_MAX, -1],
  ["google.protobuf.BoolValue", fields.boolValue, false, 0],
  ["google.protobuf.StringValue", fields.stringValue, "", 5],
  ["google.protobuf.BytesValue", fields.bytesValue, "aGk=", "?"],
];

test.each(builders)("a field of %s is declared, read and rejected by its type", (name, build, largest, refused) => {
  const declared = message("example.v1.Message", { field: build(1) });

  expect(declared.fields[0]?.field.type).toMatchObject({ kind: name.includes(".") ? "wellKnown" : "scalar", name });
  expect(declared["~standard"].validate({ field: largest })).toEqual({ value: { field: largest } });
  expect(declared["~standard"].validate({ field: refused }).issues).toHaveLength(1);
});

test("the list has every builder whose only argument is a number", () => {
  const others = ["enumeration", "mapOf", "messageField", "repeated"];

  expect(Object.values(fields)).toHaveLength(builders.length + others.length);
});
