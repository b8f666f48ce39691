// google.protobuf.Any in its JSON mapping (google/protobuf/any.proto).

/** A JSON value, as `JSON.parse` returns it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type JsonObject = { [key: string]: Json };

/** google.protobuf.Any as JSON: `@type` names the message, and its fields are beside it. */
export interface Any {
  "@type": string;
  [field: string]: Json;
}

export const TYPE_URL_PREFIX = "type.googleapis.com/";

/** The type URL of a full message name: `google.protobuf.Struct` → `type.googleapis.com/google.protobuf.Struct`. */
export function typeUrlFromMessageName(messageName: string): string {
  return TYPE_URL_PREFIX + messageName;
}

export const EMPTY_TYPE_URL = typeUrlFromMessageName("google.protobuf.Empty");
export const STRUCT_TYPE_URL = typeUrlFromMessageName("google.protobuf.Struct");

/** Well-known types with a special JSON form. In an Any that form is the field `value` (proto3 JSON mapping). */
const messageNamesUnderValue: ReadonlySet<string> = new Set(
  [
    "Struct",
    "Value",
    "ListValue",
    "Timestamp",
    "Duration",
    "FieldMask",
    "Any",
    "DoubleValue",
    "FloatValue",
    "Int64Value",
    "UInt64Value",
    "Int32Value",
    "UInt32Value",
    "BoolValue",
    "StringValue",
    "BytesValue",
  ].map((name) => `google.protobuf.${name}`),
);

/** Whether a message of this full name is the field `value` of its Any. */
export function standsUnderValue(messageName: string): boolean {
  return messageNamesUnderValue.has(messageName);
}

/** Packs the JSON form of a message into an Any: under `value` for the types with a special JSON form. */
export function anyFromMessage(messageName: string, json: Json): Any {
  const typeUrl = typeUrlFromMessageName(messageName);
  if (standsUnderValue(messageName)) return { "@type": typeUrl, value: json };
  if (json === null || typeof json !== "object" || Array.isArray(json)) {
    throw new TypeError(`a ${messageName} must be a JSON object`);
  }
  const { "@type": _, ...fields } = json;
  return { "@type": typeUrl, ...fields };
}
