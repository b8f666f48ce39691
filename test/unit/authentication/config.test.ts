import { describe, expect, test } from "vitest";
import { authenticationConfigFromEnv, authenticationConfigFromVariables } from "../../../src/authentication/config";
import { errorResponse } from "../../../src/http/error-response";
import { rpcErrorOf } from "../../support/an-rpc-error";

const issuer = { issuer: "https://issuer.example", audience: "operations" };
const withIssuer = (fields: object): object => ({ issuers: [{ ...issuer, ...fields }] });

test.each([
  [undefined, { mode: "none", admins: new Set() }],
  ["", { mode: "none", admins: new Set() }],
  ["open", { mode: "open" }],
])("AUTH %j is read as %j", (AUTH, config) => {
  expect(authenticationConfigFromVariables({ AUTH })).toEqual(config);
});

test("an issuer needs a name and an audience at least", () => {
  expect(authenticationConfigFromVariables({ AUTH: JSON.stringify({ issuers: [issuer] }) })).toEqual({
    mode: "credentials",
    issuers: new Map([
      [
        issuer.issuer,
        {
          issuer: issuer.issuer,
          audiences: ["operations"],
          jwksUri: undefined,
          algorithms: ["RS256", "ES256", "EdDSA"],
          header: undefined,
          members: {
            user: ["email"],
            emailVerified: ["email_verified"],
            serviceAccount: undefined,
            group: undefined,
            domain: ["hd"],
            domains: undefined,
          },
          ownHost: "issuer.example",
          foreignHosts: new Set(),
        },
      ],
    ]),
    apiKeys: undefined,
    admins: new Set(),
    clockSkewSeconds: 60,
  });
});

test("AUTH may be a table in place of JSON, and is read once for each environment", () => {
  const env = { AUTH: { apiKeys: true }, ADMINS: "user:Ada@Example.com , domain:example.com" };
  const config = authenticationConfigFromEnv(env);

  expect(config).toMatchObject({ apiKeys: { adminKeyHashes: [] } });
  expect(config).toHaveProperty("admins", new Set(["user:ada@example.com", "domain:example.com"]));
  expect(authenticationConfigFromEnv(env)).toBe(config);
});

describe("a wrong value", () => {
  test.each<[string, unknown]>([
    ["AUTH", "Open"],
    ["AUTH", " open"],
    ["AUTH", "hunter2"],
    ["AUTH", "null"],
    ["AUTH", "[]"],
    ["AUTH", '"open"'],
    ["AUTH", "{"],
    ["AUTH", `{"hunter2":${"[".repeat(20_000)}`],
    ["AUTH", 7],
    ["AUTH", {}],
    ["AUTH", { issuers: [], apiKeys: false }],
    ["AUTH", { issuers: [issuer], hunter2: 1 }],
    ["AUTH.issuers", { issuers: {} }],
    [
      "AUTH.issuers",
      { issuers: Array.from({ length: 21 }, (_, index) => ({ ...issuer, issuer: `https://i${index}.example` })) },
    ],
    ["AUTH.issuers[0]", { issuers: ["hunter2"] }],
    ["AUTH.issuers[0]", withIssuer({ hunter2: "hunter2" })],
    ["AUTH.issuers[0].issuer", withIssuer({ issuer: undefined })],
    ["AUTH.issuers[0].issuer", withIssuer({ issuer: "hunter2" })],
    ["AUTH.issuers[0].issuer", withIssuer({ issuer: "http://hunter2.example" })],
    ["AUTH.issuers[0].issuer", withIssuer({ issuer: "https://hunter2@issuer.example" })],
    ["AUTH.issuers[0].issuer", withIssuer({ issuer: "https://issuer.example/?hunter2" })],
    ["AUTH.issuers[1].issuer", { issuers: [issuer, { ...issuer, issuer: "https://issuer.example/" }] }],
    ["AUTH.issuers[0].audience", withIssuer({ audience: undefined })],
    ["AUTH.issuers[0].audience", withIssuer({ audience: "" })],
    ["AUTH.issuers[0].audience", withIssuer({ audience: [] })],
    ["AUTH.issuers[0].audience", withIssuer({ audience: ["hunter2", 7] })],
    ["AUTH.issuers[0].jwksUri", withIssuer({ jwksUri: "http://hunter2.example/keys" })],
    ["AUTH.issuers[0].algorithms", withIssuer({ algorithms: ["none"] })],
    ["AUTH.issuers[0].algorithms", withIssuer({ algorithms: ["RS256", "HS256"] })],
    ["AUTH.issuers[0].algorithms", withIssuer({ algorithms: [] })],
    ["AUTH.issuers[0].header", withIssuer({ header: "Authorization" })],
    ["AUTH.issuers[0].header", withIssuer({ header: "hunter2: x" })],
    ["AUTH.issuers[0].members", withIssuer({ members: { hunter2: "email" } })],
    ["AUTH.issuers[0].members.user", withIssuer({ members: { user: true } })],
    ["AUTH.issuers[0].members.emailVerified", withIssuer({ members: { emailVerified: false } })],
    ["AUTH.issuers[0].members.group", withIssuer({ members: { group: "" } })],
    ["AUTH.issuers[0].members.domains", withIssuer({ members: { domains: ["hunter2"] } })],
    ["AUTH.apiKeys", { apiKeys: "hunter2" }],
    ["AUTH.apiKeys.adminKeyHashes", { apiKeys: { adminKeyHashes: ["hunter2"] } }],
    ["AUTH.clockSkewSeconds", { apiKeys: true, clockSkewSeconds: 301 }],
    ["AUTH.clockSkewSeconds", { apiKeys: true, clockSkewSeconds: -1 }],
    ["AUTH.clockSkewSeconds", { apiKeys: true, clockSkewSeconds: "60" }],
  ])("is named without its text: %s = %j", async (variable, AUTH) => {
    const error = await rpcErrorOf(() => authenticationConfigFromVariables({ AUTH }));
    const answer = await errorResponse(error, { domain: "api.example", requestId: "1" }).text();

    expect(error).toMatchObject({ code: "INTERNAL", reason: "CONFIGURATION_INVALID", metadata: { variable } });
    expect(error.message).toContain(variable);
    expect(error.cause).toBeUndefined();
    expect(answer).not.toContain("hunter2");
  });

  const one = { ...issuer, members: { domains: ["example.com"] } };
  const realmA = { issuer: "https://id.example/realms/a", audience: "a", members: { group: "groups", domains: [] } };
  const realmB = { ...realmA, issuer: "https://id.example/realms/b" };

  test.each<[string, object[], string]>([
    // Two issuers that could name the same member.
    ["AUTH.issuers[1].members.domains", [one, { issuer: "https://b.example", audience: "b" }], ""],
    ["AUTH.issuers[0].members.domains", [{ ...one, members: {} }, realmA], ""],
    ["AUTH.issuers[0].members.domains", [{ ...realmA, members: { group: "groups", user: false } }, realmB], ""],
    ["ADMINS[0]", [realmA, realmB], "group:operators@id.example"],
    ["ADMINS[1]", [realmA, realmB, one], "user:root@example.com,serviceAccount:robot@id.example"],
    ["ADMINS[0]", [realmA, { ...realmB, issuer: "https://id.example:8443/realms/a" }], "user:ada@id.example"],
  ])("is the member %s that two issuers could name: %j, ADMINS %j", async (variable, issuers, ADMINS) => {
    const error = await rpcErrorOf(() => authenticationConfigFromVariables({ AUTH: { issuers }, ADMINS }));

    expect(error).toMatchObject({ reason: "CONFIGURATION_INVALID", metadata: { variable } });
    // It says what to write instead.
    expect(error.message).toMatch(/\["\*"\] for all|principalSet:\/\/HOST\/PATH\/group\/NAME/);
  });

  test.each<[object[], string]>([
    [[realmA, realmB], "principalSet://id.example/realms/a/group/operators"],
    [[one, { issuer: "https://b.example", audience: "b", members: { domains: ["*"] } }], "user:ada@example.com"],
    [[one, { issuer: "https://b.example", audience: "b", members: { user: false, domain: false } }], ""],
    // Said in so many words: these two are told apart by nothing but the operator's trust in both.
    [[one, { ...one, issuer: "https://b.example" }], "user:ada@example.com"],
  ])("is not found in %j, ADMINS %j", (issuers, ADMINS) => {
    expect(authenticationConfigFromVariables({ AUTH: { issuers }, ADMINS }).mode).toBe("credentials");
  });

  test.each([
    ["ADMINS[0]", "hunter2"],
    ["ADMINS[0]", "hunter2@example.com"],
    ["ADMINS[0]", "allUsers"],
    ["ADMINS[1]", "user:ada@example.com,allAuthenticatedUsers"],
    ["ADMINS[1]", "user:ada@example.com,"],
  ])("is named in ADMINS too: %s of %j", async (variable, ADMINS) => {
    const error = await rpcErrorOf(() => authenticationConfigFromVariables({ AUTH: "open", ADMINS }));

    expect(error).toMatchObject({ reason: "CONFIGURATION_INVALID", metadata: { variable } });
    expect(error.message).not.toContain("hunter2");
  });
});
