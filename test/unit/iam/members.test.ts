import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMember } from "../../../src/iam/members";

const kelvin = "\u212A"; // lower-cased, it is the letter k

describe("decodeMember", () => {
  test.each([
    ["allUsers", "allUsers"],
    ["allAuthenticatedUsers", "allAuthenticatedUsers"],
    ["user:ada@example.com", "user:ada@example.com"],
    ["user:Ada.Lovelace+x@Example.COM", "user:ada.lovelace+x@example.com"],
    ["serviceAccount:robot@p.iam.example.com", "serviceAccount:robot@p.iam.example.com"],
    ["group:Admins@example.com", "group:admins@example.com"],
    ["domain:Example.com", "domain:example.com"],
    ["domain:xn--bcher-kva.example", "domain:xn--bcher-kva.example"],
    ["principal://issuer.example.com/subject/Ada", "principal://issuer.example.com/subject/Ada"],
    ["principalSet://Id.Example.com/realms/A/group/Ops", "principalSet://id.example.com/realms/A/group/Ops"],
    ["principalSet://id.example.com/group/%2Fops", "principalSet://id.example.com/group/%2Fops"],
    ["principal://Issuer.Example.com:8443/auth0|5f7", "principal://issuer.example.com:8443/auth0|5f7"],
  ])("reads %s as %s", (text, value) => {
    expect(decodeMember(text)).toEqual({ ok: true, value });
  });

  test.each([
    ["", "must be one of allUsers, allAuthenticatedUsers, user:{email}"],
    ["ada", "must be one of"],
    ["ada@example.com", 'needs its kind before it: "user:ada@example.com"'],
    ["allusers", 'is written "allUsers"'],
    ["allUsers:", "must be one of"],
    ["AllAuthenticatedUsers", 'is written "allAuthenticatedUsers"'],
    ["User:ada@example.com", 'is written "user:"'],
    ["serviceaccount:robot@example.com", 'is written "serviceAccount:"'],
    ["user:", 'like "user:ada@example.com"'],
    ["user:ada", "needs an e-mail address"],
    ["user:@example.com", "needs an e-mail address"],
    ["user:ada@", "needs an e-mail address"],
    ["user:ada@localhost", "needs an e-mail address"],
    ["user:ada@example..com", "needs an e-mail address"],
    ["user:ada@bob@example.com", "needs an e-mail address"],
    ["user: ada@example.com", "needs an e-mail address"],
    ["user:ada@example.com\n", "needs an e-mail address"],
    ["user:a da@example.com", "needs an e-mail address"],
    ["user:*@example.com@", "needs an e-mail address"],
    [`user:${kelvin}elly@example.com`, "in ASCII"],
    [`user:${"a".repeat(65)}@example.com`, "needs an e-mail address"],
    ["group:admins", 'like "group:ada@example.com"'],
    ["domain:", "needs a domain"],
    ["domain:com", "needs a domain"],
    ["domain:example.com.", "needs a domain"],
    ["domain:-example.com", "needs a domain"],
    ["domain:bücher.example", "needs a domain"],
    [`domain:${"a".repeat(64)}.com`, "needs a domain"],
    ["principal:issuer/ada", "needs an issuer's host and a subject"],
    ["principal://", "needs an issuer's host and a subject"],
    ["principal://issuer.example.com", "needs an issuer's host and a subject"],
    ["principal://issuer.example.com/", "needs an issuer's host and a subject"],
    ["principal:///ada", "needs an issuer's host and a subject"],
    ["principal://issuer.example.com/ada lovelace", "in visible ASCII"],
    ["principal://issuer.example.com/ådå", "in visible ASCII"],
    ["principalSet://issuer.example.com/attribute/a", "needs an issuer's host and path and a group"],
    ["principalSet://issuer.example.com/group/", "needs an issuer's host and path and a group"],
    ["principalSet://issuer.example.com/group/a/b", "needs an issuer's host and path and a group"],
    ["principalSet://issuer.example.com/subgroup/a", "needs an issuer's host and path and a group"],
    ["deleted:user:ada@example.com?uid=1", "a deleted member cannot be granted anything"],
    ["projectOwner:p", "must be one of"],
    [`user:${"a".repeat(600)}@example.com`, "at most 512 characters"],
  ])("rejects %j", (text, reason) => {
    expect(decodeMember(text)).toEqual({ ok: false, description: expect.stringContaining(reason) as string });
  });

  test("quotes the head of a rejected member only", () => {
    const decoded = decodeMember("x".repeat(100_000));

    expect(decoded.ok ? "" : decoded.description).toHaveLength(120 + 2 + " a member has at most 512 characters".length);
  });

  test("returns its own results unchanged", () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.constantFrom("user", "serviceAccount", "group"), (email, kind) => {
        const once = decodeMember(`${kind}:${email}`);
        fc.pre(once.ok);

        expect(decodeMember(once.value)).toEqual(once);
        expect(decodeMember(`${kind}:${email.toUpperCase()}`)).toEqual(once);
      }),
    );
  });
});
