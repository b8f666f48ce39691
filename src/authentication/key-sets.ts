// The public keys of issuers (RFC 7517): found by OpenID Connect Discovery 1.0, fetched, cached and rotated.
import { type LocalJWKSet, createLocalJWKSet } from "jose";
import { isRecord } from "../rpc/any";
import { unavailable } from "../rpc/error";
import { withinLimit } from "../time-limit";
import {
  AUTHENTICATION_RETRY_SECONDS,
  KEY_SET_COOLDOWN_MS,
  KEY_SET_FRESH_MS,
  KEY_SET_RETRY_MS,
  KEY_SET_STALE_MS,
  KEY_SET_TIMEOUT_MS,
  MAX_KEY_SET_BYTES,
  MAX_KEY_SET_KEYS,
} from "./limits";
import type { Issuer } from "./issuer-config";

export interface KeySet {
  getKey: LocalJWKSet;
  fetchTime: number;
}

export interface KeySets {
  /** Throws UNAVAILABLE if the issuer's keys are unknown and cannot be fetched. */
  get(issuer: Issuer, now: number): Promise<KeySet>;
  /** After a token named a key that is not in `known`: a newer set, or `known` if one was fetched just before. */
  refresh(issuer: Issuer, known: KeySet, now: number): Promise<KeySet>;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;
type KeySource = Pick<Issuer, "issuer" | "jwksUri">;

interface Entry {
  keySet?: KeySet;
  failTime?: number;
  pending?: { promise: Promise<KeySet>; startTime: number };
}

export function keySetsOver(fetch: Fetch): KeySets {
  const entries = new Map<string, Entry>();
  const entryOf = ({ issuer, jwksUri = "" }: KeySource): Entry => {
    const key = `${issuer} ${jwksUri}`;
    const entry = entries.get(key) ?? {};
    entries.set(key, entry);
    return entry;
  };
  return {
    async get(issuer, now) {
      const entry = entryOf(issuer);
      const { keySet } = entry;
      const age = keySet === undefined ? Infinity : now - keySet.fetchTime;
      if (keySet && age < KEY_SET_FRESH_MS) return keySet;
      try {
        return await fetchOnce(fetch, entry, issuer, now);
      } catch (error) {
        if (keySet && age < KEY_SET_STALE_MS) return keySet;
        throw error;
      }
    },
    async refresh(issuer, known, now) {
      const entry = entryOf(issuer);
      if (entry.keySet && entry.keySet !== known) return entry.keySet;
      return now - known.fetchTime < KEY_SET_COOLDOWN_MS ? known : fetchOnce(fetch, entry, issuer, now);
    },
  };
}

/** Joins a running fetch. Begins none soon after a failed one. */
async function fetchOnce(fetch: Fetch, entry: Entry, source: KeySource, now: number): Promise<KeySet> {
  const cooldownMs = entry.keySet ? KEY_SET_COOLDOWN_MS : KEY_SET_RETRY_MS;
  if (entry.failTime !== undefined && now - entry.failTime < cooldownMs) throw unreachable();
  // A fetch ends with the request that began it. No request waits for an overdue one.
  const isOverdue = entry.pending !== undefined && now - entry.pending.startTime > 2 * KEY_SET_TIMEOUT_MS;
  if (!entry.pending || isOverdue) {
    entry.pending = { promise: fetchInto(entry, fetch, source, now), startTime: now };
  }
  // The waiting request's own timer, because another request's fetch may end without an outcome.
  return withinLimit(entry.pending.promise, 2 * KEY_SET_TIMEOUT_MS, () => {
    throw unreachable();
  });
}

async function fetchInto(entry: Entry, fetch: Fetch, source: KeySource, now: number): Promise<KeySet> {
  try {
    const keySet = await fetchKeySet(fetch, source, now);
    entry.keySet = keySet;
    delete entry.failTime;
    return keySet;
  } catch (error) {
    entry.failTime = now;
    throw error;
  } finally {
    if (entry.pending?.startTime === now) delete entry.pending;
  }
}

async function fetchKeySet(fetch: Fetch, { issuer, jwksUri }: KeySource, now: number): Promise<KeySet> {
  try {
    const json = await fetchJson(fetch, jwksUri ?? (await discoveredUri(fetch, issuer)));
    const keys = json["keys"];
    if (!Array.isArray(keys) || keys.length > MAX_KEY_SET_KEYS) throw new Error("no JSON Web Key Set");
    // jose skips keys that it cannot use, and rejects secret and private keys.
    return { getKey: createLocalJWKSet({ keys }), fetchTime: now };
  } catch (error) {
    throw unreachable(error);
  }
}

/** OpenID Connect Discovery 1.0, section 4: the document must be of the very issuer. */
async function discoveredUri(fetch: Fetch, issuer: string): Promise<string> {
  const document = await fetchJson(fetch, `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  const uri = document["jwks_uri"];
  if (document["issuer"] !== issuer) throw new Error("the OpenID configuration is another issuer's");
  const isLocal = new URL(issuer).protocol === "http:";
  if (typeof uri === "string" && URL.canParse(uri) && (isLocal || new URL(uri).protocol === "https:")) return uri;
  throw new Error("the OpenID configuration has no https jwks_uri");
}

async function fetchJson(fetch: Fetch, url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    headers: { Accept: "application/json" },
    // A redirect would fetch keys from another place than the configured one.
    redirect: "manual",
    signal: AbortSignal.timeout(KEY_SET_TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${new URL(url).host} answered ${response.status}`);
  }
  const json: unknown = JSON.parse(await boundedText(response));
  if (isRecord(json)) return json;
  throw new Error(`${new URL(url).host} answered no JSON object`);
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_KEY_SET_BYTES) throw new Error("the answer is too large");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function unreachable(cause?: unknown) {
  return unavailable(
    "The token cannot be checked now: its issuer's keys cannot be reached. Try again.",
    AUTHENTICATION_RETRY_SECONDS,
    cause,
  );
}
