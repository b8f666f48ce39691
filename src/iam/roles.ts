// The roles that a policy may bind, and the permissions that each holds.
import { type Permission, permissions } from "./permissions";

const viewer = [
  "longrunning.operations.get",
  "longrunning.operations.list",
  "longrunning.operations.wait",
] as const satisfies Permission[];

/** The permissions of each role. */
const permissionsByRole = {
  "roles/longrunning.viewer": viewer,
  "roles/longrunning.operator": [...viewer, "longrunning.operations.cancel", "longrunning.operations.delete"],
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
