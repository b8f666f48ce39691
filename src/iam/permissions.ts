// The permissions of the service, one for each of its methods and one for all that start operations; and the roles.

export const permissions = [
  "longrunning.operations.get",
  "longrunning.operations.list",
  "longrunning.operations.wait",
  "longrunning.operations.cancel",
  "longrunning.operations.delete",
  "longrunning.operations.create",
  "longrunning.operations.update",
  "longrunning.operations.getIamPolicy",
  "longrunning.operations.setIamPolicy",
  "longrunning.operations.explain",
  "longrunning.operations.retry",
  "longrunning.operations.resolve",
  "longrunning.methods.invoke",
  "longrunning.webhooks.get",
  "longrunning.webhooks.list",
  "longrunning.webhooks.manage",
] as const;

export type Permission = (typeof permissions)[number];

export function isPermission(text: string): text is Permission {
  return permissions.some((permission) => permission === text);
}

/** Permissions on one existing operation. A call for them answers differently if the operation does not exist. */
export const operationPermissions: readonly Permission[] = permissions.filter(
  (permission) =>
    permission.startsWith("longrunning.operations.") &&
    permission !== "longrunning.operations.list" &&
    permission !== "longrunning.operations.create",
);

/** The permissions of the caller that started an operation, without any policy. */
export const starterPermissions: ReadonlySet<Permission> = new Set<Permission>([
  "longrunning.operations.get",
  "longrunning.operations.wait",
  "longrunning.operations.cancel",
  "longrunning.operations.delete",
]);

const viewer = [
  "longrunning.operations.get",
  "longrunning.operations.list",
  "longrunning.operations.wait",
] as const satisfies Permission[];

const permissionsByRole = {
  "roles/longrunning.viewer": viewer,
  "roles/longrunning.operator": [...viewer, "longrunning.operations.cancel", "longrunning.operations.delete"],
  "roles/longrunning.approver": [...viewer, "longrunning.operations.resolve"],
  "roles/longrunning.invoker": ["longrunning.methods.invoke"],
  "roles/longrunning.worker": ["longrunning.operations.create", "longrunning.operations.update"],
  "roles/longrunning.admin": permissions,
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof permissionsByRole;

/** The role that administers the service if it is bound on its root. */
export const ADMIN_ROLE = "roles/longrunning.admin" satisfies Role;

export const roles = Object.keys(permissionsByRole) as Role[];

export function isRole(text: string): text is Role {
  return Object.hasOwn(permissionsByRole, text);
}

export function roleHas(role: Role, permission: Permission): boolean {
  const held: readonly Permission[] = permissionsByRole[role];
  return held.includes(permission);
}
