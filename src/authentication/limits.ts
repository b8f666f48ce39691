// The limits of credentials, and of the data that is fetched and remembered to check them.

/** A bearer token in characters: more than any issuer's that fits beside others into Cloudflare's 128 KB of headers. */
export const MAX_TOKEN_CHARACTERS = 16_384;
/** Issuers of a deployment, and values in a list of one's configuration. */
export const MAX_ISSUERS = 20;
export const MAX_LISTED_VALUES = 50;
/** The AUTH variable as text; a variable of a Worker has at most 5 KB. */
export const MAX_AUTH_CHARACTERS = 16_384;
/** The allowed difference between an issuer's clock and this one, unless AUTH says otherwise. */
export const DEFAULT_CLOCK_SKEW_SECONDS = 60;
/** A larger value would accept an expired token for longer than many tokens live. */
export const MAX_CLOCK_SKEW_SECONDS = 300;

/** The keys of an issuer are fetched again after this time … */
export const KEY_SET_FRESH_MS = 600_000;
/** … and, if they cannot be fetched, used up to this age, so that an issuer's outage of some hours excludes no user. */
export const KEY_SET_STALE_MS = 21_600_000;
/** The time between two fetches of an issuer's keys: tokens with unknown key ids cause no more of them. */
export const KEY_SET_COOLDOWN_MS = 30_000;
/** The same after a failed fetch, if no keys of the issuer are known yet. */
export const KEY_SET_RETRY_MS = 5_000;
/** A discovery document or key set that takes longer counts as unreachable. */
export const KEY_SET_TIMEOUT_MS = 5_000;
export const MAX_KEY_SET_BYTES = 262_144;
export const MAX_KEY_SET_KEYS = 100;

/** The time for which an isolate relies on a key that it has read. With delays, a revocation holds within 60 s. */
export const API_KEY_CACHE_MS = 30_000;
/** Keys that an isolate remembers. */
export const MAX_CACHED_API_KEYS = 1_000;
/** Keys of a deployment, revoked ones included until they are purged. */
export const MAX_API_KEYS = 1_000;
/** Grants of one key. Every call checks each of them. */
export const MAX_API_KEY_GRANTS = 20;
export const MAX_DISPLAY_NAME_CHARACTERS = 63;
/** A revoked or expired key stays in the list this long (so does a deleted one of Google's). */
export const API_KEY_PURGE_MS = 30 * 86_400_000;
export const DEFAULT_API_KEYS_PAGE_SIZE = 50;
/** A page reads each of its keys from its object. */
export const MAX_API_KEYS_PAGE_SIZE = 100;
/** Hashes of administrators' keys in AUTH: the present one, and the next while it is rolled out. */
export const MAX_ADMIN_KEY_HASHES = 5;
/** The `Retry-After` while an issuer's keys or an API key's object cannot be reached. */
export const AUTHENTICATION_RETRY_SECONDS = 5;

/** An `authenticate` function that takes longer counts as unreachable: nothing else is done for the caller until then. */
export const AUTHENTICATE_TIMEOUT_MS = 10_000;
/** Members that an `authenticate` function may give one caller. Every policy on the way compares each of them. */
export const MAX_OWN_MEMBERS = 200;
