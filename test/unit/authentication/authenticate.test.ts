// api.md, section 6: "Credentials: Authorization: Bearer <JWT> checked against configured issuers (signature by JWKS, iss,
// aud, exp, nbf), or an API key".
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { exportSPKI, importJWK } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { ANONYMOUS, EVERYONE_MAY } from "../../../src/iam/principal";
import { errorResponse } from "../../../src/http/error-response";
import { rpcErrorOf } from "../../support/an-rpc-error";
import {
  AUDIENCE,
  AnInternet,
  ISSUER,
  JWKS_URI,
  NOW,
  NOW_SECONDS,
  type SigningKey,
  aSigningKey,
  aToken,
  anApiKey,
  anIsolate,
  bearer,
} from "./an-issuer";

const issuer = { issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS_URI, members: { domains: ["example.com"] } };
const ACCESS = "https://team.cloudflareaccess.com";
const access = {
  issuer: ACCESS,
  audience: "access-tag",
  jwksUri: `${ACCESS}/cdn-cgi/access/certs`,
  header: "Cf-Access-Jwt-Assertion",
  members: { emailVerified: true, serviceAccount: "common_name", domains: ["example.com"] },
};
const auth = { issuers: [issuer, access], apiKeys: true };

let es256: SigningKey;
let rs256: SigningKey;
let edDsa: SigningKey;
let stranger: SigningKey;
let accessKey: SigningKey;
const internet = new AnInternet();
const logged: unknown[][] = [];

beforeAll(async () => {
  [es256, rs256, edDsa, stranger, accessKey] = await Promise.all([
    aSigningKey("es"),
    aSigningKey("rs", "RS256"),
    aSigningKey("ed", "EdDSA"),
    aSigningKey("es"),
    aSigningKey("access", "RS256"),
  ]);
  internet.pages.set(JWKS_URI, { keys: [es256.jwk, rs256.jwk, edDsa.jwk] });
  internet.pages.set(access.jwksUri, { keys: [accessKey.jwk] });
});

beforeEach(() => {
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...values) => void logged.push(values));
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  logged.length = 0;
});

/** The error, after it was made sure that neither it, nor its answer, nor the log holds any of the secrets. */
async function refusalOf(act: () => Promise<unknown>, secrets: readonly string[]) {
  const error = await rpcErrorOf(act);
  const answer = errorResponse(error, { domain: "api.example", requestId: "1" });
  const seen = [
    await answer.text(),
    JSON.stringify([...answer.headers]),
    String(error.stack),
    JSON.stringify(error.cause ?? ""),
    JSON.stringify(logged),
  ].join("\n");
  for (const secret of secrets) expect(seen).not.toContain(secret);
  return { error, answer };
}

describe("authenticate › a call without credentials", () => {
  test("has every right in an open deployment, whatever credentials it sends", async () => {
    expect(await anIsolate({ auth: "open" }).authenticate(bearer("nonsense"))).toEqual(EVERYONE_MAY);
  });

  test("is rejected by a deployment without a configuration", async () => {
    const error = await rpcErrorOf(() => anIsolate({ auth: undefined }).authenticate());

    expect(error).toMatchObject({ code: "PERMISSION_DENIED", reason: "AUTHENTICATION_NOT_CONFIGURED" });
  });

  test("is anonymous", async () => {
    expect(await anIsolate({ auth, internet }).authenticate()).toEqual(ANONYMOUS);
  });
});

describe("a good token", () => {
  test.each(["es", "rs", "ed"])("is accepted if it is signed with the key %s", async (kid) => {
    const key = [es256, rs256, edDsa].find((each) => each.kid === kid) ?? es256;

    expect(await anIsolate({ auth, internet }).authenticate(bearer(await aToken(key)))).toEqual({
      id: "principal://issuer.example/subject/ada",
      members: ["principal://issuer.example/subject/ada", "allAuthenticatedUsers", "allUsers"],
      grants: [],
      isAdmin: false,
      // A minute for clocks that differ.
      expireTime: (NOW_SECONDS + 660) * 1_000,
    });
  });

  test.each(["access_token", "$access_token", "oauth_token"])("is accepted from the parameter %s", async (name) => {
    const token = await aToken(es256);
    const principal = await anIsolate({ auth, internet }).authenticate({}, { query: `?${name}=${token}` });

    expect(principal.id).toBe("principal://issuer.example/subject/ada");
  });

  test("may be sent twice, by header and by parameter", async () => {
    const token = await aToken(es256);
    const principal = await anIsolate({ auth, internet }).authenticate(bearer(token), {
      query: `?access_token=${token}`,
    });

    expect(principal.id).toBe("principal://issuer.example/subject/ada");
  });

  test("may name several audiences, and may come from a clock that is a little off", async () => {
    const claims = { aud: ["other", AUDIENCE], exp: NOW_SECONDS - 59, nbf: NOW_SECONDS + 59 };
    const principal = await anIsolate({ auth, internet }).authenticate(bearer(await aToken(es256, claims)));

    expect(principal.id).toBe("principal://issuer.example/subject/ada");
  });

  test("makes a member of ADMINS an administrator", async () => {
    const isolate = anIsolate({ auth, internet, admins: "user:root@example.com, user:Ada@Example.com" });
    const token = await aToken(es256, { email: "ADA@example.com", email_verified: true });

    expect(await isolate.authenticate(bearer(token))).toMatchObject({ isAdmin: true });
  });

  test("makes no administrator of an address that is not verified", async () => {
    const isolate = anIsolate({ auth, internet, admins: "user:ada@example.com" });
    const principals = await Promise.all(
      [{}, { email_verified: false }, { email_verified: "false" }, { email_verified: 1 }].map(async (claims) =>
        isolate.authenticate(bearer(await aToken(es256, { email: "ada@example.com", ...claims }))),
      ),
    );

    expect(principals.map(({ isAdmin }) => isAdmin)).toEqual([false, false, false, false]);
  });
});

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** A token put together by hand. */
function rawToken(header: object, claims: object, sign: (input: string) => string = () => ""): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${sign(input)}`;
}

const goodClaims = { iss: ISSUER, aud: AUDIENCE, sub: "ada", exp: NOW_SECONDS + 600 };

const badTokens: [string, string, () => Promise<string> | string][] = [
  ["CREDENTIALS_SIGNATURE_INVALID", "is signed by another's key of the same id", () => aToken(stranger)],
  [
    "CREDENTIALS_SIGNATURE_INVALID",
    "has other claims than were signed",
    async () => {
      const [header = "", , signature = ""] = (await aToken(es256)).split(".");
      const claims = Buffer.from(JSON.stringify({ ...goodClaims, sub: "root" })).toString("base64url");
      return [header, claims, signature].join(".");
    },
  ],
  ["CREDENTIALS_KEY_UNKNOWN", "names a key that is not published", () => aToken({ ...stranger, kid: "unknown" })],
  ["CREDENTIALS_KEY_UNKNOWN", "names a key of another algorithm", () => aToken({ ...rs256, kid: "es" })],
  ["CREDENTIALS_EXPIRED", "has expired", () => aToken(es256, { exp: NOW_SECONDS - 61 })],
  ["CREDENTIALS_NOT_YET_VALID", "is not valid yet", () => aToken(es256, { nbf: NOW_SECONDS + 61 })],
  ["CREDENTIALS_AUDIENCE_INVALID", "is for another audience", () => aToken(es256, { aud: "other" })],
  ["CREDENTIALS_AUDIENCE_INVALID", "is for no audience", () => aToken(es256, { aud: [] })],
  ["CREDENTIALS_ISSUER_UNKNOWN", "is another issuer's", () => aToken(es256, { iss: "https://evil.example" })],
  ["CREDENTIALS_ISSUER_UNKNOWN", "is of the issuer with a slash", () => aToken(es256, { iss: `${ISSUER}/` })],
  ["CREDENTIALS_ISSUER_UNKNOWN", "has no issuer", () => aToken(es256, { iss: undefined } as never)],
  ["CREDENTIALS_CLAIM_INVALID", "never expires", () => aToken(es256, { exp: undefined } as never)],
  ["CREDENTIALS_CLAIM_INVALID", "expires at a text", () => aToken(es256, { exp: "2027" } as never)],
  ["CREDENTIALS_CLAIM_INVALID", "has no audience", () => aToken(es256, { aud: undefined } as never)],
  ["CREDENTIALS_CLAIM_INVALID", "has no subject", () => aToken(es256, { sub: undefined } as never)],
  ["CREDENTIALS_CLAIM_INVALID", "has an empty subject", () => aToken(es256, { sub: "" })],
  ["CREDENTIALS_CLAIM_INVALID", "has a subject that is no text", () => aToken(es256, { sub: 7 } as never)],
  ["CREDENTIALS_ALGORITHM_UNSUPPORTED", "is not signed (alg none)", () => rawToken({ alg: "none" }, goodClaims)],
  ["CREDENTIALS_ALGORITHM_UNSUPPORTED", "is not signed (alg None)", () => rawToken({ alg: "None" }, goodClaims)],
  [
    "CREDENTIALS_ALGORITHM_UNSUPPORTED",
    "is signed with the public key as a shared secret",
    async () => {
      const pem = await exportSPKI((await importJWK(rs256.jwk, "RS256")) as CryptoKey);
      return rawToken({ alg: "HS256", kid: "rs" }, goodClaims, (input) =>
        createHmac("sha256", pem).update(input).digest("base64url"),
      );
    },
  ],
  [
    "CREDENTIALS_ALGORITHM_UNSUPPORTED",
    "is signed with an algorithm that is not configured",
    async () => aToken(await aSigningKey("es", "ES384")),
  ],
  ["CREDENTIALS_TYPE_UNSUPPORTED", "is a logout token", () => aToken(es256, {}, { typ: "logout+jwt" })],
  [
    "CREDENTIALS_TYPE_UNSUPPORTED",
    "is bound to a key that nobody has proved to have",
    () => aToken(es256, { cnf: { jkt: "thumbprint" } }),
  ],
  ["CREDENTIALS_TOO_LARGE", "is huge", () => aToken(es256, { padding: "x".repeat(20_000) })],
  ["CREDENTIALS_MALFORMED", "is no token", () => "c2VjcmV0LXNlY3JldC1zZWNyZXQ"],
  ["CREDENTIALS_MALFORMED", "is encrypted", () => "c2VjcmV0MQ.c2VjcmV0Mg.c2VjcmV0Mw.c2VjcmV0NA.c2VjcmV0NQ"],
  ["CREDENTIALS_MALFORMED", "has claims that are no object", () => rawToken({ alg: "ES256" }, ["secret-list"])],
];

describe("a bad token", () => {
  test.each(badTokens)("is rejected with %s if it %s", async (reason, _, make) => {
    const token = await make();
    const isolate = anIsolate({ auth, internet });
    const parts = token.split(".").filter(({ length }) => length > 8);
    const { error, answer } = await refusalOf(() => isolate.authenticate(bearer(token)), [token, ...parts]);

    expect(error).toMatchObject({ code: "UNAUTHENTICATED", reason });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="operations", error="invalid_token", /);
  });

  test.each([
    ["AUTHORIZATION_SCHEME_UNSUPPORTED", { Authorization: "Basic c2VjcmV0OnNlY3JldA==" }, ""],
    ["AUTHORIZATION_SCHEME_UNSUPPORTED", { Authorization: "c2VjcmV0OnNlY3JldA==" }, ""],
    ["CREDENTIALS_MALFORMED", { Authorization: "Bearer" }, ""],
    ["CREDENTIALS_MALFORMED", { Authorization: "Bearer c2VjcmV0 OnNlY3JldA" }, ""],
    ["CREDENTIALS_AMBIGUOUS", { Authorization: "Bearer c2VjcmV0OnNlY3JldA" }, "?access_token=c2VjcmV0LTI"],
    ["CREDENTIALS_AMBIGUOUS", {}, "?access_token=c2VjcmV0LTI&access_token=c2VjcmV0LTM"],
    ["CREDENTIALS_AMBIGUOUS", { "x-goog-api-key": "c2VjcmV0" }, "?key=c2VjcmV0LTI"],
    ["API_KEY_INVALID", {}, "?$key=c2VjcmV0LTI"],
  ])("is answered with %s: %j %s", async (reason, headers, query) => {
    const isolate = anIsolate({ auth, internet });
    const { error, answer } = await refusalOf(() => isolate.authenticate(headers, { query }), ["c2VjcmV0"]);

    expect(error.reason).toBe(reason);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
  });
});

describe("an empty credential", () => {
  test.each([
    [{}, "?key="],
    [{}, "?$key=&key="],
    [{}, "?access_token="],
    [{}, "?oauth_token=&access_token="],
    [{ "x-goog-api-key": "" }, ""],
    [{ Authorization: "" }, ""],
    [{ "cf-access-jwt-assertion": "" }, ""],
  ])("rejects %j %s", async (headers, query) => {
    expect(await anIsolate({ auth, internet }).authenticate(headers, { query })).toEqual(ANONYMOUS);
  });

  test.each([
    [{}, "?key="],
    [{}, "?access_token="],
    [{ "x-goog-api-key": "" }, "?$key="],
  ])("changes nothing beside a good one: %j %s", async (headers, query) => {
    const principal = await anIsolate({ auth, internet }).authenticate(
      { ...headers, ...bearer(await aToken(es256)) },
      { query },
    );

    expect(principal.id).toContain(new URL(ISSUER).hostname);
  });
});

describe("an assertion of a proxy (Cloudflare Access)", () => {
  const claims = { iss: ACCESS, aud: ["access-tag"], email: "Ada@example.com" };

  test("makes the caller a member by the address that the proxy vouches for", async () => {
    const token = await aToken(accessKey, claims);
    const principal = await anIsolate({ auth, internet }).authenticate({ "cf-access-jwt-assertion": token });

    expect(principal).toMatchObject({ id: "principal://team.cloudflareaccess.com/subject/ada" });
    expect(principal.members).toContain("user:ada@example.com");
  });

  test("makes a service account of a service token", async () => {
    const token = await aToken(accessKey, { iss: ACCESS, aud: "access-tag", sub: "", common_name: "abc.access" });
    const principal = await anIsolate({ auth, internet }).authenticate({ "cf-access-jwt-assertion": token });

    expect(principal).toMatchObject({ id: "principal://team.cloudflareaccess.com/serviceAccount/abc.access" });
    expect(principal.members).toContain("serviceAccount:abc.access@team.cloudflareaccess.com");
  });

  test("is rejected if another issuer signed it", async () => {
    const token = await aToken(es256);
    const isolate = anIsolate({ auth, internet });
    const { error } = await refusalOf(() => isolate.authenticate({ "cf-access-jwt-assertion": token }), [token]);

    expect(error.reason).toBe("CREDENTIALS_ISSUER_UNKNOWN");
  });

  test("is rejected if it is meant for another application", async () => {
    const token = await aToken(accessKey, { ...claims, aud: ["another-tag"] });
    const isolate = anIsolate({ auth, internet });
    const { error } = await refusalOf(() => isolate.authenticate({ "cf-access-jwt-assertion": token }), [token]);

    expect(error.reason).toBe("CREDENTIALS_AUDIENCE_INVALID");
  });

  test("is ignored if no issuer is configured for it", async () => {
    const isolate = anIsolate({ auth: { issuers: [issuer] }, internet });

    expect(await isolate.authenticate({ "cf-access-jwt-assertion": "nonsense" })).toEqual(ANONYMOUS);
  });
});

describe("an API key", () => {
  const good = anApiKey();

  test.each([
    ["x-goog-api-key", { "x-goog-api-key": good.text }, ""],
    ["key", {}, `?key=${good.text}`],
    ["$key", {}, `?$key=${good.text}`],
  ])("is accepted from %s, with the rights that it was made with", async (_, headers, query) => {
    const isolate = anIsolate({ auth, internet, records: [good.record] });
    const principal = await isolate.authenticate(headers, { query });

    const id = `principal://apikeys/${good.record.id}`;
    expect(principal).toEqual({ id, members: [id, "allUsers"], grants: good.record.grants, isAdmin: false });
  });

  const revoked = anApiKey({ revokeTime: NOW - 1 });
  const expired = anApiKey({ expireTime: NOW });
  const unknown = anApiKey();
  const otherSecret = good.text.slice(0, -43) + unknown.text.slice(-43);
  test.each([
    ["API_KEY_REVOKED", "was revoked", revoked.text],
    ["API_KEY_EXPIRED", "has expired", expired.text],
    ["API_KEY_INVALID", "is unknown", unknown.text],
    ["API_KEY_INVALID", "has another's secret", otherSecret],
    ["API_KEY_INVALID", "is cut short", good.text.slice(0, -1)],
    ["API_KEY_INVALID", "is malformed", "eo_../../operations_secretsecret"],
    [
      "API_KEY_INVALID",
      "belongs to an administrator, and no administrator's key is configured",
      `eo_admin_${good.text.slice(-43)}`,
    ],
  ])("is rejected with %s if it %s", async (reason, _, text) => {
    const isolate = anIsolate({ auth, internet, records: [good.record, revoked.record, expired.record] });
    const secrets = [text, text.slice(-43)];
    const { error, answer } = await refusalOf(() => isolate.authenticate({ "x-goog-api-key": text }), secrets);

    expect(error.reason).toBe(reason);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="operations"');
  });

  test("calls no object if it is malformed", async () => {
    const isolate = anIsolate({ auth, internet });
    await rpcErrorOf(() => isolate.authenticate({ "x-goog-api-key": `${good.text}x` }));

    expect(isolate.read).toEqual([]);
  });

  test("is rejected if the deployment accepts no API keys", async () => {
    const isolate = anIsolate({ auth: { issuers: [issuer] }, internet, records: [good.record] });
    const { error } = await refusalOf(() => isolate.authenticate({ "x-goog-api-key": good.text }), [good.text]);

    expect(error.reason).toBe("API_KEY_INVALID");
    expect(isolate.read).toEqual([]);
  });

  test("is read again after 30 seconds, so a revocation takes effect", async () => {
    const isolate = anIsolate({ auth, internet, records: [good.record] });
    await isolate.authenticate({ "x-goog-api-key": good.text });
    isolate.byId.set(good.record.id, { ...good.record, revokeTime: NOW + 1 });
    await isolate.authenticate({ "x-goog-api-key": good.text }, { now: NOW + 29_999 });
    const error = await rpcErrorOf(() => isolate.authenticate({ "x-goog-api-key": good.text }, { now: NOW + 30_000 }));

    expect(error.reason).toBe("API_KEY_REVOKED");
    expect(isolate.read).toEqual([good.record.id, good.record.id]);
  });

  test("expires at its time, cached or not", async () => {
    const { text, record } = anApiKey({ expireTime: NOW + 1_000 });
    const isolate = anIsolate({ auth, internet, records: [record] });
    await isolate.authenticate({ "x-goog-api-key": text });
    const error = await rpcErrorOf(() => isolate.authenticate({ "x-goog-api-key": text }, { now: NOW + 1_000 }));

    expect(error.reason).toBe("API_KEY_EXPIRED");
  });
});

describe("an administrator's key", () => {
  const { record, text } = anApiKey();
  const adminKey = `eo_admin_${text.slice(-43)}`;
  const adminAuth = { apiKeys: { adminKeyHashes: [record.secretHash] } };

  test("makes the caller an administrator", async () => {
    const principal = await anIsolate({ auth: adminAuth }).authenticate({ "x-goog-api-key": adminKey });

    expect(principal).toMatchObject({ id: "principal://apikeys/admin", isAdmin: true });
  });

  test("is rejected if its hash is not configured", async () => {
    const other = `eo_admin_${anApiKey().text.slice(-43)}`;
    const isolate = anIsolate({ auth: adminAuth });
    const { error } = await refusalOf(() => isolate.authenticate({ "x-goog-api-key": other }), [other]);

    expect(error.reason).toBe("API_KEY_INVALID");
  });
});

function anAssertion(): Promise<string> {
  return aToken(accessKey, { iss: ACCESS, aud: "access-tag", sub: "proxied" });
}

describe("several credentials in one request", () => {
  const key = anApiKey();

  test("identify the bearer token's caller, without the key's grants", async () => {
    const isolate = anIsolate({ auth, internet, records: [key.record] });
    const headers = { ...bearer(await aToken(es256)), "x-goog-api-key": key.text };

    expect(await isolate.authenticate(headers)).toMatchObject({
      id: "principal://issuer.example/subject/ada",
      grants: [],
    });
  });

  test("identify the API key's caller before the proxy's", async () => {
    const isolate = anIsolate({ auth, internet, records: [key.record] });
    const headers = { "x-goog-api-key": key.text, "cf-access-jwt-assertion": await anAssertion() };

    expect(await isolate.authenticate(headers)).toMatchObject({ id: `principal://apikeys/${key.record.id}` });
  });

  test("are rejected if one of them is bad", async () => {
    const isolate = anIsolate({ auth, internet });
    const headers = { ...bearer(await aToken(es256)), "x-goog-api-key": key.text };
    const { error } = await refusalOf(() => isolate.authenticate(headers), Object.values(headers));

    expect(error.reason).toBe("API_KEY_INVALID");
  });
});
