// The options of every call that starts an operation, in the query or in the body.
import { bool, string } from "../../protobuf/fields";
import { type MessageType, message } from "../../protobuf/message";
import { invalidArgument } from "../../rpc/error";

export const StartParameters = message("edge_operations.v1.StartParameters", {
  requestId: string(1, {
    description:
      "Makes the call idempotent: the same id by the same caller gives the first operation. 1 to 64 characters of A-Z, a-z, 0-9, - and _.",
  }),
  validateOnly: bool(2, { description: "Only checks the request: nothing is started or stored." }),
});

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface StartOptions {
  requestId: string | undefined;
  validateOnly: boolean;
}

/** The parameters with their defaults. @throws RpcError INVALID_ARGUMENT where the requestId is malformed. */
export function startOptions({ requestId, validateOnly = false }: MessageType<typeof StartParameters>): StartOptions {
  if (requestId === undefined || REQUEST_ID.test(requestId)) return { requestId, validateOnly };
  const description = "must be 1 to 64 characters of A-Z, a-z, 0-9, - and _";
  throw invalidArgument([{ field: "requestId", description }]);
}
