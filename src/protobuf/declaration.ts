// The parts that a message is declared of: types of values, fields, oneofs, and messages again. They refer to one another.
import type { JsonObject } from "../rpc/any";
import type { EnumValueType } from "./enum-type";
import type { Reader, Reading, TypeReader } from "./reading";
import type { StandardProps, StandardResult } from "./standard-schema";

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

/** "Any integral or string type" and bool. */
export type MapKeyName = Exclude<ScalarName, "double" | "float" | "bytes">;

export interface ScalarType<T> extends TypeReader<T> {
  readonly kind: "scalar";
  readonly name: ScalarName;
}

/** A type of google/protobuf/*.proto, with its own JSON form. */
export interface WellKnownType<T> extends TypeReader<T> {
  readonly kind: "wellKnown";
  /** Its full name: `google.protobuf.Timestamp`. */
  readonly name: string;
  /** Whether null is a value of it. This is so for google.protobuf.Value only. */
  readonly takesNull?: boolean;
}

interface MessageValueType<T> extends TypeReader<T> {
  readonly kind: "message";
  readonly message: Message;
}

export type ValueType<T> = ScalarType<T> | WellKnownType<T> | EnumValueType<T> | MessageValueType<T>;

export interface FieldOptions {
  description?: string;
  /**
   * REQUIRED (AIP-203): absent or null is rejected, and so is a client's empty string, bytes, list, map or UNSPECIFIED.
   * A zero or a false that was written out counts as given.
   */
  required?: boolean;
  /** proto3 `optional`: generated clients distinguish an unset field from a zero. */
  explicitPresence?: boolean;
  deprecated?: boolean;
  /** google.api.resource_reference: the type of resource that the string names. */
  resourceReference?: { type: string } | { childType: string };
}

export type Label = "singular" | "repeated" | "map";

/** A declared field of the type `T`, as it is kept. */
export interface Field<T, Required extends boolean = boolean> {
  readonly number: number;
  readonly label: Label;
  /** The type of its value, of each item, or of each value of a map. */
  readonly type: ValueType<unknown>;
  readonly keyType: MapKeyName | undefined;
  readonly required: Required;
  readonly options: FieldOptions;
  /** Reads the field's whole value; undefined if issues were reported instead. */
  read(input: unknown, reading: Reading): T | undefined;
  isEmpty(value: unknown): boolean;
}

export interface SingularField<T, Required extends boolean = boolean> extends Field<T, Required> {
  readonly label: "singular";
}

export interface OneofOptions {
  description?: string;
  /** Whether one of them must be given. .proto has no keyword for that; the generated comment says so. */
  required?: boolean;
}

export type Members = Readonly<Record<string, SingularField<unknown, false>>>;

export interface Oneof<M extends Members = Members, Required extends boolean = boolean> {
  readonly members: M;
  readonly required: Required;
  readonly description: string | undefined;
}

export interface MessageOptions {
  description?: string;
  /** The .proto that already declares this message. Generated files import it: `google/rpc/status.proto`. */
  protoFile?: string;
}

export interface MessageField {
  readonly jsonName: string;
  readonly protoName: string;
  readonly field: Field<unknown>;
  readonly oneof: string | undefined;
}

interface SyncProps<T> extends StandardProps<T, T> {
  readonly validate: (value: unknown) => StandardResult<T>;
}

/** A declared message. It is a Standard Schema of proto3 JSON. */
export interface Message<T extends object = object> extends Reader<T> {
  readonly fullName: string;
  readonly options: MessageOptions;
  /** In the order of their declaration, with the members of oneofs. */
  readonly fields: readonly MessageField[];
  readonly oneofs: ReadonlyMap<string, Oneof>;
  /** A field by its name in JSON or in .proto. */
  fieldByName(name: string): MessageField | undefined;
  /**
   * A value as canonical proto3 JSON. It is the value itself, except for values that JSON does not have: undefined
   * fields are left out, `NaN` and the infinities of double and float are text.
   * @throws TypeError naming the first field that is not of its declared type, and what it should be.
   */
  toJson(value: T): JsonObject;
  readonly "~standard": SyncProps<T>;
}
