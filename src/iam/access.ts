// What a call may do to one operation, as far as it can be told without the operation: the rest is judged in its object,
// in the same call that reads it. PERSISTED CONTRACT: it crosses from Worker to object.
import { type AccessRequest, isAllowed } from "./evaluate";
import type { Permission } from "./permissions";
import type { Policy } from "./policy";
import { resourceType } from "./policy-resources";
import type { Principal } from "./principal";

export interface Access {
  permission: Permission;
  /** Whether an ancestor's policy, an API key or the configuration gives the right already. */
  isGranted: boolean;
  principal: Pick<Principal, "id" | "members">;
  /** Of the HTTP request that the call comes with, for the log. */
  requestId?: string;
  /** An earlier try of the same call failed, and may have been carried out all the same. */
  isRepeated?: true;
}

/** What an operation adds: its starter, and its own policy. */
export interface OwnRights {
  name: string;
  starter?: string | undefined;
  iamPolicy?: Policy | undefined;
}

/** Whether the call may be made, the operation's own rights included; undefined: there is no such operation. */
export function mayAccess(access: Access, own: OwnRights | undefined, time: number): boolean {
  if (access.isGranted || !own) return access.isGranted;
  return isAllowed({ ...ownRequest(access.principal, own, time), permission: access.permission });
}

/** The question about an operation's own rights, whatever the permission. */
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
