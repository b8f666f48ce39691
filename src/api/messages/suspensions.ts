// Messages of suspensions: GET /v1/{operation}/suspensions, :resolve (docs/waiting.md).
import { enumeration, messageField, repeated, string, struct, timestamp, value } from "../../protobuf/fields";
import { enumType } from "../../protobuf/enum-type";
import { message } from "../../protobuf/message";

const SuspensionState = enumType(
  "edge_operations.v1.SuspensionState",
  { SUSPENSION_STATE_UNSPECIFIED: 0, PENDING: 1, RESOLVED: 2, EXPIRED: 3 },
  {
    descriptions: {
      PENDING: "It waits for an answer.",
      RESOLVED: "It was answered.",
      EXPIRED: "It was not answered in time, or its operation ended before.",
    },
  },
);

export const Suspension = message(
  "edge_operations.v1.Suspension",
  {
    name: string(1, { description: "`{operation}/suspensions/{suspension}`" }),
    state: enumeration(2, SuspensionState),
    prompt: string(3, { description: "The question for the approver." }),
    payloadSchema: struct(4, { description: "The JSON Schema of an answer's payload, where the method declares one." }),
    createTime: timestamp(5, {
      description: "When the work came to it, or, if that was earlier, when it was answered.",
    }),
    expireTime: timestamp(6, { description: "Absent until the work comes to it." }),
    resolveTime: timestamp(7),
    resolver: string(8, {
      description: "The member who answered, or `link`. Absent where the deployment is open to everyone.",
    }),
  },
  { description: "A named point at which an operation waits for somebody outside it." },
);

export const ListSuspensionsRequest = message("edge_operations.v1.ListSuspensionsRequest", {
  parent: string(1, { description: "The operation: `{parent}/operations/{operation}`." }),
});

export const ListSuspensionsResponse = message("edge_operations.v1.ListSuspensionsResponse", {
  suspensions: repeated(messageField(1, Suspension, { description: "In the order in which the work came to them." })),
});

const name = string(1, { description: "`{operation}/suspensions/{suspension}`" });

export const GetSuspensionRequest = message("edge_operations.v1.GetSuspensionRequest", { name });

export const ResolveSuspensionRequest = message("edge_operations.v1.ResolveSuspensionRequest", {
  name,
  payload: value(2, { description: "The answer: JSON of at most 64 KiB, as `payloadSchema` describes it." }),
  linkToken: string(3, { description: "The secret of the suspension's link, which stands for credentials." }),
});
