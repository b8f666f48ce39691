// AUTH and ADMINS: the accepted credentials. No error repeats a wrong value: it may be a misplaced secret.
import { decodeMember } from "../iam/members";
import { misconfigured } from "../rpc/error";
import { type Issuer, issuersFrom, objectAt, textsAt } from "./issuer-config";
import {
  DEFAULT_CLOCK_SKEW_SECONDS,
  MAX_ADMIN_KEY_HASHES,
  MAX_AUTH_CHARACTERS,
  MAX_CLOCK_SKEW_SECONDS,
} from "./limits";

export interface AuthenticationVariables {
  /** Unset, `open`, or the JSON of {@link CredentialsConfig} as docs/access.md describes it; wrangler's vars may be tables. */
  AUTH?: unknown;
  /** Members that are always administrators, separated by commas. */
  ADMINS?: string;
}

export type AuthenticationConfig =
  /** No configuration: every call is rejected, unless the deployment has an `authenticate` function of its own. */
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

const cache = new WeakMap<object, AuthenticationConfig>();

/** The configuration of an environment, read once for each. Throws INTERNAL naming the first wrong value. */
export function authenticationConfigFromEnv(env: AuthenticationVariables): AuthenticationConfig {
  const config = cache.get(env) ?? authenticationConfigFromVariables(env);
  cache.set(env, config);
  return config;
}

/** The issuers whose tokens are accepted. */
export function issuersFromEnv(env: AuthenticationVariables): string[] {
  const config = authenticationConfigFromEnv(env);
  return config.mode === "credentials" ? [...config.issuers.keys()] : [];
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
    throw misconfigured("AUTH", "must have an issuer, or apiKeys, or no caller can be identified");
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
      "is at a host with several issuers in AUTH; name the issuer, as in " +
        "principalSet://HOST/PATH/group/NAME, principal://HOST/PATH/serviceAccount/NAME or principal://HOST/PATH/subject/SUB",
    );
  }
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
