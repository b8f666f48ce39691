// The type of a single value: what stands in a field, in a list, or under a key of a map.
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
  /** The value in its canonical JSON shape; undefined where issues were reported instead. */
  read(input: unknown, reading: Reading): T | undefined;
  /**
   * What a query parameter or a path variable says, as JSON. It does not judge: text that is no such value stays text,
   * for `read` to refuse. Absent where the type cannot stand in a URL (google/api/http.proto).
   */
  readonly fromText?: (text: string) => string | number | boolean;
  /** Whether it is no value in the sense of REQUIRED (AIP-203). */
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
  /** Whether null is a value of it: so only for google.protobuf.Value. */
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
