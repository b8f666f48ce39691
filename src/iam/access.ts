// An access as far as it is known without the operation, whose object judges the rest. PERSISTED CONTRACT: it crosses.
import { type AccessRequest, isAllowed } from "./evaluate";
import type { Permission } from "./permissions";
import type { Policy } from "./policy";
import { resourceType } from "./policy-resources";
import type { Principal } from "./principal";

export interface Access {
  permission: Permission;
  /** Whether an ancestor's policy, an API key or the configuration already grants the permission. */
  isGranted: boolean;
  principal: Pick<Principal, "id" | "members">;
  requestId?: string;
  /** An earlier try of the same call failed, and may have been carried out. */
  isRepeated?: true;
}

export interface OwnRights {
  name: string;
  starter?: string | undefined;
  iamPolicy?: Policy | undefined;
}

/** Whether the call is allowed, the operation's own grants included; undefined: the operation does not exist. */
export function mayAccess(access: Access, own: OwnRights | undefined, time: number): boolean {
  if (access.isGranted || !own) return access.isGranted;
  return isAllowed({ ...ownRequest(access.principal, own, time), permission: access.permission });
}

/** Whether the operation's own grants alone allow the call, whatever the time: they last until its policy changes. */
export function hasLastingOwnRight({ permission, principal }: Access, own: OwnRights): boolean {
  const { iamPolicy } = own;
  const bindings = iamPolicy?.bindings.filter(({ condition }) => condition === undefined) ?? [];
  const lasting = { ...own, iamPolicy: iamPolicy && { ...iamPolicy, bindings } };
  return isAllowed({ ...ownRequest(principal, lasting, 0), permission });
}

export function ownRequest(
  { id, members }: Access["principal"],
  { name, starter, iamPolicy }: OwnRights,
  time: number,
): Omit<AccessRequest, "permission"> {
  return {
    principal: { id, members, grants: [], isAdmin: false },
    policies: iamPolicy ? [{ resource: name, policy: iamPolicy }] : [],
    resource: { name, type: resourceType(name) },
    time,
    starter,
  };
}
