// Takes the credentials from a request: https://cloud.google.com/apis/docs/system-parameters, RFC 6750.
import { WWW_AUTHENTICATE } from "../iam/denial";
import { RpcError } from "../rpc/error";

export interface Credentials {
  /** `Authorization: Bearer …`, or the query parameter `access_token` (`oauth_token` of old clients). */
  bearerToken: string | undefined;
  apiKey: string | undefined;
  assertions: readonly { header: string; token: string }[];
}

/** An empty parameter or header is no credential: scripts with an unset variable send it beside a good one. */
export function credentialsOf(request: Request, assertionHeaders: Iterable<string>): Credentials {
  const { headers, url } = request;
  const { searchParams } = new URL(url);
  const parameters = (...names: string[]): string[] =>
    // With and without `$`, as all system parameters.
    names
      .flatMap((name) => [name, `$${name}`])
      .flatMap((name) => searchParams.getAll(name))
      .filter((value) => value !== "");
  const authorization = headers.get("Authorization") ?? "";
  const keyHeader = headers.get("x-goog-api-key") ?? "";
  return {
    bearerToken: onlyOne([
      ...(authorization === "" ? [] : [bearerTokenFromHeader(authorization)]),
      ...parameters("access_token", "oauth_token"),
    ]),
    apiKey: onlyOne([...(keyHeader === "" ? [] : [keyHeader]), ...parameters("key")]),
    assertions: [...new Set(assertionHeaders)].flatMap((header) => {
      const token = headers.get(header) ?? "";
      return token === "" ? [] : [{ header, token }];
    }),
  };
}

function bearerTokenFromHeader(value: string): string {
  const [scheme = "", ...rest] = value.trim().split(/ +/);
  if (scheme.toLowerCase() !== "bearer") throw badCredentials("AUTHORIZATION_SCHEME_UNSUPPORTED");
  if (rest.length !== 1) throw badCredentials("CREDENTIALS_MALFORMED");
  return rest[0] ?? "";
}

/** The same value may be given twice. The service does not guess between two different ones. */
function onlyOne(values: readonly string[]): string | undefined {
  const distinct = new Set(values);
  if (distinct.size > 1) throw badCredentials("CREDENTIALS_AMBIGUOUS");
  return values[0];
}

/** The text of each ErrorInfo.reason. Neither has the credentials. */
const descriptions = {
  AUTHORIZATION_SCHEME_UNSUPPORTED: "The Authorization header must be of the scheme Bearer.",
  CREDENTIALS_AMBIGUOUS: "The request carries two different credentials of one kind.",
  CREDENTIALS_MALFORMED: "The token is not a signed JSON Web Token.",
  CREDENTIALS_TOO_LARGE: "The token is too large.",
  CREDENTIALS_TYPE_UNSUPPORTED: "The token's type is not accepted as a bearer token.",
  CREDENTIALS_ISSUER_UNKNOWN: "The token's issuer is not accepted here.",
  CREDENTIALS_ALGORITHM_UNSUPPORTED: "The token's algorithm is not accepted from its issuer.",
  CREDENTIALS_KEY_UNKNOWN: "The token's issuer does not publish its key.",
  CREDENTIALS_SIGNATURE_INVALID: "The token's signature is wrong.",
  CREDENTIALS_EXPIRED: "The token, or the session, has expired.",
  CREDENTIALS_NOT_YET_VALID: "The token is not valid yet.",
  CREDENTIALS_AUDIENCE_INVALID: "The token is meant for another audience.",
  CREDENTIALS_CLAIM_INVALID: "The token lacks a required claim (iss, aud, exp, sub), or one is malformed.",
  CREDENTIALS_INVALID: "The token is not valid.",
  API_KEY_INVALID: "The API key is not valid.",
  API_KEY_EXPIRED: "The API key has expired.",
  API_KEY_REVOKED: "The API key was revoked.",
} as const;

export type BadCredentialsReason = keyof typeof descriptions;

/** The part of the challenge that makes a client get another token. Other reasons are not about a token. */
function challenge(reason: BadCredentialsReason): string {
  if (!reason.startsWith("CREDENTIALS_")) return WWW_AUTHENTICATE;
  return `${WWW_AUTHENTICATE}, error="invalid_token", error_description="${descriptions[reason]}"`;
}

/** The owner's own function rejects the credentials. Its text is not shown, because it may quote them. */
export function refusedByOwner(): RpcError {
  return new RpcError("UNAUTHENTICATED", "The request's credentials are rejected. Log in again.", {
    reason: "CREDENTIALS_INVALID",
    headers: { "WWW-Authenticate": WWW_AUTHENTICATE },
  });
}

/** The error has no cause, because a verifier's errors contain the token's claims, and causes are logged. */
export function badCredentials(reason: BadCredentialsReason): RpcError {
  return new RpcError("UNAUTHENTICATED", `The request's credentials are rejected. ${descriptions[reason]}`, {
    reason,
    headers: { "WWW-Authenticate": challenge(reason) },
  });
}
