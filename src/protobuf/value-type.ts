// The type of a single value: of a field, of a list's item, or of a map's value.
import type { EnumType } from "./enum-type";
import type { Message } from "./message";
import type { Reading } from "./reading";

/** The scalar types of proto3. */
export type ScalarName =
  | "double"
  | "float"
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "sint32"
  | "sint64"
  | "fixed32"
  | "fixed64"
  | "sfixed32"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes";

interface Reader<T> {
  /** The value in its canonical JSON shape; undefined if issues were reported instead. */
  read(input: unknown, reading: Reading): T | undefined;
  /**
   * A query parameter or a path variable as JSON. This does not validate: a text that is not such a value stays text,
   * and `read` rejects it. Absent if the type cannot be in a URL (google/api/http.proto).
   */
  readonly fromText?: (text: string) => string | number | boolean;
  /** Whether REQUIRED (AIP-203) treats it as missing. */
  readonly isEmpty?: (value: unknown) => boolean;
}

export interface ScalarType<T> extends Reader<T> {
  readonly kind: "scalar";
  readonly name: ScalarName;
}

/** A type of google/protobuf/*.proto, with its own JSON form. */
export interface WellKnownType<T> extends Reader<T> {
  readonly kind: "wellKnown";
  /** Its full name: `google.protobuf.Timestamp`. */
  readonly name: string;
  /** Whether null is a value of it. This is so for google.protobuf.Value only. */
  readonly takesNull?: boolean;
}

export interface EnumValueType<T> extends Reader<T> {
  readonly kind: "enum";
  readonly enumType: EnumType;
}

interface MessageValueType<T> extends Reader<T> {
  readonly kind: "message";
  readonly message: Message;
}

export type ValueType<T> = ScalarType<T> | WellKnownType<T> | EnumValueType<T> | MessageValueType<T>;
