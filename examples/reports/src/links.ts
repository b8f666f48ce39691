// Links to files in the bucket that hold for a day: whoever has one needs no other right.
import { env } from "./env";

const LINK_LIFETIME_MS = 24 * 3_600_000;

/** A link to an object, signed together with its expiry. */
export async function linkTo(key: string, from: Date): Promise<{ uri: string; expireTime: string }> {
  const expireTime = new Date(from.getTime() + LINK_LIFETIME_MS).toISOString();
  const signature = await sign(`${key}\n${expireTime}`);
  const query = new URLSearchParams({ expireTime, signature });
  return { uri: `/downloads/${encodeURIComponent(key)}?${query.toString()}`, expireTime };
}

/** Answers a link. */
export async function download(url: URL): Promise<Response> {
  const key = decodeURIComponent(url.pathname.slice("/downloads/".length));
  const expireTime = url.searchParams.get("expireTime") ?? "";
  const isSigned = (await sign(`${key}\n${expireTime}`)) === url.searchParams.get("signature");
  if (!isSigned || !(Date.now() < Date.parse(expireTime)))
    return new Response("The link has expired.", { status: 403 });
  const file = await env.REPORTS.get(key);
  if (!file) return new Response("There is no such file.", { status: 404 });
  return new Response(file.body, { headers: { "Content-Type": "text/csv", ETag: file.httpEtag } });
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function sign(text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(env.LINK_SECRET), algorithm, false, ["sign"]);
  const signature = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(text)));
  return Array.from(signature, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
