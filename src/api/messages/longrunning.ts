// google.longrunning (google/longrunning/operations.proto), and the two methods that this service adds to it.
import { any, bool, duration, fieldMask, int32, messageField, repeated, string } from "../../protobuf/fields";
import { message } from "../../protobuf/message";
import { oneof } from "../../protobuf/oneof";
import { RpcStatus } from "../../protobuf/rpc-status";

const google = { protoFile: "google/longrunning/operations.proto" };
const empty = { protoFile: "google/protobuf/empty.proto" };

export const Empty = message("google.protobuf.Empty", {}, { ...empty, description: "Nothing: `{}`." });

export const Operation = message(
  "google.longrunning.Operation",
  {
    name: string(1, { description: "Assigned by the service: `{parent}/operations/{operation}`." }),
    metadata: any(2, { description: "The progress, of the type that its method declares." }),
    done: bool(3, {
      description: "Whether it has ended, with `error` or `response`. It never changes afterwards.",
    }),
    result: oneof({
      error: messageField(4, RpcStatus, { description: "The error; code 1 if it was cancelled." }),
      response: any(5, { description: "The result, of the type that its method declares." }),
    }),
  },
  { ...google, description: "A long-running operation: the promise of a result." },
);

const name = string(1, { description: "The operation: `{parent}/operations/{operation}`." });

export const GetOperationRequest = message("google.longrunning.GetOperationRequest", { name }, google);
export const DeleteOperationRequest = message("google.longrunning.DeleteOperationRequest", { name }, google);
export const CancelOperationRequest = message("google.longrunning.CancelOperationRequest", { name }, google);

export const ListOperationsRequest = message(
  "google.longrunning.ListOperationsRequest",
  {
    name: string(4, { description: "The parent whose operations are listed." }),
    filter: string(1, { description: 'Which operations are listed (AIP-160): `done = false AND verb = "profile"`.' }),
    pageSize: int32(2, { description: "At most so many: 100 by default, 1000 at most." }),
    pageToken: string(3, { description: "`nextPageToken` of the previous page." }),
    returnPartialSuccess: bool(5, {
      description: "Lists the reachable operations, and names the other places in `unreachable`, instead of failing.",
    }),
  },
  google,
);

export const ListOperationsResponse = message(
  "google.longrunning.ListOperationsResponse",
  {
    operations: repeated(messageField(1, Operation, { description: "Newest first." })),
    nextPageToken: string(2, { description: "Absent on the last page." }),
    unreachable: repeated(string(3, { description: "The parts that could not be reached (AIP-217)." })),
  },
  google,
);

export const WaitOperationRequest = message(
  "google.longrunning.WaitOperationRequest",
  {
    name,
    timeout: duration(2, { description: "The longest wait: 30s by default, 60s at most." }),
  },
  google,
);

export const WatchOperationRequest = message("edge_operations.v1.WatchOperationRequest", { name });

export const GetOutputRequest = message("edge_operations.v1.GetOutputRequest", {
  name,
  offset: int32(2, { description: "Where the text begins, in bytes of UTF-8: `nextOffset` of the answer before." }),
});

export const Output = message("edge_operations.v1.Output", {
  text: string(1, { description: "The text from the offset on, or from the oldest that is kept." }),
  nextOffset: int32(2, { description: "Where the next text begins." }),
  done: bool(3, { description: "Whether no more will come." }),
});

export const CreateOperationRequest = message("edge_operations.v1.CreateOperationRequest", {
  operation: messageField(1, Operation, { description: "It may have `metadata` only." }),
  requestId: string(2, { description: "Makes the call idempotent (AIP-155)." }),
  validateOnly: bool(3, { description: "Only checks the request (AIP-163)." }),
  ttl: duration(4, {
    description: "It ends with DEADLINE_EXCEEDED after this time: 7 days by default, 30 at most.",
  }),
  heartbeatTimeout: duration(5, {
    description: "It ends with DEADLINE_EXCEEDED after this time without a report.",
  }),
});

export const UpdateOperationRequest = message("edge_operations.v1.UpdateOperationRequest", {
  name,
  operation: messageField(2, Operation),
  updateMask: fieldMask(3, {
    description: "`metadata` reports progress; `response` or `error` completes it. By default the fields of the body.",
  }),
});
