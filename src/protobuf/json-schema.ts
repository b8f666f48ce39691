// The JSON Schema (2020-12) of a declared message in its proto3 JSON mapping: one text, without references.
import type { JsonObject } from "../rpc/any";
import type { Field, Message, ScalarName, ValueType } from "./declaration";

/** Levels of messages in messages. A message that holds itself is described to this level, and below it as any object. */
const MAX_DEPTH = 8;

const integer: JsonObject = { type: "integer" };
/** "int64, fixed64, uint64: string" (proto3 JSON mapping); a number is accepted too. */
const long: JsonObject = { type: ["string", "integer"], pattern: "^-?[0-9]+$" };
const real: JsonObject = { anyOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity"] }] };

const scalars: Record<ScalarName, JsonObject> = {
  double: real,
  float: real,
  int32: integer,
  sint32: integer,
  sfixed32: integer,
  uint32: { ...integer, minimum: 0 },
  fixed32: { ...integer, minimum: 0 },
  int64: long,
  sint64: long,
  sfixed64: long,
  uint64: long,
  fixed64: long,
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", contentEncoding: "base64" },
};

const wellKnown: Record<string, JsonObject> = {
  Timestamp: { type: "string", format: "date-time" },
  Duration: { type: "string" },
  FieldMask: { type: "string" },
  Any: { type: "object" },
  Struct: { type: "object" },
  ListValue: { type: "array" },
  Empty: { type: "object" },
};

export function jsonSchemaOf(message: Pick<Message, "fields" | "options">, depth = 0): JsonObject {
  const { description } = message.options;
  if (depth > MAX_DEPTH) return { type: "object" };
  const required = message.fields.filter(({ field }) => field.required).map(({ jsonName }) => jsonName);
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(message.fields.map(({ jsonName, field }) => [jsonName, fieldSchema(field, depth)])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
}

function fieldSchema({ label, type, options }: Field<unknown>, depth: number): JsonObject {
  const value = typeSchema(type, depth);
  const schema: JsonObject =
    label === "repeated"
      ? { type: "array", items: value }
      : label === "map"
        ? { type: "object", additionalProperties: value }
        : value;
  return options.description === undefined ? schema : { ...schema, description: options.description };
}

function typeSchema(type: ValueType<unknown>, depth: number): JsonObject {
  switch (type.kind) {
    case "scalar":
      return scalars[type.name];
    case "enum":
      return { type: "string", enum: type.enumType.values.map(({ name }) => name) };
    case "message":
      return jsonSchemaOf(type.message, depth + 1);
    case "wellKnown":
      // Wrappers and Value: any JSON, which the decoder judges.
      return wellKnown[type.name.replace("google.protobuf.", "")] ?? {};
    default:
      return type satisfies never;
  }
}
