// The builders of fields, one for each type, named as protobuf names them.
import { anyType } from "./any-type";
import type { FieldOptions, Message } from "./declaration";
import { type EnumType, enumValueType } from "./enum-type";
import { type FieldBuilder, fieldsOf } from "./field";
import {
  doubleType,
  float32Type,
  fixed32Type,
  fixed64Type,
  int32Type,
  int64Type,
  sfixed32Type,
  sfixed64Type,
  sint32Type,
  sint64Type,
  uint32Type,
  uint64Type,
} from "./numbers";
import { listValueType, structType, valueType } from "./json-values";
import { emptyType, fieldMaskType, wrapperType, durationType, timestampType } from "./well-known";
import { boolType, bytesType, stringType } from "./scalars";

export { mapOf, repeated } from "./field";

export const string = fieldsOf(stringType);
export const bool = fieldsOf(boolType);
/** Kept as standard base64 with padding. */
export const bytes = fieldsOf(bytesType);

/** A number. `NaN` and the infinities are numbers too, and text in JSON only. */
export const double = fieldsOf(doubleType);
/** As {@link double}, in the range of 32 bits, without rounding. */
export const float = fieldsOf(float32Type);

export const int32 = fieldsOf(int32Type);
export const sint32 = fieldsOf(sint32Type);
export const sfixed32 = fieldsOf(sfixed32Type);
export const uint32 = fieldsOf(uint32Type);
export const fixed32 = fieldsOf(fixed32Type);

/** Kept as a decimal string, as in JSON: `BigInt(value)` is its number. */
export const int64 = fieldsOf(int64Type);
export const sint64 = fieldsOf(sint64Type);
export const sfixed64 = fieldsOf(sfixed64Type);
export const uint64 = fieldsOf(uint64Type);
export const fixed64 = fieldsOf(fixed64Type);

/** RFC 3339 in UTC: `Date.parse(value)` is its time, cut to milliseconds. */
export const timestamp = fieldsOf(timestampType);
/** Seconds with the suffix "s". */
export const duration = fieldsOf(durationType);
/** Paths in lowerCamelCase with commas between them. */
export const fieldMask = fieldsOf(fieldMaskType);
export const struct = fieldsOf(structType);
export const value = fieldsOf(valueType);
export const listValue = fieldsOf(listValueType);
export const any = fieldsOf(anyType);
export const empty = fieldsOf(emptyType);

export const doubleValue = fieldsOf(wrapperType("DoubleValue", doubleType));
export const floatValue = fieldsOf(wrapperType("FloatValue", float32Type));
export const int64Value = fieldsOf(wrapperType("Int64Value", int64Type));
export const uint64Value = fieldsOf(wrapperType("UInt64Value", uint64Type));
export const int32Value = fieldsOf(wrapperType("Int32Value", int32Type));
export const uint32Value = fieldsOf(wrapperType("UInt32Value", uint32Type));
export const boolValue = fieldsOf(wrapperType("BoolValue", boolType));
export const stringValue = fieldsOf(wrapperType("StringValue", stringType));
export const bytesValue = fieldsOf(wrapperType("BytesValue", bytesType));

/** A field of a declared enum, kept by name. */
export function enumeration<Name extends string, const Options extends FieldOptions = { required?: false }>(
  number: number,
  type: EnumType<Name>,
  options?: Options,
) {
  const build: FieldBuilder<Name> = fieldsOf(enumValueType(type));
  return build(number, options);
}

/** A field of a declared message. A function allows a message that is declared later, or the enclosing one. */
export function messageField<T extends object, const Options extends FieldOptions = { required?: false }>(
  number: number,
  type: Message<T> | (() => Message<T>),
  options?: Options,
) {
  const declared = () => (typeof type === "function" ? type() : type);
  const build: FieldBuilder<T> = fieldsOf({
    kind: "message",
    get message() {
      return declared();
    },
    read: (input, reading) => declared().read(input, reading),
  });
  return build(number, options);
}
