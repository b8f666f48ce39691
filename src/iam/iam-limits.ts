// The limits of policies and their conditions. Google's own if it has one (cloud.google.com/iam/quotas).

/** Members in all bindings of a policy, each counted as often as it is named. */
export const MAX_POLICY_MEMBERS = 1_500;
/** One member: an issuer and a subject of 255 characters each fit. All of them together stay under a row's 2 MB. */
export const MAX_MEMBER_CHARACTERS = 512;
/** Bindings with a condition: each may be evaluated on a call. */
export const MAX_CONDITIONAL_BINDINGS = 50;
/** A condition's expression. A longer one is a program. */
export const MAX_EXPRESSION_CHARACTERS = 1_024;
export const MAX_CONDITION_TITLE_CHARACTERS = 100;
export const MAX_CONDITION_DESCRIPTION_CHARACTERS = 256;
/** Nodes of an expression's syntax tree. */
export const MAX_EXPRESSION_NODES = 200;
export const MAX_EXPRESSION_DEPTH = 20;
/** `&&`, `||` and `?:` of one expression. */
export const MAX_LOGICAL_OPERATORS = 12;
/** Calls of one expression that name a time zone. Each costs a hundred times as much as others. */
export const MAX_TIME_ZONE_CALLS = 4;
/** The cost of a call in a time zone, in the units of condition-cost.ts: the platform's calendar takes 50 µs for it. */
export const TIME_ZONE_COST = 50_000;
/** One evaluation on the longest name: 2 ms, ten times the cost of the conditions that people write. */
export const MAX_EXPRESSION_COST = 2_000_000;
/** The cost of compiling one character of an expression. */
export const COMPILE_COST_PER_CHARACTER = 200;
/** All conditions of one call: 30 ms. Beyond it, conditions do not hold. */
export const MAX_CALL_CONDITION_COST = 30_000_000;
/** Compiled expressions that an isolate remembers. */
export const MAX_COMPILED_EXPRESSIONS = 200;
/** The most collection pairs of a parent with a policy of its own. Every call below reads each of them. */
export const MAX_POLICY_DEPTH = 8;
/** Permissions of one TestIamPermissions. */
export const MAX_TESTED_PERMISSIONS = 100;
/** An etag of this service has 12. */
export const MAX_ETAG_CHARACTERS = 64;
/** The time for which an isolate relies on a policy that it has read. With delays, a change holds within 60 s. */
export const POLICY_CACHE_MS = 30_000;
/** Policies that an isolate remembers. */
export const MAX_CACHED_POLICIES = 1_000;
