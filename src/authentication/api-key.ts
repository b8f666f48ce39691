// An API key: what it looks like, what is kept of it, and whether one that is presented is good.
import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Grant } from "../iam/principal";

/** What is kept of a key. The secret itself is told once, to whom it is made for. PERSISTED CONTRACT. */
export interface ApiKeyRecord {
  id: string;
  /** SHA-256 of the secret's characters, hex. With 256 random bits there is nothing that a slow hash would protect. */
  secretHash: string;
  displayName: string;
  /** What the key may do: a role on a parent, and below it. */
  grants: readonly Grant[];
  createTime: number;
  /** The id of the principal that created it. */
  creator: string;
  expireTime?: number;
  revokeTime?: number;
}

export interface PresentedApiKey {
  id: string;
  secret: string;
}

/** The key of AUTH.apiKeys.adminKeyHashes: no object stands behind it. */
export const ADMIN_KEY_ID = "admin";

// key    = "eo_" id "_" secret ;
// id     = 24 hex digits | "admin" ;
// secret = 32 random bytes in base64url ;
const KEY = /^eo_([0-9a-f]{24}|admin)_([A-Za-z0-9_-]{43})$/;
const KEY_ID = /^[0-9a-f]{24}$/;

/** undefined: the text is no key. */
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

/** A new key, never given out before. */
export function newApiKey(): PresentedApiKey {
  return { id: randomBytes(12).toString("hex"), secret: randomBytes(32).toString("base64url") };
}

export function hashOfSecret(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** In a time that tells nothing of how alike they are. */
export function hasHash(secret: string, secretHash: string): boolean {
  const presented = Buffer.from(hashOfSecret(secret), "hex");
  const stored = Buffer.from(secretHash, "hex");
  return presented.length === stored.length && timingSafeEqual(presented, stored);
}
