// API keys, a small part of google.api.apikeys.v2 without its projects.
import { int32, messageField, repeated, string, timestamp } from "../../protobuf/fields";
import { message } from "../../protobuf/message";

const Grant = message(
  "edge_operations.v1.Grant",
  {
    role: string(1, { description: "`roles/longrunning.invoker`" }),
    parent: string(2, { description: "The role applies here and below; `operations` is the root." }),
  },
  { description: "The grants of a key." },
);

export const ApiKey = message(
  "edge_operations.v1.ApiKey",
  {
    name: string(1, { description: "`apiKeys/{apiKey}`" }),
    displayName: string(2),
    grants: repeated(messageField(3, Grant)),
    createTime: timestamp(4),
    expireTime: timestamp(5),
    revokeTime: timestamp(6),
    keyString: string(7, { description: "The secret key. Only the answer to its creation has it." }),
  },
  { description: "A key for callers without tokens. Only administrators manage keys." },
);

export const CreateApiKeyRequest = message("edge_operations.v1.CreateApiKeyRequest", {
  displayName: string(1),
  grants: repeated(messageField(2, Grant, { required: true })),
  expireTime: timestamp(3),
});

export const ListApiKeysRequest = message("edge_operations.v1.ListApiKeysRequest", {
  pageSize: int32(1),
  pageToken: string(2),
});

export const ListApiKeysResponse = message("edge_operations.v1.ListApiKeysResponse", {
  apiKeys: repeated(messageField(1, ApiKey)),
  nextPageToken: string(2),
});

export const RevokeApiKeyRequest = message("edge_operations.v1.RevokeApiKeyRequest", {
  name: string(1, { description: "`apiKeys/{apiKey}`" }),
});
