// API keys over HTTP, for administrators alone: what `npm run keys` calls (docs/access.md).
import { createApiKey, listApiKeys, revokeApiKey } from "../authentication/api-keys";
import {
  ApiKey,
  CreateApiKeyRequest,
  ListApiKeysRequest,
  ListApiKeysResponse,
  RevokeApiKeyRequest,
} from "../describe/messages/api-keys";
import { MAX_BODY_BYTES } from "../limits";
import { administrators } from "./judge";
import { type Call, pathVariable, queryOf } from "./call";
import { jsonResponse } from "./operation-response";
import type { AnswerShape } from "./partial-response";
import { intParameter } from "./query";
import { readJsonObject } from "./request-body";
import type { Route } from "./route";

const apiKeyShape: AnswerShape = {
  name: {},
  displayName: {},
  grants: "any",
  createTime: {},
  creator: {},
  expireTime: {},
  revokeTime: {},
  keyString: {},
};
const apiKeyListShape: AnswerShape = { apiKeys: apiKeyShape, nextPageToken: {} };

export const apiKeysRoutes: readonly Route[] = [
  {
    method: "POST",
    template: "/{version}/apiKeys",
    rpc: {
      name: "edge_operations.v1.ApiKeys.CreateApiKey",
      description: "Makes an API key. Its `keyString` is in this answer alone.",
      request: CreateApiKeyRequest,
      body: "*",
      query: [],
      response: ApiKey,
    },
    answer: apiKeyShape,
    judge: administrators("apiKeys.create", () => "apiKeys"),
    handler: create,
  },
  {
    method: "GET",
    template: "/{version}/apiKeys",
    rpc: {
      name: "edge_operations.v1.ApiKeys.ListApiKeys",
      description: "Lists the API keys.",
      request: ListApiKeysRequest,
      body: undefined,
      query: ["pageSize", "pageToken"],
      response: ListApiKeysResponse,
    },
    answer: apiKeyListShape,
    judge: administrators("apiKeys.list", () => "apiKeys"),
    handler: list,
  },
  {
    method: "POST",
    template: "/{version}/{name=apiKeys/*}:revoke",
    rpc: {
      name: "edge_operations.v1.ApiKeys.RevokeApiKey",
      description: "Revokes an API key. It holds everywhere within 60 s.",
      request: RevokeApiKeyRequest,
      body: undefined,
      query: [],
      response: ApiKey,
    },
    answer: apiKeyShape,
    judge: administrators("apiKeys.revoke", (call) => pathVariable(call, "name")),
    handler: revoke,
  },
];

async function create(call: Call): Promise<Response> {
  queryOf(call);
  const json = await readJsonObject(call.request, call.body, MAX_BODY_BYTES);
  const { apiKeys, principal, now } = call.service;
  const key = await createApiKey(apiKeys, principal, json, now());
  call.notes.resource = key.name;
  return answer(key);
}

async function list(call: Call): Promise<Response> {
  const { pageSize, pageToken } = queryOf(call);
  const { apiKeys, principal } = call.service;
  return answer(await listApiKeys(apiKeys, principal, { pageSize: intParameter("pageSize", pageSize), pageToken }));
}

async function revoke(call: Call): Promise<Response> {
  queryOf(call);
  const { apiKeys, principal, now } = call.service;
  return answer(await revokeApiKey(apiKeys, principal, pathVariable(call, "name"), now()));
}

function answer(json: object): Response {
  return jsonResponse(JSON.stringify(json));
}
