// The types of declared messages.
import { enumType } from "../../src/protobuf/enum-type";
import {
  any,
  bool,
  bytes,
  double,
  duration,
  empty,
  enumeration,
  fieldMask,
  int32,
  int64,
  int64Value,
  listValue,
  mapOf,
  messageField,
  repeated,
  string,
  struct,
  timestamp,
  uint64,
  value,
} from "../../src/protobuf/fields";
import type { Message } from "../../src/protobuf/declaration";
import { type MessageType, message } from "../../src/protobuf/message";
import { oneof } from "../../src/protobuf/oneof";
import type { StandardSchemaV1 } from "../../src/protobuf/standard-schema";
import type { Any, Json, JsonObject } from "../../src/rpc/any";
import { type Equal, holds } from "./equal";

const Format = enumType("example.v1.Format", { FORMAT_UNSPECIFIED: 0, CSV: 1 });
const Column = message("example.v1.Column", { name: string(1, { required: true }), width: int32(2) });

const Scalars = message("example.v1.Scalars", {
  required: string(1, { required: true, description: "It must be given." }),
  optional: string(2, { description: "It may be given." }),
  count: int32(3, { explicitPresence: true }),
  ratio: double(4),
  big: int64(5),
  huge: uint64(6, { required: true }),
  flag: bool(7),
  content: bytes(8),
  format: enumeration(9, Format),
  when: timestamp(10),
  wait: duration(11),
  mask: fieldMask(12),
  wrapped: int64Value(13),
});
holds<
  Equal<
    MessageType<typeof Scalars>,
    {
      required: string;
      huge: string;
      optional?: string;
      count?: number;
      ratio?: number;
      big?: string;
      flag?: boolean;
      content?: string;
      format?: "FORMAT_UNSPECIFIED" | "CSV";
      when?: string;
      wait?: string;
      mask?: string;
      wrapped?: string;
    }
  >
>();

const Composites = message("example.v1.Composites", {
  names: repeated(string(1)),
  columns: repeated(messageField(2, Column, { required: true })),
  labels: mapOf("string", string(3)),
  columnById: mapOf("int64", messageField(4, Column, { required: true })),
  formats: repeated(enumeration(5, Format)),
  column: messageField(6, Column, { required: true }),
  detail: any(7),
  options: struct(8),
  extra: value(9),
  items: listValue(10),
  nothing: empty(11),
});
type ColumnType = { name: string; width?: number };
holds<
  Equal<
    MessageType<typeof Composites>,
    {
      columns: ColumnType[];
      columnById: Record<string, ColumnType>;
      column: ColumnType;
      names?: string[];
      labels?: Record<string, string>;
      formats?: ("FORMAT_UNSPECIFIED" | "CSV")[];
      detail?: Any;
      options?: JsonObject;
      extra?: Json;
      items?: Json[];
      nothing?: Record<string, never>;
    }
  >
>();

// ── Oneofs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const Ending = message("example.v1.Ending", {
  parent: string(1, { required: true }),
  end: oneof({ endTime: timestamp(2), ttl: duration(3) }, { required: true }),
  result: oneof({ failure: int32(4), success: messageField(5, Column) }),
});
type Ending = MessageType<typeof Ending>;

const accepted: Ending[] = [
  { parent: "p", ttl: "5s" },
  { parent: "p", endTime: "2026-01-31T12:00:00Z", failure: 5 },
  { parent: "p", ttl: "5s", success: { name: "n" } },
];
// @ts-expect-error a required oneof has none of its fields
accepted.push({ parent: "p" });
// @ts-expect-error both fields of a oneof
accepted.push({ parent: "p", ttl: "5s", endTime: "2026-01-31T12:00:00Z" });
// @ts-expect-error both fields of an optional oneof
accepted.push({ parent: "p", ttl: "5s", failure: 5, success: { name: "n" } });

/** Which field of a oneof is given tells the other apart. */
export function endOf(ending: Ending): string {
  return ending.ttl === undefined ? ending.endTime : ending.ttl;
}

// ── A message in itself ─────────────────────────────────────────────────────────────────────────────────────────────

interface Tree {
  name?: string;
  children?: Tree[];
}
const Tree: Message<Tree> = message("example.v1.Tree", {
  name: string(1),
  children: repeated(messageField(2, (): Message<Tree> => Tree)),
});
holds<Equal<MessageType<typeof Tree>, Tree>>();

// ── As a schema and an encoder ──────────────────────────────────────────────────────────────────────────────────────

export const schema: StandardSchemaV1<unknown, ColumnType> = Column;
export const anyMessage: Message = Column;
// @ts-expect-error the schema of another type
export const otherSchema: StandardSchemaV1<unknown, { name: number }> = Column;

Column.toJson({ name: "n" });
// @ts-expect-error a required field is missing
Column.toJson({ width: 1 });
// @ts-expect-error a field of another type
Column.toJson({ name: "n", width: "1" });
// @ts-expect-error a field that is not declared
Column.toJson({ name: "n", height: 1 });

// ── Declarations that make no .proto ────────────────────────────────────────────────────────────────────────────────

// @ts-expect-error a list of lists
export const lists = () => repeated(repeated(string(1)));
// @ts-expect-error a list of maps
export const maps = () => repeated(mapOf("string", string(1)));
// @ts-expect-error keys of a map are no floating-point numbers
export const floatKeys = () => mapOf("double", string(1));
// @ts-expect-error an option that there is not
export const unknownOption = () => string(1, { requird: true });
