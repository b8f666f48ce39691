// The reasons of the service's own errors (google.rpc.ErrorInfo.reason, AIP-193). docs/errors.md has the meaning and the
// remedy of each. Its source is test/unit/docs/reason-texts.ts.
import type { Any } from "./any";

const REASONS = [
  // Codes of errors that have no more specific reason.
  "CANCELLED",
  "INTERNAL",
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "UNAVAILABLE",
  // The request.
  "CONTENT_CODING_MALFORMED",
  "CONTENT_CODING_UNSUPPORTED",
  "FILTER_INVALID",
  "LOCATION_UNKNOWN",
  "METHOD_NOT_ALLOWED",
  "PAGE_TOKEN_INVALID",
  "REQUEST_BODY_TOO_SLOW",
  "REQUEST_BROKEN_OFF",
  "REQUEST_EMPTY",
  "REQUEST_ID_ANONYMOUS",
  "REQUEST_ID_REUSED",
  "REQUEST_ID_USED",
  "REQUEST_TOO_LARGE",
  "ROUTE_NOT_FOUND",
  // Credentials and permissions.
  "API_KEY_EXPIRED",
  "API_KEY_INVALID",
  "API_KEY_REVOKED",
  "AUTHENTICATION_NOT_CONFIGURED",
  "AUTHORIZATION_SCHEME_UNSUPPORTED",
  "CREDENTIALS_ALGORITHM_UNSUPPORTED",
  "CREDENTIALS_AMBIGUOUS",
  "CREDENTIALS_AUDIENCE_INVALID",
  "CREDENTIALS_CLAIM_INVALID",
  "CREDENTIALS_EXPIRED",
  "CREDENTIALS_INVALID",
  "CREDENTIALS_ISSUER_UNKNOWN",
  "CREDENTIALS_KEY_UNKNOWN",
  "CREDENTIALS_MALFORMED",
  "CREDENTIALS_MISSING",
  "CREDENTIALS_NOT_YET_VALID",
  "CREDENTIALS_SIGNATURE_INVALID",
  "CREDENTIALS_TOO_LARGE",
  "CREDENTIALS_TYPE_UNSUPPORTED",
  "CROSS_SITE_REQUEST",
  "IAM_PERMISSION_DENIED",
  "LINK_INVALID",
  "NOT_AN_ADMINISTRATOR",
  // Policies and API keys.
  "CONDITIONS_NEED_ETAG",
  "CONDITIONS_NEED_VERSION_3",
  "NO_ADMINISTRATOR",
  "TOO_MANY_API_KEYS",
  // The state of an operation.
  "ETAG_MISMATCH",
  "METHOD_NOT_DEPLOYED",
  "OPERATION_CANCELLING",
  "OPERATION_DONE",
  "OPERATION_RUN_BY_METHOD",
  "OPERATION_RUN_ELSEWHERE",
  "RETRY_CANCELLED",
  "RETRY_EXTERNAL",
  "RETRY_INPUT_ERASED",
  "RETRY_NOT_DONE",
  "RETRY_REQUEST_ERASED",
  "RETRY_SUCCEEDED",
  "SUSPENSION_EXPIRED",
  "SUSPENSION_RESOLVED",
  // Limits.
  "INDEX_FULL",
  "RATE_LIMIT_EXCEEDED",
  "START_QUOTA_EXCEEDED",
  "BULK_TOO_MANY",
  "TOO_MANY_ANSWERS",
  "TOO_MANY_OPERATIONS",
  "TOO_MANY_WEBHOOKS",
  // The deployment.
  "BINDING_MISSING",
  "CALLER_INVALID",
  "CONFIGURATION_INVALID",
  "EMULATED",
  "HANDLER_MISSING",
  "SQLITE_MISSING",
  // In a handler: thrown by `op`, or the reason of `op.signal`.
  "HANDLER_ENDED",
  "LEASE_LOST",
  "LIBRARY_MISUSE",
  "RESPONSE_TOO_LARGE",
  "STEP_RESULT_TOO_LARGE",
  "STEP_TIMED_OUT",
] as const;

export type Reason = (typeof REASONS)[number];

const knownReasons: ReadonlySet<string> = new Set(REASONS);

/** Where docs/errors.md is published. */
const ERRORS_PAGE = "https://github.com/edge-operations/edge-operations/blob/main/docs/errors.md";

/** google.rpc.Help: a link to the reason's entry in docs/errors.md. A reason that the service does not define has none. */
export function helpForReason(reason: string): Any | undefined {
  if (!knownReasons.has(reason)) return undefined;
  const link = { description: `Meaning and remedy of ${reason}`, url: `${ERRORS_PAGE}#${reason.toLowerCase()}` };
  return { "@type": "type.googleapis.com/google.rpc.Help", links: [link] };
}
