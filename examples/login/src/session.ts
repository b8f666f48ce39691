// A session in a cookie that the Worker signs: `{payload}.{signature}`, both base64url. Nothing is stored.
import { type AuthenticatedCaller, RpcError } from "edge-operations";
import { Buffer } from "node:buffer";
import type { User } from "./users";

export const SESSION_MS = 8 * 3_600_000;
const COOKIE = "session";

export interface Session {
  user: User;
  /** Milliseconds since 1970. */
  expireTime: number;
}

export function newSession(user: User): Session {
  return { user, expireTime: Date.now() + SESSION_MS };
}

/** The caller of a session. Its id is the row's, so that a user whose address changes keeps the operations. */
export function callerFrom({ user, expireTime }: Session): AuthenticatedCaller {
  const { id, email, groups } = user;
  const members = [`user:${email}`, ...groups.map((group) => `group:${group}`)];
  return { id, members, expireTime: new Date(expireTime) };
}

/** The `Set-Cookie` of a session. */
export async function cookieFrom(session: Session, secret: string): Promise<string> {
  const payload = Buffer.from(JSON.stringify(session)).toString("base64url");
  const signature = await crypto.subtle.sign("HMAC", await keyFrom(secret), Buffer.from(payload));
  const value = `${payload}.${Buffer.from(signature).toString("base64url")}`;
  return `${COOKIE}=${value}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=${SESSION_MS / 1_000}`;
}

/** The session that a request's cookie has; undefined where it has no cookie. Throws where the cookie is forged. */
export async function sessionFrom(request: Request, secret: string): Promise<Session | undefined> {
  const value = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(request.headers.get("Cookie") ?? "")?.[1];
  if (!value) return undefined;
  const [payload = "", signature = ""] = value.split(".");
  const key = await keyFrom(secret);
  const isGood = await crypto.subtle.verify("HMAC", key, Buffer.from(signature, "base64url"), Buffer.from(payload));
  if (!isGood) throw new RpcError("UNAUTHENTICATED", "The session cookie is not one of this Worker's.");
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Session;
}

function keyFrom(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", Buffer.from(secret), algorithm, false, ["sign", "verify"]);
}
