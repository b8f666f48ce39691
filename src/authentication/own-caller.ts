// The caller as the owner's own `authenticate` function names it (docs/access.md, "Your own login").
import { nearestName } from "../aip/nearest";
import { ALL_AUTHENTICATED_USERS, ALL_USERS, decodeMember } from "../iam/members";
import type { Principal } from "../iam/principal";
import { RpcError, unavailable } from "../rpc/error";
import { withinLimit } from "../time-limit";
import { badCredentials, refusedByOwner } from "./credentials";
import { AUTHENTICATE_TIMEOUT_MS, AUTHENTICATION_RETRY_SECONDS, MAX_OWN_MEMBERS } from "./limits";
import { encodedSubject } from "./principal-from-claims";

/** A caller, as `operations({ authenticate })` identifies it. */
export interface AuthenticatedCaller {
  /**
   * The same for the same caller for ever, and no other's: an operation and a `requestId` belong to it. A member of policies
   * (`user:ada@example.com`, `principal://…`), or any other text, such as the id of a row: `17` is the member
   * `principal://app/user/17`.
   */
  id: string;
  /** The members of policies that the caller is beside its id: `group:staff@example.com`, `domain:example.com`, … */
  members?: readonly string[];
  /** When the credentials expire. A wait and an upload end then. */
  expireTime?: Date;
  /**
   * Whether a browser sends the credentials by itself, as it does a cookie: then a change must come from a page of this
   * origin, or of one of CORS_ORIGINS. Default: true.
   */
  isAmbient?: boolean;
}

/**
 * Identifies the caller of a request; undefined where it has no credentials of this kind. Throw
 * `new RpcError("UNAUTHENTICATED", …)` where they are bad. Any other error means that it cannot be told now.
 */
export type Authenticate<Env> = (
  request: Request,
  env: Env,
) => AuthenticatedCaller | null | undefined | Promise<AuthenticatedCaller | null | undefined>;

/** The principal of a caller; the deployment's configuration says whether it is an administrator. */
export type OwnPrincipal = Omit<Principal, "isAdmin">;

const FIELDS: Record<keyof AuthenticatedCaller, true> = { id: true, members: true, expireTime: true, isAmbient: true };

/**
 * Asks the owner's function.
 *
 * @throws RpcError UNAUTHENTICATED where the function rejects the credentials, or they have expired; UNAVAILABLE where it
 * fails or takes too long; INTERNAL where what it returns is no caller. No error has the function's own text.
 */
export async function ownPrincipal<Env>(
  authenticate: Authenticate<Env>,
  request: Request,
  env: Env,
): Promise<OwnPrincipal | undefined> {
  const wasRead = request.bodyUsed;
  const caller: unknown = await answerInTime(async () => authenticate(request, env));
  if (request.bodyUsed && !wasRead) {
    throw wrong("authenticate read the request's body, which the method needs; read headers, or `request.clone()`");
  }
  if (caller === undefined || caller === null) return undefined;
  const principal = principalFrom(caller);
  if (principal.expireTime !== undefined && principal.expireTime <= Date.now()) {
    throw badCredentials("CREDENTIALS_EXPIRED");
  }
  return principal;
}

async function answerInTime(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await withinLimit(ask(), AUTHENTICATE_TIMEOUT_MS, () => {
      throw new Error(`authenticate did not answer within ${AUTHENTICATE_TIMEOUT_MS} ms`);
    });
  } catch (error) {
    const isRefusal = error instanceof RpcError && ["UNAUTHENTICATED", "PERMISSION_DENIED"].includes(error.code);
    if (isRefusal) throw refusedByOwner();
    throw unavailable("The caller cannot be identified now. Try again.", AUTHENTICATION_RETRY_SECONDS, error);
  }
}

function principalFrom(caller: unknown): OwnPrincipal {
  if (typeof caller !== "object" || caller === null || Array.isArray(caller)) {
    throw wrong(`the answer of authenticate is ${kindOf(caller)}; return { id, members }, or undefined`);
  }
  for (const name of Object.keys(caller)) {
    if (Object.hasOwn(FIELDS, name)) continue;
    const near = nearestName(name, Object.keys(FIELDS));
    const remedy = near === undefined ? `it has ${Object.keys(FIELDS).join(", ")}` : `did you mean "${near}"?`;
    throw wrong(
      `authenticate returned a caller with an unknown field ${JSON.stringify(name.slice(0, 100))}; ${remedy}`,
    );
  }
  const { id, members = [], expireTime, isAmbient = true } = caller as Record<string, unknown>;
  if (!Array.isArray(members) || members.length > MAX_OWN_MEMBERS) {
    throw wrong(`the caller's members are no list of at most ${MAX_OWN_MEMBERS} members`);
  }
  const time = expireTime instanceof Date ? expireTime.getTime() : undefined;
  if (expireTime !== undefined && (time === undefined || Number.isNaN(time))) {
    throw wrong(`the caller's expireTime is ${kindOf(expireTime)}; give a Date`);
  }
  if (typeof isAmbient !== "boolean") throw wrong(`the caller's isAmbient is ${kindOf(isAmbient)}; give true or false`);
  const ownId = idFrom(id);
  const all = [ownId, ...members.map(memberFrom), ALL_AUTHENTICATED_USERS, ALL_USERS];
  return {
    id: ownId,
    members: [...new Set(all)],
    grants: [],
    isAmbient,
    ...(time === undefined ? {} : { expireTime: time }),
  };
}

/** The kinds of members, each of which ends where its name or address begins. */
const MEMBER = /^(?:user|serviceAccount|group|domain|principal|principalSet|deleted):|^all(?:Authenticated)?Users$/;

/**
 * An id that is no member becomes `principal://app/user/{id}`. No issuer's subject has that form, because they are called
 * `principal://{issuer}/subject/{sub}`.
 */
function idFrom(id: unknown): string {
  if (typeof id !== "string" || id === "") {
    throw wrong(`the caller's id is ${id === "" ? "empty" : kindOf(id)}; give a text that no other caller has`);
  }
  if (!id.isWellFormed()) throw wrong("the caller's id is not well-formed Unicode");
  const member = decodeMember(MEMBER.test(id) ? id : `principal://app/user/${encodedSubject(id)}`);
  // The description quotes the id, which may be a secret in the wrong place.
  if (!member.ok) throw wrong("the caller's id is too long, or is a member of policies that is malformed");
  if (/^(?:user|serviceAccount|principal):/.test(member.value)) return member.value;
  throw wrong(`the caller's id is a member that many callers are; give user:, serviceAccount: or principal://`);
}

function memberFrom(value: unknown, index: number): string {
  const member = typeof value === "string" ? decodeMember(value) : undefined;
  if (member?.ok) return member.value;
  throw wrong(
    `members[${index}] of the caller is no member of policies; write user:, serviceAccount: or group: with an e-mail ` +
      "address, domain: with a domain, principal:// or principalSet://",
  );
}

function kindOf(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return value instanceof Date ? "an invalid Date" : `of the type ${typeof value}`;
}

/** The values are in no message, because they may be secrets. */
function wrong(problem: string): RpcError {
  return new RpcError("INTERNAL", `operations({ authenticate }): ${problem}.`, { reason: "CALLER_INVALID" });
}
