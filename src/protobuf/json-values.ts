// google.protobuf.Struct, Value and ListValue (google/protobuf/struct.proto): any JSON.
import { type Json, type JsonObject, isRecord } from "../rpc/any";
import type { Reading } from "./reading";
import type { WellKnownType } from "./declaration";

function readJson(input: unknown, reading: Reading): Json | undefined {
  if (input === null || typeof input === "boolean") return input;
  if (typeof input === "string") {
    return input.isWellFormed() ? input : reading.report("must be well-formed Unicode");
  }
  // "Note that attempting to serialize NaN or Infinity results in error" (struct.proto).
  if (typeof input === "number") return Number.isFinite(input) ? input : reading.report("must be a finite number");
  if (Array.isArray(input)) return readList(input, reading);
  return readObject(input, reading);
}

const anyJson = { read: readJson };

function readList(input: unknown, reading: Reading): Json[] | undefined {
  if (!Array.isArray(input)) return reading.report("must be a list");
  const items: Json[] = [];
  for (const [index, item] of input.entries()) {
    const value = reading.readAt(index, item, anyJson);
    if (value !== undefined) items.push(value);
    if (reading.isFull) break;
  }
  return items;
}

/** A record that becomes what it holds: a Date or a Map would become an empty object. */
export function isPlainRecord(input: unknown): input is Record<string, unknown> {
  if (!isRecord(input)) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === null || prototype === Object.prototype;
}

export function readObject(input: unknown, reading: Reading): JsonObject | undefined {
  if (!isPlainRecord(input)) return reading.report("must be a JSON object");
  const object: JsonObject = {};
  for (const key of Object.keys(input)) {
    const member = input[key];
    if (member === undefined) continue;
    if (!key.isWellFormed()) reading.report("must have well-formed Unicode for a name", key.toWellFormed());
    const value = reading.readAt(key, member, anyJson);
    if (value !== undefined) setField(object, key, value);
    if (reading.isFull) break;
  }
  return object;
}

/** An assignment to `__proto__` would define no field. */
function setField(object: JsonObject, key: string, value: Json): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

export const structType: WellKnownType<JsonObject> = {
  kind: "wellKnown",
  name: "google.protobuf.Struct",
  read: readObject,
};

export const listValueType: WellKnownType<Json[]> = {
  kind: "wellKnown",
  name: "google.protobuf.ListValue",
  read: readList,
};

export const valueType: WellKnownType<Json> = {
  kind: "wellKnown",
  name: "google.protobuf.Value",
  takesNull: true,
  read: readJson,
};
