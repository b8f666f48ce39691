// API keys, for administrators alone: what `npm run keys` calls (docs/access.md).
import { createApiKey, listApiKeys, revokeApiKey } from "../authentication/api-keys";
import {
  ApiKey,
  CreateApiKeyRequest,
  ListApiKeysRequest,
  ListApiKeysResponse,
  RevokeApiKeyRequest,
} from "./messages/api-keys";
import { type ApiMethod, apiMethod } from "./method";

export const apiKeys: readonly ApiMethod[] = [
  apiMethod({
    name: "edge_operations.v1.ApiKeys.CreateApiKey",
    description: "Creates an API key. Only this answer has its `keyString`.",
    http: [{ method: "POST", template: "/{version}/apiKeys", body: "*" }],
    request: CreateApiKeyRequest,
    response: ApiKey,
    permission: "apiKeys.create",
    on: "deployment",
    handle: async (request, { notes, service: { apiKeys: store, principal, now } }) => {
      const key = await createApiKey(store, principal, request, now());
      notes.resource = key.name;
      return key;
    },
  }),
  apiMethod({
    name: "edge_operations.v1.ApiKeys.ListApiKeys",
    description: "Lists the API keys.",
    http: [{ method: "GET", template: "/{version}/apiKeys" }],
    request: ListApiKeysRequest,
    response: ListApiKeysResponse,
    permission: "apiKeys.list",
    on: "deployment",
    handle: (request, { service: { apiKeys: store, principal } }) => listApiKeys(store, principal, request),
  }),
  apiMethod({
    name: "edge_operations.v1.ApiKeys.RevokeApiKey",
    description: "Revokes an API key, everywhere within 60 s.",
    http: [{ method: "POST", template: "/{version}/{name=apiKeys/*}:revoke" }],
    request: RevokeApiKeyRequest,
    response: ApiKey,
    permission: "apiKeys.revoke",
    on: "deployment",
    handle: (_, { resource, service: { apiKeys: store, principal, now } }) =>
      revokeApiKey(store, principal, resource, now()),
  }),
];
