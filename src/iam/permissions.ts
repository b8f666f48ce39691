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

/** What is done to one operation that exists: each answers differently where there is none. */
export const operationPermissions: readonly Permission[] = permissions.filter(
  (permission) =>
    permission !== "longrunning.methods.invoke" &&
    permission !== "longrunning.operations.list" &&
    permission !== "longrunning.operations.create",
);

/** What the caller that started an operation may do with it, without any policy. */
export const starterPermissions: ReadonlySet<Permission> = new Set<Permission>([
  "longrunning.operations.get",
  "longrunning.operations.wait",
  "longrunning.operations.cancel",
  "longrunning.operations.delete",
]);
