import { expect, test } from "vitest";
import { describeMessages } from "../../../src/protobuf/descriptor";
import { enumType } from "../../../src/protobuf/enum-type";
import { enumeration, int64, mapOf, messageField, repeated, string, timestamp } from "../../../src/protobuf/fields";
import type { Message } from "../../../src/protobuf/declaration";
import { message } from "../../../src/protobuf/message";
import { oneof } from "../../../src/protobuf/oneof";
import { RpcStatus } from "../../../src/protobuf/rpc-status";
import { Column, ProfileRequest } from "./profile-request";

const Format = enumType(
  "example.v1.Format",
  { FORMAT_UNSPECIFIED: 0, CSV: 1 },
  { description: "How rows are written.", descriptions: { CSV: "RFC 4180." } },
);
interface Table {
  tableName?: string;
  parts?: Table[];
}
const Table: Message<Table> = message("example.v1.Table", {
  tableName: string(1),
  parts: repeated(messageField(2, (): Message<Table> => Table)),
});
const Request = message(
  "example.v1.Request",
  {
    parent: string(1, {
      required: true,
      description: "Where.",
      resourceReference: { childType: "example.com/Table" },
    }),
    rowCount: int64(2, { explicitPresence: true, deprecated: true }),
    byName: mapOf("string", messageField(3, Table)),
    formats: repeated(enumeration(4, Format)),
    theEnd: oneof({ endTime: timestamp(5), failure: messageField(6, RpcStatus) }, { description: "When it ends." }),
  },
  { description: "What is asked." },
);

const plain = {
  label: "singular",
  keyType: undefined,
  required: false,
  explicitPresence: false,
  deprecated: false,
  oneof: undefined,
  description: undefined,
  resourceReference: undefined,
};

test("a message is described with all that its fields reach", () => {
  const { messages, enums } = describeMessages([Request]);

  expect([...messages.keys()]).toEqual(["example.v1.Request", "example.v1.Table", "google.rpc.Status"]);
  expect(messages.get("example.v1.Request")).toEqual({
    fullName: "example.v1.Request",
    description: "What is asked.",
    protoFile: undefined,
    fields: [
      {
        ...plain,
        name: "parent",
        jsonName: "parent",
        number: 1,
        type: { kind: "scalar", name: "string" },
        required: true,
        description: "Where.",
        resourceReference: { childType: "example.com/Table" },
      },
      {
        ...plain,
        name: "row_count",
        jsonName: "rowCount",
        number: 2,
        type: { kind: "scalar", name: "int64" },
        explicitPresence: true,
        deprecated: true,
      },
      {
        ...plain,
        name: "by_name",
        jsonName: "byName",
        number: 3,
        label: "map",
        keyType: "string",
        type: { kind: "message", name: "example.v1.Table" },
      },
      {
        ...plain,
        name: "formats",
        jsonName: "formats",
        number: 4,
        label: "repeated",
        type: { kind: "enum", name: "example.v1.Format" },
      },
      {
        ...plain,
        name: "end_time",
        jsonName: "endTime",
        number: 5,
        oneof: "the_end",
        type: { kind: "wellKnown", name: "google.protobuf.Timestamp" },
      },
      {
        ...plain,
        name: "failure",
        jsonName: "failure",
        number: 6,
        oneof: "the_end",
        type: { kind: "message", name: "google.rpc.Status" },
      },
    ],
    oneofs: [{ name: "the_end", required: false, description: "When it ends." }],
  });
  expect(messages.get("google.rpc.Status")?.protoFile).toBe("google/rpc/status.proto");
  expect([...enums.values()]).toEqual([
    {
      fullName: "example.v1.Format",
      description: "How rows are written.",
      values: [
        { name: "FORMAT_UNSPECIFIED", number: 0, description: undefined },
        { name: "CSV", number: 1, description: "RFC 4180." },
      ],
    },
  ]);
});

test("descriptors are plain data: they survive a structured clone, and every name in them is found", () => {
  const { messages, enums } = structuredClone(describeMessages([ProfileRequest, Request, Column]));

  const types = [...messages.values()].flatMap(({ fields }) => fields.map(({ type }) => type));
  const named = types.filter(({ kind }) => kind === "message" || kind === "enum");

  expect(named.filter(({ name }) => !messages.has(name) && !enums.has(name))).toEqual([]);
  expect(messages.get("example.tables.v1.ProfileTableRequest")?.fields).toHaveLength(27);
});

test("a message that several reach is described once", () => {
  expect(describeMessages([Column, ProfileRequest, Column]).messages.size).toBe(2);
});

test("two declarations of one name are refused", () => {
  const other = message("example.v1.Other", { table: messageField(1, message("example.v1.Table", {})) });
  const namedAsEnum = message("example.v1.Format", {});

  expect(() => describeMessages([Request, other])).toThrow(
    new TypeError("two declarations are named example.v1.Table; declare it once and share it"),
  );
  expect(() => describeMessages([Request, namedAsEnum])).toThrow("two declarations are named example.v1.Format");
});
