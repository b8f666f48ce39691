// The answer to bad credentials: 401, the reason, and the client's next step (RFC 6750, section 3).
import { WWW_AUTHENTICATE } from "../iam/denial";
import { RpcError } from "../rpc/error";

/** The text of each ErrorInfo.reason. Neither has the credentials. */
const descriptions = {
  AUTHORIZATION_SCHEME_UNSUPPORTED: "The Authorization header must be of the scheme Bearer.",
  CREDENTIALS_AMBIGUOUS: "The request carries two different credentials of one kind.",
  CREDENTIALS_MALFORMED: "The token is not a signed JSON Web Token.",
  CREDENTIALS_TOO_LARGE: "The token is too large.",
  CREDENTIALS_TYPE_UNSUPPORTED: "The token is of a type that is not accepted as a bearer token.",
  CREDENTIALS_ISSUER_UNKNOWN: "The token's issuer is not one that this deployment accepts here.",
  CREDENTIALS_ALGORITHM_UNSUPPORTED: "The token is signed with an algorithm that is not accepted from its issuer.",
  CREDENTIALS_KEY_UNKNOWN: "The token is signed with a key that its issuer does not publish.",
  CREDENTIALS_SIGNATURE_INVALID: "The token's signature is wrong.",
  CREDENTIALS_EXPIRED: "The token has expired.",
  CREDENTIALS_NOT_YET_VALID: "The token is not valid yet.",
  CREDENTIALS_AUDIENCE_INVALID: "The token is meant for another audience.",
  CREDENTIALS_CLAIM_INVALID:
    "The token lacks a claim that is needed (iss, aud, exp, sub), or one of them is malformed.",
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

/** The error has no cause, because a verifier's errors contain the token's claims, and causes are logged. */
export function badCredentials(reason: BadCredentialsReason): RpcError {
  return new RpcError("UNAUTHENTICATED", `The request's credentials are refused. ${descriptions[reason]}`, {
    reason,
    headers: { "WWW-Authenticate": challenge(reason) },
  });
}
