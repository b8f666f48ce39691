// google.rpc.Status (google/rpc/status.proto) as a field of a declared message.
import { any, int32, repeated, string } from "./fields";
import { type MessageType, message } from "./message";

export const RpcStatus = message(
  "google.rpc.Status",
  { code: int32(1), message: string(2), details: repeated(any(3)) },
  { protoFile: "google/rpc/status.proto" },
);
export type RpcStatus = MessageType<typeof RpcStatus>;
