// The caller, as authentication identified it: everything that authorization needs.
import { ALL_USERS } from "./members";
import type { Role } from "./permissions";

export interface Principal {
  /** Never changes for a caller: requestIds and an operation's starter are stored under it. Empty: anonymous. */
  id: string;
  /** In canonical form: `allUsers` always, `allAuthenticatedUsers` for every authenticated caller. */
  members: readonly string[];
  /** The grants of an API key: a role on a parent, and everything below it. The service root is `operations`. */
  grants: readonly Grant[];
  /** One of the configuration's ADMINS, or any caller of an open deployment. */
  isAdmin: boolean;
  /** Whether a browser may have sent the credentials by itself, like a cookie that a proxy turns into an assertion. */
  isAmbient?: boolean | undefined;
  /** The time at which its credentials expire (milliseconds since 1970); undefined: they do not. */
  expireTime?: number | undefined;
}

export interface Grant {
  role: Role;
  parent: string;
}

export const ANONYMOUS: Principal = { id: "", members: [ALL_USERS], grants: [], isAdmin: false };

/** Any caller of an open deployment. Credentials are ignored. */
export const EVERYONE_MAY: Principal = { id: "", members: [ALL_USERS], grants: [], isAdmin: true };

export function isAnonymous({ id }: Pick<Principal, "id">): boolean {
  return id === "";
}
