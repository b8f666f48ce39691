// AUTH.issuers: whose tokens the deployment accepts, and the members that their claims become (docs/access.md).
import { decodeMember } from "../iam/members";
import { isRecord } from "../rpc/any";
import { misconfigured } from "../rpc/error";
import { MAX_ISSUERS, MAX_LISTED_VALUES } from "./limits";

export interface Issuer {
  issuer: string;
  /** One of them must be in `aud`. */
  audiences: readonly string[];
  /** undefined: from the issuer's OpenID configuration. */
  jwksUri: string | undefined;
  algorithms: readonly Algorithm[];
  /** The request header, beside Authorization, in which a proxy puts this issuer's tokens. */
  header: string | undefined;
  members: ClaimMapping;
  /**
   * The host at which its groups and service accounts have addresses; undefined if another issuer is on it, or speaks
   * for it.
   */
  ownHost: string | undefined;
  /** The hosts of other issuers. It may name a member there only if `domains` lists the host. */
  foreignHosts: ReadonlySet<string>;
}

/** The claims that become members. Each is a claim's name, or the path to one inside others. */
export interface ClaimMapping {
  /** An e-mail address: `user:`, or `serviceAccount:` under gserviceaccount.com. */
  user: ClaimPath | undefined;
  /** The claim that must be true for that address; undefined: the issuer vouches for each. */
  emailVerified: ClaimPath | undefined;
  /** `serviceAccount:` with an address. A name without one belongs to the issuer, and is one at its host. */
  serviceAccount: ClaimPath | undefined;
  /** `group:` with an address, each of a list. Every name also belongs to the issuer, and is one at its host. */
  group: ClaimPath | undefined;
  /** `domain:`. If it is the user's claim, it is the domain of the user's verified address. */
  domain: ClaimPath | undefined;
  /** The domains for which this issuer may speak, and no others; undefined: all but the hosts of other issuers. */
  domains: ReadonlySet<string> | undefined;
}

export type ClaimPath = readonly [string, ...string[]];

/** Public-key signatures alone. With a shared secret, every party that can check a token can make one. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const DEFAULT_ALGORITHMS: readonly Algorithm[] = ["RS256", "ES256", "EdDSA"];

const RESERVED_HEADERS = new Set(["authorization", "x-goog-api-key", "cookie", "proxy-authorization"]);

/** AUTH.issuers, by the `iss` of their tokens. */
export function issuersFrom(value: unknown): ReadonlyMap<string, Issuer> {
  if (value === undefined) return new Map();
  if (!Array.isArray(value) || value.length > MAX_ISSUERS) {
    throw misconfigured("AUTH.issuers", `must be a list of at most ${MAX_ISSUERS} issuers`);
  }
  const issuers = value.map((item: unknown, index) => issuerFrom(`AUTH.issuers[${index}]`, item));
  const identities = new Set<string>();
  for (const [index, { issuer }] of issuers.entries()) {
    const identity = issuerIdentity(issuer);
    if (identities.has(identity)) {
      throw misconfigured(
        `AUTH.issuers[${index}].issuer`,
        "must differ from all others by more than a slash at its end",
      );
    }
    identities.add(identity);
  }
  if (issuers.length > 1) for (const [index, issuer] of issuers.entries()) checkDomains(index, issuer, value[index]);
  return new Map(issuers.map((issuer) => [issuer.issuer, withHosts(issuer, issuers)]));
}

/**
 * With several issuers, each declares the domains for whose addresses it may speak. Otherwise one could name another's
 * users, and ADMINS.
 */
function checkDomains(index: number, { members }: DeclaredIssuer, declared: unknown): void {
  const { user, serviceAccount, group, domain, domains } = members;
  const hasAddresses = [user, serviceAccount, group, domain].some((claim) => claim !== undefined);
  const isSaid = domains !== undefined || isEveryDomain((declared as Record<string, unknown>)["members"]);
  if (!hasAddresses || isSaid) return;
  throw misconfigured(
    `AUTH.issuers[${index}].members.domains`,
    'must list the domains for whose addresses this issuer may speak, because there is another issuer; [] for none, ["*"] for all',
  );
}

function isEveryDomain(members: unknown): boolean {
  return JSON.stringify((members as { domains?: unknown } | undefined)?.domains) === '["*"]';
}

function withHosts(issuer: DeclaredIssuer, all: readonly DeclaredIssuer[]): Issuer {
  const host = new URL(issuer.issuer).hostname;
  const others = all.filter((other) => other !== issuer);
  const foreignHosts = new Set(others.map((other) => new URL(other.issuer).hostname));
  const isShared = foreignHosts.has(host) || others.some(({ members }) => members.domains?.has(host));
  return { ...issuer, ownHost: isShared ? undefined : host, foreignHosts };
}

type DeclaredIssuer = Omit<Issuer, "ownHost" | "foreignHosts">;

/** The issuer in the names of its principals: its host and path. */
export function issuerIdentity(issuer: string): string {
  const { host, pathname } = new URL(issuer);
  return `${host}${pathname.replace(/\/+$/, "")}`;
}

function issuerFrom(at: string, value: unknown): DeclaredIssuer {
  const fields = objectAt(at, value, ["issuer", "audience", "jwksUri", "algorithms", "header", "members"]);
  const { issuer, audience, jwksUri, algorithms = DEFAULT_ALGORITHMS, header, members = {} } = fields;
  const url = urlAt(`${at}.issuer`, issuer);
  if (/[?#]/.test(url) || !/^[\x21-\x7e]+$/.test(url)) {
    throw misconfigured(`${at}.issuer`, "must be a URL in ASCII without query and fragment");
  }
  return {
    issuer: url,
    audiences: textsAt(`${at}.audience`, typeof audience === "string" ? [audience] : audience),
    jwksUri: jwksUri === undefined ? undefined : urlAt(`${at}.jwksUri`, jwksUri),
    algorithms: textsAt(`${at}.algorithms`, algorithms).map((name) => algorithmAt(`${at}.algorithms`, name)),
    header: header === undefined ? undefined : headerAt(`${at}.header`, header),
    members: claimMappingFrom(`${at}.members`, members),
  };
}

/** https, or http on the machine itself, for development. */
function urlAt(at: string, value: unknown): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  const isLocal = url?.protocol === "http:" && ["localhost", "127.0.0.1"].includes(url.hostname);
  const isGood = url !== undefined && (url.protocol === "https:" || isLocal) && url.username + url.password === "";
  if (typeof value === "string" && isGood && /^[a-z0-9.:-]+$/.test(url.host)) return value;
  throw misconfigured(at, "must be an https URL without user name and password");
}

function algorithmAt(at: string, name: string): Algorithm {
  const algorithm = ALGORITHMS.find((known) => known === name);
  if (algorithm) return algorithm;
  throw misconfigured(at, `must be of ${ALGORITHMS.join(", ")}`);
}

function headerAt(at: string, value: unknown): string {
  if (typeof value === "string" && /^[A-Za-z0-9-]{1,64}$/.test(value) && !RESERVED_HEADERS.has(value.toLowerCase())) {
    return value.toLowerCase();
  }
  throw misconfigured(at, "must be a header's name, and none that holds other credentials");
}

function claimMappingFrom(at: string, value: unknown): ClaimMapping {
  const fields = objectAt(at, value, ["user", "emailVerified", "serviceAccount", "group", "domain", "domains"]);
  const { user = "email", emailVerified = "email_verified", serviceAccount, group, domain = "hd", domains } = fields;
  return {
    user: user === false ? undefined : claimAt(`${at}.user`, user),
    // `true`: verified, whatever the token says.
    emailVerified: emailVerified === true ? undefined : claimAt(`${at}.emailVerified`, emailVerified),
    serviceAccount: serviceAccount === undefined ? undefined : claimAt(`${at}.serviceAccount`, serviceAccount),
    group: group === undefined ? undefined : claimAt(`${at}.group`, group),
    domain: domain === false ? undefined : claimAt(`${at}.domain`, domain),
    domains: domainsFrom(at, domains),
  };
}

function domainsFrom(at: string, value: unknown): ClaimMapping["domains"] {
  if (value === undefined || JSON.stringify(value) === '["*"]') return undefined;
  const isEmpty = Array.isArray(value) && value.length === 0;
  return new Set(isEmpty ? [] : textsAt(`${at}.domains`, value).map(domainAt(at)));
}

function domainAt(at: string): (domain: string) => string {
  return (domain) => {
    const member = decodeMember(`domain:${domain}`);
    if (member.ok) return member.value.slice("domain:".length);
    throw misconfigured(`${at}.domains`, "must be domains, like example.com");
  };
}

function claimAt(at: string, value: unknown): ClaimPath {
  const [first, ...more] = textsAt(at, typeof value === "string" ? [value] : value);
  return [first ?? "", ...more];
}

export function objectAt(at: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (!isRecord(value)) {
    const alternatives = { AUTH: 'unset, "open", or ', "AUTH.apiKeys": "true, false, or " }[at] ?? "";
    throw misconfigured(at, `must be ${alternatives}an object with ${known.join(", ")}`);
  }
  if (Object.keys(value).every((key) => known.includes(key))) return { ...value };
  throw misconfigured(at, `must have no fields but ${known.join(", ")}`);
}

export function textsAt(at: string, value: unknown): string[] {
  const isGood = Array.isArray(value) && value.length > 0 && value.length <= MAX_LISTED_VALUES;
  if (isGood && value.every((text): text is string => typeof text === "string" && text !== "")) return value;
  throw misconfigured(at, `must be a text, or a list of 1 to ${MAX_LISTED_VALUES}, none of them empty`);
}
