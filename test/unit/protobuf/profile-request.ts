// A declared message with a field of every kind, for the tests of this folder.
import { enumType } from "../../../src/protobuf/enum-type";
import {
  any,
  bool,
  bytes,
  double,
  duration,
  empty,
  enumeration,
  fieldMask,
  float,
  int32,
  int64,
  int64Value,
  listValue,
  mapOf,
  messageField,
  repeated,
  string,
  stringValue,
  struct,
  timestamp,
  uint32,
  uint64,
  value,
} from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import { oneof } from "../../../src/protobuf/oneof";

export const Format = enumType("example.tables.v1.Format", { FORMAT_UNSPECIFIED: 0, CSV: 1, TSV: -2 });

export const Column = message("example.tables.v1.Column", {
  name: string(1, { required: true }),
  maxWidth: int32(2),
});

export const ProfileRequest = message("example.tables.v1.ProfileTableRequest", {
  parent: string(1, { required: true, description: "Where it runs.", resourceReference: { type: "example.com/P" } }),
  rows: int32(2),
  ratio: double(3),
  big: int64(4),
  flags: repeated(bool(5)),
  when: timestamp(6),
  wait: duration(7),
  format: enumeration(8, Format),
  labels: mapOf("string", string(9)),
  column: messageField(10, Column),
  columns: repeated(messageField(11, Column)),
  detail: any(12),
  options: struct(13),
  extra: value(14),
  items: listValue(15),
  content: bytes(16),
  updateMask: fieldMask(17),
  wrapped: int64Value(18),
  nickname: stringValue(19),
  nothing: empty(20),
  source: oneof({ uri: string(21), inline: messageField(22, Column) }),
  small: float(23),
  unsigned: uint32(24),
  huge: uint64(25),
  countById: mapOf("int64", uint32(26)),
  switches: mapOf("bool", messageField(27, Column)),
});

/** The value of a request of this one field and the required ones. */
export function decodeField(field: string, json: unknown): unknown {
  const result = ProfileRequest["~standard"].validate({ parent: "p", [field]: json });
  if (result.issues) throw new Error(JSON.stringify(result.issues));
  return (result.value as Record<string, unknown>)[field];
}

/** The errors of a request with this one field and the required ones, as `path: message`. */
export function issuesOfField(field: string, json: unknown): [path: unknown, message: string][] {
  const result = ProfileRequest["~standard"].validate({ parent: "p", [field]: json });
  return (result.issues ?? []).map(({ path, message: text }) => [path, text]);
}
