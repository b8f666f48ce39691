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
      EXPIRED: "Its time, or its operation, ended without an answer.",
    },
  },
);

export const Suspension = message(
  "edge_operations.v1.Suspension",
  {
    name: string(1, { description: "`{operation}/suspensions/{suspension}`" }),
    state: enumeration(2, SuspensionState),
    prompt: string(3, { description: "The question for the approver." }),
    payloadSchema: struct(4, { description: "The JSON Schema of an answer's payload, if declared." }),
    createTime: timestamp(5, {
      description: "The time at which the work reached it, or an earlier answer.",
    }),
    expireTime: timestamp(6, { description: "Absent until the work reaches it." }),
    resolveTime: timestamp(7),
    resolver: string(8, {
      description: "The member who answered, or `link`. Absent in an open deployment.",
    }),
  },
  { description: "A named point at which an operation waits for an answer." },
);

export const ListSuspensionsRequest = message("edge_operations.v1.ListSuspensionsRequest", {
  parent: string(1, { description: "The operation: `{parent}/operations/{operation}`." }),
});

export const ListSuspensionsResponse = message("edge_operations.v1.ListSuspensionsResponse", {
  suspensions: repeated(messageField(1, Suspension, { description: "In the order in which the work reached them." })),
});

const name = string(1, { description: "`{operation}/suspensions/{suspension}`" });

export const GetSuspensionRequest = message("edge_operations.v1.GetSuspensionRequest", { name });

export const ResolveSuspensionRequest = message("edge_operations.v1.ResolveSuspensionRequest", {
  name,
  payload: value(2, { description: "The answer: at most 64 KiB of JSON that follows `payloadSchema`." }),
  linkToken: string(3, { description: "The secret of the suspension's link, in place of credentials." }),
});
