// google.rpc.Status (google/rpc/status.proto) as a field of a declared message.
import { type CodeNumber, codeNameFromNumber } from "../rpc/code";
import type { Status } from "../rpc/status";
import { any, int32, repeated, string } from "./fields";
import { type MessageType, message } from "./message";
import type { Violate } from "./refine";

export const RpcStatus = message(
  "google.rpc.Status",
  { code: int32(1), message: string(2), details: repeated(any(3)) },
  { protoFile: "google/rpc/status.proto" },
);
export type RpcStatus = MessageType<typeof RpcStatus>;

/** A Status that an operation may end with: its code is an error's, and each detail has another type. */
export function errorStatus(
  { code = 0, message: text = "", details = [] }: RpcStatus,
  path: readonly (string | number)[],
  violate: Violate,
): Status {
  if (codeNameFromNumber(code) === undefined) {
    violate([...path, "code"], "must be a google.rpc.Code number from 1 to 16");
  }
  for (const [index, { "@type": type }] of details.entries()) {
    if (details.findIndex((other) => other["@type"] === type) === index) continue;
    violate([...path, "details", index], `a second detail of the type ${type}`);
  }
  return { code: code as CodeNumber, message: text, details };
}
