// The limits of webhooks. Only a Worker that serves webhooks carries them.

const SECOND_MS = 1_000;
const HOUR_MS = 3_600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

/** Webhooks of one start. Each end of such an operation sends as many requests. */
export const MAX_START_WEBHOOKS = 4;
/** The caller's own data in the events of a start's webhooks, in JSON. They are part of the record. */
export const MAX_USER_METADATA_BYTES = 4 * 1_024;
/** Registered webhooks of one parent. */
export const MAX_WEBHOOKS = 20;
/** The longest URI of a webhook. */
export const MAX_WEBHOOK_URI_CHARACTERS = 2_048;
/** A response in an event, in JSON. A larger one is left out, because receivers limit bodies to about this. */
export const MAX_WEBHOOK_RESPONSE_BYTES = 64 * 1_024;
/** The time for one try of a delivery. */
export const WEBHOOK_TRY_MS = 10 * SECOND_MS;
/** The time from the first try of a delivery to the last one. A webhook that fails for as long is disabled. */
export const WEBHOOK_WINDOW_MS = DAY_MS;
/** The delay before the second try, at most; alarm, queue and consumer take the rest of 5 s. */
export const MIN_WEBHOOK_RETRY_MS = 3 * SECOND_MS;
/** The delay between tries grows to this factor of the previous one … */
export const WEBHOOK_RETRY_FACTOR = 5;
/** … and up to this. Twelve tries are made in a day. */
export const MAX_WEBHOOK_RETRY_MS = 4 * HOUR_MS;
/** Settled deliveries that an operation remembers, for `:explain`. */
export const MAX_SETTLED_DELIVERIES = 20;
/** Tries under way at the same time: an invocation has six connections. */
export const WEBHOOK_CONCURRENCY = 6;
/** The time in which one message begins tries. The rest is tried with another message. */
export const WEBHOOK_PASS_MS = 20 * SECOND_MS;
/** The time for which an object gives its events to one deliverer alone: the pass, its last tries, and the report. */
export const WEBHOOK_CLAIM_MS = WEBHOOK_PASS_MS + WEBHOOK_TRY_MS + 5 * SECOND_MS;
/** The time for which an isolate relies on the webhooks of a parent that it has read. */
export const WEBHOOK_CACHE_MS = 10 * SECOND_MS;
/** Parents whose webhooks an isolate remembers. */
export const MAX_CACHED_WEBHOOK_PARENTS = 1_000;
/** The time for which a replaced signing secret signs along. */
export const SECRET_OVERLAP_MS = DAY_MS;
