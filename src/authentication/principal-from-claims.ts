// The caller of a verified token, by the issuer's mapping of claims to members.
import { ALL_AUTHENTICATED_USERS, ALL_USERS, decodeMember } from "../iam/members";
import type { Principal } from "../iam/principal";
import { badCredentials } from "./credentials";
import { type ClaimPath, type Issuer, issuerIdentity } from "./issuer-config";

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
  // Cloudflare Access leaves `sub` empty for a service token, and names the token in `common_name`.
  const account = members.serviceAccount && textAt(claims, members.serviceAccount);
  const name = subject ? `subject/${encoded(subject)}` : `serviceAccount/${encoded(account ?? "")}`;
  const id = decodeMember(`principal://${issuerIdentity(issuer)}/${name}`);
  if (id.ok && (subject || account)) return id.value;
  throw badCredentials("CREDENTIALS_CLAIM_INVALID");
}

function encoded(subject: string): string {
  if (!subject.isWellFormed()) throw badCredentials("CREDENTIALS_CLAIM_INVALID");
  return encodedSubject(subject);
}

/**
 * Percent-encoded where needed: a subject with a slash cannot pass for another issuer's, and commas separate ADMINS. Throws a
 * URIError where the text is not well-formed.
 */
export function encodedSubject(subject: string): string {
  return subject.replaceAll(/[^A-Za-z0-9._~!$&'()*+;=:@|-]/gu, encodeURIComponent);
}

/**
 * The members that the issuer's claims give beside the subject: names of its own, and addresses for which it may speak.
 */
function mappedMembers(claims: Claims, issuer: Issuer): string[] {
  const { serviceAccount, group } = issuer.members;
  const account = serviceAccount && textAt(claims, serviceAccount);
  const identity = issuerIdentity(issuer.issuer);
  const own = [
    ...(account && !account.includes("@") ? [`principal://${identity}/serviceAccount/${encoded(account)}`] : []),
    ...(group ? textsAt(claims, group).flatMap((name) => groupOf(identity, name)) : []),
  ];
  return [
    ...own.flatMap(canonical),
    ...addressesOf(claims, issuer)
      .flatMap(canonical)
      .filter((member) => maySpeakFor(issuer, member.split(/[:@]/).at(-1) ?? "")),
  ];
}

/** A policy cannot name a member without a canonical form. */
function canonical(text: string): string[] {
  const member = decodeMember(text);
  return member.ok ? [member.value] : [];
}

/** A group by its name alone belongs to its issuer, and to no other. */
function groupOf(identity: string, name: string): string[] {
  return name.isWellFormed() ? [`principalSet://${identity}/group/${encoded(name)}`] : [];
}

/** Members with an address or a domain. A name without one is at the issuer's host, if no other issuer is on it. */
function addressesOf(claims: Claims, { members: mapping, ownHost }: Issuer): string[] {
  const { user, serviceAccount, group, domain } = mapping;
  const email = verifiedEmail(claims, mapping);
  const account = serviceAccount && textAt(claims, serviceAccount);
  const isUsersClaim = domain !== undefined && JSON.stringify(domain) === JSON.stringify(user);
  const domainName = isUsersClaim ? email?.split("@").at(-1) : domain && textAt(claims, domain);
  const address = (kind: string, name: string): string[] => {
    if (name.includes("@")) return [`${kind}:${name}`];
    return ownHost === undefined ? [] : [`${kind}:${name}@${ownHost}`];
  };
  return [
    ...(email === undefined
      ? []
      : [`${/[@.]gserviceaccount\.com$/i.test(email) ? "serviceAccount" : "user"}:${email}`]),
    ...(account ? address("serviceAccount", account) : []),
    ...(group ? textsAt(claims, group).flatMap((name) => address("group", name)) : []),
    ...(domainName ? [`domain:${domainName}`] : []),
  ];
}

function maySpeakFor({ members: { domains }, ownHost, foreignHosts }: Issuer, domain: string): boolean {
  return domains === undefined ? !foreignHosts.has(domain) : domains.has(domain) || domain === ownHost;
}

/** An unverified address says nothing about the caller. */
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
