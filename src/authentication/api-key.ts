// An API key: its form, its stored part, and the check of a presented key.
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Grant } from "../iam/principal";

/** The stored part of a key. The secret itself is shown once, to its creator. PERSISTED CONTRACT. */
export interface ApiKeyRecord {
  id: string;
  /** SHA-256 of the secret's characters, hex. The secret has 256 random bits, so a slow hash would protect nothing. */
  secretHash: string;
  displayName: string;
  grants: readonly Grant[];
  createTime: number;
  creator: string;
  expireTime?: number;
  revokeTime?: number;
}

export interface PresentedApiKey {
  id: string;
  secret: string;
}

/** The key of AUTH.apiKeys.adminKeyHashes. It has no object. */
export const ADMIN_KEY_ID = "admin";

// key    = "eo_" id "_" secret ;
// id     = 24 hex digits | "admin" ;
// secret = 32 random bytes in base64url ;
const KEY = /^eo_([0-9a-f]{24}|admin)_([A-Za-z0-9_-]{43})$/;
const KEY_ID = /^[0-9a-f]{24}$/;

export function parseApiKey(text: string): PresentedApiKey | undefined {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function formatApiKey({ id, secret }: PresentedApiKey): string {
  return `eo_${id}_${secret}`;
}

export function isApiKeyId(text: string): boolean {
  return KEY_ID.test(text);
}

export function newApiKey(): PresentedApiKey {
  return { id: randomBytes(12).toString("hex"), secret: randomBytes(32).toString("base64url") };
}

export function hashOfSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** In a time that does not reveal how similar they are. */
export function hasHash(secret: string, secretHash: string): boolean {
  const presented = Buffer.from(hashOfSecret(secret), "hex");
  const stored = Buffer.from(secretHash, "hex");
  return presented.length === stored.length && timingSafeEqual(presented, stored);
}

export interface ApiKeyStore {
  /** undefined: the key does not exist. The call stores nothing. */
  get(id: string): Promise<ApiKeyRecord | undefined>;
  /** False: MAX_API_KEYS exist. */
  create(record: ApiKeyRecord): Promise<boolean>;
  /** The key after the revocation. undefined: the key does not exist. */
  revoke(id: string, revokeTime: number): Promise<ApiKeyRecord | undefined>;
  /** Keys, newest first, from after `cursor`; revoked and expired ones too, until they are purged. */
  list(page: { cursor: string | undefined; limit: number }): Promise<ApiKeyPage>;
}

export interface ApiKeyPage {
  records: ApiKeyRecord[];
  /** undefined: the end of the list. */
  nextCursor: string | undefined;
}
