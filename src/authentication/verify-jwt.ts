// A JSON Web Token (RFC 7519) of a configured issuer: its signature, and the claims that RFC 8725 has checked.
import {
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyOptions,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
} from "jose";
import * as errors from "jose/errors";
import { type BadCredentialsReason, badCredentials } from "./credentials";
import type { Issuer } from "./issuer-config";
import type { KeySet, KeySets } from "./key-sets";
import { MAX_TOKEN_CHARACTERS } from "./limits";

export interface JwtRules {
  /** By `iss`: the issuers whose tokens may come in this place of the request. */
  issuers: ReadonlyMap<string, Issuer>;
  clockSkewSeconds: number;
}

export interface VerifiedJwt {
  issuer: Issuer;
  claims: JWTPayload;
}

/** Types of bearer tokens: an ID token, an access token (RFC 9068). A logout token, with the same claims, is not one. */
const BEARER_TYPES: ReadonlySet<unknown> = new Set([
  undefined,
  "jwt",
  "at+jwt",
  "application/jwt",
  "application/at+jwt",
]);

/** Throws UNAUTHENTICATED if the token is bad, UNAVAILABLE if its issuer's keys cannot be reached. */
export async function verifyJwt(token: string, rules: JwtRules, keySets: KeySets, now: number): Promise<VerifiedJwt> {
  if (token.length > MAX_TOKEN_CHARACTERS) throw badCredentials("CREDENTIALS_TOO_LARGE");
  const issuer = issuerOf(token, rules);
  const options: JWTVerifyOptions = {
    issuer: issuer.issuer,
    audience: [...issuer.audiences],
    algorithms: [...issuer.algorithms],
    requiredClaims: ["exp"],
    clockTolerance: rules.clockSkewSeconds,
    currentDate: new Date(now),
  };
  const known = await keySets.get(issuer, now);
  const first = await tryKeySet(token, known, options);
  if (first.ok) return { issuer, claims: first.claims };
  // The issuer may have rotated its keys since they were fetched.
  const next = first.reason === "CREDENTIALS_KEY_UNKNOWN" ? await keySets.refresh(issuer, known, now) : known;
  const second = next === known ? first : await tryKeySet(token, next, options);
  if (second.ok) return { issuer, claims: second.claims };
  throw badCredentials(second.reason);
}

/** The unchecked content of the token: enough to choose the issuer. */
function issuerOf(token: string, { issuers }: JwtRules): Issuer {
  const { header, claims } = decoded(token);
  const { typ } = header;
  const isBearer = BEARER_TYPES.has(typeof typ === "string" ? typ.toLowerCase() : typ);
  // RFC 7800: the sender of such a token must also prove to have a key, and nothing here checks that.
  if (!isBearer || claims["cnf"] !== undefined) throw badCredentials("CREDENTIALS_TYPE_UNSUPPORTED");
  const issuer = typeof claims.iss === "string" ? issuers.get(claims.iss) : undefined;
  if (!issuer) throw badCredentials("CREDENTIALS_ISSUER_UNKNOWN");
  // Decided before keys are fetched, so no key is fetched for `none` and shared secrets.
  if (!issuer.algorithms.some((algorithm) => algorithm === header.alg)) {
    throw badCredentials("CREDENTIALS_ALGORITHM_UNSUPPORTED");
  }
  return issuer;
}

function decoded(token: string) {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    throw badCredentials("CREDENTIALS_MALFORMED");
  }
}

type Trial = { ok: true; claims: JWTPayload } | { ok: false; reason: BadCredentialsReason };

async function tryKeySet(token: string, { getKey }: KeySet, options: JWTVerifyOptions): Promise<Trial> {
  try {
    return { ok: true, claims: (await jwtVerify(token, getKey, options)).payload };
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return { ok: false, reason: reasonOf(error) };
    return tryKeys(token, error, options);
  }
}

/** A token without `kid`, of an issuer with several keys: one of them may be the one. */
async function tryKeys(token: string, keys: AsyncIterable<CryptoKey>, options: JWTVerifyOptions): Promise<Trial> {
  for await (const key of keys) {
    try {
      return { ok: true, claims: (await jwtVerify(token, key, options)).payload };
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== "CREDENTIALS_SIGNATURE_INVALID") return { ok: false, reason };
    }
  }
  return { ok: false, reason: "CREDENTIALS_SIGNATURE_INVALID" };
}

function reasonOf(error: unknown): BadCredentialsReason {
  if (error instanceof errors.JWTExpired) return "CREDENTIALS_EXPIRED";
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason !== "check_failed") return "CREDENTIALS_CLAIM_INVALID";
    if (error.claim === "nbf") return "CREDENTIALS_NOT_YET_VALID";
    return error.claim === "aud" ? "CREDENTIALS_AUDIENCE_INVALID" : "CREDENTIALS_CLAIM_INVALID";
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return "CREDENTIALS_SIGNATURE_INVALID";
  if (error instanceof errors.JWKSNoMatchingKey) return "CREDENTIALS_KEY_UNKNOWN";
  if (error instanceof errors.JOSEAlgNotAllowed) return "CREDENTIALS_ALGORITHM_UNSUPPORTED";
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return "CREDENTIALS_MALFORMED";
  return "CREDENTIALS_INVALID";
}
