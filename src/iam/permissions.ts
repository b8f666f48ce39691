// The permissions of the service, one for each of its methods, and one for all methods that start operations.

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
  "longrunning.methods.invoke",
] as const;

export type Permission = (typeof permissions)[number];

export function isPermission(text: string): text is Permission {
  return permissions.some((permission) => permission === text);
}

/** Permissions on one existing operation. A call for them answers differently if the operation does not exist. */
export const operationPermissions: readonly Permission[] = permissions.filter(
  (permission) =>
    permission !== "longrunning.methods.invoke" &&
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
