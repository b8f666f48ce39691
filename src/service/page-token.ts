// Page tokens (AIP-158): opaque, sealed with AES-GCM, and bound to the list that they were given for.
import { Buffer } from "node:buffer";
import { MAX_PAGE_TOKEN_CHARACTERS } from "../limits";
import type { RowKey } from "../list/page";
import { invalidArgument } from "../rpc/error";

/** A token is valid for the same list with the same filter, and for nothing else. */
export interface TokenBinding {
  parent: string;
  filter: string;
}

/** The keys that open tokens, base64 of 32 bytes each; the first seals. Two, so that a secret can be changed in use. */
export type TokenKeys = readonly [string, ...string[]];

/** The first byte of every token: how the rest is made. */
const TOKEN_VERSION = 1;
const IV_BYTES = 12;
/** Version, IV and AES-GCM's tag, around nothing. */
const MIN_TOKEN_BYTES = 1 + IV_BYTES + 16;

export async function sealPageToken(place: RowKey, binding: TokenBinding, [key]: TokenKeys): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const plain = new TextEncoder().encode(JSON.stringify([place.createTime, place.id]));
  const sealed = await crypto.subtle.encrypt(algorithm(iv, binding), await importKey(key), plain);
  return Buffer.from([TOKEN_VERSION, ...iv, ...new Uint8Array(sealed)]).toString("base64url");
}

/** Opens a token. One of another list, another filter or a retired key, or no token at all: INVALID_ARGUMENT. */
export async function openPageToken(
  token: string,
  binding: TokenBinding,
  keys: () => Promise<readonly string[]>,
): Promise<RowKey> {
  const bytes = token.length <= MAX_PAGE_TOKEN_CHARACTERS ? bytesFromBase64Url(token) : undefined;
  if (!bytes || bytes[0] !== TOKEN_VERSION || bytes.length <= MIN_TOKEN_BYTES) throw notAToken();
  const iv = bytes.slice(1, 1 + IV_BYTES);
  for (const key of await keys()) {
    const plain = await open(bytes.slice(1 + IV_BYTES), algorithm(iv, binding), key);
    if (plain !== undefined) return decodePlace(plain);
  }
  throw notAToken();
}

async function open(
  sealed: Uint8Array<ArrayBuffer>,
  parameters: AesGcmParams,
  key: string,
): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await crypto.subtle.decrypt(parameters, await importKey(key), sealed));
  } catch {
    // The one way in which WebCrypto says that a text was not sealed with this key for this list.
    return undefined;
  }
}

interface AesGcmParams {
  name: "AES-GCM";
  iv: Uint8Array<ArrayBuffer>;
  additionalData: Uint8Array<ArrayBuffer>;
}

function algorithm(iv: Uint8Array<ArrayBuffer>, { parent, filter }: TokenBinding): AesGcmParams {
  return {
    name: "AES-GCM",
    iv,
    additionalData: Uint8Array.from(new TextEncoder().encode(JSON.stringify([parent, filter]))),
  };
}

function importKey(key: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", Buffer.from(key, "base64"), "AES-GCM", false, ["encrypt", "decrypt"]);
}

function decodePlace(plain: string): RowKey {
  const [createTime, id] = JSON.parse(plain) as [number, string];
  return { createTime, id };
}

/** Undefined where the text is not the one way to write some bytes: the last character may hold bits that none reads. */
function bytesFromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? Uint8Array.from(bytes) : undefined;
}

function notAToken(): Error {
  const description = "is not a token of this list: a token belongs to its parent and filter. Begin again without one";
  return invalidArgument([{ field: "pageToken", description }], { reason: "PAGE_TOKEN_INVALID" });
}
