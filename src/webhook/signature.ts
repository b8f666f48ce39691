// Signatures of the Standard Webhooks specification, scheme v1: HMAC-SHA-256 over `{id}.{timestamp}.{body}`.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const PREFIX = "whsec_";
/** "between 24 bytes (192 bits) and 64 bytes (512 bits)" (Symmetric signatures). */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

/** The bytes of a secret, `whsec_` and base64; undefined for any other text. */
export function secretBytes(secret: string): Uint8Array<ArrayBuffer> | undefined {
  const base64 = secret.slice(PREFIX.length);
  if (!secret.startsWith(PREFIX) || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return bytes.length >= MIN_BYTES && bytes.length <= MAX_BYTES ? bytes : undefined;
}

export function secretFromBytes(bytes: Uint8Array): string {
  return PREFIX + base64Of(bytes);
}

/** The value of `webhook-signature`: one signature for each secret, divided by spaces. `timestamp`: seconds since 1970. */
export async function signatures(
  secrets: readonly string[],
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): Promise<string> {
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signed = secrets.map(async (secret) => {
    const bytes = secretBytes(secret);
    // The message does not show it.
    if (!bytes) throw new TypeError("a signing secret is not whsec_ and base64 of 24 to 64 bytes");
    const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return `v1,${base64Of(new Uint8Array(await crypto.subtle.sign("HMAC", key, content)))}`;
  });
  return (await Promise.all(signed)).join(" ");
}

function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
