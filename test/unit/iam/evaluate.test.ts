import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AccessRequest, allowedPermissions, isAllowed } from "../../../src/iam/evaluate";
import { permissions, roleHas, roles } from "../../../src/iam/permissions";
import { type Binding, emptyPolicy, policyFromBindings } from "../../../src/iam/policy";
import { policyResources, resourceType } from "../../../src/iam/policy-resources";
import { ANONYMOUS, EVERYONE_MAY, type Principal } from "../../../src/iam/principal";

const NAME = "projects/p/locations/l/operations/1";
const ada: Principal = {
  id: "principal://issuer.example.com/ada",
  members: ["allUsers", "allAuthenticatedUsers", "user:ada@example.com", "domain:example.com"],
  grants: [],
  isAdmin: false,
};
const key = (role: Principal["grants"][number]["role"], parent: string): Principal => ({
  id: "key:1",
  members: ["allUsers", "allAuthenticatedUsers"],
  grants: [{ role, parent }],
  isAdmin: false,
});
const viewers = (member: string): Binding => ({ role: "roles/longrunning.viewer", members: [member] });

function anAccess(overrides: Partial<AccessRequest> = {}): AccessRequest {
  return {
    principal: ada,
    permission: "longrunning.operations.get",
    policies: [],
    resource: { name: NAME, type: resourceType(NAME) },
    time: Date.UTC(2026, 10, 21),
    ...overrides,
  };
}

function standing(resource: string, ...bindings: Binding[]) {
  return { resource, policy: policyFromBindings(bindings, 1) };
}

test("the conditions of a resource do not use the budget of its ancestors' conditions", () => {
  const costly = Array.from({ length: 500 }, (_, index): Binding => {
    const expression = `resource.name == "${"x".repeat(1_000)}${index}"`;
    return { ...viewers("allUsers"), condition: { title: "t", expression } };
  });
  const parent = { ...viewers("allUsers"), condition: { title: "t", expression: "request.time > timestamp(0)" } };
  const policies = [standing(NAME, ...costly), standing("projects/p", parent)];

  expect(isAllowed(anAccess({ policies }))).toBe(true);
  // The bound is reached: the last of its own is not evaluated any more.
  const last = { ...viewers("allUsers"), condition: { title: "t", expression: `resource.name == "${NAME}"` } };
  expect(isAllowed(anAccess({ policies: [standing(NAME, ...costly, last)] }))).toBe(false);
});

describe("isAllowed", () => {
  test("is false if no policy grants", () => {
    expect(isAllowed(anAccess())).toBe(false);
    expect(isAllowed(anAccess({ policies: [{ resource: NAME, policy: emptyPolicy() }] }))).toBe(false);
  });

  test.each(permissions)("is true for an administrator with %s", (permission) => {
    expect(isAllowed(anAccess({ principal: { ...ada, isAdmin: true }, permission }))).toBe(true);
    expect(isAllowed(anAccess({ principal: EVERYONE_MAY, permission }))).toBe(true);
  });

  test.each(["user:ada@example.com", "domain:example.com", "allAuthenticatedUsers", "allUsers"])(
    "grants to %s the role that is bound to it",
    (member) => {
      expect(isAllowed(anAccess({ policies: [standing(NAME, viewers(member))] }))).toBe(true);
    },
  );

  test.each(["user:bob@example.com", "serviceAccount:ada@example.com", "group:ada@example.com", "domain:example.org"])(
    "does not grant a role that is bound to %s",
    (member) => {
      expect(isAllowed(anAccess({ policies: [standing(NAME, viewers(member))] }))).toBe(false);
    },
  );

  test("grants an anonymous caller the roles of allUsers only", () => {
    const bound = { principal: ANONYMOUS, policies: [standing(NAME, viewers("allUsers"))] };
    const notBound = { principal: ANONYMOUS, policies: [standing(NAME, viewers("allAuthenticatedUsers"))] };

    expect(isAllowed(anAccess(bound))).toBe(true);
    expect(isAllowed(anAccess(notBound))).toBe(false);
  });

  // "a grant on an ancestor holds below it"
  test.each(policyResources(NAME))("grants on the operation a role that is bound on %s", (resource) => {
    expect(isAllowed(anAccess({ policies: [standing(resource, viewers("allUsers"))] }))).toBe(true);
  });

  test.each(["projects/q", "projects/p/locations/m", "projects/p/locations/l/operations/2", "operations/1"])(
    "does not grant a role that is bound on %s",
    (resource) => {
      expect(isAllowed(anAccess({ policies: [standing(resource, viewers("allUsers"))] }))).toBe(false);
    },
  );

  test.each(roles.flatMap((role) => permissions.map((permission) => [role, permission] as const)))(
    "%s has %s if and only if the table has it",
    (role, permission) => {
      const policies = [standing("projects/p", { role, members: ["allUsers"] })];

      expect(isAllowed(anAccess({ permission, policies }))).toBe(roleHas(role, permission));
      expect(isAllowed(anAccess({ permission, principal: key(role, "projects/p") }))).toBe(roleHas(role, permission));
    },
  );

  test.each<[string, boolean]>([
    ["operations", true],
    ["projects/p", true],
    ["projects/p/locations/l", true],
    [NAME, true],
    ["projects/pp", false],
    ["projects/p/locations/m", false],
    ["operations/1", false],
  ])("an API key for %s may get the operation: %s", (parent, may) => {
    expect(isAllowed(anAccess({ principal: key("roles/longrunning.viewer", parent) }))).toBe(may);
  });

  test("does not let an API key list above its parent", () => {
    const principal = key("roles/longrunning.viewer", "projects/p/locations/l");
    const resource = { name: "projects/p", type: resourceType("projects/p") };

    expect(isAllowed(anAccess({ principal, resource, permission: "longrunning.operations.list" }))).toBe(false);
  });

  test("grants under a condition while it holds", () => {
    const expression =
      'request.time < timestamp("2026-12-01T00:00:00Z") && resource.type == "google.longrunning.Operation"';
    const policies = [standing("projects/p", { ...viewers("allUsers"), condition: { expression } })];

    expect(isAllowed(anAccess({ policies }))).toBe(true);
    expect(isAllowed(anAccess({ policies, time: Date.UTC(2027, 0, 1) }))).toBe(false);
    expect(isAllowed(anAccess({ policies, resource: { name: NAME, type: "another" } }))).toBe(false);
  });

  test("grants nothing under a condition that fails", () => {
    const condition = { expression: "1 / (resource.name.size() - resource.name.size()) == 1" };

    expect(isAllowed(anAccess({ policies: [standing(NAME, { ...viewers("allUsers"), condition })] }))).toBe(false);
  });

  // "The caller that starts an operation may get, wait on, cancel and delete it; an anonymous one may not."
  test("grants the starter get, wait, cancel and delete", () => {
    const { permission: _, ...access } = anAccess({ starter: ada.id });

    expect(allowedPermissions(access, permissions)).toEqual([
      "longrunning.operations.get",
      "longrunning.operations.wait",
      "longrunning.operations.cancel",
      "longrunning.operations.delete",
    ]);
  });

  test.each<[string, Principal, string | undefined]>([
    ["another caller", { ...ada, id: "other" }, ada.id],
    ["an anonymous caller, of an operation that an anonymous one started", ANONYMOUS, ""],
    ["anyone, of an operation of no known starter", ada, undefined],
  ])("grants no starter's rights to %s", (_, principal, starter) => {
    expect(isAllowed(anAccess({ principal, starter }))).toBe(false);
  });

  test("never loses a right when a binding is added", () => {
    const member = fc.constantFrom("allUsers", "user:ada@example.com", "user:bob@example.com", "domain:example.com");
    const condition = fc.record({
      expression: fc.constantFrom("true", "false", "resource.name.size() > 3", "1 / 0 == 1"),
    });
    const binding: fc.Arbitrary<Binding> = fc.record(
      { role: fc.constantFrom(...roles), members: fc.uniqueArray(member, { minLength: 1 }), condition },
      { requiredKeys: ["role", "members"] },
    );
    const where = fc.constantFrom(...policyResources(NAME), "projects/q");
    const policies = fc.array(fc.tuple(where, fc.array(binding, { maxLength: 4 })), { maxLength: 4 });

    fc.assert(
      fc.property(policies, where, binding, fc.constantFrom(...permissions), (some, place, added, permission) => {
        const before = some.map(([resource, bindings]) => standing(resource, ...bindings));
        const after = [...before, standing(place, added)];

        const [wasAllowed, isStillAllowed, isAllowedInReverse] = [before, after, after.toReversed()].map((each) =>
          isAllowed(anAccess({ permission, policies: each })),
        );

        expect(wasAllowed && !isStillAllowed).toBe(false);
        expect(isAllowedInReverse).toBe(isStillAllowed);
      }),
    );
  });
});
