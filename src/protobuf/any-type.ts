// google.protobuf.Any in its JSON mapping: a type URL beside the message's fields, or beside `value`.
import { type Any, type Json, type JsonObject } from "../rpc/any";
import { isPlainRecord, listValueType, readObject, structType, valueType } from "./json-values";
import { emptyType, fieldMaskType, wrapperTypes, durationType, timestampType } from "./well-known";
import type { Reading } from "./reading";
import type { WellKnownType } from "./declaration";

// "The last segment of the URL's path must represent the fully qualified name of the type" (any.proto).
const TYPE_URL = /^[^\s]*\/((?:[a-zA-Z_]\w*\.)*[a-zA-Z_]\w*)$/;

/**
 * Reads a message of a well-known type by that type and keeps its canonical form, because a client that cannot read one
 * Any cannot read the list page that it is in. Other types have no declaration here: they are any JSON object.
 */
export const anyType: WellKnownType<Any> = {
  kind: "wellKnown",
  name: "google.protobuf.Any",
  read(input, reading) {
    if (!isPlainRecord(input)) return reading.report("must be a JSON object");
    const { "@type": typeUrl, ...fields } = input;
    const messageName = typeof typeUrl === "string" ? TYPE_URL.exec(typeUrl)?.[1] : undefined;
    if (typeof typeUrl !== "string" || messageName === undefined) {
      return reading.report('must be a type URL, like "type.googleapis.com/google.protobuf.Struct"', "@type");
    }
    const issues = reading.issues.length;
    const message = readMessage(messageName, fields, reading);
    return message === undefined || reading.issues.length > issues ? undefined : { "@type": typeUrl, ...message };
  },
};

const wellKnownTypes: ReadonlyMap<string, WellKnownType<unknown>> = new Map(
  [
    structType,
    valueType,
    listValueType,
    timestampType,
    durationType,
    fieldMaskType,
    anyType,
    ...Object.values(wrapperTypes),
  ].map((type: WellKnownType<unknown>) => [type.name, type]),
);

/** The fields beside `@type`; undefined if issues were reported instead. */
function readMessage(messageName: string, fields: Record<string, unknown>, reading: Reading): JsonObject | undefined {
  if (messageName === emptyType.name) {
    // Go writes `"value": {}`. Java and Python fail on it.
    const { value, ...others } = fields;
    emptyType.read(others, reading);
    if (value !== undefined && value !== null) reading.readAt("value", value, emptyType);
    return {};
  }
  const type = wellKnownTypes.get(messageName);
  // Each field is read once, by one type: an Any in an Any in an Any costs no more than its text.
  if (type === undefined) return readObject(fields, reading);
  const { value, ...others } = fields;
  if (Object.keys(others).length > 0) {
    return reading.report(`must hold "@type" and "value" alone: it is a ${messageName}`);
  }
  if (value === undefined) return reading.report(`is required: the JSON form of a ${messageName}`, "value");
  const read = reading.readAt("value", value, type);
  return read === undefined ? undefined : { value: jsonNumber(read) };
}

/** JSON has no number for NaN and the infinities. Proto JSON writes their names. */
function jsonNumber(value: unknown): Json {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : (value as Json);
}
