// A deployment with authentication on, as the fuzz sees it: an issuer of its own on loopback, callers of every kind, and
// operations that none of them but the administrator may read.
import { randomBytes } from "node:crypto";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, SignJWT, exportJWK, generateKeyPair } from "jose";
import type { Random } from "../support/random.ts";

/** A kind of caller, and the headers that it sends. */
export interface Caller {
  name: string;
  headers: [name: string, value: string][];
  /** Whether it may read every operation: its answers may hold what the others must never see. */
  isAdmin: boolean;
}

/** The facts that the fuzz needs of the running deployment. */
export interface Guarded {
  callers: readonly Caller[];
  admin: Caller;
  /** Operations below `projects/private`, one of them running and one done. */
  privateNames: readonly string[];
  /** Stands in the metadata, the response and the policy of each private operation, and nowhere else. */
  secret: string;
  /** Policies and API keys that setting it up has stored. */
  policies: number;
  apiKeys: number;
}

/** Longer than any run. */
const TOKEN_SECONDS = 86_400;
const AUDIENCE = "operations";
const KEY_ID = "key-1";
const ADMIN_EMAIL = "root@example.com";

/** Publishes its keys on loopback, and signs tokens. */
export class Issuer {
  readonly #server: Server;
  readonly #keys: { good: CryptoKey; foreign: CryptoKey };
  readonly #url: string;

  private constructor(server: Server, keys: { good: CryptoKey; foreign: CryptoKey }) {
    this.#server = server;
    this.#keys = keys;
    this.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<Issuer> {
    const { privateKey: good, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const { privateKey: foreign } = await generateKeyPair("ES256");
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: "ES256", use: "sig" }] });
    const server = createServer((_request, response) => {
      response.setHeader("Content-Type", "application/json").end(jwks);
    });
    const { promise: isListening, resolve: listening } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", listening);
    await isListening;
    return new Issuer(server, { good, foreign });
  }

  /** The variables of the Worker. */
  get vars(): { AUTH: string; ADMINS: string } {
    const issuers = [
      { issuer: this.#url, audience: AUDIENCE, jwksUri: `${this.#url}/keys`, members: { group: "groups" } },
    ];
    return { AUTH: JSON.stringify({ issuers, apiKeys: true }), ADMINS: `user:${ADMIN_EMAIL}` };
  }

  async caller(
    name: string,
    { key = this.#keys.good, expiresIn = TOKEN_SECONDS }: { key?: CryptoKey; expiresIn?: number } = {},
  ): Promise<Caller> {
    const now = Math.floor(Date.now() / 1_000);
    const token = await new SignJWT({ email: `${name}@example.com`, email_verified: true })
      .setProtectedHeader({ alg: "ES256", kid: KEY_ID, typ: "JWT" })
      .setIssuer(this.#url)
      .setSubject(name)
      .setAudience(AUDIENCE)
      .setIssuedAt(now - TOKEN_SECONDS)
      .setExpirationTime(now + expiresIn)
      .sign(key);
    return { name, headers: [["Authorization", `Bearer ${token}`]], isAdmin: name === ADMIN_EMAIL.split("@")[0] };
  }

  /** Those whose credentials are not good. */
  async strangers(): Promise<Caller[]> {
    return [
      { name: "anonymous", headers: [], isAdmin: false },
      { ...(await this.caller("root", { key: this.#keys.foreign })), name: "forged", isAdmin: false },
      { ...(await this.caller("root", { expiresIn: -3_600 })), name: "expired", isAdmin: false },
      { name: "unknown key", headers: [["X-Goog-Api-Key", `eo_${"0".repeat(24)}_${"x".repeat(43)}`]], isAdmin: false },
    ];
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

const STRUCT = "type.googleapis.com/google.protobuf.Struct";

/** Roles on `projects/p`, of callers that are named after them. */
const ROLES = ["viewer", "operator", "invoker", "worker", "admin"] as const;

/** Sets the deployment up: policies, an API key, and the private operations. */
export async function setUp(issuer: Issuer, url: string): Promise<Guarded> {
  const admin = await issuer.caller("root");
  const call = async (
    path: string,
    body: object,
    method: "POST" | "PATCH" = "POST",
  ): Promise<Record<string, unknown>> => {
    const headers = { "Content-Type": "application/json", ...Object.fromEntries(admin.headers) };
    const init = { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}/v1/${path}`, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  const soon = `request.time < timestamp("2099-01-01T00:00:00Z") && resource.name.startsWith("projects/p")`;
  const bindings = [
    ...ROLES.map((role) => ({ role: `roles/longrunning.${role}`, members: [`user:${role}@example.com`] })),
    {
      role: "roles/longrunning.viewer",
      members: ["user:conditional@example.com"],
      condition: { expression: soon, title: "before the end of the century" },
    },
  ];
  const { etag } = await call("projects/p:getIamPolicy", {});
  await call("projects/p:setIamPolicy", { policy: { version: 3, etag, bindings } });
  // May start there, and no more: whether an operation exists is not told to it.
  const starter = { role: "roles/longrunning.invoker", members: ["user:starter@example.com"] };
  await call("projects/private:setIamPolicy", { policy: { bindings: [starter] } });
  const { keyString } = await call("apiKeys", {
    displayName: "fuzz",
    grants: [{ role: "roles/longrunning.invoker", parent: "projects/p" }],
  });

  const secret = `secret-${randomBytes(12).toString("hex")}`;
  const metadata = { "@type": STRUCT, value: { secret } };
  const privateNames: string[] = [];
  for (const isDone of [false, true]) {
    const { name } = await call("projects/private/operations", { operation: { metadata } });
    const policy = { bindings: [{ role: "roles/longrunning.viewer", members: [`user:${secret}@example.com`] }] };
    await call(`${String(name)}:setIamPolicy`, { policy });
    if (isDone) await call(String(name), { response: metadata }, "PATCH");
    privateNames.push(String(name));
  }
  const named = await Promise.all([...ROLES, "conditional", "starter", "stranger"].map((name) => issuer.caller(name)));
  const withKey: Caller = { name: "API key", headers: [["X-Goog-Api-Key", String(keyString)]], isAdmin: false };
  return {
    callers: [...(await issuer.strangers()), ...named, withKey, admin],
    admin,
    privateNames,
    secret,
    policies: 2,
    apiKeys: 1,
  };
}

/** The caller of a request: an administrator gives no rights away, since then others might rightly read what is private. */
export function callerOf(random: Random, { callers }: Guarded, target: string): Caller {
  const caller = random.pick(callers);
  return caller.isAdmin && /IamPolicy|apiKeys/i.test(decodedText(target))
    ? callers.find(({ name }) => name === "stranger")!
    : caller;
}

function decodedText(target: string): string {
  return target.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
