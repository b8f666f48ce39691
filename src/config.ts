// The deployment's configuration, read and checked once. A wrong value is an error that names it.
import {
  DEFAULT_INVOCATION_MS,
  DEFAULT_LEASE_MS,
  DEFAULT_RESEND_MS,
  MAX_INDEX_SHARDS,
  MAX_RESEND_MS,
  MAX_SLOTS,
  MAX_LEASE_MS,
  MIN_LEASE_MS,
} from "./limits";
import { type AuthenticationConfig, authenticationConfigFromEnv } from "./authentication/config";
import { isRecord } from "./rpc/any";
import { misconfigured } from "./rpc/error";
import type { AllowedOrigins } from "./http/cors";
import type { FinishedReads } from "./service/operation-reads";
import type { Locations } from "./service/locations";
import type { Deployment } from "./service/start-operation";
import type { QuotaLimits, StartQuota } from "./service/start-quota";
import type { TokenKeys } from "./service/page-token";
import type { Env } from "./env";

export interface Config {
  /** The accepted credentials. src/authentication/config.ts reads them. */
  auth: AuthenticationConfig["mode"];
  leaseMs: number;
  resendMs: number;
  snapshots: boolean;
  /** The first place where a finished operation is read: its object, or the snapshot in KV. */
  finishedReads: FinishedReads;
  indexShards: number;
  emulation: boolean;
  corsOrigins: AllowedOrigins;
  /** Whether those pages may send cookies along. */
  corsCredentials: boolean;
  /** The limit of unfinished operations of one caller; undefined: no limit. */
  maxOperationsPerCaller: number | undefined;
  /** The limit of starts in a day; undefined: nothing is counted. */
  startQuota: StartQuota | undefined;
  /** The keys of page tokens, base64 of 32 bytes. The first one seals. undefined: each scope has its own. */
  tokenKeys: TokenKeys | undefined;
  invocationMs: number;
}

const cache = new WeakMap<object, Config>();

/** The configuration of an environment, read once for each. Throws INTERNAL naming the first wrong variable. */
export function configFromEnv(env: Partial<Env>): Config {
  const config = cache.get(env) ?? configFromVariables(env);
  cache.set(env, config);
  return config;
}

function configFromVariables(env: Partial<Env>): Config {
  const auth = authenticationConfigFromEnv(env).mode;
  // Checked here and read where lines are written, because a wrong configuration is logged too.
  oneOf("LOG", env.LOG, { "": true, all: true, transitions: true, off: true });
  const snapshots = oneOf("KV_SNAPSHOTS", env.KV_SNAPSHOTS, { "": true, all: true, off: false });
  return {
    auth,
    leaseMs: seconds(env, "LEASE_SECONDS", auth === "open" ? OPEN_LEASE : LEASE),
    resendMs: seconds(env, "RESEND_SECONDS", RESEND),
    invocationMs: seconds(env, "INVOCATION_SECONDS", INVOCATION),
    indexShards: wholeNumber(env, "INDEX_SHARDS", { min: 1, max: MAX_INDEX_SHARDS }) ?? 1,
    emulation: oneOf("EMULATION", env.EMULATION, { "": false, off: false, on: true }),
    ...cors(env),
    maxOperationsPerCaller:
      wholeNumber(env, "MAX_OPERATIONS_PER_CALLER", { min: 1, max: MAX_SLOTS }) ??
      (env.MAX_OPERATIONS_PER_CALLER === undefined ? undefined : MAX_SLOTS),
    startQuota: startQuotaFrom(env.START_QUOTA),
    tokenKeys: tokenKeys(env.PAGE_TOKEN_KEYS),
    snapshots,
    finishedReads: finishedReads(env.FINISHED_READS, snapshots),
  };
}

/** The parts of a configuration that every start takes. */
export function deploymentFromConfig(config: Config, locations: Locations): Deployment {
  const { leaseMs, resendMs, snapshots, indexShards, maxOperationsPerCaller } = config;
  return {
    policy: { leaseMs, resendMs, snapshot: snapshots },
    locations,
    indexShards,
    maxOperationsPerCaller,
  };
}

function finishedReads(value: string | undefined, snapshots: boolean): FinishedReads {
  const reads = oneOf<FinishedReads>("FINISHED_READS", value, { "": "strong", strong: "strong", edge: "edge" });
  if (reads === "strong" || snapshots) return reads;
  throw misconfigured(
    "FINISHED_READS",
    'can be "edge" only where KV_SNAPSHOTS is not "off": nothing is put there to read',
  );
}

function oneOf<T>(variable: string, value: string | undefined, meanings: Record<string, T>): T {
  const text = value ?? "";
  if (Object.hasOwn(meanings, text)) return meanings[text] as T;
  const allowed = Object.keys(meanings).filter((meaning) => meaning !== "");
  throw misconfigured(variable, `must be unset or one of ${allowed.map((meaning) => `"${meaning}"`).join(", ")}`);
}

interface Bounds {
  byDefault: number;
  min: number;
  max: number;
}

const LEASE: Bounds = { byDefault: DEFAULT_LEASE_MS, min: DEFAULT_LEASE_MS, max: MAX_LEASE_MS };
const OPEN_LEASE: Bounds = { ...LEASE, min: MIN_LEASE_MS };
const RESEND: Bounds = { byDefault: DEFAULT_RESEND_MS, min: 1_000, max: MAX_RESEND_MS };
const INVOCATION: Bounds = { byDefault: DEFAULT_INVOCATION_MS, min: 100, max: DEFAULT_INVOCATION_MS };

function seconds(
  env: Partial<Env>,
  variable: "LEASE_SECONDS" | "RESEND_SECONDS" | "INVOCATION_SECONDS",
  { byDefault, min, max }: Bounds,
): number {
  const { [variable]: value = "" } = env;
  if (value === "") return byDefault;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Number.NaN;
  if (ms >= min && ms <= max) return ms;
  throw misconfigured(variable, `must be a number of seconds from ${min / 1_000} to ${max / 1_000}`);
}

function wholeNumber(
  env: Partial<Env>,
  variable: "INDEX_SHARDS" | "MAX_OPERATIONS_PER_CALLER",
  { min, max }: { min: number; max: number },
): number | undefined {
  const { [variable]: value } = env;
  if (value === undefined || value === "") return undefined;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw misconfigured(variable, `must be a whole number from ${min} to ${max}`);
}

/** JSON text, or a table in wrangler.toml: `{ "perCaller": { "operations": 100, "bytes": 1e8 }, "perParent": { … } }`. */
function startQuotaFrom(value: unknown): StartQuota | undefined {
  if (value === undefined || value === "") return undefined;
  const fields = fieldsOf(value, ["perCaller", "perParent"]);
  if (!fields) throw misconfigured("START_QUOTA", "must be an object with perCaller, perParent or both");
  return {
    perCaller: quotaLimits("START_QUOTA.perCaller", fields["perCaller"]),
    perParent: quotaLimits("START_QUOTA.perParent", fields["perParent"]),
  };
}

function quotaLimits(at: string, value: unknown): QuotaLimits | undefined {
  if (value === undefined) return undefined;
  const fields = fieldsOf(value, ["operations", "bytes"]);
  const isGood = fields && Object.values(fields).every((limit) => Number.isSafeInteger(limit) && Number(limit) >= 0);
  if (isGood) return fields;
  throw misconfigured(at, "must be an object with operations, bytes or both, whole numbers that are not negative");
}

/** The fields of an object that has only these; undefined for any other value. */
function fieldsOf(value: unknown, known: readonly string[]): Record<string, unknown> | undefined {
  let object = value;
  try {
    if (typeof value === "string") object = JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
  if (!isRecord(object)) return undefined;
  const keys = Object.keys(object);
  return keys.length > 0 && keys.every((key) => known.includes(key)) ? { ...object } : undefined;
}

function cors(env: Pick<Partial<Env>, "CORS_CREDENTIALS" | "CORS_ORIGINS">) {
  const origins = corsOrigins(env.CORS_ORIGINS);
  const credentials = oneOf("CORS_CREDENTIALS", env.CORS_CREDENTIALS, { "": false, off: false, on: true });
  // A page of any origin could read whatever its visitor may.
  if (credentials && origins === "any")
    throw misconfigured("CORS_CREDENTIALS", 'can be "on" only where CORS_ORIGINS lists the origins');
  return { corsOrigins: origins, corsCredentials: credentials };
}

function corsOrigins(value: unknown): AllowedOrigins {
  if (value === undefined || value === "") return [];
  if (value === "*") return "any";
  // A list, as TOML has it, is not one.
  const origins = typeof value === "string" ? value.split(",").map((origin) => origin.trim()) : [""];
  if (origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)) return origins;
  throw misconfigured("CORS_ORIGINS", 'must be "*" or origins like "https://app.example.com", divided by commas');
}

function tokenKeys(value: unknown): TokenKeys | undefined {
  if (value === undefined || value === "") return undefined;
  const [first, ...more] = typeof value === "string" ? value.split(",").map((key) => key.trim()) : [];
  const keys: TokenKeys = [first ?? "", ...more];
  // 32 bytes in base64: 43 characters and one of padding.
  if (keys.length <= 2 && keys.every((key) => /^[A-Za-z0-9+/]{43}=$/.test(key))) return keys;
  throw misconfigured(
    "PAGE_TOKEN_KEYS",
    "must be one or two keys of 32 bytes in base64, the present one first, divided by a comma",
  );
}
