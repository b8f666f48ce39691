// The one place where policies are judged: the permissions of a principal on a resource.
import { Conditions } from "./condition";
import { type Permission, starterPermissions, roleHas } from "./permissions";
import type { Binding, Policy } from "./policy";
import { ROOT, holdsOn } from "./policy-resources";
import { type Principal, isAnonymous } from "./principal";

export interface ResourcePolicy {
  resource: string;
  policy: Policy;
}

export interface AccessRequest {
  principal: Principal;
  permission: Permission;
  /** The policies of the resource and its ancestors. Each only grants, so that a missing one means fewer rights. */
  policies: readonly ResourcePolicy[];
  resource: { name: string; type: string };
  time: number;
  starter?: string | undefined;
}

export function isAllowed({ permission, ...request }: AccessRequest): boolean {
  return allowedPermissions(request, [permission]).length > 0;
}

/** The permissions among those asked for that a principal has, in their order. A condition is evaluated once. */
export function allowedPermissions(
  request: Omit<AccessRequest, "permission">,
  permissions: readonly Permission[],
): Permission[] {
  const { principal, resource } = request;
  if (principal.isAdmin) return [...permissions];
  const bound = bindingsOf(request);
  const conditions = new Conditions({ time: request.time, resource });
  return permissions.filter(
    (permission) =>
      isStarter(request, permission) ||
      principal.grants.some(({ role, parent }) => holdsOn(parent, resource.name) && roleHas(role, permission)) ||
      bound.some(
        ({ role, condition }) =>
          roleHas(role, permission) && (condition === undefined || conditions.hold(condition.expression)),
      ),
  );
}

/**
 * The bindings that name the caller. Those without a condition come first, because they cost least; then those of the
 * outermost resource: the policy of a resource below must not use up what its ancestors' conditions may cost.
 */
function bindingsOf({ principal, policies, resource }: Omit<AccessRequest, "permission">): Binding[] {
  const callers = new Set(principal.members);
  const bindings = policies
    .filter((standing) => holdsOn(standing.resource, resource.name))
    .toSorted((one, other) => depthOf(one) - depthOf(other))
    .flatMap(({ policy }) => policy.bindings.filter(({ members }) => members.some((member) => callers.has(member))));
  return [
    ...bindings.filter(({ condition }) => condition === undefined),
    ...bindings.filter(({ condition }) => condition !== undefined),
  ];
}

function depthOf({ resource }: ResourcePolicy): number {
  return resource === ROOT ? 0 : resource.length;
}

/** "The caller that starts an operation may get, wait on, cancel and delete it; an anonymous one may not." */
function isStarter({ principal, starter }: Omit<AccessRequest, "permission">, permission: Permission): boolean {
  return !isAnonymous(principal) && principal.id === starter && starterPermissions.has(permission);
}
