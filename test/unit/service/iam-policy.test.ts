import { describe, expect, test } from "vitest";
import { permissions } from "../../../src/iam/permissions";
import { type Policy, emptyPolicy, policyFromBindings } from "../../../src/iam/policy";
import { PolicyCache } from "../../../src/iam/policy-cache";
import { setPolicy } from "../../../src/iam/set-policy";
import { GetIamPolicyRequest, SetIamPolicyRequest, TestIamPermissionsRequest } from "../../../src/api/messages/iam";
import { decodeMessage } from "../../../src/http/decode-message";
import type { Json, JsonObject } from "../../../src/rpc/any";
import {
  type IamService,
  type PolicyStore,
  ancestorPolicies,
  getIamPolicy,
  setIamPolicy,
  testIamPermissions,
} from "../../../src/service/iam-policy";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const VIEWER = "roles/longrunning.viewer";
const ADMIN = "roles/longrunning.admin";
const ada = "user:ada@example.com";
const viewers = { role: VIEWER, members: [ada] } as const;
const expiring = { ...viewers, condition: { expression: "true" } } as const;

function exists(resource: string): boolean {
  return resource !== "operations/gone";
}

/** Policies in memory, of a caller who may do all; `operations/gone` is not there. */
function aService(hasConfiguredAdmins = true) {
  const stored = new Map<string, Policy>();
  const policies: PolicyStore = {
    get: async (resource) => (exists(resource) ? (stored.get(resource) ?? emptyPolicy()) : undefined),
    set: async (resource, request) => {
      if (!exists(resource)) return { ok: false, refusal: "NOT_FOUND" };
      const result = setPolicy(stored.get(resource) ?? emptyPolicy(), request);
      if (result.ok) stored.set(resource, result.policy);
      return result;
    },
    test: async (resource, asked) => (exists(resource) ? asked : []),
  };
  return { iam: { policies, hasConfiguredAdmins } satisfies IamService, stored };
}

interface SetOptions {
  resource?: string;
  updateMask?: Json;
}

/** The fields that are given. */
function given(fields: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] !== undefined));
}

async function get(iam: IamService, resource: string, requestedPolicyVersion: Json) {
  const { options } = decodeMessage(GetIamPolicyRequest, { options: { requestedPolicyVersion } });
  return getIamPolicy(iam, { resource, requestedPolicyVersion: options?.requestedPolicyVersion });
}

async function set(
  iam: IamService,
  policy: Json | undefined,
  { resource = "projects/p", updateMask }: SetOptions = {},
) {
  return setIamPolicy(iam, { ...decodeMessage(SetIamPolicyRequest, given({ policy, updateMask })), resource });
}

async function ask(asked: Json | undefined, resource = "projects/p") {
  const request = decodeMessage(TestIamPermissionsRequest, given({ permissions: asked }));
  return testIamPermissions(aService().iam, { ...request, resource });
}

describe("getIamPolicy", () => {
  // "A resource without a policy has an empty one."
  test.each([
    "operations",
    "operations/1",
    "projects/p",
    "projects/p/locations/l",
    "projects/p/locations/l/operations/1",
  ])("returns for %s an empty policy if none was set", async (resource) => {
    const policy = await getIamPolicy(aService().iam, { resource });

    expect(policy).toEqual({ version: 1, bindings: [], etag: emptyPolicy().etag });
  });

  test("returns conditions at version 3 only", async () => {
    const { iam, stored } = aService();
    stored.set("projects/p", policyFromBindings([expiring], 1));
    const at = (requestedPolicyVersion: Json) => get(iam, "projects/p", requestedPolicyVersion);

    expect(await at(3)).toMatchObject({ version: 3, bindings: [expiring] });
    expect(await at("3")).toMatchObject({ version: 3, bindings: [expiring] });
    expect(await at(1)).toMatchObject({
      version: 1,
      bindings: [{ role: expect.stringContaining("_withcond_") as string }],
    });
  });

  test.each<Json>([2, 4, -1, "x", "", true, {}])("rejects version %j", async (requestedPolicyVersion) => {
    const error = await rpcErrorOf(() => get(aService().iam, "operations", requestedPolicyVersion));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(["options.requestedPolicyVersion"]);
  });

  test("returns NOT_FOUND for a deleted operation", async () => {
    const error = await rpcErrorOf(() => getIamPolicy(aService().iam, { resource: "operations/gone" }));

    expect(error.code).toBe("NOT_FOUND");
  });
});

describe("setIamPolicy", () => {
  test("sets the policy, and returns what getIamPolicy returns afterwards", async () => {
    const { iam } = aService();
    const answer = await set(iam, { bindings: [{ role: VIEWER, members: ["user:Ada@Example.com"] }] });

    expect(answer).toMatchObject({ version: 1, bindings: [viewers] });
    expect(await getIamPolicy(iam, { resource: "projects/p", requestedPolicyVersion: 3 })).toEqual(answer);
  });

  test("accepts a changed policy of getIamPolicy", async () => {
    const { iam } = aService();
    const { etag = null } = await getIamPolicy(iam, { resource: "projects/p", requestedPolicyVersion: 3 });
    const answer = await set(iam, { version: 3, bindings: [expiring as unknown as Json], etag });

    expect(answer).toMatchObject({ version: 3, bindings: [expiring] });
    expect(answer["etag"]).not.toBe(etag);
  });

  test.each<[Json, boolean]>([
    [null, true],
    ["", true],
    ["bindings,etag", true],
    ["bindings", true],
    ["etag, bindings , version", true],
    ["bindings,etag,auditConfigs", true],
    ["auditConfigs,etag", false],
    ["*", true],
    ["etag", false],
    ["version", false],
  ])("sets with the mask %j the bindings: %s", async (updateMask, sets) => {
    const { iam, stored } = aService();
    await set(iam, { bindings: [{ role: VIEWER, members: [ada] }] }, { updateMask });

    expect(stored.get("projects/p")?.bindings).toEqual(sets ? [viewers] : []);
  });

  test.each<[string, Json | undefined, { resource?: string; updateMask?: Json }, string[]]>([
    ["no policy", undefined, {}, ["policy"]],
    ["a null policy", null, {}, ["policy"]],
    ["a policy that is no object", [], {}, ["policy"]],
    ["an unknown field", { binding: [] }, {}, ["policy.binding"]],
    ["an unknown mask path", {}, { updateMask: "bindings,audit" }, ["updateMask"]],
    [
      "an audit configuration",
      { auditConfigs: [{ service: "allServices", auditLogConfigs: [{ logType: "DATA_READ" }] }] },
      { updateMask: "bindings,etag,auditConfigs" },
      ["policy.auditConfigs"],
    ],
    ["a mask path into a binding", {}, { updateMask: "bindings.role" }, ["updateMask"]],
    ["a mask with an empty path", {}, { updateMask: "bindings," }, ["updateMask"]],
    ["a mask that is no string", {}, { updateMask: ["bindings"] }, ["updateMask"]],
    ["a resource too deep for a policy", {}, { resource: "a/1/b/2/c/3/d/4/e/5/f/6/g/7/h/8/i/9" }, ["resource"]],
    [
      "conditions of version 1",
      { version: 1, etag: emptyPolicy().etag, bindings: [expiring as unknown as Json] },
      {},
      ["policy.version"],
    ],
    ["conditions without an etag", { version: 3, bindings: [expiring as unknown as Json] }, {}, ["policy.etag"]],
  ])("rejects %s", async (_, policy, options, fields) => {
    const { iam, stored } = aService();
    const error = await rpcErrorOf(() => set(iam, policy, options));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(fields);
    expect(stored.size).toBe(0);
  });

  test("rejects a stale etag", async () => {
    const { iam } = aService();
    await set(iam, { bindings: [] });
    const error = await rpcErrorOf(() => set(iam, { bindings: [], etag: emptyPolicy().etag }));

    expect(error).toMatchObject({ code: "ABORTED", reason: "ETAG_MISMATCH" });
  });

  test("returns NOT_FOUND for a deleted operation", async () => {
    const error = await rpcErrorOf(() => set(aService().iam, {}, { resource: "operations/gone" }));

    expect(error.code).toBe("NOT_FOUND");
  });

  // "A root policy that leaves no administrator is refused (FAILED_PRECONDITION)." ADMINS are administrators always.
  test("rejects a root policy without an administrator if ADMINS has none either", async () => {
    const { iam } = aService(false);
    const act = () => set(iam, { bindings: [{ role: VIEWER, members: [ada] }] }, { resource: "operations" });

    expect(await rpcErrorOf(act)).toMatchObject({ code: "FAILED_PRECONDITION", reason: "NO_ADMINISTRATOR" });
  });

  test.each<[string, boolean, string, string]>([
    ["the root, without ADMINS, administrators", false, "operations", ADMIN],
    ["the root, with ADMINS, viewers", true, "operations", VIEWER],
    ["a project, without ADMINS, viewers", false, "projects/p", VIEWER],
  ])("stores %s", async (_, hasAdmins, resource, role) => {
    const policy = { bindings: [{ role, members: [ada] }] };

    expect(await set(aService(hasAdmins).iam, policy, { resource })).toMatchObject(policy);
  });
});

describe("testIamPermissions", () => {
  test("returns the caller's permissions of this service, each once, in their order", async () => {
    const asked = ["longrunning.methods.invoke", "storage.objects.get", "longrunning.operations.get"];

    expect(await ask([...asked, ...asked])).toEqual({
      permissions: ["longrunning.methods.invoke", "longrunning.operations.get"],
    });
  });

  test.each<[string, Json | undefined]>([
    ["nothing", undefined],
    ["null", null],
    ["an empty list", []],
    ["permissions of others", ["a.b.c"]],
  ])("returns an empty set for %s", async (_, asked) => {
    expect(await ask(asked)).toEqual({ permissions: [] });
  });

  test("returns an empty set for a resource that does not exist", async () => {
    expect(await ask([...permissions], "operations/gone")).toEqual({ permissions: [] });
  });

  test.each<[Json, string[]]>([
    [["*"], ["permissions[0]"]],
    [["longrunning.operations.get", "longrunning.operations.*"], ["permissions[1]"]],
    [["longrunning.*"], ["permissions[0]"]],
    [
      [1, null],
      ["permissions[0]", "permissions[1]"],
    ],
    ["longrunning.operations.get", ["permissions"]],
    [Array.from({ length: 101 }, () => "a"), ["permissions"]],
  ])("rejects %j", async (asked, fields) => {
    const error = await rpcErrorOf(() => ask(asked));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(fields);
  });
});

describe("the options of GetIamPolicy", () => {
  test.each<Json>([null, {}, { requestedPolicyVersion: 3 }, { requested_policy_version: 3 }])(
    "accept %j",
    (options) => {
      expect(() => decodeMessage(GetIamPolicyRequest, { options })).not.toThrow();
    },
  );

  test.each<[Json, string]>([
    [3, "options"],
    [[], "options"],
    [{ version: 3 }, "options.version"],
  ])("reject %j", async (options, field) => {
    const error = await rpcErrorOf(() => decodeMessage(GetIamPolicyRequest, { options }));

    expect(violatedFields(error.details)).toEqual([field]);
  });
});

function aReader(start = 0) {
  const read: string[] = [];
  const clock = { now: start };
  const ports = {
    cache: new PolicyCache(),
    read: async (resource: string) => {
      read.push(resource);
      return emptyPolicy();
    },
    now: () => clock.now,
  };
  return { ports, read, clock };
}

describe("ancestorPolicies", () => {
  test("reads the policies above an operation, and not its own", async () => {
    const { ports, read } = aReader();
    const found = await ancestorPolicies(ports, "projects/p/locations/l/operations/1");

    expect(found.map(({ resource }) => resource)).toEqual(["projects/p/locations/l", "projects/p", "operations"]);
    expect(read).toEqual(["projects/p/locations/l", "projects/p", "operations"]);
  });

  test("reads no policy twice within 30 s, and each again after them", async () => {
    const { ports, read, clock } = aReader();
    await ancestorPolicies(ports, "projects/p");
    clock.now = 29_999;
    await ancestorPolicies(ports, "projects/p/locations/l");
    expect(read).toEqual(["projects/p", "operations", "projects/p/locations/l"]);

    clock.now = 30_000;
    await ancestorPolicies(ports, "projects/p");
    expect(read.slice(3)).toEqual(["projects/p", "operations"]);
  });

  test("does not cache a failed read", async () => {
    const { ports } = aReader();
    const failing = { ...ports, read: () => Promise.reject(new Error("unreachable")) };
    await expect(ancestorPolicies(failing, "projects/p")).rejects.toThrow("unreachable");

    await expect(ancestorPolicies(ports, "projects/p")).resolves.toHaveLength(2);
  });
});
