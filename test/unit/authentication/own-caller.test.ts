// The owner's own `authenticate` function: what it may return, what becomes of its errors, and what it cannot break.
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Authenticate, ownPrincipal } from "../../../src/authentication/own-caller";
import { authenticate } from "../../../src/authentication/authenticate";
import { authenticationConfigFromVariables } from "../../../src/authentication/config";
import { RpcError } from "../../../src/rpc/own-error";
import { rpcErrorOf } from "../../support/an-rpc-error";

const SECRET = "session-secret-4711";
const aRequest = (): Request =>
  new Request("https://api.example/v1/things:make", { method: "POST", body: "{}", headers: { Cookie: SECRET } });

/** A result that JavaScript may return and the types do not allow. */
const answering = (caller: unknown): Authenticate<object> => (() => caller) as unknown as Authenticate<object>;
const principalOf = (caller: unknown) => ownPrincipal(answering(caller), aRequest(), {});

afterEach(() => {
  vi.useRealTimers();
});

describe("authenticate › a caller", () => {
  test("is a member of its own if the function gives an id", async () => {
    expect(await principalOf({ id: "17" })).toEqual({
      id: "principal://app/user/17",
      members: ["principal://app/user/17", "allAuthenticatedUsers", "allUsers"],
      grants: [],
      isAmbient: true,
    });
  });

  test.each<[id: string, principal: string]>([
    ["auth0|5f7c", "principal://app/user/auth0|5f7c"],
    ["a/b,c d", "principal://app/user/a%2Fb%2Cc%20d"],
    ["../subject/ada", "principal://app/user/..%2Fsubject%2Fada"],
    ["users:17", "principal://app/user/users:17"],
    ["user:Ada@Example.com", "user:ada@example.com"],
    ["serviceAccount:ci@example.com", "serviceAccount:ci@example.com"],
    ["principal://login.example.com/subject/ada", "principal://login.example.com/subject/ada"],
  ])("has with the id %s the principal %s", async (id, principal) => {
    expect((await principalOf({ id }))?.id).toBe(principal);
  });

  test("has the members that the function names, in canonical form, each once", async () => {
    const members = ["group:Staff@Example.com", "domain:example.com", "group:staff@example.com"];

    expect((await principalOf({ id: "17", members }))?.members).toEqual([
      "principal://app/user/17",
      "group:staff@example.com",
      "domain:example.com",
      "allAuthenticatedUsers",
      "allUsers",
    ]);
  });

  test("may have credentials that expire and that no browser sends by itself", async () => {
    const expireTime = new Date(Date.now() + 60_000);

    expect(await principalOf({ id: "17", expireTime, isAmbient: false })).toMatchObject({
      isAmbient: false,
      expireTime: expireTime.getTime(),
    });
  });

  test.each([undefined, null])("is anonymous if the function returns %s", async (nothing) => {
    expect(await principalOf(nothing)).toBeUndefined();
    expect(await principalOf(Promise.resolve(nothing))).toBeUndefined();
  });

  test("is rejected from the moment at which its credentials expire", async () => {
    // The clock stands still, so that the call is at that very moment.
    vi.useFakeTimers();

    expect(await rpcErrorOf(() => principalOf({ id: "17", expireTime: new Date(Date.now()) }))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "CREDENTIALS_EXPIRED",
    });
  });
});

describe("authenticate › rejects a result that is no caller:", () => {
  test.each<[mistake: string, caller: unknown, message: string]>([
    ["a text", SECRET, "the answer of authenticate is of the type string; return { id, members }, or undefined"],
    ["false", false, "the answer of authenticate is of the type boolean; return { id, members }, or undefined"],
    ["a list", [], "the answer of authenticate is a list; return { id, members }, or undefined"],
    ["no id", {}, "the caller's id is missing; give a text that no other caller has"],
    ["an empty id", { id: "" }, "the caller's id is empty"],
    ["a number for an id", { id: 17 }, "the caller's id is of the type number; give a text"],
    ["a group for an id", { id: "group:staff@example.com" }, "the caller's id is a member that many callers are"],
    ["everyone for an id", { id: "allUsers" }, "the caller's id is a member that many callers are"],
    [
      "a set for an id",
      { id: "principalSet://a.example/group/b" },
      "the caller's id is a member that many callers are",
    ],
    ["a user without an address", { id: `user:${SECRET}` }, "the caller's id is too long, or is a member of policies"],
    ["a long id", { id: "x".repeat(600) }, "the caller's id is too long"],
    ["half of a surrogate pair", { id: "\ud800" }, "the caller's id is not well-formed Unicode"],
    ["members that are no list", { id: "17", members: "group:a@b.example" }, "members are no list of at most 200"],
    ["too many members", { id: "17", members: Array(201).fill("domain:b.example") }, "members are no list of at most"],
    [
      "a role for a member",
      { id: "17", members: ["domain:b.example", SECRET] },
      "members[1] of the caller is no member",
    ],
    ["a number for a time", { id: "17", expireTime: 1 }, "expireTime is of the type number; give a Date"],
    ["an invalid Date", { id: "17", expireTime: new Date("x") }, "expireTime is an invalid Date; give a Date"],
    ["a text for isAmbient", { id: "17", isAmbient: "no" }, "isAmbient is of the type string; give true or false"],
    ["a near miss", { id: "17", expiresTime: 1 }, 'an unknown field "expiresTime"; did you mean "expireTime"?'],
    ["a whole row", { id: "17", passwordHash: SECRET }, 'unknown field "passwordHash"; it has id, members, expireTime'],
  ])("%s", async (_, caller, message) => {
    const error = await rpcErrorOf(() => principalOf(caller));

    expect(error).toMatchObject({ code: "INTERNAL", reason: "CALLER_INVALID" });
    expect(error.message).toContain("operations({ authenticate }): ");
    expect(error.message).toContain(message);
    expect(JSON.stringify([error.message, error.metadata, error.cause])).not.toContain(SECRET);
  });
});

describe("authenticate › an error of the function", () => {
  const failing = (error: unknown): Authenticate<object> =>
    async function fail() {
      throw error;
    };

  test.each<[what: string, error: unknown, code: string, reason: string]>([
    ["UNAUTHENTICATED", new RpcError("UNAUTHENTICATED", SECRET), "UNAUTHENTICATED", "CREDENTIALS_INVALID"],
    ["PERMISSION_DENIED", new RpcError("PERMISSION_DENIED", SECRET), "UNAUTHENTICATED", "CREDENTIALS_INVALID"],
    ["NOT_FOUND", new RpcError("NOT_FOUND", SECRET), "UNAVAILABLE", "UNAVAILABLE"],
    ["an error of a library", new TypeError(SECRET), "UNAVAILABLE", "UNAVAILABLE"],
    ["a text", SECRET, "UNAVAILABLE", "UNAVAILABLE"],
  ])("%s is answered without its text", async (_, error, code, reason) => {
    const answered = await rpcErrorOf(() => ownPrincipal(failing(error), aRequest(), {}));

    expect(answered).toMatchObject({ code, reason });
    expect(answered.message).not.toContain(SECRET);
    expect(answered.headers[code === "UNAVAILABLE" ? "Retry-After" : "WWW-Authenticate"]).toBeDefined();
  });

  test("is answered in the same way if it is thrown synchronously", async () => {
    const thrower: Authenticate<object> = () => {
      throw new Error(SECRET);
    };

    expect((await rpcErrorOf(() => ownPrincipal(thrower, aRequest(), {}))).code).toBe("UNAVAILABLE");
  });

  test("ends the call if the function never answers", async () => {
    vi.useFakeTimers();
    const asked = rpcErrorOf(() => ownPrincipal(() => new Promise(() => {}), aRequest(), {}));
    await vi.advanceTimersByTimeAsync(10_000);

    expect((await asked).code).toBe("UNAVAILABLE");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("ends the call if the function reads the body, which the method needs", async () => {
    const reading: Authenticate<object> = async (request) => {
      await request.text();
      return { id: "17" };
    };
    const error = await rpcErrorOf(() => ownPrincipal(reading, aRequest(), {}));

    expect(error).toMatchObject({ code: "INTERNAL", reason: "CALLER_INVALID" });
    expect(error.message).toContain("authenticate read the request's body");
    expect(
      await ownPrincipal(async (request) => (await request.clone().text(), { id: "17" }), aRequest(), {}),
    ).toBeDefined();
  });
});

describe("authenticate › beside AUTH", () => {
  const ports = {
    keySets: { keysOf: () => Promise.reject(new Error("no token is looked at")) } as never,
    apiKeys: () => Promise.reject(new Error("no key is looked at")),
  };
  const ask = (AUTH: unknown, caller: unknown, request = aRequest()) =>
    authenticate(
      request,
      authenticationConfigFromVariables({ AUTH, ADMINS: "group:admins@example.com" }),
      { ...ports, own: () => ownPrincipal(answering(caller), request, {}) },
      Date.now(),
    );
  const withToken = (): Request => new Request("https://api.example/", { headers: { Authorization: "Bearer x" } });
  const issuers = { issuers: [{ issuer: "https://issuer.example", audience: "a" }] };

  test.each([["unset", undefined] as const, ["issuers", issuers] as const])(
    "%s: the function's caller is the caller, and other credentials are ignored",
    async (_, AUTH) => {
      expect(await ask(AUTH, { id: "17" }, withToken())).toMatchObject({
        id: "principal://app/user/17",
        isAdmin: false,
      });
    },
  );

  test("unset: a caller whom the function does not name is anonymous", async () => {
    expect(await ask(undefined, undefined)).toMatchObject({ id: "", isAdmin: false });
  });

  test("issuers: a caller whom the function does not name needs credentials of an issuer", async () => {
    expect(await rpcErrorOf(() => ask(issuers, undefined, withToken()))).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await ask(issuers, undefined)).toMatchObject({ id: "" });
  });

  test("open: the caller is known, and has every right", async () => {
    expect(await ask("open", { id: "17" })).toMatchObject({ id: "principal://app/user/17", isAdmin: true });
    expect(await ask("open", undefined)).toMatchObject({ id: "", isAdmin: true });
  });

  test("ADMINS: a caller is an administrator by the members that the function names", async () => {
    expect(await ask(undefined, { id: "17", members: ["group:Admins@example.com"] })).toMatchObject({ isAdmin: true });
  });
});
