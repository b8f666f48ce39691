// Who a verified token's claims say is calling, by the issuer's mapping of claims to members.
import { ALL_AUTHENTICATED_USERS, ALL_USERS, decodeMember } from "../iam/members";
import type { Principal } from "../iam/principal";
import { badCredentials } from "./bad-credentials";
import { type ClaimPath, type Issuer, issuerIdentity } from "./config";

export type Claims = Readonly<Record<string, unknown>>;

type Caller = Pick<Principal, "id" | "members">;

export function callerFromClaims(claims: Claims, issuer: Issuer): Caller {
  const id = principalId(claims, issuer);
  const members = [id, ...mappedMembers(claims, issuer), ALL_AUTHENTICATED_USERS, ALL_USERS];
  return { id, members: [...new Set(members)] };
}

/** `principal://{host and path of the issuer}/subject/{sub}`: no other caller has it, whatever other issuers say. */
function principalId(claims: Claims, { issuer, members }: Issuer): string {
  const subject = textAt(claims, ["sub"]);
  // Cloudflare Access leaves `sub` empty for a service token, and names it in `common_name`.
  const account = members.serviceAccount && textAt(claims, members.serviceAccount);
  const name = subject ? `subject/${encoded(subject)}` : `serviceAccount/${encoded(account ?? "")}`;
  const id = decodeMember(`principal://${issuerIdentity(issuer)}/${name}`);
  if (id.ok && (subject || account)) return id.value;
  throw badCredentials("CREDENTIALS_CLAIM_INVALID");
}

/** Percent-encoded where it must be: a subject with a slash is not another issuer's, and ADMINS is divided by commas. */
function encoded(subject: string): string {
  if (!subject.isWellFormed()) throw badCredentials("CREDENTIALS_CLAIM_INVALID");
  return subject.replaceAll(/[^A-Za-z0-9._~!$&'()*+;=:@|-]/gu, encodeURIComponent);
}

function mappedMembers(claims: Claims, { issuer, members: mapping }: Issuer): string[] {
  const { user, serviceAccount, group, domain, domains } = mapping;
  const atIssuer = (name: string): string => (name.includes("@") ? name : `${name}@${new URL(issuer).hostname}`);
  const email = verifiedEmail(claims, mapping);
  const account = serviceAccount && textAt(claims, serviceAccount);
  const isUsersClaim = domain !== undefined && JSON.stringify(domain) === JSON.stringify(user);
  const domainName = isUsersClaim ? email?.split("@").at(-1) : domain && textAt(claims, domain);
  const addresses = [
    ...(email === undefined
      ? []
      : [`${/[@.]gserviceaccount\.com$/i.test(email) ? "serviceAccount" : "user"}:${email}`]),
    ...(account ? [`serviceAccount:${atIssuer(account)}`] : []),
    ...(group ? textsAt(claims, group).map((name) => `group:${atIssuer(name)}`) : []),
    ...(domainName ? [`domain:${domainName}`] : []),
  ];
  const ownHost = new URL(issuer).hostname;
  return addresses.flatMap((text) => {
    // What has no canonical form, no policy can name.
    const member = decodeMember(text);
    if (!member.ok) return [];
    const memberDomain = member.value.split(/[:@]/).at(-1) ?? "";
    return domains === undefined || domains.has(memberDomain) || memberDomain === ownHost ? [member.value] : [];
  });
}

/** An address that nobody has verified says nothing about the caller. */
function verifiedEmail(claims: Claims, { user, emailVerified }: Issuer["members"]): string | undefined {
  // Some issuers (AWS Cognito, Apple) write the boolean as a text.
  const verified = emailVerified === undefined || claimAt(claims, emailVerified);
  return user !== undefined && (verified === true || verified === "true") ? textAt(claims, user) : undefined;
}

function textAt(claims: Claims, path: ClaimPath): string | undefined {
  const value = claimAt(claims, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function textsAt(claims: Claims, path: ClaimPath): string[] {
  const value = claimAt(claims, path);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((text): text is string => typeof text === "string" && text !== "");
}

function claimAt(claims: Claims, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) return undefined;
    value = (value as Claims)[name];
  }
  return value;
}
