// Who may do what: the one place where a policy is judged.
import { conditionHolds } from "./condition";
import { type Permission, starterPermissions } from "./permissions";
import type { Binding, Policy } from "./policy";
import { holdsOn } from "./policy-resources";
import { type Principal, isAnonymous } from "./principal";
import { roleHas } from "./roles";

export interface ResourcePolicy {
  resource: string;
  policy: Policy;
}

export interface AccessRequest {
  principal: Principal;
  permission: Permission;
  /** Of the resource and its ancestors, as policyResources() names them. Each only ever grants: one left out is fewer rights. */
  policies: readonly ResourcePolicy[];
  resource: { name: string; type: string };
  /** `request.time`, in milliseconds since 1970. */
  time: number;
  /** The id of the principal that started the operation. */
  starter?: string | undefined;
}

/** Whether a principal has a permission on a resource. */
export function isAllowed(request: AccessRequest): boolean {
  const { principal, permission, policies, resource } = request;
  if (principal.isAdmin || isStarter(request)) return true;
  if (principal.grants.some(({ role, parent }) => holdsOn(parent, resource.name) && roleHas(role, permission)))
    return true;
  return policies
    .filter((standing) => holdsOn(standing.resource, resource.name))
    .some(({ policy }) => policy.bindings.some((binding) => grants(binding, request)));
}

/** Those of the permissions that a principal has, in the order in which they are asked about. */
export function allowedPermissions(
  request: Omit<AccessRequest, "permission">,
  permissions: readonly Permission[],
): Permission[] {
  return permissions.filter((permission) => isAllowed({ ...request, permission }));
}

/** "The caller that starts an operation may get, wait on, cancel and delete it; an anonymous one may not." */
function isStarter({ principal, permission, starter }: AccessRequest): boolean {
  return !isAnonymous(principal) && principal.id === starter && starterPermissions.has(permission);
}

/** The condition last: it costs most. */
function grants(
  { role, members, condition }: Binding,
  { principal, permission, resource, time }: AccessRequest,
): boolean {
  return (
    roleHas(role, permission) &&
    members.some((member) => principal.members.includes(member)) &&
    (condition === undefined || conditionHolds(condition.expression, { time, resource }))
  );
}
