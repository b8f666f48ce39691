// AUTH and ADMINS: the accepted credentials. No error repeats a wrong value: it may be a misplaced secret.
import { decodeMember } from "../iam/members";
import { isRecord } from "../rpc/any";
import { misconfigured } from "../rpc/error";
import {
  DEFAULT_CLOCK_SKEW_SECONDS,
  MAX_ADMIN_KEY_HASHES,
  MAX_AUTH_CHARACTERS,
  MAX_CLOCK_SKEW_SECONDS,
  MAX_ISSUERS,
  MAX_LISTED_VALUES,
} from "./limits";

export interface AuthenticationVariables {
  /** Unset, `open`, or the JSON of {@link CredentialsConfig} as docs/access.md describes it; wrangler's vars may be tables. */
  AUTH?: unknown;
  /** Members that are always administrators, separated by commas. */
  ADMINS?: string;
}

export type AuthenticationConfig =
  /** No configuration: every call is refused, unless the deployment has an `authenticate` function of its own. */
  | { mode: "none"; admins: ReadonlySet<string> }
  /** Credentials are ignored and every caller may do everything. */
  | { mode: "open" }
  | CredentialsConfig;

export interface CredentialsConfig {
  mode: "credentials";
  /** By the `iss` of their tokens. */
  issuers: ReadonlyMap<string, Issuer>;
  /** undefined: no API key is accepted. */
  apiKeys: { adminKeyHashes: readonly string[] } | undefined;
  admins: ReadonlySet<string>;
  clockSkewSeconds: number;
}

export interface Issuer {
  /** `iss`, character by character. */
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

const cache = new WeakMap<object, AuthenticationConfig>();

/** The configuration of an environment, read once for each. Throws INTERNAL naming the first wrong value. */
export function authenticationConfigFromEnv(env: AuthenticationVariables): AuthenticationConfig {
  const config = cache.get(env) ?? authenticationConfigFromVariables(env);
  cache.set(env, config);
  return config;
}

export function authenticationConfigFromVariables({ AUTH, ADMINS }: AuthenticationVariables): AuthenticationConfig {
  const admins = adminsFromText(ADMINS);
  if (AUTH === undefined || AUTH === "") return { mode: "none", admins };
  if (AUTH === "open") return { mode: "open" };
  const fields = objectAt("AUTH", typeof AUTH === "string" ? parsed(AUTH) : AUTH, [
    "issuers",
    "apiKeys",
    "clockSkewSeconds",
  ]);
  const issuers = issuersFrom(fields["issuers"]);
  const apiKeys = apiKeysFrom(fields["apiKeys"]);
  if (issuers.size === 0 && !apiKeys) {
    throw misconfigured("AUTH", "must have an issuer, or apiKeys: nobody could prove who they are");
  }
  checkAdmins(admins, issuers);
  return { mode: "credentials", issuers, apiKeys, admins, clockSkewSeconds: skewFrom(fields["clockSkewSeconds"]) };
}

function parsed(text: string): unknown {
  try {
    if (text.length <= MAX_AUTH_CHARACTERS) return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text.
  }
  throw misconfigured("AUTH", `must be unset, "open", or a JSON object of at most ${MAX_AUTH_CHARACTERS} characters`);
}

function adminsFromText(text: unknown): ReadonlySet<string> {
  if (text === undefined || text === "") return new Set();
  if (typeof text !== "string") throw misconfigured("ADMINS", "must be a text of members divided by commas");
  return new Set(
    text.split(",").map((part, index) => {
      const member = decodeMember(part.trim());
      // AUTH "open" is the only way to make every caller an administrator.
      if (member.ok && !member.value.startsWith("all")) return member.value;
      throw misconfigured(
        `ADMINS[${index}]`,
        "must be a member: user:, serviceAccount:, group: with an e-mail address, domain: with a domain, principal:// or principalSet://",
      );
    }),
  );
}

function issuersFrom(value: unknown): ReadonlyMap<string, Issuer> {
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
        "must not be that of another, nor but for a slash at its end",
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

/** An administrator that no issuer can name any more, because two issuers could have meant another by it. */
function checkAdmins(admins: ReadonlySet<string>, issuers: ReadonlyMap<string, Issuer>): void {
  const all = [...issuers.values()];
  const shared = all.filter(({ ownHost }) => ownHost === undefined);
  const sharedHosts = new Set(shared.map(({ issuer }) => new URL(issuer).hostname));
  for (const [index, member] of [...admins].entries()) {
    const host = member.includes("://") ? "" : (member.split(/[:@]/).at(-1) ?? "");
    if (!sharedHosts.has(host) || all.some(({ members }) => members.domains?.has(host))) continue;
    throw misconfigured(
      `ADMINS[${index}]`,
      "is at a host on which AUTH has several issuers, and could be any of theirs; name the issuer, as in " +
        "principalSet://HOST/PATH/group/NAME, principal://HOST/PATH/serviceAccount/NAME or principal://HOST/PATH/subject/SUB",
    );
  }
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

function apiKeysFrom(value: unknown): CredentialsConfig["apiKeys"] {
  if (value === undefined || value === false) return undefined;
  if (value === true) return { adminKeyHashes: [] };
  const { adminKeyHashes } = objectAt("AUTH.apiKeys", value, ["adminKeyHashes"]);
  const at = "AUTH.apiKeys.adminKeyHashes";
  const hashes = adminKeyHashes === undefined ? [] : textsAt(at, adminKeyHashes);
  if (hashes.length <= MAX_ADMIN_KEY_HASHES && hashes.every((hash) => /^[0-9a-f]{64}$/.test(hash))) {
    return { adminKeyHashes: hashes };
  }
  throw misconfigured(at, `must be at most ${MAX_ADMIN_KEY_HASHES} hashes, each of 64 hex digits in lower case`);
}

function skewFrom(value: unknown): number {
  if (value === undefined) return DEFAULT_CLOCK_SKEW_SECONDS;
  if (typeof value === "number" && value >= 0 && value <= MAX_CLOCK_SKEW_SECONDS) return value;
  throw misconfigured("AUTH.clockSkewSeconds", `must be a number from 0 to ${MAX_CLOCK_SKEW_SECONDS}`);
}

function objectAt(at: string, value: unknown, known: readonly string[]): Record<string, unknown> {
  if (!isRecord(value)) {
    const alternatives = { AUTH: 'unset, "open", or ', "AUTH.apiKeys": "true, false, or " }[at] ?? "";
    throw misconfigured(at, `must be ${alternatives}an object with ${known.join(", ")}`);
  }
  if (Object.keys(value).every((key) => known.includes(key))) return { ...value };
  throw misconfigured(at, `must have no fields but ${known.join(", ")}`);
}

function textsAt(at: string, value: unknown): string[] {
  const isGood = Array.isArray(value) && value.length > 0 && value.length <= MAX_LISTED_VALUES;
  if (isGood && value.every((text): text is string => typeof text === "string" && text !== "")) return value;
  throw misconfigured(at, `must be a text, or a list of 1 to ${MAX_LISTED_VALUES}, none of them empty`);
}
