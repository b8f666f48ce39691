// Every number of the service, with its unit in its name and its reason beside it. Imports nothing.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KIB = 1_024;
const MIB = 1_024 * KIB;

// ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A resource name, decoded, in UTF-8: longer ones are INVALID_ARGUMENT. */
export const MAX_NAME_BYTES = 1_024;
/** A JSON body, where the method declares no other limit. */
export const MAX_BODY_BYTES = MIB;
/** The query of a long GET as a form in the body: the longest filter, percent-encoded, fits in. */
export const MAX_FORM_BYTES = 64 * KIB;
/** START_QUOTA counts what is started in windows of this length. */
export const QUOTA_WINDOW_MS = DAY_MS;
/** A JSON body must come within this, however it trickles: 1 MiB over a line of 0.5 Mbit/s takes 17 s. */
export const MAX_BODY_READ_MS = 20 * SECOND_MS;
/** What a streamed body is read by at a time. */
export const BODY_READ_BYTES = 64 * KIB;
/** How much of an unwanted body is read before its error is answered; what is longer loses its connection. */
export const MAX_DRAIN_BYTES = 64 * MIB;
/** How long an unwanted body is read: a slow sender holds no request open, and is answered within ten seconds. */
export const MAX_DRAIN_MS = 5 * SECOND_MS;
/** Nesting of a JSON body; proto parsers stop at 100 too. */
export const MAX_JSON_DEPTH = 100;
/** An answer of more bytes, or that indented would have more characters, is not indented where prettyPrint asks for it. */
export const MAX_INDENTED_SOURCE_BYTES = 2 * MIB;
export const MAX_INDENTED_CHARACTERS = 8 * MIB;
/**
 * An answer of more bytes comes whole where `fields` asks for a part: picking holds its text and its values in memory. A full
 * page of a list, with its token, has less.
 */
export const MAX_MASKED_SOURCE_BYTES = 9 * MIB;
/** The system parameter `fields`. */
export const MAX_FIELDS_CHARACTERS = 2_048;
/** How long a browser may keep the answer to a preflight request, in seconds: Chromium keeps it no longer. */
export const PREFLIGHT_MAX_AGE_SECONDS = 7_200;
/** Violations named in one BadRequest: enough to mend a form, not enough to be an amplifier. */
export const MAX_FIELD_VIOLATIONS = 50;
/** Characters of a caller's value that an error message repeats. */
export const MAX_QUOTED_CHARACTERS = 120;

// ── List (AIP-158) ──────────────────────────────────────────────────────────────────────────────────────────────────

export const DEFAULT_PAGE_SIZE = 100;
/** More is coerced to this. */
export const MAX_PAGE_SIZE = 1_000;
/** A page is closed before the row that would take it past this, so that clients' buffers hold it. */
export const MAX_PAGE_BYTES = 8 * MIB;
/** A page up to this is one text; a larger one is sent operation by operation. In UTF-16 units. */
export const MAX_JOINED_PAGE_CHARACTERS = 256 * KIB;
/** Rows that one page reads, of all shards together, whether they match or not; then it is short and carries a token. */
export const MAX_SCANNED_ROWS = 5_000;
/** Rows that one statement of a scan reads: as many of the largest are held in memory at once. */
export const MAX_STATEMENT_ROWS = 128;
/**
 * What one shard does for one page, in nanoseconds (src/aip/filter/work.ts); then the page is short and carries a token. A
 * shard serves all callers of its scope, one at a time, so a page must not hold it for long.
 */
export const MAX_PAGE_WORK_NS = 300_000_000;
/** Times that one page goes to the shards for more: the second is for shards that have more than their even share. */
export const MAX_PAGE_ROUNDS = 3;
/** Shards that a deployment may spread a scope over. */
export const MAX_INDEX_SHARDS = 64;
/**
 * An index shard of this size takes no new rows. An object holds 10 GB, and every write fails beyond. What is left is for
 * rows that grow (by 4 KiB from STARTING to done), for tombstones and for reservations.
 */
export const MAX_SHARD_BYTES = 9_000_000_000;
/** Operators are warned from this size on: 70 % of what an object holds. */
export const SHARD_WARNING_BYTES = 7_000_000_000;
/** Between two such warnings of one shard. */
export const SHARD_WARNING_INTERVAL_MS = HOUR_MS;
/** How long an isolate takes a full shard to be full: then a start asks again whether expiry has freed space. */
export const FULL_SHARD_MEMORY_MS = MINUTE_MS;
/** Scopes whose full shards an isolate remembers. */
export const MAX_REMEMBERED_SCOPES = 1_000;
/** Scopes whose token key an isolate remembers. */
export const MAX_CACHED_TOKEN_KEYS = 1_000;
/** A page token as it is sent. */
export const MAX_PAGE_TOKEN_CHARACTERS = 1_024;
/**
 * Operations too large for the index that one page reads from their objects; then it is short and carries a token. A
 * Worker may call objects a thousand times per request, and the shards and policies of a page are called too.
 */
export const MAX_PAGE_READS = 500;
/** How long one page begins such reads: a slow object makes the page short, and the client gets an answer. */
export const MAX_PAGE_READ_MS = 10 * SECOND_MS;
/** Such reads at the same time: all of them together hold no more than a page and what has grown since. */
export const LIST_READ_CONCURRENCY = 20;
/**
 * Metadata, and response, are copied into the index up to this size each, in serialised UTF-8. A shard of 10 GB holds
 * nine million rows of 1.1 KB; it would hold 0.6 million of 17 KB.
 */
export const MAX_INDEXED_ANY_BYTES = 2 * KIB;

// ── Calls of objects ────────────────────────────────────────────────────────────────────────────────────────────────

/** All tries of one call together; then it is UNAVAILABLE. Clients' own limits begin at about 30 s. */
export const MAX_CALL_MS = 20 * SECOND_MS;
/** The same for a call that an object makes before it answers another: so its caller is told what failed. */
export const MAX_INNER_CALL_MS = 10 * SECOND_MS;
/** The same for a sweep of one index shard, which asks up to 600 operations. */
export const MAX_SWEEP_CALL_MS = 60 * SECOND_MS;
/** Beside those that the platform makes itself where a request did not reach its object. */
export const MAX_CALL_RETRIES = 2;
/** Before the first retry, up to the double; each next one after twice that: a reset object is back by then. */
export const MIN_CALL_RETRY_MS = 125;
/** What `Retry-After` suggests where an object is overloaded: a time of its own for each client, within these. */
export const MIN_OVERLOADED_RETRY_SECONDS = 5;
export const MAX_OVERLOADED_RETRY_SECONDS = 10;
/** Objects that are asked in the place of operations that do not exist: names spread over them, so none is overloaded. */
export const NO_OPERATION_OBJECTS = 256;

// ── Wait ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const DEFAULT_WAIT_MS = 30 * SECOND_MS;
/** More is capped: proxies between client and service cut longer silences. */
export const MAX_WAIT_MS = 60 * SECOND_MS;
/** Waiters on one operation; a Durable Object accepts 32,768 hibernatable sockets, and the runner needs its own. */
export const MAX_WAITERS = 30_000;
/** An operation up to this is pushed to its waiters; of a larger one they hear only that it is done. In UTF-16 units. */
export const MAX_PUSHED_CHARACTERS = 64 * KIB;
/** What is pushed to all waiters of an operation together, in UTF-8: it is in memory until each has read. */
export const MAX_PUSHED_BYTES = 16 * MIB;
/**
 * A cut crowd of waiters subscribes again at ln 4 times this rate, so 700 a second: an object takes about 1,000 requests
 * a second. 30,000 waiters return within 30 to 60 s, 500 within one second.
 */
export const WAITERS_RETURNING_PER_SECOND = 500;
/** The window of the first re-subscription of one waiter among few; it doubles with each failure … */
export const MIN_WAIT_RETURN_MS = 500;
/** … up to this. */
export const MAX_WAIT_RETURN_MS = 10 * SECOND_MS;
/** How long a wait, or an upload, relies on one judgement of its caller's rights. */
export const JUDGEMENT_MS = 30 * SECOND_MS;

// ── Methods: defaults and bounds of what a declaration may say ──────────────────────────────────────────────────────

/** From createTime to the deadline, queueing and sleeping included. */
export const DEFAULT_TIMEOUT_MS = HOUR_MS;
export const MAX_TIMEOUT_MS = 366 * DAY_MS;
/** How long a finished operation can be read. */
export const DEFAULT_RETENTION_MS = 30 * DAY_MS;
/** KV's expirationTtl takes no less. */
export const MIN_RETENTION_MS = MINUTE_MS;
export const MAX_RETENTION_MS = 3_660 * DAY_MS;
/** From a cancel request to giving the handler up. */
export const DEFAULT_GRACE_MS = 30 * SECOND_MS;
export const MAX_GRACE_MS = 15 * MINUTE_MS;
export const DEFAULT_MAX_ATTEMPTS = 5;
export const MAX_MAX_ATTEMPTS = 100;
export const DEFAULT_INITIAL_BACKOFF_MS = SECOND_MS;
export const DEFAULT_MAX_BACKOFF_MS = 10 * MINUTE_MS;
export const DEFAULT_BACKOFF_MULTIPLIER = 2;
/** Attempts that die with their platform, apart from failures that a handler reports: a poison input ends after these. */
export const MAX_PLATFORM_DEATHS = 5;

/**
 * A response, and each step's result, in serialised JSON. All that runs in an isolate shares its 128 MB, and the value and
 * its text are in memory together: some ten of this size fit.
 */
export const DEFAULT_RESULT_BYTES = 4 * MIB;
/** What a method may raise it to: with its operation a response must fit into a KV value (25 MiB). */
export const MAX_RESPONSE_BYTES = 24 * MIB;
/** Steps of one operation: their names stand in its record. */
export const MAX_STEPS = 1_000;
export const MAX_STEP_NAME_CHARACTERS = 256;
/** Empty places between stored steps that erasing looks past. */
export const MAX_STEP_GAP = 8;
/** A checkpoint in serialised JSON, in UTF-16 units: it stands in the record, which is written with each. */
export const MAX_CHECKPOINT_CHARACTERS = 64 * KIB;
/** Results up to this cross in a message of the run channel; larger ones as a byte stream of their own. */
export const MAX_INLINE_RESULT_CHARACTERS = 256 * KIB;
/** A request up to this stands in its operation's record until the end: a row of its own costs two writes. */
export const MAX_INLINE_REQUEST_CHARACTERS = 16 * KIB;
/** A response up to this stands in its operation's record; a larger one has rows of its own, written once. */
export const MAX_INLINE_RESPONSE_CHARACTERS = 32 * KIB;
/** Metadata in serialised JSON, in UTF-16 units. */
export const MAX_METADATA_CHARACTERS = 256 * KIB;
/** A Status message in UTF-16 units; what is longer is cut. */
export const MAX_STATUS_MESSAGE_CHARACTERS = 4_096;
/** The details of a Status in serialised JSON; what is larger is dropped, and the message says so. */
export const MAX_STATUS_DETAILS_BYTES = 64 * KIB;
/** How deep the log follows an error's `cause` and `errors`: deeper chains are a program's own loop. */
export const MAX_LOGGED_CAUSES = 5;
/** Errors that one log line describes, causes and errors of an AggregateError together: a log event holds 256 KB. */
export const MAX_LOGGED_ERRORS = 10;
/** Fields of an error that a log line names, and what it gives of each, in UTF-16 units. */
export const MAX_LOGGED_ERROR_FIELDS = 20;
export const MAX_LOGGED_FIELD_CHARACTERS = 512;
/** The message of an error in a log line, in UTF-16 units. */
export const MAX_LOGGED_TEXT_CHARACTERS = 1_024;
export const MAX_LOGGED_STACK_CHARACTERS = 8_192;
/** Durable sleeps of one operation: each is stored and replayed. */
export const MAX_SLEEPS = 1_000;
/** A sleep up to this is waited for in its invocation: a message to the queue and a claim take as long, and cost rows. */
export const SLEEP_IN_PLACE_MS = 100;
/**
 * How long an invocation whose handler waits for a sleep alone is kept: digests, compression and streams in memory beside the
 * sleep end within it. It holds a place in a lane.
 */
export const SLEEP_LINGER_MS = 10;
/** What a step threw and its handler caught, in JSON, for replays of the attempt: it stands in the record. */
export const MAX_STORED_ERROR_CHARACTERS = 2_048;
export const MAX_STORED_ERROR_MESSAGE_CHARACTERS = 1_024;
/** All caught failures of an attempt together; beyond it, only the beginning of their messages is kept. */
export const MAX_STORED_ERRORS_CHARACTERS = 128 * KIB;

// ── Invocations of a consumer ───────────────────────────────────────────────────────────────────────────────────────

/** The platform ends a queue consumer's invocation after this, by force. */
export const PLATFORM_INVOCATION_MS = 15 * MINUTE_MS;
/** How long one invocation works before it gives way: the claim before it and the last word behind it take time as well. */
export const DEFAULT_INVOCATION_MS = 14 * MINUTE_MS;
/** Past this part of its time an invocation gives way before the next step, so that a long step has most of one to itself. */
export const YIELD_AFTER_PART = 1 / 3;
/** Ended attempts that a record remembers, the latest: it is written with every change. */
export const MAX_RECORDED_ATTEMPTS = 20;
/** What a record remembers of an attempt's error message, in UTF-16 units: enough to tell one fault from another. */
export const MAX_ATTEMPT_MESSAGE_CHARACTERS = 512;
/** Invocations in a row that reach their limit without storing anything: then the attempt has failed. */
export const MAX_IDLE_INVOCATIONS = 2;
/** How long a handler whose invocation has reached its limit may take to notice its signal. */
export const INVOCATION_GRACE_MS = 10 * SECOND_MS;

// ── Work done elsewhere ─────────────────────────────────────────────────────────────────────────────────────────────

export const DEFAULT_TTL_MS = 7 * DAY_MS;
export const MAX_TTL_MS = 30 * DAY_MS;
export const MIN_HEARTBEAT_MS = SECOND_MS;

// ── Slots: how much may run, or be under way, at the same time ──────────────────────────────────────────────────────

/** Slots of one kind: their holders stand in one object. */
export const MAX_SLOTS = 10_000;
/** The name of their object; a longer one is a digest. The platform tells an object names of up to 1,024 bytes. */
export const MAX_SLOT_KEY_BYTES = 512;
/** Operations that a slots object remembers as waiting; the others come back with their re-sends. */
export const MAX_SLOT_WAITERS = 1_000;
/** A holder that has not been heard of for this long is asked, when a slot is wanted and none is free. */
export const SLOT_CHECK_AFTER_MS = MINUTE_MS;
/** Holders asked at one time. */
export const MAX_SLOT_CHECKS = 20;
/** What `Retry-After` suggests to a caller that sends too many requests. */
export const RATE_LIMIT_RETRY_SECONDS = 10;
/** What `Retry-After` suggests to a caller with too many operations under way. */
export const SLOT_RETRY_SECONDS = 10;

// ── requestId (AIP-155) ─────────────────────────────────────────────────────────────────────────────────────────────

/** A requestId is remembered this long at least, and as long as its operation is. */
export const REQUEST_ID_TTL_MS = DAY_MS;
/**
 * An operation of another shard that expires less than this after its reservation's day tells shard 0 that it was created:
 * the clocks of two objects differ, and shard 0 must not take an expired operation for one that was never started.
 */
export const RESERVATION_SLACK_MS = HOUR_MS;
/**
 * A shard 0 of this size reserves no more requestIds: half a gigabyte above the size from which it takes no new rows, for
 * reservations of operations that go to other shards. They take 150 bytes each and a day.
 */
export const MAX_RESERVING_BYTES = 9_500_000_000;
/** Reservations that one turn of an index's alarm looks at; ten million are looked at within a day. */
export const MAX_WALKED_RESERVATIONS = 5_000;
/** Of those, the ones whose operations are indexed in other shards, and must be asked whether they are still there. */
export const MAX_EXISTENCE_CHECKS = 100;

// ── Run channel and Queue ───────────────────────────────────────────────────────────────────────────────────────────

/** CPU time that the platform gives an invocation, where `limits.cpu_ms` says nothing else. */
const DEFAULT_CPU_LIMIT_MS = 30 * SECOND_MS;
/**
 * How long a claim holds without a keep-alive. A runner that computes for its whole CPU limit sends none meanwhile, and its
 * clock stands still meanwhile: both together must not cost it the lease. The rest is for keep-alives on their way.
 */
export const DEFAULT_LEASE_MS = 2 * DEFAULT_CPU_LIMIT_MS + 15 * SECOND_MS;
/** The least in open mode, where tests and laptops want to see a lease end. A deployment may have no less than the default. */
export const MIN_LEASE_MS = 2 * SECOND_MS;
/** Enough for the platform's largest `limits.cpu_ms`, five minutes. */
export const MAX_LEASE_MS = 15 * MINUTE_MS;
/** Keep-alives per lease: three may be lost before it runs out. */
export const KEEP_ALIVES_PER_LEASE = 4;
/** How long after its sending a keep-alive that is due may be answered, before the channel counts as lost. */
export const KEEP_ALIVE_GRACE_MS = SECOND_MS;
/**
 * What is left of a lease after its channel was lost, on both sides. The socket of a runner that has died closes at once, and
 * one that lives opens another within a second.
 */
export const LOST_CHANNEL_LEASE_MS = 10 * SECOND_MS;
/** How long a runner waits for the answer to a claim, or for a channel to be given back. */
export const CLAIM_TIMEOUT_MS = 10 * SECOND_MS;
/** How long after sending it a queue message that nobody claimed is sent again. */
export const DEFAULT_RESEND_MS = 30 * SECOND_MS;
/** Re-sends double up to this, so that a paused queue is not filled with copies. */
export const MAX_RESEND_MS = 10 * MINUTE_MS;
/** Progress a handler reports is sent at most this often. */
export const PROGRESS_INTERVAL_MS = 500;
/** Progress in the index follows the operation within this. */
export const INDEX_PROGRESS_DELAY_MS = 4 * SECOND_MS;
/** The unit in which inputs, step results and large responses are stored: under the 2 MB row limit. */
export const CHUNK_BYTES = MIB;
/** An upload that has not become an operation by then is erased. */
export const UPLOAD_TIMEOUT_MS = 10 * MINUTE_MS;
/** Between two tries of a runner to reopen a lost channel, doubling up to the second; half of it more or less at random. */
export const CHANNEL_REOPEN_DELAY_MS = 250;
export const MAX_CHANNEL_REOPEN_DELAY_MS = 2 * SECOND_MS;
/** Tries of storing one large result: a deploy in the middle costs one, and the work behind it may have taken minutes. */
export const MAX_LARGE_RESULT_TRIES = 5;
/** One message up the run channel, in UTF-16 units: an inline result, escaped, metadata, and room for the envelope. */
export const MAX_CHANNEL_MESSAGE_CHARACTERS = 2 * MAX_INLINE_RESULT_CHARACTERS + 2 * MAX_METADATA_CHARACTERS;

// ── Effects, alarms, sweep ──────────────────────────────────────────────────────────────────────────────────────────

/** An alarm that has not fired this long after its time may have been dropped: it is looked for in storage. */
export const LATE_ALARM_MS = MINUTE_MS;
/**
 * An effect of which nothing was heard, not even a failure, is performed again after this: its object was lost in the
 * middle. An alarm that is armed by then already, as after every start, is no row more.
 */
export const EFFECT_UNHEARD_MS = 30 * SECOND_MS;
/** One that failed is tried again after this, doubling … */
export const EFFECT_RETRY_MS = 5 * SECOND_MS;
/** … up to this. */
export const MAX_EFFECT_RETRY_MS = 5 * MINUTE_MS;
/**
 * A snapshot that KV does not take is put again up to a day apart, until it would expire: KV may never take it, and its
 * object answers meanwhile.
 */
export const MAX_SNAPSHOT_RETRY_MS = DAY_MS;
/** How long a KV put that nobody has confirmed may be under way: after a removal, it is removed again. */
export const LATE_SNAPSHOT_PUT_MS = MINUTE_MS;
/** Time-driven transitions settled in one event: more than any honest clock can bring due at once. */
export const MAX_DUE_TRANSITIONS = 10;
/** An index row still STARTING after this is checked with its object. */
export const STARTING_CHECK_MS = 2 * MINUTE_MS;
/** The index looks after what an operation's own alarm should have settled by then. */
export const INDEX_DUE_SLACK_MS = 30 * SECOND_MS;
/** The index's alarms come on this grid: each is a billed row, and one serves all that is due by then. */
export const INDEX_ALARM_GRID_MS = 15 * SECOND_MS;
/** How long the index waits before it asks again for an operation that could not be reached. */
export const INDEX_UNREACHABLE_DELAY_MS = MINUTE_MS;
/** A deletion is remembered this long, against index writes that arrive late. */
export const TOMBSTONE_MS = HOUR_MS;
/** Rows one alarm or sweep of an index shard settles before it gives way. */
export const MAX_DUE_ROWS = 100;
/** Operations of one sweep that are asked at the same time: a Worker has six connections. */
export const SWEEP_CONCURRENCY = 6;
/** Index shards that the sweep takes from the directory at a time: those that a run no longer comes to are the next one's. */
export const SHARDS_PER_SWEEP_PORTION = 24;
/** Visits of shards in one cron run: well under the thousand object calls that a Worker may make. */
export const MAX_SWEEP_VISITS = 500;
/** How long one cron run begins new visits: it is done before the next, five minutes later. */
export const MAX_SWEEP_MS = 4 * MINUTE_MS;
/** What runs for longer than this is looked in on by the sweep: most operations never are. */
export const PATROL_AGE_MS = 5 * MINUTE_MS;
/** From the beginning of one walk over what runs to the next: a month's sleep costs 2,880 calls, $0.0005. */
export const PATROL_INTERVAL_MS = 15 * MINUTE_MS;
/** Running operations of one shard that one sweep looks in on; the next goes on behind them. */
export const MAX_PATROL_ROWS = 500;

/** An alarm that has not fired by this much after its time is told to operators: the platform's are seldom later. */
export const EXPLANATION_LATE_MS = 30 * SECOND_MS;
/** Re-sends of a queue message that nobody claims before operators are told to look at the consumer. */
export const EXPLANATION_RESENDS = 2;

/** What `Retry-After` suggests with UNAVAILABLE. */
export const UNAVAILABLE_RETRY_SECONDS = 1;
/**
 * What `Retry-After` suggests for the next poll of a running operation, within these: when its method usually is done;
 * after that, or where nobody knows, a tenth of its age.
 */
export const MIN_POLL_SECONDS = 1;
export const MAX_POLL_SECONDS = 60;
/** Entries of each list in a script of the emulation: its header is small, and each is looked at with every poll. */
export const MAX_EMULATED_EVENTS = 100;
/** How long a script may hold back the answer to a start: longer than clients are patient. */
export const MAX_EMULATED_DELAY_MS = 2 * MINUTE_MS;
/** How much the latest duration counts in what is usual: about the last ten do. */
export const OBSERVED_DURATION_WEIGHT = 0.2;
/** Methods whose durations an isolate remembers: more than a deployment declares. */
export const MAX_OBSERVED_METHODS = 1_000;
