import { describe, expect, test } from "vitest";
import { type ApiKeyRecord, hasHash, parseApiKey, type ApiKeyStore } from "../../../src/authentication/api-key";
import { createApiKey, listApiKeys, revokeApiKey } from "../../../src/authentication/api-keys";
import { ANONYMOUS, EVERYONE_MAY, type Principal } from "../../../src/iam/principal";
import { CreateApiKeyRequest } from "../../../src/api/messages/api-keys";
import { decodeMessage } from "../../../src/http/decode-message";
import type { JsonObject } from "../../../src/rpc/any";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";
import { runKeysCommand } from "../../../src/cli/keys";
import { NOW, anApiKey, anIsolate } from "./an-issuer";

const ADMIN: Principal = { id: "principal://issuer.example/subject/root", members: [], grants: [], isAdmin: true };
const USER: Principal = { ...ADMIN, id: "principal://issuer.example/subject/ada", isAdmin: false };
const request = {
  displayName: "CI",
  grants: [{ role: "roles/longrunning.invoker", parent: "projects/p" }],
} satisfies JsonObject;

/** A store in memory. */
function aStore(records: ApiKeyRecord[] = []) {
  const calls: unknown[][] = [];
  const store: ApiKeyStore = {
    get: async (id) => records.find((record) => record.id === id),
    create: async (record) => records.push(record) > 0,
    revoke: async (id, revokeTime) => {
      calls.push(["revoke", id]);
      const index = records.findIndex((record) => record.id === id);
      const record = records[index];
      if (record) records[index] = { ...record, revokeTime };
      return records[index];
    },
    list: async (page) => {
      calls.push(["list", page]);
      return { records, nextCursor: undefined };
    },
  };
  return { store, records, calls };
}

test("CreateApiKey returns the key once and stores its hash only", async () => {
  const { store, records } = aStore();
  const { keyString = "", ...key } = await createApiKey(store, ADMIN, request, NOW);
  const presented = parseApiKey(keyString);

  expect(keyString).toMatch(/^eo_[0-9a-f]{24}_[A-Za-z0-9_-]{43}$/);
  expect(JSON.stringify(records)).not.toContain(presented?.secret);
  expect(hasHash(presented?.secret ?? "", records[0]?.secretHash ?? "")).toBe(true);
  expect(key).toEqual({
    name: `apiKeys/${presented?.id}`,
    ...request,
    createTime: "2026-11-21T12:00:00.000Z",
  });
  expect(JSON.stringify(await listApiKeys(store, ADMIN, { pageSize: undefined, pageToken: undefined }))).not.toMatch(
    /keyString|secretHash/,
  );
});

test.each<[JsonObject, string[]]>([
  [{}, ["grants"]],
  [{ grants: [] }, ["grants"]],
  [{ grants: Array.from({ length: 21 }, () => request.grants[0] ?? null) }, ["grants"]],
  [{ grants: ["roles/longrunning.viewer"] }, ["grants[0]"]],
  [{ grants: [{ role: "roles/owner", parent: "projects/p" }] }, ["grants[0].role"]],
  [{ grants: [{ role: "roles/longrunning.viewer", parent: "projects" }] }, ["grants[0].parent"]],
  [{ grants: [{ role: "roles/longrunning.viewer" }] }, ["grants[0].parent"]],
  [{ grants: [{ role: "roles/longrunning.viewer", parent: "projects/p\u202e" }] }, ["grants[0].parent"]],
  [{ grants: [{ ...request.grants[0], condition: {} }] }, ["grants[0].condition"]],
  [{ ...request, displayName: "x".repeat(64) }, ["displayName"]],
  [{ ...request, expireTime: "2026-11-21T12:00:00Z" }, ["expireTime"]],
  [{ ...request, expireTime: "tomorrow" }, ["expireTime"]],
  [{ ...request, keyString: "mine" }, ["keyString"]],
])("CreateApiKey rejects %j", async (json, fields) => {
  const { store, records } = aStore();
  const error = await rpcErrorOf(async () => createApiKey(store, ADMIN, decodeMessage(CreateApiKeyRequest, json), NOW));

  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(violatedFields(error.details)).toEqual(fields);
  expect(records).toEqual([]);
});

test("CreateApiKey rejects a key beyond the limit of the deployment", async () => {
  const error = await rpcErrorOf(() => createApiKey({ create: async () => false }, ADMIN, request, NOW));

  expect(error).toMatchObject({ code: "FAILED_PRECONDITION", reason: "TOO_MANY_API_KEYS" });
});

describe("the methods of API keys", () => {
  test.each<[Principal, string, string]>([
    [ANONYMOUS, "UNAUTHENTICATED", "CREDENTIALS_MISSING"],
    [USER, "PERMISSION_DENIED", "NOT_AN_ADMINISTRATOR"],
  ])("reject a caller who is not an administrator: %j", async (principal, code, reason) => {
    const { store, calls, records } = aStore();
    const name = `apiKeys/${anApiKey().record.id}`;
    const errors = [
      await rpcErrorOf(() => createApiKey(store, principal, { grants: [] }, NOW)),
      await rpcErrorOf(() => listApiKeys(store, principal, { pageSize: -1, pageToken: undefined })),
      await rpcErrorOf(() => revokeApiKey(store, principal, name, NOW)),
    ];

    for (const error of errors) expect(error).toMatchObject({ code, reason });
    expect([...calls, ...records]).toEqual([]);
  });
});

test("RevokeApiKey returns NOT_FOUND for an unknown key, and calls no object for an impossible name", async () => {
  const { store, calls } = aStore();
  const names = [`apiKeys/${anApiKey().record.id}`, "apiKeys/apiKeys", "apiKeys/../x", ""];
  for (const name of names) {
    expect(await rpcErrorOf(() => revokeApiKey(store, ADMIN, name, NOW))).toMatchObject({ code: "NOT_FOUND" });
  }

  expect(calls).toHaveLength(1);
});

test.each([
  [{ pageSize: -1, pageToken: undefined }, "pageSize"],
  [{ pageSize: 1, pageToken: "made up" }, "pageToken"],
])("ListApiKeys rejects %j", async (page, field) => {
  const error = await rpcErrorOf(() => listApiKeys(aStore().store, ADMIN, page));

  expect(violatedFields(error.details)).toEqual([field]);
});

/** The command against these services, as the HTTP door routes it. */
function aTerminal(store: ApiKeyStore, environment: Record<string, string> = {}) {
  const lines: string[] = [];
  const requests: { method: string; url: string; headers: Headers }[] = [];
  const answer = async (path: string, body: JsonObject): Promise<object> => {
    if (path.endsWith(":revoke")) return revokeApiKey(store, EVERYONE_MAY, path.slice(4, -":revoke".length), NOW);
    if (Object.keys(body).length > 0)
      return createApiKey(store, EVERYONE_MAY, decodeMessage(CreateApiKeyRequest, body), NOW);
    return listApiKeys(store, EVERYONE_MAY, { pageSize: 100, pageToken: "" });
  };
  const run = (...args: string[]): Promise<void> =>
    runKeysCommand(args, {
      environment,
      now: () => NOW,
      print: (line) => void lines.push(line),
      fetch: async (url, init) => {
        requests.push({ method: init.method ?? "GET", url, headers: new Headers(init.headers) });
        const body = typeof init.body === "string" ? (JSON.parse(init.body) as JsonObject) : {};
        return Response.json(await answer(new URL(url).pathname, body));
      },
    });
  return { run, lines, requests };
}

describe("npm run keys", () => {
  test("creates, lists and revokes keys", async () => {
    const { store } = aStore();
    const { run, lines, requests } = aTerminal(store, { EDGE_OPERATIONS_TOKEN: "t" });
    await run("create", "--name", "CI", "--grant", "roles/longrunning.viewer@projects/p", "--expires", "90d");
    const [, id = ""] = /^apiKeys\/([0-9a-f]{24}) is created/.exec(lines[0] ?? "") ?? [];
    await run("list");
    await run("revoke", `apiKeys/${id}`);
    await run("list", "--url", "https://api.example/");

    expect(lines[1]).toMatch(new RegExp(`^eo_${id}_`));
    expect(lines[2]).toBe(`apiKeys/${id}\texpires 2027-02-19T12:00:00.000Z\troles/longrunning.viewer@projects/p\tCI`);
    expect(lines[4]).toMatch(/\trevoked 2026-11-21T12:00:00.000Z\t/);
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST http://127.0.0.1:8787/v1/apiKeys",
      "GET http://127.0.0.1:8787/v1/apiKeys?pageSize=100&pageToken=",
      `POST http://127.0.0.1:8787/v1/apiKeys/${id}:revoke`,
      "GET https://api.example/v1/apiKeys?pageSize=100&pageToken=",
    ]);
    expect(requests[0]?.headers.get("Authorization")).toBe("Bearer t");
  });

  test("makes an administrator's key that works with the printed configuration", async () => {
    const { run, lines } = aTerminal(aStore().store);
    await run("admin-key");
    const isolate = anIsolate({ auth: `{${lines[1] ?? ""}}` });

    expect(await isolate.authenticate({ "x-goog-api-key": lines[0] ?? "" })).toMatchObject({ isAdmin: true });
  });

  test.each([
    [],
    ["destroy"],
    ["revoke"],
    ["revoke", "apiKeys/../x"],
    ["create", "--grant", "roles/longrunning.viewer"],
    ["list", "--url", "http://api.example"],
    ["list", "--unknown"],
  ])("rejects %s %s %s", async (...args) => {
    const { run, requests } = aTerminal(aStore().store);

    await expect(run(...args)).rejects.toThrow(Error);
    expect(requests).toEqual([]);
  });
});
