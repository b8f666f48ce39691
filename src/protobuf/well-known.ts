// google.protobuf.FieldMask, Empty, Timestamp, Duration and the wrappers.
import { jsonNameFromProtoName } from "./field-name";
import { isRecord } from "../rpc/any";
import { doubleType, float32Type, integerTypes } from "./numbers";
import { boolType, bytesType, stringType } from "./scalars";
import type { ScalarType, WellKnownType } from "./declaration";
import { formatDuration, parseDuration } from "../aip/duration";
import { formatTimestamp, parseTimestamp } from "../aip/timestamp";

// "a single string where paths are separated by a comma", each of fields and a map's keys, or "*" for all of them.
const MASK_PATH = /^(?:\*|[A-Za-z_]\w*(?:\.(?:\*|[A-Za-z_]\w*))*)$/;

export const fieldMaskType: WellKnownType<string> = {
  kind: "wellKnown",
  name: "google.protobuf.FieldMask",
  read(input, reading) {
    if (input === "") return "";
    const paths = typeof input === "string" ? input.split(",").map((path) => path.trim()) : [];
    if (paths.length > 0 && paths.every((path) => MASK_PATH.test(path))) {
      // "Names in lower-camel naming conventions". People also write the .proto's own names by hand.
      return paths.map((path) => path.split(".").map(jsonNameFromProtoName).join(".")).join(",");
    }
    return reading.report('must be a field mask: paths with commas between them, like "displayName,labels.env"');
  },
  fromText: (text) => text,
};

export const emptyType: WellKnownType<Record<string, never>> = {
  kind: "wellKnown",
  name: "google.protobuf.Empty",
  read(input, reading) {
    if (!isRecord(input)) return reading.report("must be an object");
    for (const key of Object.keys(input)) reading.report("unknown field; a google.protobuf.Empty has none", key);
    return {};
  },
};

/** "Wrappers use the same representation in JSON as the wrapped primitive type"; null is absent, as everywhere. */
function wrapperType<T>(name: string, scalar: ScalarType<T>): WellKnownType<T> {
  const { isEmpty: _, ...reader } = scalar;
  // An empty string in a wrapper is a value, because wrappers express presence.
  return { ...reader, kind: "wellKnown", name: `google.protobuf.${name}` };
}

export const wrapperTypes = {
  DoubleValue: wrapperType("DoubleValue", doubleType),
  FloatValue: wrapperType("FloatValue", float32Type),
  Int64Value: wrapperType("Int64Value", integerTypes.int64),
  UInt64Value: wrapperType("UInt64Value", integerTypes.uint64),
  Int32Value: wrapperType("Int32Value", integerTypes.int32),
  UInt32Value: wrapperType("UInt32Value", integerTypes.uint32),
  BoolValue: wrapperType("BoolValue", boolType),
  StringValue: wrapperType("StringValue", stringType),
  BytesValue: wrapperType("BytesValue", bytesType),
};

export const timestampType: WellKnownType<string> = {
  kind: "wellKnown",
  name: "google.protobuf.Timestamp",
  read(input, reading) {
    const timestamp = typeof input === "string" ? parseTimestamp(input) : undefined;
    if (timestamp) return formatTimestamp(timestamp);
    return reading.report('must be an RFC 3339 timestamp, like "2026-01-31T12:00:00Z"');
  },
  fromText: (text) => text,
};

export const durationType: WellKnownType<string> = {
  kind: "wellKnown",
  name: "google.protobuf.Duration",
  read(input, reading) {
    const duration = typeof input === "string" ? parseDuration(input) : undefined;
    return duration ? formatDuration(duration) : reading.report('must be a Duration, like "5s"');
  },
  fromText: (text) => text,
};
