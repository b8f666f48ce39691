// What a route says of the method behind it: all that the documents about the service are made of.
import type { InputRule } from "../method/method";
import { bool, string } from "../protobuf/fields";
import { type Message, message } from "../protobuf/message";

/** A method as a route serves it (google.api.http). */
export interface Rpc {
  /** Its full name: `google.longrunning.Operations.GetOperation`. */
  name: string;
  description: string;
  /** Declares what comes in path, query and body; undefined where nothing declares it, and its JSON may be any object. */
  request: Message | undefined;
  /** HttpRule.body: `"*"`, the field that is the body, or undefined: no JSON body is taken. */
  body: string | undefined;
  /** The fields that may come in the query, beside the system parameters. */
  query: readonly string[];
  response: Message;
  /** A second way to call a method (additional_bindings): a discovery document has the first alone. */
  isAdditional?: boolean;
  /** What `**` in the template stands for: parents of operations, or all that has a policy. Default: parents. */
  over?: "parents" | "policyResources";
  /** google.longrunning.operation_info, of what starts an operation. */
  operationInfo?: OperationInfo;
  /** A body that is no JSON. */
  input?: InputRule | undefined;
}

/** A response, or metadata, by its full name, and its declaration where there is one. */
export interface OperationInfo {
  responseType: string;
  response: Message | undefined;
  metadataType: string;
  metadata: Message | undefined;
}

/** What every call that starts an operation takes, in the query or in the body. */
export const StartParameters = message("edge_operations.v1.StartParameters", {
  requestId: string(1, {
    description:
      "Makes the call idempotent: the same id by the same caller gives the first operation. 1 to 64 characters of A-Z, a-z, 0-9, - and _.",
  }),
  validateOnly: bool(2, { description: "Only checks the request: nothing is started or stored." }),
});
