// Every number of the service, with its unit in its name and its reason in its comment. This file imports nothing.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KIB = 1_024;
const MIB = 1_024 * KIB;

// ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The longest resource name, decoded, in bytes of UTF-8. A longer one is INVALID_ARGUMENT. */
export const MAX_NAME_BYTES = 1_024;
/** A JSON body, unless the method declares another limit. */
export const MAX_BODY_BYTES = MIB;
/** The form that carries the query of a long GET. The longest filter fits in, percent-encoded. */
export const MAX_FORM_BYTES = 64 * KIB;
/** START_QUOTA counts starts in windows of this length. */
export const QUOTA_WINDOW_MS = DAY_MS;
/** A JSON body must arrive within this time: 1 MiB takes 17 s over a line of 0.5 Mbit/s. */
export const MAX_BODY_READ_MS = 20 * SECOND_MS;
/** The size of the pieces in which a streamed body is read. */
export const BODY_READ_BYTES = 64 * KIB;
/** The part of an unwanted body that is read before its error is sent. A longer body loses its connection. */
export const MAX_DRAIN_BYTES = 64 * MIB;
/** The time for which an unwanted body is read: a slow sender holds no request open, and gets its answer soon. */
export const MAX_DRAIN_MS = 5 * SECOND_MS;
/** Nesting of a JSON body; proto parsers stop at 100 too. */
export const MAX_JSON_DEPTH = 100;
/** Objects and lists of a JSON body: each costs the parser as much as a long text. A list of pairs of digits has fewer. */
export const MAX_JSON_CONTAINERS = 200_000;
/** An answer of more bytes, or of more characters once indented, is not indented even if prettyPrint asks for it. */
export const MAX_INDENTED_SOURCE_BYTES = 2 * MIB;
export const MAX_INDENTED_CHARACTERS = 8 * MIB;
/** An answer of more bytes is sent whole whatever `fields` asks for: picking a part holds text and values in memory. */
export const MAX_MASKED_SOURCE_BYTES = 9 * MIB;
/** The longest value of the system parameter `fields`. */
export const MAX_FIELDS_CHARACTERS = 2_048;
/** How long a browser may keep the answer to a preflight request, in seconds: Chromium keeps it no longer. */
export const PREFLIGHT_MAX_AGE_SECONDS = 7_200;
/** Violations in one BadRequest: enough to correct a form, too few to amplify an attack. */
export const MAX_FIELD_VIOLATIONS = 50;
/** Characters of a caller's value that an error message repeats. */
export const MAX_QUOTED_CHARACTERS = 120;
/** An unknown path that is longer is not a slip, and gets no hint. */
export const MAX_HINTED_CHARACTERS = 512;
/** A longer `traceparent` header is ignored. */
export const MAX_TRACEPARENT_CHARACTERS = 512;
/** Longer names are not compared for a hint: the edit distance takes quadratic time. */
export const MAX_COMPARED_CHARACTERS = 64;
/** Messages in messages that documents look into: a message may hold itself. */
export const MAX_QUERY_DEPTH = 4;

// ── List (AIP-158) ──────────────────────────────────────────────────────────────────────────────────────────────────

export const DEFAULT_PAGE_SIZE = 100;
/** More is coerced to this. */
export const MAX_PAGE_SIZE = 1_000;
/** A page ends before the row that would exceed this, so that clients' buffers hold it. */
export const MAX_PAGE_BYTES = 8 * MIB;
/** A page of at most this size is one text. A larger one is sent operation by operation. In UTF-16 units. */
export const MAX_JOINED_PAGE_CHARACTERS = 256 * KIB;
/** Rows that one page reads from all shards together, matching or not. Then the page is short and carries a token. */
export const MAX_SCANNED_ROWS = 5_000;
/** Rows that one statement of a scan reads. As many of the largest rows are in memory at once. */
export const MAX_STATEMENT_ROWS = 128;
/**
 * The work of one shard for one page, in nanoseconds (src/aip/filter/work.ts). Then the page is short and carries a
 * token. A shard serves all callers of its scope, one at a time, so a page must not hold it for long.
 */
export const MAX_PAGE_WORK_NS = 300_000_000;
/** Rounds in which one page reads from the shards: the second, for shards with more than their even share. */
export const MAX_PAGE_ROUNDS = 3;
/** The largest number of shards of a scope. */
export const MAX_INDEX_SHARDS = 64;
/**
 * An index shard of this size takes no new rows. An object holds 10 GB, and every write fails beyond that. The rest is
 * for rows that grow (by 4 KiB from STARTING to done), for tombstones and for reservations.
 */
export const MAX_SHARD_BYTES = 9_000_000_000;
/** The most by which one call makes a shard grow: a row of a few KiB, and the pages that three trees split for it. */
export const MAX_SHARD_GROWTH_BYTES = 128 * KIB;
/** The size from which operators are warned: 70 % of the capacity of an object. */
export const SHARD_WARNING_BYTES = 7_000_000_000;
/** The interval between two such warnings of one shard. */
export const SHARD_WARNING_INTERVAL_MS = HOUR_MS;
/** The time for which an isolate remembers a full shard. Then a start asks whether expiry has freed space. */
export const FULL_SHARD_MEMORY_MS = MINUTE_MS;
/** The number of scopes whose full shards an isolate remembers. */
export const MAX_REMEMBERED_SCOPES = 1_000;
/** The number of scopes whose token key an isolate remembers. */
export const MAX_CACHED_TOKEN_KEYS = 1_000;
/** The longest page token, as it is sent. */
export const MAX_PAGE_TOKEN_CHARACTERS = 1_024;
/**
 * Operations too large for the index that one page reads from their objects. Then the page is short and carries a
 * token. A Worker may call a thousand objects per request, and a page also calls shards and policies.
 */
export const MAX_PAGE_READS = 500;
/** The time in which one page begins such reads. A slow object makes the page short, and the answer still comes. */
export const MAX_PAGE_READ_MS = 10 * SECOND_MS;
/** Concurrent reads of such operations. Together they hold at most a page in memory, and growth since the row. */
export const LIST_READ_CONCURRENCY = 20;
/** Metadata, and response, up to this size in UTF-8 are in the index: 10 GB hold nine million rows of 1.1 KB. */
export const MAX_INDEXED_ANY_BYTES = 2 * KIB;
/** Index shards of one list over scopes. It calls each three times at most, and a Worker may call a thousand objects. */
export const MAX_SHARDS_ACROSS = 200;
/** Index shards that the list of scopes reads from the directory: 1 MB of names. */
export const MAX_DIRECTORY_SHARDS = 10_000;
/** Scopes of a page. */
export const MAX_SCOPE_PAGE_SIZE = 100;
/** Index shards whose sizes one page asks for. */
export const MAX_SCOPE_PAGE_SHARDS = 200;
/** Index shards that are asked at the same time. */
export const SHARD_SIZE_CONCURRENCY = 20;
/** Rows of each open shard that another round is worth. */
export const MIN_ROUND_ROWS = 16;
/** Texts up to about this are sent together, in UTF-16 units: a page may have a thousand short ones. */
export const STREAM_BATCH_CHARACTERS = 64 * KIB;
/** The sampling key of a data point: Analytics Engine takes 96 bytes. */
export const MAX_METRIC_INDEX_CHARACTERS = 96;
/** Characters (UTF-16 units) of a filter: it travels in a URL, and proxies cut those at 8 KiB. */
export const MAX_FILTER_CHARACTERS = 4_096;
/** Parentheses and calls within one another: bounds the parser's recursion and the matcher's. */
export const MAX_FILTER_DEPTH = 16;
/** Restrictions of a filter, each value of a composite argument counted: bounds what is evaluated for each row. */
export const MAX_FILTER_TERMS = 64;
/** Names in one path, `a.b.c` being three: deeper than any metadata that people filter by. */
export const MAX_PATH_SEGMENTS = 16;
/** Characters of the text that was found in the place of an error. */
export const MAX_FOUND_CHARACTERS = 40;

// ── Calls of objects ────────────────────────────────────────────────────────────────────────────────────────────────

/** The time for all tries of one call. Then the call is UNAVAILABLE. Clients' own limits begin at about 30 s. */
export const MAX_CALL_MS = 20 * SECOND_MS;
/** The same for a call that an object makes in another call, so that its caller learns which one failed. */
export const MAX_INNER_CALL_MS = 10 * SECOND_MS;
/** The same for a sweep of one index shard, which calls up to 600 operations. */
export const MAX_SWEEP_CALL_MS = 60 * SECOND_MS;
/** Retries beside those of the platform, which retries a request that did not reach its object. */
export const MAX_CALL_RETRIES = 2;
/** The delay before the first retry, up to twice that; it doubles each time. A reset object is back by then. */
export const MIN_CALL_RETRY_MS = 125;
/** The range of `Retry-After` for an overloaded object: clients must not return together. */
export const MIN_OVERLOADED_RETRY_SECONDS = 5;
export const MAX_OVERLOADED_RETRY_SECONDS = 10;
/** Objects that stand in for operations that do not exist. Names are spread over them, so no object is overloaded. */
export const NO_OPERATION_OBJECTS = 256;

// ── Wait ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export const DEFAULT_WAIT_MS = 30 * SECOND_MS;
/** A longer wait is capped, because proxies between client and service cut longer silences. */
export const MAX_WAIT_MS = 60 * SECOND_MS;
/** Waiters on one operation; a Durable Object accepts 32,768 hibernatable sockets, and the runner needs its own. */
export const MAX_WAITERS = 30_000;
/**
 * For so long a waiter is held without a socket: where the work is younger, and where its runner has none either. Most work ends
 * sooner. The held call keeps the object in memory, which costs $1.6 per million seconds.
 */
export const MAX_HELD_MS = SECOND_MS;
/** Waiters that are held at a time. Their answers are in memory together; the others get sockets at once. */
export const MAX_HELD_WAITERS = 100;
/** An operation of at most this size, in UTF-16 units, is pushed to its waiters. Of a larger one they get the end. */
export const MAX_PUSHED_CHARACTERS = 64 * KIB;
/** Bytes pushed to all waiters of an operation together, in UTF-8. They stay in memory until each is read. */
export const MAX_PUSHED_BYTES = 16 * MIB;
/**
 * Waiters of one operation that were cut off subscribe again at ln 4 times this rate: 700 a second. An object takes
 * about 1,000 requests a second. 30,000 waiters return within 30 to 60 s, 500 within one second.
 */
export const WAITERS_RETURNING_PER_SECOND = 500;
/** The shortest interval between two events of a watch: four a second move a progress bar smoothly. */
export const MIN_CHANGE_INTERVAL_MS = 250;
/**
 * Watchers of one operation that are told of changes in a second. Each costs its object about 20 µs, so this takes a fifth of the
 * object's time. 10,000 watchers are told once a second.
 */
export const WATCHERS_PUSHED_PER_SECOND = 10_000;
/** A watch in which nothing happens sends a comment in this interval, because proxies cut silent connections. */
export const WATCH_KEEP_ALIVE_MS = 15 * SECOND_MS;
/**
 * Calls of objects for one watch, subscriptions included. Then it ends, and its client continues with another. A Worker may make a
 * thousand for one request.
 */
export const MAX_WATCH_CALLS = 400;
/** Events of one watch. Then it ends in the same way, well within the CPU time of a Worker's request. */
export const MAX_WATCH_EVENTS = 10_000;
/** The window of the first re-subscription of one waiter among few; it doubles with each failure … */
export const MIN_WAIT_RETURN_MS = 500;
/** … up to this. */
export const MAX_WAIT_RETURN_MS = 10 * SECOND_MS;
/** The time for which a wait, or an upload, relies on one judgement of its caller's rights. */
export const JUDGEMENT_MS = 30 * SECOND_MS;

// ── Methods: defaults and bounds of what a declaration may say ──────────────────────────────────────────────────────

/** From createTime to the deadline, queueing and sleeping included. */
export const DEFAULT_TIMEOUT_MS = HOUR_MS;
export const MAX_TIMEOUT_MS = 366 * DAY_MS;
/** The time for which a finished operation can be read. */
export const DEFAULT_RETENTION_MS = 30 * DAY_MS;
/** The least expirationTtl that KV accepts. */
export const MIN_RETENTION_MS = MINUTE_MS;
export const MAX_RETENTION_MS = 3_660 * DAY_MS;
/** The time from a cancel request to abandoning the handler. */
export const DEFAULT_GRACE_MS = 30 * SECOND_MS;
export const MAX_GRACE_MS = 15 * MINUTE_MS;
export const DEFAULT_MAX_ATTEMPTS = 5;
export const MAX_MAX_ATTEMPTS = 100;
export const DEFAULT_INITIAL_BACKOFF_MS = SECOND_MS;
export const DEFAULT_MAX_BACKOFF_MS = 10 * MINUTE_MS;
export const DEFAULT_BACKOFF_MULTIPLIER = 2;
/** Attempts that die with their platform, apart from failures that a handler reports. This ends a poison input. */
export const MAX_PLATFORM_DEATHS = 5;

/** A response, and each step's result, in serialised JSON. An isolate holds about ten: 128 MB, value and text. */
export const DEFAULT_RESULT_BYTES = 4 * MIB;
/** The largest value of a method's own limit. The response must fit into a KV value (25 MiB) with its operation. */
export const MAX_RESPONSE_BYTES = 24 * MIB;
/** Steps of one operation. The record has their names, and is a row of at most 2 MB. */
export const MAX_STEPS = 5_000;
/** All names of an operation's steps together, in UTF-16 units: half a megabyte of the record. */
export const MAX_STEP_NAMES_CHARACTERS = 256 * 1_024;
/** Workers open six connections at a time in one invocation. */
export const DEFAULT_MAP_CONCURRENCY = 6;
/**
 * The record is written with each of so many steps. A later step is stored apart from it, so that a step costs the same
 * however many went before. An earlier version of the code reads the record alone.
 */
export const STEPS_IN_RECORD = 50;
/** Steps that are stored apart from the record. The next one writes the record with all of them. */
export const MAX_STEPS_APART = 50;
export const MAX_STEP_NAME_CHARACTERS = 256;
/** Empty places between stored steps that erasing skips. */
export const MAX_STEP_GAP = 8;
/** A checkpoint in serialised JSON, in UTF-16 units. It is part of the record, which every checkpoint writes. */
export const MAX_CHECKPOINT_CHARACTERS = 64 * KIB;
/** A result of at most this size is part of a message of the run channel. A larger one is a byte stream of its own. */
export const MAX_INLINE_RESULT_CHARACTERS = 256 * KIB;
/** A request of at most this size is part of its operation's record. A row of its own would cost two writes. */
export const MAX_INLINE_REQUEST_CHARACTERS = 16 * KIB;
/** A response of at most this size is part of its operation's record. A larger one has rows of its own. */
export const MAX_INLINE_RESPONSE_CHARACTERS = 32 * KIB;
/** Metadata in serialised JSON, in UTF-16 units. */
export const MAX_METADATA_CHARACTERS = 256 * KIB;
/** A method's id, and its version: each is in every stored operation of the method. */
export const MAX_METHOD_NAME_CHARACTERS = 200;
/** The members of the caller that started an operation, together. Its record has them, and is written with each change. */
export const MAX_STARTER_MEMBERS_CHARACTERS = 8_192;
/** A Status message in UTF-16 units. A longer one is cut. */
export const MAX_STATUS_MESSAGE_CHARACTERS = 4_096;
/** The details of a Status in serialised JSON. Larger details are dropped, and the message says so. */
export const MAX_STATUS_DETAILS_BYTES = 64 * KIB;
/** The depth to which the log follows an error's `cause` and `errors`. Deeper chains are a loop of the program. */
export const MAX_LOGGED_CAUSES = 5;
/** Errors that one log line describes, causes and errors of an AggregateError together. A log event holds 256 KB. */
export const MAX_LOGGED_ERRORS = 10;
/** Fields of an error in a log line, and the length of each, in UTF-16 units. */
export const MAX_LOGGED_ERROR_FIELDS = 20;
export const MAX_LOGGED_FIELD_CHARACTERS = 512;
/** The message of an error in a log line, in UTF-16 units. */
export const MAX_LOGGED_TEXT_CHARACTERS = 1_024;
export const MAX_LOGGED_STACK_CHARACTERS = 8_192;
/** Durable sleeps of one operation. Each is stored and replayed. */
export const MAX_SLEEPS = 1_000;
/** A sleep of at most this length is not stored by itself, because storing it takes as long. */
export const UNSTORED_SLEEP_MS = 100;
/**
 * An invocation waits for a sleep of at most this length: its wake time is one row, where the end of the invocation, a
 * queue message and another claim are five. The invocation occupies a place in a lane as long.
 */
export const SLEEP_IN_PLACE_MS = 3 * SECOND_MS;
/**
 * The time for which an invocation is kept whose handler waits for a sleep alone. Digests, compression and streams in
 * memory beside the sleep end within it. The invocation occupies a place in a lane.
 */
export const SLEEP_LINGER_MS = 10;
/** Suspensions that one operation reaches. The record has each of them. */
export const MAX_SUSPENSIONS = 128;
/** Answers that come before the work reaches their suspensions, kept at the same time. */
export const MAX_EARLY_ANSWERS = 64;
/** The name of a suspension, which is the last segment of its resource name. */
export const MAX_SUSPENSION_ID_CHARACTERS = 64;
/** Names of pending suspensions that the index keeps of metadata that are too large for it. */
export const MAX_INDEXED_SUSPENSIONS = 16;
/** A prompt, in UTF-16 units. It is part of the record, and of the operation's metadata while it is pending. */
export const MAX_PROMPT_CHARACTERS = 1_024;
/** An answer, in UTF-8. */
export const MAX_PAYLOAD_BYTES = 64 * KIB;
/** The JSON Schema of a payload, in UTF-16 units. */
export const MAX_PAYLOAD_SCHEMA_CHARACTERS = 64 * KIB;
/** An answer, and a schema, of at most this size is part of the record. A larger one has a row of its own. */
export const MAX_INLINE_SUSPENSION_CHARACTERS = 512;
/** Child operations of one operation. Its object has a row for every hundred of them. */
export const MAX_CHILDREN = 1_000;
/** Levels of children below an operation that a client has started. A deeper tree is a loop of the program. */
export const MAX_CHILD_LEVELS = 10;
/** Children that are written down together, before they are started. A row holds 2 MB. */
export const MAX_RESERVED_AT_ONCE = 100;
/** Children that one runner starts at the same time. Each start waits for two objects. */
export const CHILD_STARTS_AT_ONCE = 25;
/** A response, and an error's details, of at most this size come with the end of a child. A larger response is read from the child. */
export const MAX_CHILD_END_CHARACTERS = 4 * KIB;
/** Large responses that one join reads, in UTF-16 units together. An isolate has 128 MB for all that it does. */
export const MAX_JOINED_CHARACTERS = 24 * MIB;
/** How long after its parent's end a child may appear whose start was under way, and is still cancelled. */
export const CHILD_START_MS = 2 * MINUTE_MS;
/** An error that a step threw and its handler caught, in JSON, for replays of the attempt. It is part of the record. */
export const MAX_STORED_ERROR_CHARACTERS = 2_048;
export const MAX_STORED_ERROR_MESSAGE_CHARACTERS = 1_024;
/** All caught failures of an attempt together. Beyond this, only the beginning of their messages is kept. */
export const MAX_STORED_ERRORS_CHARACTERS = 128 * KIB;

// ── Invocations of a consumer ───────────────────────────────────────────────────────────────────────────────────────

/** The platform ends a queue consumer's invocation after this time. */
export const PLATFORM_INVOCATION_MS = 15 * MINUTE_MS;
/** The working time of one invocation. The claim before it and the last message after it take time as well. */
export const DEFAULT_INVOCATION_MS = 14 * MINUTE_MS;
/** After this part of its time an invocation yields before the next step, which then has most of another. */
export const YIELD_AFTER_PART = 1 / 3;
/** Retries of a failed operation that its record names, the latest ones. */
export const MAX_RECORDED_RETRIES = 10;
/** Ended attempts that a record remembers, the latest ones. The record is written with every change. */
export const MAX_RECORDED_ATTEMPTS = 20;
/** The part of an attempt's error message that a record remembers, in UTF-16 units: enough to distinguish failures. */
export const MAX_ATTEMPT_MESSAGE_CHARACTERS = 512;
/** Invocations in a row that reach their limit without storing anything. Then the attempt has failed. */
export const MAX_IDLE_INVOCATIONS = 2;
/** The time in which a handler whose invocation has reached its limit must react to its signal. */
export const INVOCATION_GRACE_MS = 10 * SECOND_MS;

// ── External operations ─────────────────────────────────────────────────────────────────────────────────────────────

export const DEFAULT_TTL_MS = 7 * DAY_MS;
export const MAX_TTL_MS = 30 * DAY_MS;
export const MIN_HEARTBEAT_MS = SECOND_MS;

// ── Bulk verbs ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Operations that a bulk verb takes at a time. Its checkpoint has their ids, and those of its sample: 14 KB together. */
export const BULK_PAGE_OPERATIONS = 100;
/** Names in the answer of a bulk verb. */
export const MAX_BULK_SAMPLE = 100;
/** Operations that a bulk verb acts on at the same time. */
export const BULK_CONCURRENCY = 20;
/**
 * Calls of objects after which an invocation of a bulk verb ends at the next page. A Worker may call a thousand objects per
 * invocation, and one page of retries calls 700.
 */
export const MAX_BULK_CALLS = 300;
/** The pause between two invocations. It is longer than {@link SLEEP_IN_PLACE_MS}, so that it ends an invocation. */
export const BULK_PAUSE_SECONDS = 4;
/** Pauses of one bulk operation: an operation has a thousand sleeps. With one page each, 90,000 operations are retried. */
export const MAX_BULK_PAUSES = 900;

// ── Start options ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Labels of an operation, as Google allows on its resources. An index row holds all of them. */
export const MAX_LABELS = 64;
/** Of a label's key, and of its value. */
export const MAX_LABEL_CHARACTERS = 63;
/** How far ahead work may be scheduled: a year, leap years included. */
export const MAX_SCHEDULE_AHEAD_MS = 366 * DAY_MS;

// ── Slots: limits on concurrent and on unfinished operations ────────────────────────────────────────────────────────

/** Slots of one kind. One object stores their holders. */
export const MAX_SLOTS = 10_000;
/** The longest name of their object; a longer one becomes a digest. The platform allows 1,024 bytes. */
export const MAX_SLOT_KEY_BYTES = 512;
/** Operations that a slots object remembers as waiting. The others return with their re-sends. */
export const MAX_SLOT_WAITERS = 1_000;
/** A holder without a message for this long is asked, if another operation needs a slot and no slot is free. */
export const SLOT_CHECK_AFTER_MS = MINUTE_MS;
/** Holders asked at a time. */
export const MAX_SLOT_CHECKS = 20;
/** The `Retry-After` for a caller that sends too many requests. */
export const RATE_LIMIT_RETRY_SECONDS = 10;
/** The `Retry-After` for a caller with too many unfinished operations. */
export const SLOT_RETRY_SECONDS = 10;

// ── requestId (AIP-155) ─────────────────────────────────────────────────────────────────────────────────────────────

/** The least time for which a requestId is remembered. It is remembered as long as its operation exists. */
export const REQUEST_ID_TTL_MS = DAY_MS;
/**
 * An operation of another shard that expires less than this after its reservation's day tells shard 0 that it was
 * created. The clocks of two objects differ, and shard 0 must not mistake an expired operation for one that was never
 * started.
 */
export const RESERVATION_SLACK_MS = HOUR_MS;
/**
 * A shard 0 of this size reserves no more requestIds. This is half a gigabyte above the size from which it takes no new
 * rows, and is for reservations of operations in other shards. They take 150 bytes each, for a day.
 */
export const MAX_RESERVING_BYTES = 9_500_000_000;
/** Reservations that one turn of an index's alarm checks. Ten million are checked within a day. */
export const MAX_WALKED_RESERVATIONS = 5_000;
/** Reservations among them of operations in other shards, which are asked whether they still exist. */
export const MAX_EXISTENCE_CHECKS = 100;

// ── Run channel and Queue ───────────────────────────────────────────────────────────────────────────────────────────

/** The CPU time that the platform gives an invocation, unless `limits.cpu_ms` says otherwise. */
const DEFAULT_CPU_LIMIT_MS = 30 * SECOND_MS;
/**
 * The part of a lease beyond twice the CPU limit: for keep-alives on their way. For so long behind a confirmed keep-alive a runner
 * may rely on a clock that stands still while it computes, because the rest outlasts its CPU limit.
 */
export const LEASE_SLACK_MS = 15 * SECOND_MS;
/**
 * The time for which a claim holds without a keep-alive. A runner that computes for its whole CPU limit sends no
 * keep-alive, and its clock stands still. Neither must cost it the lease.
 */
export const DEFAULT_LEASE_MS = 2 * DEFAULT_CPU_LIMIT_MS + LEASE_SLACK_MS;
/** The least lease in open mode, for tests and developers. A deployment cannot go below the default. */
export const MIN_LEASE_MS = 2 * SECOND_MS;
/** Enough for the platform's largest `limits.cpu_ms`, five minutes. */
export const MAX_LEASE_MS = 15 * MINUTE_MS;
/** Keep-alives per lease. The lease survives the loss of three. */
export const KEEP_ALIVES_PER_LEASE = 4;
/** The time in which a due keep-alive must be answered after its sending. After it, the channel counts as lost. */
export const KEEP_ALIVE_GRACE_MS = SECOND_MS;
/** The rest of a lease after the loss of its channel, on both sides. A live runner opens another within a second. */
export const LOST_CHANNEL_LEASE_MS = 10 * SECOND_MS;
/**
 * The time after which a runner listens: one that its object called asks for notices, and one of the queue opens its socket.
 * Shorter work costs neither, and a cancel request still reaches the work well within a second.
 */
export const LISTEN_DELAY_MS = 250;
/** A function that has ended after so many turns of the microtasks has waited for nothing: its run needs no timers. */
export const MAX_TURNS_AT_ONCE = 64;
/** The time for which a runner waits for the answer to a claim, or for a reopened channel. */
export const CLAIM_TIMEOUT_MS = 10 * SECOND_MS;
/** The time after which a queue message that no consumer claimed is sent again. */
export const DEFAULT_RESEND_MS = 30 * SECOND_MS;
/** The interval of re-sends doubles up to this, so that a paused queue is not filled with copies. */
export const MAX_RESEND_MS = 10 * MINUTE_MS;
/** The shortest interval between two progress messages of a handler. */
export const PROGRESS_INTERVAL_MS = 500;
/** The interval in which output is stored: a row, and later one that it displaces, twice a second. */
export const OUTPUT_INTERVAL_MS = 500;
/** Output that is kept of an operation, in bytes of UTF-8; and that a runner holds back until it is stored. */
export const MAX_OUTPUT_BYTES = MIB;
/** A part of the output that is stored, sent or read at once, in UTF-16 units. Escaped, it fits into a message of a runner. */
export const MAX_OUTPUT_PART_CHARACTERS = 64 * KIB;
/**
 * Revisions that an object may show and not store. The loss of a runner's channel, which every crash is, skips as many.
 */
export const MAX_UNSAVED_REVISIONS = 1_000;
/**
 * The text of unsaved progress that a socket keeps while its object hibernates, in UTF-16 units. The platform allows 16 KiB
 * (developers.cloudflare.com/durable-objects/best-practices/websockets). Larger progress is stored.
 */
export const MAX_ATTACHED_CHARACTERS = 7 * KIB;
/** The lag of progress in the index. */
export const INDEX_PROGRESS_DELAY_MS = 4 * SECOND_MS;
/** The size of the rows in which inputs, step results and large responses are stored, under the 2 MB row limit. */
export const CHUNK_BYTES = MIB;
/** An upload that has not become an operation after this time is erased. */
export const UPLOAD_TIMEOUT_MS = 10 * MINUTE_MS;
/** The delays between tries of a runner to reopen a lost channel: they double, and half of each is random. */
export const CHANNEL_REOPEN_DELAY_MS = 250;
export const MAX_CHANNEL_REOPEN_DELAY_MS = 2 * SECOND_MS;
/** Tries of storing one large result. A deploy costs one try, and the work before it may have taken minutes. */
export const MAX_LARGE_RESULT_TRIES = 5;
/** One message of a runner, in UTF-16 units: an inline result, escaped, metadata, and room for the envelope. */
export const MAX_CHANNEL_MESSAGE_CHARACTERS = 2 * MAX_INLINE_RESULT_CHARACTERS + 2 * MAX_METADATA_CHARACTERS;

// ── Effects, alarms, sweep ──────────────────────────────────────────────────────────────────────────────────────────

/** An alarm that has not fired this long after its time may have been dropped. The object looks for it in storage. */
export const LATE_ALARM_MS = MINUTE_MS;
/**
 * An effect without an outcome, not even a failure, is performed again after this time, because its object was lost in
 * the middle. If an alarm is armed by then, as after every start, it costs no further row.
 */
export const EFFECT_UNHEARD_MS = 30 * SECOND_MS;
/** The delay before a failed effect is retried. It doubles … */
export const EFFECT_RETRY_MS = 5 * SECOND_MS;
/** … up to this. */
export const MAX_EFFECT_RETRY_MS = 5 * MINUTE_MS;
/** A snapshot that KV does not take is written again, at most a day later, until it would expire. */
export const MAX_SNAPSHOT_RETRY_MS = DAY_MS;
/** The time for which an unconfirmed KV put may be in progress. After a removal, the snapshot is removed again. */
export const LATE_SNAPSHOT_PUT_MS = MINUTE_MS;
/** Events of one operation that wait for webhooks, the latest ones. A suspension may follow another many times. */
export const MAX_PENDING_WEBHOOK_EVENTS = 8;
/** Time-driven transitions settled in one event. More cannot be due at once unless a clock is wrong. */
export const MAX_DUE_TRANSITIONS = 10;
/**
 * For so long the alarm of new work is not armed: work that has ended by then never pays for one. A crash in this time is
 * found by the index's check of STARTING rows, so this must be well below {@link STARTING_CHECK_MS}. The timer keeps the object
 * in memory, and billed, until the work has ended or its runner opens a socket.
 */
export const FIRST_ALARM_DELAY_MS = SECOND_MS;
/** An index row that is still STARTING after this time is checked with its object, or earlier: when its work is due again. */
export const STARTING_CHECK_MS = 2 * MINUTE_MS;
/** The time after which the index checks an operation whose own alarm should have fired. */
export const INDEX_DUE_SLACK_MS = 30 * SECOND_MS;
/** The index's alarms fire on this grid. Each is a billed row, and one serves everything that is due by then. */
export const INDEX_ALARM_GRID_MS = 15 * SECOND_MS;
/** The time after which the index asks again for an operation that could not be reached. */
export const INDEX_UNREACHABLE_DELAY_MS = MINUTE_MS;
/** The time for which a deletion is remembered, against index writes that arrive late. */
export const TOMBSTONE_MS = HOUR_MS;
/** Rows that one alarm or sweep of an index shard settles before it stops. */
export const MAX_DUE_ROWS = 100;
/** Operations that one sweep asks concurrently. A Worker has six connections. */
export const SWEEP_CONCURRENCY = 6;
/** Index shards that the sweep takes from the directory at a time. The next run visits those that are left. */
export const SHARDS_PER_SWEEP_PORTION = 24;
/** Visits of shards in one cron run, well under the thousand object calls that a Worker may make. */
export const MAX_SWEEP_VISITS = 500;
/** The time in which one cron run begins new visits. It ends before the next run, five minutes later. */
export const MAX_SWEEP_MS = 4 * MINUTE_MS;
/** The sweep checks operations that have run for longer than this. Most operations are never checked. */
export const PATROL_AGE_MS = 5 * MINUTE_MS;
/** The interval between two walks over running operations. A month's sleep costs 2,880 calls, $0.0005. */
export const PATROL_INTERVAL_MS = 15 * MINUTE_MS;
/** Running operations of one shard that one sweep checks. The next sweep continues after them. */
export const MAX_PATROL_ROWS = 500;

/** An alarm that is this late is reported to operators. The platform's alarms are seldom later. */
export const EXPLANATION_LATE_MS = 30 * SECOND_MS;
/** Re-sends of an unclaimed queue message after which operators are told to check the consumer. */
export const EXPLANATION_RESENDS = 2;

/** The `Retry-After` of UNAVAILABLE. */
export const UNAVAILABLE_RETRY_SECONDS = 1;
/** The range of `Retry-After` for the next poll: the usual time to the end, and then a tenth of the age. */
export const MIN_POLL_SECONDS = 1;
export const MAX_POLL_SECONDS = 60;
/** Entries of each list in a script of the emulation. Its header is small, and each poll checks each entry. */
export const MAX_EMULATED_EVENTS = 100;
/** The longest delay of the answer to a start in a script, longer than clients wait. */
export const MAX_EMULATED_DELAY_MS = 2 * MINUTE_MS;
/** The weight of the latest duration in the usual duration: about the last ten count. */
export const OBSERVED_DURATION_WEIGHT = 0.2;
/** Methods whose durations an isolate remembers, more than a deployment declares. */
export const MAX_OBSERVED_METHODS = 1_000;

// ── Agents (MCP) ────────────────────────────────────────────────────────────────────────────────────────────────────

/** A tool call is answered with its result if the work ends within this time: a model waits that long anyway. */
export const MCP_QUICK_MS = SECOND_MS;
/** How long the tool `wait_operation` waits: common clients give a call up after 30 s or more. */
export const MCP_WAIT_MS = 25 * SECOND_MS;
/** A larger response is no tool result, in bytes of JSON: it would fill a model's context. It is read over the HTTP API. */
export const MAX_MCP_RESULT_BYTES = MIB;
/** Tasks that one `subscriptions/listen` follows: each is a socket of the invocation. */
export const MAX_LISTENED_TASKS = 16;
/** How long a client may keep the answers of `server/discover` and `tools/list`: a deploy changes them. */
export const MCP_CACHE_MS = 5 * MINUTE_MS;
