// Identifies the caller: checks each credential of a request, and makes one principal of them.
import { ANONYMOUS, EVERYONE_MAY, type Principal } from "../iam/principal";
import type { AuthenticationConfig, CredentialsConfig } from "./config";
import { credentialsOf } from "./credentials";
import type { Issuer } from "./issuer-config";
import type { KeySets } from "./key-sets";
import { callerFromClaims } from "./principal-from-claims";
import type { OwnPrincipal } from "./own-caller";
import { type ApiKeys, verifyApiKey } from "./verify-api-key";
import { verifyJwt } from "./verify-jwt";
import { RpcError } from "../rpc/error";

/** The caches of an isolate, made once: the age of a key that was rotated or revoked counts from its reading. */
export interface AuthenticationPorts {
  keySets: KeySets;
  apiKeys: ApiKeys;
  /** Asks the owner's own function. It is asked first, and where it names a caller no other credential is looked at. */
  own?: (() => Promise<OwnPrincipal | undefined>) | undefined;
}

/**
 * Throws PERMISSION_DENIED if the deployment accepts no caller, UNAUTHENTICATED if one of the credentials is bad,
 * UNAVAILABLE if a credential cannot be checked. A caller without credentials is anonymous. Of several good ones the
 * caller is the first: bearer token, API key, a proxy's assertion.
 */
export async function authenticate(
  request: Request,
  config: AuthenticationConfig,
  ports: AuthenticationPorts,
  now: number,
): Promise<Principal> {
  const own = await ports.own?.();
  if (own) {
    return { ...own, isAdmin: config.mode === "open" || own.members.some((member) => config.admins.has(member)) };
  }
  if (config.mode === "credentials") return principalOf(request, config, ports, now);
  if (config.mode === "none" && ports.own) return ANONYMOUS;
  passGate({ auth: config.mode });
  return EVERYONE_MAY;
}

async function principalOf(
  request: Request,
  config: CredentialsConfig,
  { keySets, apiKeys }: AuthenticationPorts,
  now: number,
): Promise<Principal> {
  const issuers = [...config.issuers.values()];
  const { bearerToken, apiKey, assertions } = credentialsOf(
    request,
    issuers.flatMap(({ header }) => header ?? []),
  );
  const callerOfToken = async (token: string, accepted: CredentialsConfig["issuers"]): Promise<Principal> => {
    const rules = { issuers: accepted, clockSkewSeconds: config.clockSkewSeconds };
    const { issuer, claims } = await verifyJwt(token, rules, keySets, now);
    const caller = callerFromClaims(claims, issuer);
    return {
      ...caller,
      grants: [],
      isAdmin: caller.members.some((member) => config.admins.has(member)),
      expireTime: ((claims.exp ?? 0) + config.clockSkewSeconds) * 1_000,
    };
  };
  const principals: Principal[] = [];
  if (bearerToken !== undefined) principals.push(await callerOfToken(bearerToken, config.issuers));
  if (apiKey !== undefined) principals.push(await verifyApiKey(apiKey, config, apiKeys, now));
  for (const { header, token } of assertions) {
    principals.push({ ...(await callerOfToken(token, issuersOfHeader(issuers, header))), isAmbient: true });
  }
  const [caller] = principals;
  if (!caller) return ANONYMOUS;
  // Every credential of a request must be good, for as long as the request lasts.
  const expireTime = Math.min(...principals.map((principal) => principal.expireTime ?? Infinity));
  return expireTime === Infinity ? caller : { ...caller, expireTime };
}

function issuersOfHeader(issuers: readonly Issuer[], header: string): ReadonlyMap<string, Issuer> {
  return new Map(issuers.filter((issuer) => issuer.header === header).map((issuer) => [issuer.issuer, issuer]));
}

/** Throws PERMISSION_DENIED if no authentication is configured and the deployment is not declared open. */
export function passGate(config: { auth: string }): void {
  if (config.auth === "open") return;
  throw new RpcError(
    "PERMISSION_DENIED",
    "This deployment has no authentication and rejects every call. To admit everyone, as on a laptop, set " +
      'the variable AUTH to "open" (wrangler dev --var AUTH:open).',
    { reason: "AUTHENTICATION_NOT_CONFIGURED" },
  );
}
