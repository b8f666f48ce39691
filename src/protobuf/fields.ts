// The builders of fields, one for each type, named as protobuf names them.
import { anyType } from "./any-type";
import type { FieldOptions, Message } from "./declaration";
import { type EnumType, enumValueType } from "./enum-type";
import { type FieldBuilder, fieldsOf } from "./field";
import { doubleType, float32Type, integerTypes } from "./numbers";
import { listValueType, structType, valueType } from "./json-values";
import { emptyType, fieldMaskType, wrapperTypes, durationType, timestampType } from "./well-known";
import { boolType, bytesType, stringType } from "./scalars";

export { mapOf, repeated } from "./field";

export const string = /* @__PURE__ */ fieldsOf(stringType);
export const bool = /* @__PURE__ */ fieldsOf(boolType);
/** Kept as standard base64 with padding. */
export const bytes = /* @__PURE__ */ fieldsOf(bytesType);

/** A number. `NaN` and the infinities are numbers too, and text in JSON only. */
export const double = /* @__PURE__ */ fieldsOf(doubleType);
/** As {@link double}, in the range of 32 bits, without rounding. */
export const float = /* @__PURE__ */ fieldsOf(float32Type);

export const int32 = /* @__PURE__ */ fieldsOf(() => integerTypes.int32);
export const sint32 = /* @__PURE__ */ fieldsOf(() => integerTypes.sint32);
export const sfixed32 = /* @__PURE__ */ fieldsOf(() => integerTypes.sfixed32);
export const uint32 = /* @__PURE__ */ fieldsOf(() => integerTypes.uint32);
export const fixed32 = /* @__PURE__ */ fieldsOf(() => integerTypes.fixed32);

/** Kept as a decimal string, as in JSON: `BigInt(value)` is its number. */
export const int64 = /* @__PURE__ */ fieldsOf(() => integerTypes.int64);
export const sint64 = /* @__PURE__ */ fieldsOf(() => integerTypes.sint64);
export const sfixed64 = /* @__PURE__ */ fieldsOf(() => integerTypes.sfixed64);
export const uint64 = /* @__PURE__ */ fieldsOf(() => integerTypes.uint64);
export const fixed64 = /* @__PURE__ */ fieldsOf(() => integerTypes.fixed64);

/** RFC 3339 in UTC: `Date.parse(value)` is its time, cut to milliseconds. */
export const timestamp = /* @__PURE__ */ fieldsOf(timestampType);
/** Seconds with the suffix "s". */
export const duration = /* @__PURE__ */ fieldsOf(durationType);
/** Paths in lowerCamelCase with commas between them. */
export const fieldMask = /* @__PURE__ */ fieldsOf(fieldMaskType);
export const struct = /* @__PURE__ */ fieldsOf(structType);
export const value = /* @__PURE__ */ fieldsOf(valueType);
export const listValue = /* @__PURE__ */ fieldsOf(listValueType);
export const any = /* @__PURE__ */ fieldsOf(anyType);
export const empty = /* @__PURE__ */ fieldsOf(emptyType);

export const doubleValue = /* @__PURE__ */ fieldsOf(() => wrapperTypes.DoubleValue);
export const floatValue = /* @__PURE__ */ fieldsOf(() => wrapperTypes.FloatValue);
export const int64Value = /* @__PURE__ */ fieldsOf(() => wrapperTypes.Int64Value);
export const uint64Value = /* @__PURE__ */ fieldsOf(() => wrapperTypes.UInt64Value);
export const int32Value = /* @__PURE__ */ fieldsOf(() => wrapperTypes.Int32Value);
export const uint32Value = /* @__PURE__ */ fieldsOf(() => wrapperTypes.UInt32Value);
export const boolValue = /* @__PURE__ */ fieldsOf(() => wrapperTypes.BoolValue);
export const stringValue = /* @__PURE__ */ fieldsOf(() => wrapperTypes.StringValue);
export const bytesValue = /* @__PURE__ */ fieldsOf(() => wrapperTypes.BytesValue);

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
