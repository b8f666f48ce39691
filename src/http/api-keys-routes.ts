// API keys over HTTP, for administrators alone: what `npm run keys` calls (docs/access.md).
import { createApiKey, listApiKeys, revokeApiKey } from "../authentication/api-keys";
import { MAX_BODY_BYTES } from "../limits";
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
  { method: "POST", template: "/{version}/apiKeys", answer: apiKeyShape, handler: create },
  { method: "GET", template: "/{version}/apiKeys", answer: apiKeyListShape, handler: list },
  { method: "POST", template: "/{version}/{name=apiKeys/*}:revoke", answer: apiKeyShape, handler: revoke },
];

async function create(call: Call): Promise<Response> {
  queryOf(call, []);
  const json = await readJsonObject(call.request, call.body, MAX_BODY_BYTES);
  const { apiKeys, principal, now } = call.service;
  return answer(await createApiKey(apiKeys, principal, json, now()));
}

async function list(call: Call): Promise<Response> {
  const { pageSize, pageToken } = queryOf(call, ["pageSize", "pageToken"]);
  const { apiKeys, principal } = call.service;
  return answer(await listApiKeys(apiKeys, principal, { pageSize: intParameter("pageSize", pageSize), pageToken }));
}

async function revoke(call: Call): Promise<Response> {
  queryOf(call, []);
  const { apiKeys, principal, now } = call.service;
  return answer(await revokeApiKey(apiKeys, principal, pathVariable(call, "name"), now()));
}

function answer(json: object): Response {
  return jsonResponse(JSON.stringify(json));
}
