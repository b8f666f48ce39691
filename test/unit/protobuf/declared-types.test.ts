import { expect, test } from "vitest";
import { declaredTypes } from "../../../src/protobuf/declared-types";
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
  { description: "The request." },
);

test("declaredTypes finds every type that a message's fields reach, in the order of discovery", () => {
  const { messages, enums } = declaredTypes([Request]);

  expect([...messages.keys()]).toEqual(["example.v1.Request", "example.v1.Table", "google.rpc.Status"]);
  expect(messages.get("example.v1.Table")).toBe(Table);
  expect([...enums]).toEqual([["example.v1.Format", Format]]);
});

test("declaredTypes returns a shared message once", () => {
  expect(declaredTypes([Column, ProfileRequest, Column]).messages.size).toBe(2);
});

test("declaredTypes rejects two declarations of one name", () => {
  const other = message("example.v1.Other", { table: messageField(1, message("example.v1.Table", {})) });
  const namedAsEnum = message("example.v1.Format", {});

  expect(() => declaredTypes([Request, other])).toThrow(
    new TypeError("two declarations are named example.v1.Table; declare it once and share it"),
  );
  expect(() => declaredTypes([Request, namedAsEnum])).toThrow("two declarations are named example.v1.Format");
});
