// The keys themselves, for administrators: create, list, revoke. A small part of google.api.apikeys.v2, without its
// projects: a deployment has one set of keys.
import { checkName } from "../aip/resource-name";
import { parseTimestamp, formatTimestampMs, timestampToMs } from "../aip/timestamp";
import { policyResourceProblem } from "../iam/policy-resources";
import type { Grant, Principal } from "../iam/principal";
import { administratorDenial } from "../iam/denial";
import { isRole, roles } from "../iam/roles";
import type { Json, JsonObject } from "../rpc/any";
import { Violations, isJsonObject } from "../rpc/decode";
import { RpcError, invalidArgument, notFound } from "../rpc/error";
import { type ApiKeyRecord, formatApiKey, hashOfSecret, isApiKeyId, newApiKey } from "./api-key";
import type { ApiKeyStore } from "./api-key-store";
import {
  DEFAULT_API_KEYS_PAGE_SIZE,
  MAX_API_KEYS,
  MAX_API_KEYS_PAGE_SIZE,
  MAX_API_KEY_GRANTS,
  MAX_DISPLAY_NAME_CHARACTERS,
} from "./limits";

const RESOURCE_TYPE = "ApiKey";

/** An API key as it is answered. */
export interface ApiKey {
  /** `apiKeys/{id}` */
  name: string;
  displayName: string;
  grants: readonly Grant[];
  createTime: string;
  expireTime?: string;
  revokeTime?: string;
  /** What a client sends; in the answer to its creation alone. */
  keyString?: string;
}

export interface ListApiKeysRequest {
  pageSize: number | undefined;
  pageToken: string | undefined;
}

/** `{ displayName, grants: [{ role, parent }], expireTime? }` → the key, with its `keyString`. */
export async function createApiKey(
  store: Pick<ApiKeyStore, "create">,
  principal: Principal,
  json: JsonObject,
  now: number,
): Promise<ApiKey> {
  requireAdmin(principal);
  const request = decodeCreateRequest(json, now);
  const key = newApiKey();
  const record = {
    id: key.id,
    secretHash: hashOfSecret(key.secret),
    ...request,
    createTime: now,
    creator: principal.id,
  };
  if (await store.create(record)) return { ...apiKeyFromRecord(record), keyString: formatApiKey(key) };
  throw new RpcError(
    "FAILED_PRECONDITION",
    `The limit of ${MAX_API_KEYS} API keys is reached. Revoke unused keys; they are removed after 30 days.`,
    {
      reason: "TOO_MANY_API_KEYS",
    },
  );
}

export async function listApiKeys(
  store: Pick<ApiKeyStore, "list">,
  principal: Principal,
  { pageSize = 0, pageToken = "" }: ListApiKeysRequest,
): Promise<{ apiKeys: ApiKey[]; nextPageToken?: string }> {
  requireAdmin(principal);
  if (pageSize < 0) throw invalidArgument([{ field: "pageSize", description: "must not be negative" }]);
  if (pageToken !== "" && !/^\d{15}\/[0-9a-f]{24}$/.test(pageToken)) {
    throw invalidArgument([{ field: "pageToken", description: "must be the nextPageToken of an earlier page" }]);
  }
  const { records, nextCursor } = await store.list({
    cursor: pageToken === "" ? undefined : pageToken,
    limit: Math.min(pageSize === 0 ? DEFAULT_API_KEYS_PAGE_SIZE : pageSize, MAX_API_KEYS_PAGE_SIZE),
  });
  const apiKeys = records.map(apiKeyFromRecord);
  return nextCursor === undefined ? { apiKeys } : { apiKeys, nextPageToken: nextCursor };
}

/** Revoking one that is revoked changes nothing. It holds everywhere within 60 s. */
export async function revokeApiKey(
  store: Pick<ApiKeyStore, "revoke">,
  principal: Principal,
  name: string,
  now: number,
): Promise<ApiKey> {
  requireAdmin(principal);
  const id = name.replace(/^apiKeys\//, "");
  // An id that is none asks no object.
  const record = isApiKeyId(id) ? await store.revoke(id, now) : undefined;
  if (record) return apiKeyFromRecord(record);
  throw notFound(RESOURCE_TYPE, name);
}

/** No role holds this: a key that could make keys would outlive its own revocation. The door asks before, too. */
function requireAdmin(principal: Principal): void {
  if (!principal.isAdmin) throw administratorDenial(principal);
}

function apiKeyFromRecord({ id, displayName, grants, ...times }: ApiKeyRecord): ApiKey {
  const { createTime, expireTime, revokeTime } = times;
  return {
    name: `apiKeys/${id}`,
    displayName,
    grants,
    createTime: formatTimestampMs(createTime),
    ...(expireTime === undefined ? {} : { expireTime: formatTimestampMs(expireTime) }),
    ...(revokeTime === undefined ? {} : { revokeTime: formatTimestampMs(revokeTime) }),
  };
}

type CreateRequest = Pick<ApiKeyRecord, "displayName" | "grants" | "expireTime">;

function decodeCreateRequest(json: JsonObject, now: number): CreateRequest {
  const violations = new Violations();
  const { displayName = "", grants = null, expireTime = null, ...unknown } = json;
  for (const field of Object.keys(unknown)) {
    violations.add(field, "unknown field; a new key has displayName, grants and expireTime");
  }
  const request: CreateRequest = { displayName: "", grants: decodeGrants(grants, violations) };
  if (typeof displayName === "string" && displayName.length <= MAX_DISPLAY_NAME_CHARACTERS) {
    request.displayName = displayName;
  } else violations.add("displayName", `must be a text of at most ${MAX_DISPLAY_NAME_CHARACTERS} characters`);
  if (expireTime !== null) {
    const timestamp = typeof expireTime === "string" ? parseTimestamp(expireTime) : undefined;
    if (timestamp && timestampToMs(timestamp) > now) request.expireTime = timestampToMs(timestamp);
    else violations.add("expireTime", "must be a time to come, in RFC 3339");
  }
  violations.throwIfAny();
  return request;
}

function decodeGrants(json: Json, violations: Violations): Grant[] {
  if (!Array.isArray(json) || json.length === 0 || json.length > MAX_API_KEY_GRANTS) {
    violations.add("grants", `must be a list of 1 to ${MAX_API_KEY_GRANTS} grants, each with a role and a parent`);
    return [];
  }
  return json.flatMap((grant, index) => decodeGrant(grant, `grants[${index}]`, violations) ?? []);
}

function decodeGrant(json: Json, field: string, violations: Violations): Grant | undefined {
  if (!isJsonObject(json)) return violations.add(field, "must be an object with role and parent");
  const { role, parent, ...unknown } = json;
  for (const key of Object.keys(unknown))
    violations.add(`${field}.${key}`, "unknown field; a grant has role and parent");
  if (typeof role !== "string" || !isRole(role))
    return violations.add(`${field}.role`, `must be of ${roles.join(", ")}`);
  if (typeof parent !== "string") return violations.add(`${field}.parent`, "must be a resource name");
  const name = checkName(parent);
  const problem = name.ok ? policyResourceProblem(parent) : name.description;
  return problem === undefined ? { role, parent } : violations.add(`${field}.parent`, problem);
}
