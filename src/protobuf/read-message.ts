// Reads a message from its JSON mapping: names, presence, oneofs. Its fields read their own values.
import { isRecord } from "../rpc/any";
import type { Message, MessageField } from "./declaration";
import type { Reading } from "./reading";

/** The fields of a message by JSON name, in the order of their declaration; undefined if the value is not a message. */
export function readMessage(message: Message, input: unknown, reading: Reading): Record<string, unknown> | undefined {
  if (!isRecord(input)) return reading.report(`must be an object: a ${message.fullName}`);
  const given = givenFields(message, input, reading);
  reportOneofs(message, given, reading);
  const entries: [string, unknown][] = [];
  for (const declared of message.fields) {
    const { jsonName, field } = declared;
    const json = given.get(declared);
    const issues = reading.issues.length;
    const value = json === undefined ? undefined : reading.readAt(jsonName, json, field);
    if (value !== undefined) entries.push([jsonName, value]);
    const isMissing = json === undefined || (reading.direction === "decode" && field.isEmpty(value));
    // A list is also empty if none of its items can be read.
    if (field.required && isMissing && reading.issues.length === issues) reading.report("is required", jsonName);
    if (reading.isFull) break;
  }
  return Object.fromEntries(entries);
}

/**
 * The given value of each field, under either of its names. "null is an accepted value for all field types": absent.
 */
function givenFields(message: Message, input: Record<string, unknown>, reading: Reading): Map<MessageField, unknown> {
  const given = new Map<MessageField, unknown>();
  for (const [name, json] of Object.entries(input)) {
    if (json === undefined) continue;
    const declared = message.fieldByName(name);
    if (declared === undefined) reading.report(`unknown field; ${knownFields(message)}`, name);
    else if (json === null && !takesNull(declared)) continue;
    else if (given.has(declared)) reading.report(`is given twice, also as ${declared.protoName}`, declared.jsonName);
    else given.set(declared, json);
    if (reading.isFull) break;
  }
  return given;
}

function takesNull({ field }: MessageField): boolean {
  // "null" in a field of google.protobuf.Value is that value (struct.proto, NullValue).
  return field.label === "singular" && field.type.kind === "wellKnown" && field.type.takesNull === true;
}

/** The fields of a message, for errors: `example.v1.Table has name, rows`. */
export function knownFields({ fullName, fields }: Message): string {
  return fields.length === 0 ? `${fullName} has none` : `${fullName} has ${fields.map((f) => f.jsonName).join(", ")}`;
}

function reportOneofs(message: Message, given: ReadonlyMap<MessageField, unknown>, reading: Reading): void {
  for (const [name, { members, required }] of message.oneofs) {
    const names = Object.keys(members);
    const [first, ...more] = message.fields.filter((declared) => declared.oneof === name && given.has(declared));
    if (first === undefined && required) reading.report(`one of ${names.join(" and ")} is required`);
    for (const { jsonName } of more) reading.report(`only one of ${names.join(" and ")} may be given`, jsonName);
  }
}
