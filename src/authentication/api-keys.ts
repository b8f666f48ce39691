// The methods for administrators of keys: a small part of google.api.apikeys.v2, without its projects.
import { checkName } from "../aip/resource-name";
import { parseTimestamp, formatTimestampMs, timestampToMs } from "../aip/timestamp";
import { policyResourceProblem } from "../iam/policy-resources";
import type { Grant, Principal } from "../iam/principal";
import { administratorDenial } from "../iam/denial";
import { isRole, roles } from "../iam/permissions";
import { Violations } from "../rpc/decode";
import { RpcError, invalidArgument, notFound } from "../rpc/error";
import { type ApiKeyRecord, formatApiKey, hashOfSecret, isApiKeyId, newApiKey, type ApiKeyStore } from "./api-key";
import {
  DEFAULT_API_KEYS_PAGE_SIZE,
  MAX_API_KEYS,
  MAX_API_KEYS_PAGE_SIZE,
  MAX_API_KEY_GRANTS,
  MAX_DISPLAY_NAME_CHARACTERS,
} from "./limits";

const RESOURCE_TYPE = "ApiKey";

export interface ApiKey {
  /** `apiKeys/{id}` */
  name: string;
  displayName: string;
  grants: Grant[];
  createTime: string;
  expireTime?: string;
  revokeTime?: string;
  /** The text that a client sends. Only the answer to the creation has it. */
  keyString?: string;
}

export interface ListApiKeysRequest {
  pageSize?: number | undefined;
  pageToken?: string | undefined;
}

export interface CreateApiKeyRequest {
  displayName?: string;
  grants: readonly { role?: string; parent?: string }[];
  expireTime?: string;
}

export async function createApiKey(
  store: Pick<ApiKeyStore, "create">,
  principal: Principal,
  { displayName = "", grants, expireTime }: CreateApiKeyRequest,
  now: number,
): Promise<ApiKey> {
  requireAdmin(principal);
  const violations = new Violations();
  if (displayName.length > MAX_DISPLAY_NAME_CHARACTERS) {
    violations.add("displayName", `must be a text of at most ${MAX_DISPLAY_NAME_CHARACTERS} characters`);
  }
  const granted = checkedGrants(grants, violations);
  const expireTimeMs = expireTime === undefined ? undefined : futureTime(expireTime, now, violations);
  violations.throwIfAny();
  const key = newApiKey();
  const record = {
    id: key.id,
    secretHash: hashOfSecret(key.secret),
    displayName,
    grants: granted,
    ...(expireTimeMs === undefined ? {} : { expireTime: expireTimeMs }),
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

/** Revoking a revoked key changes nothing. A revocation holds everywhere within 60 s. */
export async function revokeApiKey(
  store: Pick<ApiKeyStore, "revoke">,
  principal: Principal,
  name: string,
  now: number,
): Promise<ApiKey> {
  requireAdmin(principal);
  const id = name.replace(/^apiKeys\//, "");
  // An impossible id costs no call of an object.
  const record = isApiKeyId(id) ? await store.revoke(id, now) : undefined;
  if (record) return apiKeyFromRecord(record);
  throw notFound(RESOURCE_TYPE, name);
}

/** No role holds this permission: a key that makes keys would outlive its revocation. The door asks before, too. */
function requireAdmin(principal: Principal): void {
  if (!principal.isAdmin) throw administratorDenial(principal);
}

function apiKeyFromRecord({ id, displayName, grants, ...times }: ApiKeyRecord): ApiKey {
  const { createTime, expireTime, revokeTime } = times;
  return {
    name: `apiKeys/${id}`,
    displayName,
    grants: [...grants],
    createTime: formatTimestampMs(createTime),
    ...(expireTime === undefined ? {} : { expireTime: formatTimestampMs(expireTime) }),
    ...(revokeTime === undefined ? {} : { revokeTime: formatTimestampMs(revokeTime) }),
  };
}

function futureTime(text: string, now: number, violations: Violations): number | undefined {
  const timestamp = parseTimestamp(text);
  const time = timestamp && timestampToMs(timestamp);
  return time !== undefined && time > now ? time : violations.add("expireTime", "must be a time to come, in RFC 3339");
}

function checkedGrants(grants: CreateApiKeyRequest["grants"], violations: Violations): Grant[] {
  if (grants.length === 0 || grants.length > MAX_API_KEY_GRANTS) {
    violations.add("grants", `must be a list of 1 to ${MAX_API_KEY_GRANTS} grants, each with a role and a parent`);
    return [];
  }
  return grants.flatMap(({ role = "", parent = "" }, index) => {
    const field = `grants[${index}]`;
    if (!isRole(role)) return violations.add(`${field}.role`, `must be of ${roles.join(", ")}`) ?? [];
    const name = checkName(parent);
    const problem = name.ok ? policyResourceProblem(parent) : name.description;
    return problem === undefined ? { role, parent } : (violations.add(`${field}.parent`, problem) ?? []);
  });
}
