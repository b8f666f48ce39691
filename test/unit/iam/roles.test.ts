import { describe, expect, test } from "vitest";
import { isPermission, permissions, isRole, roleHas, roles } from "../../../src/iam/permissions";

// The table of roles, written out: "viewer (get, list, wait), operator (+ cancel, delete), invoker (start), worker (create,
// update), admin (all, and IAM)".
const expected: Record<string, string[]> = {
  "roles/longrunning.viewer": ["operations.get", "operations.list", "operations.wait"],
  "roles/longrunning.operator": [
    "operations.get",
    "operations.list",
    "operations.wait",
    "operations.cancel",
    "operations.delete",
  ],
  "roles/longrunning.approver": ["operations.get", "operations.list", "operations.wait", "operations.resolve"],
  "roles/longrunning.invoker": ["methods.invoke"],
  "roles/longrunning.worker": ["operations.create", "operations.update"],
  "roles/longrunning.admin": [
    "operations.get",
    "operations.list",
    "operations.wait",
    "operations.cancel",
    "operations.delete",
    "operations.create",
    "operations.update",
    "operations.getIamPolicy",
    "operations.setIamPolicy",
    "operations.explain",
    "operations.retry",
    "operations.resolve",
    "methods.invoke",
    "webhooks.get",
    "webhooks.list",
    "webhooks.manage",
  ],
};

test("the table has six roles", () => {
  expect(roles).toEqual(Object.keys(expected));
});

test("the table has sixteen permissions", () => {
  expect(permissions).toHaveLength(16);
});

describe("roleHas", () => {
  test.each(roles.flatMap((role) => permissions.map((permission) => [role, permission] as const)))(
    "%s and %s",
    (role, permission) => {
      expect(roleHas(role, permission)).toBe(expected[role]?.includes(permission.replace("longrunning.", "")));
    },
  );
});

test.each(["", "viewer", "roles/viewer", "roles/owner", "roles/longrunning.Viewer", "__proto__", "toString"])(
  "is false for the unknown role %j",
  (text) => {
    expect(isRole(text)).toBe(false);
  },
);

test.each(["", "longrunning.operations.*", "longrunning.operations", "operations.get", "constructor"])(
  "is false for the unknown permission %j",
  (text) => {
    expect(isPermission(text)).toBe(false);
  },
);
