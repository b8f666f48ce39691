// Who calls, as authentication found out: all that authorization asks about a caller.
import { ALL_USERS } from "./members";
import type { Role } from "./roles";

export interface Principal {
  /** The same for the same caller for ever: a requestId and an operation's starter are kept by it. Empty: anonymous. */
  id: string;
  /** In canonical form: `allUsers` always, `allAuthenticatedUsers` of everyone who is authenticated. */
  members: readonly string[];
  /** What an API key may do by itself: a role on a parent, and below it. The service root is `operations`. */
  grants: readonly Grant[];
  /** One of the configuration's ADMINS, or anyone where the deployment is open. */
  isAdmin: boolean;
  /** Whether a browser may have sent the credentials by itself, as with a cookie of which a proxy makes an assertion. */
  isAmbient?: boolean | undefined;
  /** When its credentials stop being good by themselves (milliseconds since 1970); undefined: they do not. */
  expireTime?: number | undefined;
}

export interface Grant {
  role: Role;
  parent: string;
}

/** A caller without credentials. */
export const ANONYMOUS: Principal = { id: "", members: [ALL_USERS], grants: [], isAdmin: false };

/** Any caller of an open deployment: credentials are not looked at. */
export const EVERYONE_MAY: Principal = { id: "", members: [ALL_USERS], grants: [], isAdmin: true };

export function isAnonymous({ id }: Pick<Principal, "id">): boolean {
  return id === "";
}
