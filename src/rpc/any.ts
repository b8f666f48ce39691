// google.protobuf.Any in its JSON mapping (google/protobuf/any.proto).

/** A JSON value, as `JSON.parse` returns it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type JsonObject = { [key: string]: Json };

export function isJsonObject(json: Json | undefined): json is JsonObject {
  return isRecord(json);
}

/** An object that is not a list: from `JSON.parse`, or a handler's own. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

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
const UNDER_VALUE =
  /^google\.protobuf\.(?:Struct|(?:List|Double|Float|U?Int(?:32|64)|Bool|String|Bytes)?Value|Timestamp|Duration|FieldMask|Any)$/;

/** Whether a message of this full name is the field `value` of its Any. */
export function standsUnderValue(messageName: string): boolean {
  return UNDER_VALUE.test(messageName);
}

/** A message of a well-known type is under `value`; another's fields are beside its `@type`. */
export function messageFromAny({ "@type": type, ...fields }: Any): Json {
  return standsUnderValue(type.slice(TYPE_URL_PREFIX.length)) ? (fields["value"] ?? {}) : fields;
}

/** Packs the JSON form of a message into an Any: under `value` for the types with a special JSON form. */
export function anyFromMessage(messageName: string, json: Json): Any {
  const typeUrl = typeUrlFromMessageName(messageName);
  if (standsUnderValue(messageName)) return { "@type": typeUrl, value: json };
  if (!isJsonObject(json)) throw new TypeError(`a ${messageName} must be a JSON object`);
  const { "@type": _, ...fields } = json;
  return { "@type": typeUrl, ...fields };
}
