import { describe, expect, test } from "vitest";
import { authenticationConfigFromVariables } from "../../../src/authentication/config";
import { type Claims, callerFromClaims } from "../../../src/authentication/principal-from-claims";
import { rpcErrorOf } from "../../support/an-rpc-error";

function callerOf(claims: Claims, members: object = {}, issuer = "https://Issuer.example/realm".toLowerCase()) {
  const config = authenticationConfigFromVariables({ AUTH: { issuers: [{ issuer, audience: "a", members }] } });
  if (config.mode !== "credentials") throw new Error("no credentials are configured");
  const [first] = config.issuers.values();
  if (!first) throw new Error("no issuer is configured");
  return callerFromClaims({ sub: "ada", ...claims }, first);
}

/** The members that the claims make, beside those that every caller of the issuer has. */
function membersOf(claims: Claims, members: object = {}): readonly string[] {
  return callerOf(claims, members).members.slice(1, -2);
}

describe("the principal", () => {
  test.each([
    ["ada", "https://issuer.example", "principal://issuer.example/subject/ada"],
    ["ada", "https://issuer.example/", "principal://issuer.example/subject/ada"],
    ["auth0|0123", "https://issuer.example/realm", "principal://issuer.example/realm/subject/auth0|0123"],
    ["a/b, %2F", "https://issuer.example", "principal://issuer.example/subject/a%2Fb%2C%20%252F"],
    ["ådå😀", "https://issuer.example", "principal://issuer.example/subject/%C3%A5d%C3%A5%F0%9F%98%80"],
  ])("is for the subject %j at %s %s", (sub, issuer, id) => {
    expect(callerOf({ sub }, {}, issuer)).toMatchObject({ id });
  });

  test("differs between issuers", () => {
    const { id } = callerOf({ sub: "b/subject/c" }, {}, "https://issuer.example");

    expect(id).not.toBe(callerOf({ sub: "c" }, {}, "https://issuer.example/subject/b").id);
  });

  test.each(["x".repeat(600), "\ud800"])("is rejected if it has no name", async (sub) => {
    expect(await rpcErrorOf(() => callerOf({ sub }))).toMatchObject({ reason: "CREDENTIALS_CLAIM_INVALID" });
  });
});

describe("members", () => {
  const verified = { email: "Ada@Example.com", email_verified: true };

  test.each<[Claims, object, string[]]>([
    [{}, {}, []],
    [verified, {}, ["user:ada@example.com"]],
    [{ ...verified, email_verified: "true" }, {}, ["user:ada@example.com"]],
    [{ ...verified, email_verified: false }, {}, []],
    [{ email: "ada@example.com" }, {}, []],
    [{ email: "ada@example.com" }, { emailVerified: true }, ["user:ada@example.com"]],
    [{ upn: "ada@example.com", xms: true }, { user: "upn", emailVerified: "xms" }, ["user:ada@example.com"]],
    [verified, { user: false }, []],
    [
      { email: "robot@p.iam.gserviceaccount.com", email_verified: true },
      {},
      ["serviceAccount:robot@p.iam.gserviceaccount.com"],
    ],
    // The Kelvin sign in lower case is a k: another's address.
    [{ email: "\u212Aate@example.com", email_verified: true }, {}, []],
    [{ email: "ada@example.com,root@example.com", email_verified: true }, {}, []],
    [{ email: ["ada@example.com"], email_verified: true }, {}, []],
    [
      { client_id: "robot" },
      { serviceAccount: "client_id" },
      ["principal://issuer.example/realm/serviceAccount/robot", "serviceAccount:robot@issuer.example"],
    ],
    [{ client_id: "r@x.example" }, { serviceAccount: "client_id" }, ["serviceAccount:r@x.example"]],
    [{ groups: ["admins"] }, {}, []],
    [
      { groups: ["admins", "Dev@example.com", 7, "", "no spaces"] },
      { group: "groups" },
      [
        "principalSet://issuer.example/realm/group/admins",
        "principalSet://issuer.example/realm/group/Dev@example.com",
        "principalSet://issuer.example/realm/group/no%20spaces",
        "group:admins@issuer.example",
        "group:dev@example.com",
      ],
    ],
    [
      { groups: "/admins" },
      { group: "groups" },
      ["principalSet://issuer.example/realm/group/%2Fadmins", "group:/admins@issuer.example"],
    ],
    [
      { custom: { groups: ["a@x.example"] } },
      { group: ["custom", "groups"] },
      ["principalSet://issuer.example/realm/group/a@x.example", "group:a@x.example"],
    ],
    [{ hd: "Example.com" }, {}, ["domain:example.com"]],
    [{ hd: "example.com" }, { domain: false }, []],
    [verified, { domain: "email" }, ["user:ada@example.com", "domain:example.com"]],
    [{ email: "ada@example.com" }, { domain: "email" }, []],
    [{ ...verified, hd: "other.example" }, { domains: ["example.com"] }, ["user:ada@example.com"]],
    [{ ...verified, hd: "example.com" }, { domains: ["other.example"] }, []],
    [{ hd: "localhost" }, {}, []],
  ])("are for %j by %j %j", (claims, mapping, members) => {
    expect(membersOf(claims, mapping)).toEqual(members);
  });

  test("never include everyone because of a claim", () => {
    expect(membersOf({ groups: ["allUsers"], hd: "allUsers" }, { group: "groups" })).toEqual([
      "principalSet://issuer.example/realm/group/allUsers",
      "group:allusers@issuer.example",
    ]);
  });
});

describe("several issuers", () => {
  const claims = {
    email: "root@id.example",
    email_verified: true,
    groups: ["operators", "operators@id.example", "b/group/x", "ops@example.com"],
    azp: "robot",
    hd: "id.example",
  };

  function membersAt(issuer: string, issuers: { issuer: string; members?: object }[]): readonly string[] {
    const declared = issuers.map(({ members = {}, ...each }) => ({
      audience: "a",
      ...each,
      members: { group: "groups", serviceAccount: "azp", domains: ["*"], ...members },
    }));
    const config = authenticationConfigFromVariables({ AUTH: { issuers: declared } });
    const found = config.mode === "credentials" ? config.issuers.get(issuer) : undefined;
    if (!found) throw new Error("the issuer is not configured");
    return callerFromClaims({ sub: "ada", ...claims }, found).members.slice(0, -2);
  }

  test.each([
    ["realms of one server", "https://id.example/realms/a", "https://id.example/realms/b"],
    ["ports of one host", "https://id.example", "https://id.example:8443"],
    ["tenants, one nested in the other's path", "https://id.example/a", "https://id.example/a/group/b"],
    ["hosts", "https://id.example", "https://other.example"],
  ])("never share a member by %s, except in domains that both may speak for", (_, one, other) => {
    const issuers = [{ issuer: one }, { issuer: other }];
    const members = membersAt(one, issuers);
    const common = membersAt(other, issuers).filter((member) => members.includes(member));

    expect(common).toEqual(["group:ops@example.com"]);
  });

  test("give a name without an address at the issuer's host if no other issuer is on it", () => {
    const issuers = [{ issuer: "https://id.example", members: { domains: [] } }, { issuer: "https://other.example" }];

    expect(membersAt("https://id.example", issuers)).toContain("group:operators@id.example");
    expect(membersAt("https://other.example", issuers)).toContain("group:operators@other.example");
    expect(membersAt("https://other.example", issuers)).not.toContain("group:operators@id.example");
  });

  test("give no such name if another issuer may speak for the host", () => {
    const issuers = [
      { issuer: "https://id.example", members: { domains: [] } },
      { issuer: "https://other.example", members: { domains: ["id.example"] } },
    ];

    expect(membersAt("https://id.example", issuers)).not.toContain("group:operators@id.example");
    expect(membersAt("https://other.example", issuers)).toContain("group:operators@id.example");
  });
});
