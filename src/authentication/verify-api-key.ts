// API keys as credentials: the key's record, cached by the isolate, and its caller.
import { BoundedCache } from "../bounded-cache";
import { ALL_USERS } from "../iam/members";
import type { Principal } from "../iam/principal";
import { type ApiKeyRecord, ADMIN_KEY_ID, hasHash, parseApiKey, type ApiKeyStore } from "./api-key";
import { badCredentials } from "./credentials";
import type { CredentialsConfig } from "./config";
import { API_KEY_CACHE_MS, MAX_CACHED_API_KEYS } from "./limits";

export type ApiKeys = (id: string, now: number) => Promise<ApiKeyRecord | undefined>;

export type ApiKeyCache = BoundedCache<ApiKeyRecord>;

export function newApiKeyCache(): ApiKeyCache {
  return new BoundedCache({ maxEntries: MAX_CACHED_API_KEYS, maxAgeMs: API_KEY_CACHE_MS });
}

/** Missing keys are not remembered, so guesses evict nothing and a new key is accepted at once. */
export function apiKeysOver(store: Pick<ApiKeyStore, "get">, cache: ApiKeyCache): ApiKeys {
  return async (id, now) => {
    const cached = cache.get(id, now);
    if (cached) return cached;
    const record = await store.get(id);
    // Counted from before it was read, because it may have been revoked since.
    if (record) cache.set(id, record, now);
    return record;
  };
}

/** Throws UNAUTHENTICATED if the key is bad. Only a caller that knows its secret learns that it was good once. */
export async function verifyApiKey(
  text: string,
  config: Pick<CredentialsConfig, "apiKeys" | "admins">,
  apiKeys: ApiKeys,
  now: number,
): Promise<Principal> {
  const key = parseApiKey(text);
  if (!key || !config.apiKeys) throw badCredentials("API_KEY_INVALID");
  const id = principalIdOfKey(key.id);
  const members = [id, ALL_USERS];
  if (key.id === ADMIN_KEY_ID) {
    const isGood = config.apiKeys.adminKeyHashes.some((hash) => hasHash(key.secret, hash));
    if (!isGood) throw badCredentials("API_KEY_INVALID");
    return { id, members, grants: [], isAdmin: true };
  }
  const record = await apiKeys(key.id, now);
  if (!record || !hasHash(key.secret, record.secretHash)) throw badCredentials("API_KEY_INVALID");
  if (record.revokeTime !== undefined) throw badCredentials("API_KEY_REVOKED");
  if (record.expireTime !== undefined && record.expireTime <= now) throw badCredentials("API_KEY_EXPIRED");
  return { id, members, grants: record.grants, isAdmin: config.admins.has(id), expireTime: record.expireTime };
}

/** A key is a member of its own, and of allUsers. It is not one of allAuthenticatedUsers: its purpose is its own. */
export function principalIdOfKey(id: string): string {
  return `principal://apikeys/${id}`;
}
