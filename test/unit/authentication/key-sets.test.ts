import { beforeAll, describe, expect, test } from "vitest";
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
  anIsolate,
  bearer,
} from "./an-issuer";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const claims = { exp: NOW_SECONDS + 86_400 };
const auth = { issuers: [{ issuer: ISSUER, audience: AUDIENCE, jwksUri: JWKS_URI }] };

let first: SigningKey;
let second: SigningKey;

beforeAll(async () => {
  [first, second] = await Promise.all([aSigningKey("1"), aSigningKey("2")]);
});

function publishing(...keys: SigningKey[]) {
  const internet = new AnInternet();
  const publish = (...published: SigningKey[]): void => {
    internet.pages.set(JWKS_URI, { keys: published.map(({ jwk }) => jwk) });
  };
  publish(...keys);
  const isolate = anIsolate({ auth, internet });
  const call = async (key: SigningKey, now = NOW): Promise<string> => {
    const token = await aToken(key, claims);
    return (await isolate.authenticate(bearer(token), { now })).id;
  };
  return { internet, publish, call };
}

const ADA = "principal://issuer.example/subject/ada";

test("KeySets fetches keys once for any number of calls", async () => {
  const { internet, call } = publishing(first);
  await Promise.all([call(first), call(first), call(first)]);
  await call(first, NOW + 9 * MINUTE_MS);

  expect(internet.requests).toEqual([JWKS_URI]);
});

test("KeySets fetches keys again after ten minutes and rejects a key that is no longer published", async () => {
  const { publish, call } = publishing(first);
  await call(first);
  publish(second);

  const error = await rpcErrorOf(() => call(first, NOW + 10 * MINUTE_MS));
  expect(error.reason).toBe("CREDENTIALS_KEY_UNKNOWN");
});

describe("a token that names an unknown key", () => {
  test("is accepted after a rotation, because the keys are fetched once more", async () => {
    const { internet, publish, call } = publishing(first);
    await call(first);
    publish(first, second);

    expect(await call(second, NOW + 30_000)).toBe(ADA);
    expect(internet.requests).toHaveLength(2);
  });

  test("is accepted from every caller at the moment of the rotation", async () => {
    const { internet, publish, call } = publishing(first);
    await call(first);
    publish(first, second);
    const ids = await Promise.all(Array.from({ length: 20 }, () => call(second, NOW + MINUTE_MS)));

    expect(new Set(ids)).toEqual(new Set([ADA]));
    expect(internet.requests).toHaveLength(2);
  });

  test("causes at most one fetch in 30 seconds", async () => {
    const { internet, call } = publishing(first);
    for (let second_ = 0; second_ < 60; second_ += 1) {
      const error = await rpcErrorOf(() => call(second, NOW + second_ * 1_000));
      expect(error.reason).toBe("CREDENTIALS_KEY_UNKNOWN");
    }

    expect(internet.requests).toHaveLength(2);
  });

  test("is UNAVAILABLE if the keys cannot be fetched", async () => {
    const { internet, call } = publishing(first);
    await call(first);
    internet.pages.set(JWKS_URI, new Error("down"));

    expect(await rpcErrorOf(() => call(second, NOW + MINUTE_MS))).toMatchObject({ code: "UNAVAILABLE" });
    expect(await call(first, NOW + MINUTE_MS)).toBe(ADA);
  });
});

test("KeySets tries each key on a token without a key's id", async () => {
  const { internet } = publishing(first, second);
  const isolate = anIsolate({ auth, internet });
  const token = await aToken(second, claims, { kid: undefined } as never);
  const stranger = await aToken(await aSigningKey("3"), claims, { kid: undefined } as never);
  const expired = await aToken(first, { exp: NOW_SECONDS - 3_600 }, { kid: undefined } as never);

  expect((await isolate.authenticate(bearer(token))).id).toBe(ADA);
  const errors = [await rpcErrorOf(() => isolate.authenticate(bearer(stranger)))];
  errors.push(await rpcErrorOf(() => isolate.authenticate(bearer(expired))));
  expect(errors.map(({ reason }) => reason)).toEqual(["CREDENTIALS_SIGNATURE_INVALID", "CREDENTIALS_EXPIRED"]);
});

describe("an issuer that is down", () => {
  test("is UNAVAILABLE, and is called again five seconds later", async () => {
    const { internet, publish, call } = publishing(first);
    internet.pages.set(JWKS_URI, new Error("down"));
    const errors = [await rpcErrorOf(() => call(first)), await rpcErrorOf(() => call(first, NOW + 4_999))];
    publish(first);

    expect(errors).toMatchObject([{ code: "UNAVAILABLE" }, { code: "UNAVAILABLE", headers: { "Retry-After": "5" } }]);
    expect(internet.requests).toHaveLength(1);
    expect(await call(first, NOW + 5_000)).toBe(ADA);
  });

  test("rejects no token of a known key for six hours", async () => {
    const { internet, call } = publishing(first);
    await call(first);
    internet.pages.set(JWKS_URI, new Error("down"));

    expect(await call(first, NOW + 6 * HOUR_MS - 1)).toBe(ADA);
    expect(await rpcErrorOf(() => call(first, NOW + 6 * HOUR_MS + MINUTE_MS))).toMatchObject({ code: "UNAVAILABLE" });
  });
});

test.each<[string, (() => Response) | object]>([
  ["an error", () => new Response("{}", { status: 500 })],
  ["a redirection", () => new Response(null, { status: 302, headers: { Location: "https://evil.example" } })],
  ["no JSON", () => new Response("<html>")],
  ["no object", () => new Response("[]")],
  ["no key set", {}],
  ["too many keys", { keys: Array.from({ length: 101 }, () => ({ kty: "EC" })) }],
  ["too much", () => new Response(`{"keys":[],"padding":"${"x".repeat(300_000)}"}`)],
])("KeySets throws UNAVAILABLE for %s in place of keys", async (_, page) => {
  const { internet, call } = publishing(first);
  internet.pages.set(JWKS_URI, page);

  expect(await rpcErrorOf(() => call(first))).toMatchObject({ code: "UNAVAILABLE" });
});

describe("an issuer without jwksUri", () => {
  const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
  const discovering = (document: object) => {
    const internet = new AnInternet();
    internet.pages.set(DISCOVERY, document);
    internet.pages.set(JWKS_URI, { keys: [first.jwk] });
    const isolate = anIsolate({ auth: { issuers: [{ issuer: ISSUER, audience: AUDIENCE }] }, internet });
    return { internet, isolate };
  };

  test("is found by its OpenID configuration", async () => {
    const { internet, isolate } = discovering({ issuer: ISSUER, jwks_uri: JWKS_URI });

    expect((await isolate.authenticate(bearer(await aToken(first)))).id).toBe(ADA);
    expect(internet.requests).toEqual([DISCOVERY, JWKS_URI]);
  });

  test.each([
    { issuer: "https://evil.example", jwks_uri: JWKS_URI },
    { jwks_uri: JWKS_URI },
    { issuer: ISSUER },
    { issuer: ISSUER, jwks_uri: "http://issuer.example/keys" },
    { issuer: ISSUER, jwks_uri: 7 },
  ])("is UNAVAILABLE if its configuration is %j", async (document) => {
    const { isolate } = discovering(document);
    const token = await aToken(first);

    expect(await rpcErrorOf(() => isolate.authenticate(bearer(token)))).toMatchObject({ code: "UNAVAILABLE" });
  });
});
