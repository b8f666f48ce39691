// Declared messages as plain data, in the terms of google/protobuf/descriptor.proto: everything that a generator of
// .proto files, discovery documents or OpenAPI needs.
import type { EnumType, EnumValue } from "./enum-type";
import type { FieldOptions, Label, MapKeyName, Message, MessageField, ScalarName, ValueType } from "./declaration";
import { protoNameFromJsonName } from "./field-name";

/** The type of a value. `name` is a full name, found in the same {@link Descriptors}; scalars have their own. */
type TypeDescriptor =
  | { kind: "scalar"; name: ScalarName }
  | { kind: "enum"; name: string }
  | { kind: "message"; name: string }
  /** A message of google/protobuf/*.proto, which has no declaration here. */
  | { kind: "wellKnown"; name: string };

interface FieldDescriptor {
  /** In .proto. */
  name: string;
  jsonName: string;
  number: number;
  label: Label;
  /** The type of the value, of each item, or of each value of a map. */
  type: TypeDescriptor;
  /** Of a map. */
  keyType: MapKeyName | undefined;
  required: boolean;
  explicitPresence: boolean;
  deprecated: boolean;
  /** The .proto name of its oneof. */
  oneof: string | undefined;
  description: string | undefined;
  resourceReference: FieldOptions["resourceReference"];
}

interface OneofDescriptor {
  name: string;
  required: boolean;
  description: string | undefined;
}

interface MessageDescriptor {
  fullName: string;
  description: string | undefined;
  /** Imported if another .proto declares it. */
  protoFile: string | undefined;
  /** In the order of their declaration. The members of one oneof are adjacent. */
  fields: FieldDescriptor[];
  oneofs: OneofDescriptor[];
}

interface EnumDescriptor {
  fullName: string;
  description: string | undefined;
  /** The first is 0. */
  values: EnumValue[];
}

/** By full name, in the order of discovery. */
export interface Descriptors {
  messages: Map<string, MessageDescriptor>;
  enums: Map<string, EnumDescriptor>;
}

/**
 * Describes messages and everything that their fields refer to.
 * @throws TypeError if two declarations have one full name.
 */
export function describeMessages(roots: Iterable<Message>): Descriptors {
  const declarations = new Map<string, Message | EnumType>();
  const messages = new Map<string, MessageDescriptor>();
  const enums = new Map<string, EnumDescriptor>();
  const pending = [...roots].toReversed();
  for (let message = pending.pop(); message !== undefined; message = pending.pop()) {
    if (isKnown(declarations, message)) continue;
    messages.set(message.fullName, messageDescriptor(message));
    const reached: Message[] = [];
    for (const { field } of message.fields) {
      if (field.type.kind === "message") reached.push(field.type.message);
      if (field.type.kind !== "enum" || isKnown(declarations, field.type.enumType)) continue;
      const { fullName, description, values } = field.type.enumType;
      enums.set(fullName, { fullName, description, values: [...values] });
    }
    pending.push(...reached.toReversed());
  }
  return { messages, enums };
}

/** Adds a declaration. Returns whether it was known. */
function isKnown(declarations: Map<string, Message | EnumType>, declaration: Message | EnumType): boolean {
  const { fullName } = declaration;
  const known = declarations.get(fullName);
  if (known === declaration) return true;
  if (known !== undefined) throw new TypeError(`two declarations are named ${fullName}; declare it once and share it`);
  declarations.set(fullName, declaration);
  return false;
}

function messageDescriptor({ fullName, options, fields, oneofs }: Message): MessageDescriptor {
  return {
    fullName,
    description: options.description,
    protoFile: options.protoFile,
    fields: fields.map(fieldDescriptor),
    oneofs: Array.from(oneofs, ([jsonName, { required, description }]) => ({
      name: protoNameFromJsonName(jsonName),
      required,
      description,
    })),
  };
}

function fieldDescriptor({ jsonName, protoName, field, oneof }: MessageField): FieldDescriptor {
  const { number, label, type, keyType, required, options } = field;
  return {
    name: protoName,
    jsonName,
    number,
    label,
    type: typeDescriptor(type),
    keyType,
    required,
    explicitPresence: options.explicitPresence ?? false,
    deprecated: options.deprecated ?? false,
    oneof: oneof === undefined ? undefined : protoNameFromJsonName(oneof),
    description: options.description,
    resourceReference: options.resourceReference,
  };
}

function typeDescriptor(type: ValueType<unknown>): TypeDescriptor {
  switch (type.kind) {
    case "scalar":
      return { kind: "scalar", name: type.name };
    case "wellKnown":
      return { kind: "wellKnown", name: type.name };
    case "enum":
      return { kind: "enum", name: type.enumType.fullName };
    case "message":
      return { kind: "message", name: type.message.fullName };
  }
}
