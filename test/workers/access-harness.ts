// A guarded deployment: an issuer whose keys an intercepted fetch returns, callers with every kind of credential,
// counted calls of objects, and a check of everything that is logged or answered.
import { createExecutionContext, createMessageBatch, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT, base64url, exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, beforeEach, expect, vi } from "vitest";
import { type Env, type Method, type OperationsOptions, operations } from "../../src/index";
import { formatApiKey, hashOfSecret, newApiKey } from "../../src/authentication/api-key";
import type { Json, JsonObject } from "../../src/rpc/any";

export const ISSUER = "https://issuer.example";
export const AUDIENCE = "operations";
const JWKS_URI = `${ISSUER}/keys`;
const adminKey = { id: "admin", secret: newApiKey().secret };

export const AUTH = {
  issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS_URI, members: { group: "groups" } }],
  apiKeys: { adminKeyHashes: [hashOfSecret(adminKey.secret)] },
};

const KEY_ID = "key-1";
const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
const { privateKey: foreignKey } = await generateKeyPair("ES256");
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: "ES256", use: "sig" }] };

// ── Nothing secret is logged or answered ────────────────────────────────────────────────────────────────────────────

const secrets = new Set<string>([
  JSON.stringify(AUTH),
  formatApiKey(adminKey),
  adminKey.secret,
  hashOfSecret(adminKey.secret),
]);
const seen: string[] = [];
/** The lines logged since the test began. */
export const logged: unknown[] = [];

/** The parts of a token or key that must appear nowhere: all of it, and the secret part. */
export function keepSecret(credential: string): string {
  secrets.add(credential);
  const proof = credential.split(/[._]/).at(-1) ?? "";
  if (proof.length >= 16) secrets.add(proof);
  return credential;
}

/** Watches the console and the answers of a whole file, and serves the issuer's keys. */
export function useGuardedWorld(): void {
  beforeAll(() => {
    for (const level of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, level).mockImplementation((...line: unknown[]) => {
        logged.push(line.length === 1 ? line[0] : line);
        seen.push(line.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" "));
      });
    }
    vi.stubGlobal("fetch", async (input: RequestInfo | URL) => {
      const url = input instanceof Request ? input.url : String(input);
      return url === JWKS_URI ? Response.json(jwks) : new Response(null, { status: 404 });
    });
  });
  beforeEach(() => {
    logged.length = 0;
  });
  afterAll(() => {
    const shown = seen.join("\n");
    const leaked = [...secrets].filter((secret) => shown.includes(secret));
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    // A run that saw nothing proves nothing.
    expect(seen.length).toBeGreaterThan(0);
    expect(leaked).toEqual([]);
  });
}

// ── Credentials ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** The headers that carry a credential. */
export type Credential = Readonly<Record<string, string>>;

export const noCredential: Credential = {};

export interface TokenOptions {
  key?: CryptoKey;
  audience?: string;
  /** In seconds from now. */
  expiresIn?: number;
  claims?: JsonObject;
}

/** A token of `{name}@example.com`. */
export async function tokenOf(name: string, options: TokenOptions = {}): Promise<string> {
  const { key = privateKey, audience = AUDIENCE, expiresIn = 3_600, claims = {} } = options;
  const now = Math.floor(Date.now() / 1_000);
  const token = await new SignJWT({ email: emailOf(name), email_verified: true, ...claims })
    .setProtectedHeader({ alg: "ES256", kid: KEY_ID, typ: "JWT" })
    .setIssuer(ISSUER)
    .setSubject(name)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + expiresIn)
    .sign(key);
  return keepSecret(token);
}

export function bearer(token: string): Credential {
  return { Authorization: `Bearer ${token}` };
}

export async function userOf(name: string, options: TokenOptions = {}): Promise<Credential> {
  return bearer(await tokenOf(name, options));
}

export function emailOf(name: string): string {
  return `${name}@example.com`;
}

export function memberOf(name: string): string {
  return `user:${emailOf(name)}`;
}

export const forgedBy = (name: string): Promise<Credential> => userOf(name, { key: foreignKey });

/** `alg: none`: whoever writes it, says who he is. */
export function unsignedOf(name: string): Credential {
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const claims = { iss: ISSUER, aud: AUDIENCE, sub: name, email: emailOf(name), email_verified: true, exp };
  const parts = [{ alg: "none", typ: "JWT" }, claims].map((part) => base64url.encode(JSON.stringify(part)));
  return bearer(keepSecret(`${parts.join(".")}.`));
}

export const adminKeyCredential: Credential = { "x-goog-api-key": formatApiKey(adminKey) };

// ── The deployment ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: JsonObject;
  /** `reason` of an error's ErrorInfo. */
  reason: string | undefined;
  /** `@type`s of an error's details, without their prefix. */
  details: string[];
}

/** One object call: `OPERATIONS.get`, `POLICIES.fetch`. */
export type ObjectCall = string;

export interface Guarded {
  call(
    this: void,
    credential: Credential,
    method: string,
    path: string,
    body?: Json,
    headers?: Credential,
  ): Promise<Answer>;
  /** By an administrator's key; throws where that is refused. */
  asAdmin(this: void, method: string, path: string, body?: Json): Promise<JsonObject>;
  /** Binds roles to members on a resource, and nothing else. */
  bind(this: void, resource: string, bindings: Json): Promise<JsonObject>;
  /** A new API key with these grants. */
  apiKey(this: void, grants: Json): Promise<{ name: string; credential: Credential }>;
  /** Delivers an operation's queue message to the consumer, and waits for its work. */
  deliver(this: void, name: string): Promise<void>;
  /** The calls that reached objects since it was last asked. */
  objectCalls(this: void): ObjectCall[];
  worker: ReturnType<typeof operations>;
  environment: Env;
}

export const ADMIN = "root";

export function aGuardedDeployment(
  options: Partial<OperationsOptions> & { methods: readonly Method[] },
  variables: { [Name in keyof Env]?: Env[Name] | undefined } = {},
): Guarded {
  const worker = operations({ locations: [{ locationId: "here" }], ...options });
  const calls: ObjectCall[] = [];
  const environment: Env = {
    ...env,
    AUTH,
    ADMINS: memberOf(ADMIN),
    ...variables,
    OPERATIONS: counted("OPERATIONS", env.OPERATIONS, calls),
    POLICIES: counted("POLICIES", env.POLICIES, calls),
    INDEX: counted("INDEX", env.INDEX, calls),
    REQUESTS: counted("REQUESTS", env.REQUESTS!, calls),
    KEYS: counted("KEYS", env.KEYS, calls),
    SLOTS: counted("SLOTS", env.SLOTS, calls),
  } as Env;

  async function call(
    credential: Credential,
    method: string,
    path: string,
    body?: Json,
    headers: Credential = {},
  ): Promise<Answer> {
    const request = new Request(`https://operations.example${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...credential, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await answerFrom(await worker.fetch(request, environment));
    // A key's own creation is the one answer that tells it.
    if (answer.json["keyString"] === undefined) seen.push(answer.text, ...answer.headers.values());
    return answer;
  }

  async function asAdmin(method: string, path: string, body?: Json): Promise<JsonObject> {
    const { status, text, json } = await call(adminKeyCredential, method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return json;
  }

  return {
    call,
    asAdmin,
    bind: (resource, bindings) => asAdmin("POST", `/v1/${resource}:setIamPolicy`, { policy: { bindings } }),
    apiKey: async (grants) => {
      const { name, keyString } = await asAdmin("POST", "/v1/apiKeys", { displayName: "a test's", grants });
      const key = keepSecret(keyString as string);
      secrets.add(hashOfSecret(key.split("_").slice(2).join("_")));
      return { name: name as string, credential: { "x-goog-api-key": key } };
    },
    deliver: async (name) => {
      const body = { id: name.split("/").at(-1)! };
      const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body };
      const context = createExecutionContext();
      await worker.queue(createMessageBatch("edge-operations", [message]), environment, context);
      await waitOnExecutionContext(context);
    },
    objectCalls: () => calls.splice(0),
    worker,
    environment,
  };
}

async function answerFrom(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = (text.startsWith("{") ? JSON.parse(text) : {}) as JsonObject;
  const details = ((json["error"] as JsonObject | undefined)?.["details"] ?? []) as JsonObject[];
  const info = details.find((detail) => typeOf(detail) === "ErrorInfo");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json,
    reason: info?.["reason"] as string | undefined,
    details: details.map(typeOf),
  };
}

function typeOf(detail: JsonObject): string {
  return (detail["@type"] as string).replace("type.googleapis.com/google.rpc.", "");
}

/** The namespace, whose stubs write down what is called on them. */
function counted<T extends object>(binding: string, namespace: T, calls: ObjectCall[]): T {
  return new Proxy(namespace, {
    get(target, property) {
      const member = Reflect.get(target, property) as (...parameters: unknown[]) => object;
      if (property !== "get" && property !== "getByName") return member.bind(target);
      return (...parameters: unknown[]) => countedStub(binding, member.apply(target, parameters), calls);
    },
  });
}

function countedStub(binding: string, stub: object, calls: ObjectCall[]): object {
  return new Proxy(stub, {
    get(target, property) {
      if (typeof property === "symbol" || property === "id" || property === "name")
        return Reflect.get(target, property);
      return (...parameters: unknown[]): unknown => {
        calls.push(`${binding}.${property}`);
        return (target as Record<string, (...all: unknown[]) => unknown>)[property]?.(...parameters);
      };
    },
  });
}
