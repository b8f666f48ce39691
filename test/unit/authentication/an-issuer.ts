// Issuers, their keys and tokens, and an Internet in which they publish them.
import {
  type CryptoKey,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
  exportJWK,
  generateKeyPair,
} from "jose";
import { type ApiKeyRecord, formatApiKey, hashOfSecret, newApiKey } from "../../../src/authentication/api-key";
import { authenticate } from "../../../src/authentication/authenticate";
import { authenticationConfigFromVariables } from "../../../src/authentication/config";
import { keySetsOver } from "../../../src/authentication/key-sets";
import { apiKeysOver, newApiKeyCache } from "../../../src/authentication/verify-api-key";

export const ISSUER = "https://issuer.example";
export const JWKS_URI = `${ISSUER}/keys`;
export const AUDIENCE = "operations";
export const NOW = Date.parse("2026-11-21T12:00:00Z");
export const NOW_SECONDS = NOW / 1_000;

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export async function aSigningKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** Claims set to undefined are left out. */
export async function aToken(
  { kid, alg, privateKey }: Pick<SigningKey, "kid" | "alg" | "privateKey">,
  claims: JWTPayload = {},
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const payload = { iss: ISSUER, aud: AUDIENCE, sub: "ada", exp: NOW_SECONDS + 600, ...claims };
  return new SignJWT(payload).setProtectedHeader({ alg, kid, typ: "JWT", ...header }).sign(privateKey);
}

/** The answer of each URL: JSON, or an answer made anew for each request; an Error is an unreachable host. */
export class AnInternet {
  readonly pages = new Map<string, (() => Response) | Error | object>();
  readonly requests: string[] = [];

  fetch = async (url: string): Promise<Response> => {
    this.requests.push(url);
    const page = this.pages.get(url) ?? (() => new Response("not found", { status: 404 }));
    if (page instanceof Error) throw page;
    return typeof page === "function" ? (page as () => Response)() : Response.json(page);
  };
}

export function anApiKey(overrides: Partial<ApiKeyRecord> = {}): { text: string; record: ApiKeyRecord } {
  const key = newApiKey();
  const record: ApiKeyRecord = {
    id: key.id,
    secretHash: hashOfSecret(key.secret),
    displayName: "CI",
    grants: [{ role: "roles/longrunning.invoker", parent: "projects/p" }],
    createTime: NOW - 1_000,
    creator: "principal://issuer.example/subject/root",
    ...overrides,
  };
  return { text: formatApiKey(key), record };
}

export interface Setup {
  auth?: unknown;
  admins?: string;
  internet?: AnInternet;
  records?: readonly ApiKeyRecord[];
}

/** An isolate of a deployment: what it remembers, it remembers from call to call. */
export function anIsolate({ auth, admins = "", internet = new AnInternet(), records = [] }: Setup) {
  const config = authenticationConfigFromVariables({ AUTH: auth, ADMINS: admins });
  const read: string[] = [];
  const byId = new Map(records.map((record) => [record.id, record]));
  const ports = {
    keySets: keySetsOver(internet.fetch),
    apiKeys: apiKeysOver(
      {
        get: async (id) => {
          read.push(id);
          return byId.get(id);
        },
      },
      newApiKeyCache(),
    ),
  };
  return {
    byId,
    /** The ids that were read from the store. */
    read,
    authenticate: (headers: Record<string, string> = {}, { query = "", now = NOW } = {}) =>
      authenticate(new Request(`https://api.example/v1/operations${query}`, { headers }), config, ports, now),
  };
}

export const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
