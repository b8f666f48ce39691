// The meaning and the remedy of each reason. `npx vitest run errors-page --update` writes docs/errors.md from them. They are no
// part of the package, because no code of it needs them.
import type { Reason } from "../../../src/rpc/reasons";

export interface ReasonText {
  /** The cause of the error, in full sentences. */
  meaning: string;
  /** The next step of the caller, or of the operator where the caller can do nothing. */
  remedy: string;
}

type Texts = Partial<Record<Reason, ReasonText>>;

const generic = {
  CANCELLED: {
    meaning: "A client cancelled the operation. In a handler, `op.signal.reason` has this code.",
    remedy: "Stop the work. Start the operation again if it was cancelled by mistake.",
  },
  INTERNAL: {
    meaning: "The service failed in a way that it does not describe to callers. The log has the cause.",
    remedy: "Search the log for the `requestId` in the error's RequestInfo, and report it to the operator.",
  },
  INVALID_ARGUMENT: {
    meaning: "A field of the request is missing, unknown or malformed. `fieldViolations` names each of them.",
    remedy: "Correct the fields. The same request fails again.",
  },
  NOT_FOUND: {
    meaning:
      "The resource does not exist, was deleted, or has expired. A wrong parent in the name has the same effect.",
    remedy: "Check the whole name. List the operations of the parent to see which exist.",
  },
  UNAVAILABLE: {
    meaning: "A part of the service could not be reached.",
    remedy:
      "Send the request again after the time in `Retry-After`. Give a start a `requestId`, so that it starts once.",
  },
} satisfies Texts;

const request = {
  CONTENT_CODING_MALFORMED: {
    meaning: "The body is not in the coding that `Content-Encoding` names.",
    remedy: "Compress the body as `Content-Encoding` says, or remove the header.",
  },
  CONTENT_CODING_UNSUPPORTED: {
    meaning: "The service does not decode the coding that `Content-Encoding` names.",
    remedy: "Use a coding that the message lists, or send the body as it is.",
  },
  FILTER_INVALID: {
    meaning:
      "`filter` has a syntax error, an unknown field, or a value of the wrong type. The message has the position.",
    remedy: "Correct the filter ([filters.md](filters.md)).",
  },
  LOCATION_UNKNOWN: {
    meaning: "The parent names a location that the deployment does not declare.",
    remedy: "Use a location that ListLocations returns.",
  },
  METHOD_NOT_ALLOWED: {
    meaning: "The path is served, but not with this HTTP method.",
    remedy: "Use a method of the header `Allow`.",
  },
  PAGE_TOKEN_INVALID: {
    meaning: "`pageToken` was changed, belongs to another parent or filter, or was sealed with a retired key.",
    remedy: "Send the parent and filter of the first page unchanged, or begin again without a token.",
  },
  REQUEST_BODY_TOO_SLOW: {
    meaning: "The JSON body did not arrive completely within 20 seconds.",
    remedy: "Send the request again over a faster connection, or send less.",
  },
  REQUEST_BROKEN_OFF: {
    meaning: "The client closed the connection before the end of the body.",
    remedy: "Send the request again.",
  },
  REQUEST_EMPTY: {
    meaning: "The method takes a streamed body, and the request has none.",
    remedy: "Send the input as the body, with a `Content-Type` that the method accepts.",
  },
  REQUEST_ID_ANONYMOUS: {
    meaning: "The request has a `requestId` but no credentials. A `requestId` belongs to its caller.",
    remedy: "Send credentials, or leave `requestId` out.",
  },
  REQUEST_ID_REUSED: {
    meaning: "The same caller sent this `requestId` before, with another request.",
    remedy: "Make a new `requestId` for each request. Keep it only to repeat the same request.",
  },
  REQUEST_ID_USED: {
    meaning: "The operation that this `requestId` started was deleted.",
    remedy: "Use a new `requestId` to start another operation.",
  },
  REQUEST_TOO_LARGE: {
    meaning: "The body is larger than the limit in `metadata.maxBytes`.",
    remedy: "Send less. The owner of a method can raise its `maxBytes` for streamed bodies.",
  },
  ROUTE_NOT_FOUND: {
    meaning: "No method is served at this path.",
    remedy: "Compare the path with `/openapi.json`. The message names a similar path if there is one.",
  },
} satisfies Texts;

const access = {
  API_KEY_EXPIRED: {
    meaning: "The API key has passed its `expireTime`.",
    remedy: "Ask an administrator for another key.",
  },
  API_KEY_INVALID: {
    meaning: "The API key does not exist, or a part of it was changed or lost.",
    remedy: "Send the whole key as it was shown when it was created: `eo_{id}_{secret}`.",
  },
  API_KEY_REVOKED: {
    meaning: "An administrator revoked the API key.",
    remedy: "Ask an administrator for another key.",
  },
  AUTHENTICATION_NOT_CONFIGURED: {
    meaning: "The deployment has no `AUTH`, so it rejects every call.",
    remedy: "Set `AUTH` ([access.md](access.md#checklist-for-operators)). Use `open` on your own machine only.",
  },
  AUTHORIZATION_SCHEME_UNSUPPORTED: {
    meaning: "The `Authorization` header has another scheme than `Bearer`.",
    remedy: "Send `Authorization: Bearer TOKEN`, or an API key in `x-goog-api-key`.",
  },
  CREDENTIALS_ALGORITHM_UNSUPPORTED: {
    meaning: "The token is signed with an algorithm that the deployment does not accept from its issuer.",
    remedy:
      "Have the issuer sign with an accepted algorithm, or let the operator add it to `AUTH`. `none` and shared secrets are " +
      "never accepted.",
  },
  CREDENTIALS_AMBIGUOUS: {
    meaning: "The request has two different credentials of one kind.",
    remedy: "Send one of them.",
  },
  CREDENTIALS_AUDIENCE_INVALID: {
    meaning: "The token was issued for another audience (`aud`).",
    remedy: "Request a token for the audience of this deployment.",
  },
  CREDENTIALS_CLAIM_INVALID: {
    meaning: "The token has no `iss`, `aud`, `exp` or `sub`, or one of them is malformed.",
    remedy: "Request a token that has all four.",
  },
  CREDENTIALS_EXPIRED: {
    meaning: "The token, or the session, has expired.",
    remedy: "Request another token, or log in again.",
  },
  CREDENTIALS_INVALID: {
    meaning:
      "The token is not valid, for a reason without a name of its own, or the deployment's own login refuses the credentials.",
    remedy: "Request another token, or log in again. If a token fails as well, compare its claims with `AUTH`.",
  },
  CREDENTIALS_ISSUER_UNKNOWN: {
    meaning: "The token's issuer is not one that the deployment accepts. `iss` must equal that of `AUTH` exactly.",
    remedy: "Use a token of an accepted issuer, or let the operator add the issuer to `AUTH`.",
  },
  CREDENTIALS_KEY_UNKNOWN: {
    meaning: "The token's issuer does not publish its key.",
    remedy: "Request another token. If the issuer has just rotated its keys, try again in a minute.",
  },
  CREDENTIALS_MALFORMED: {
    meaning: "The token is not a signed JSON Web Token.",
    remedy: "Send an ID or access token in JWT form, not an opaque one.",
  },
  CREDENTIALS_MISSING: {
    meaning: "The call needs credentials, and the request has none.",
    remedy: "Send `Authorization: Bearer TOKEN`, or an API key in `x-goog-api-key`.",
  },
  CREDENTIALS_NOT_YET_VALID: {
    meaning: "The token's `nbf` or `iat` is in the future.",
    remedy: "Wait, or correct the clock of the machine that issues tokens.",
  },
  CREDENTIALS_SIGNATURE_INVALID: {
    meaning: "The token's signature does not match its content.",
    remedy: "Send the token unchanged.",
  },
  CREDENTIALS_TOO_LARGE: {
    meaning: "The token is larger than the service reads.",
    remedy: "Send a token of at most 16,384 characters. Have the issuer put fewer claims into it.",
  },
  CREDENTIALS_TYPE_UNSUPPORTED: {
    meaning: "The token's `typ` says that it is not for use as a bearer token.",
    remedy: "Request an ID token, or an access token that is not bound to a key (`cnf`).",
  },
  CROSS_SITE_REQUEST: {
    meaning:
      "A cookie, or a proxy's header, identifies the caller, and the request may come from a page of another site. Such a page could " +
      "act with the caller's rights.",
    remedy: "Add the page's origin to `CORS_ORIGINS`, and send `Content-Type: application/json`.",
  },
  IAM_PERMISSION_DENIED: {
    meaning:
      "The caller has no permission for this call on this resource. The answer is the same if the resource does not exist.",
    remedy:
      "Ask an administrator for a role with the permission in `metadata` ([access.md](access.md#roles-and-permissions)).",
  },
  LINK_INVALID: {
    meaning: "The `linkToken` is not that of a suspension of this operation, or the operation does not exist.",
    remedy: "Use the link exactly as it was sent. A link is good for one suspension.",
  },
  NOT_AN_ADMINISTRATOR: {
    meaning: "The call is for administrators only.",
    remedy: "Use credentials of a member of `ADMINS`, or an administrator's API key.",
  },
} satisfies Texts;

const policies = {
  CONDITIONS_NEED_ETAG: {
    meaning: "The new or the stored policy has conditions, and the request has no `policy.etag`.",
    remedy: "Read the policy, change it, and set it with its `etag`.",
  },
  CONDITIONS_NEED_VERSION_3: {
    meaning: "The new or the stored policy has conditions, and `policy.version` is not 3.",
    remedy: "Read the policy with `options.requestedPolicyVersion=3`, and set it with `version: 3`.",
  },
  NO_ADMINISTRATOR: {
    meaning: "The root policy would have no administrator, and `ADMINS` is unset.",
    remedy: "Bind `roles/longrunning.admin` to a member without a condition, or set `ADMINS`.",
  },
  TOO_MANY_API_KEYS: {
    meaning: "The deployment has as many API keys as it can have.",
    remedy: "Revoke unused keys. They are removed after 30 days.",
  },
} satisfies Texts;

const state = {
  ETAG_MISMATCH: {
    meaning: "The operation or the policy has changed since the caller read the ETag.",
    remedy: "Read it again, decide again, and send the new ETag.",
  },
  METHOD_NOT_DEPLOYED: {
    meaning: "The deployment has no method with the id of the operation to retry.",
    remedy: "Deploy the method, then retry.",
  },
  OPERATION_DONE: {
    meaning: "The operation is done. A finished operation never changes.",
    remedy: "Read its result. Create another operation for more work.",
  },
  OPERATION_RUN_BY_METHOD: {
    meaning: "A method of this service does the work, so no other system may report on it.",
    remedy:
      "Update only operations that were made by CreateOperation ([external-operations.md](external-operations.md)).",
  },
  RETRY_CANCELLED: {
    meaning: "The operation was cancelled, and its request was erased. Only a failed operation can be retried.",
    remedy: "Start another operation by its method.",
  },
  RETRY_EXTERNAL: {
    meaning: "Another system did the work, so the service has no request to run again.",
    remedy: "Have that system create another operation.",
  },
  RETRY_INPUT_ERASED: {
    meaning: "The operation had a streamed body, which was erased when it ended.",
    remedy: "Send the body to the method again.",
  },
  RETRY_NOT_DONE: {
    meaning: "The operation has not ended.",
    remedy: "Cancel it, or wait until it ends.",
  },
  RETRY_REQUEST_ERASED: {
    meaning: "The service has no request of the operation: it failed at its start, or under an earlier version.",
    remedy: "Start another operation by its method.",
  },
  RETRY_SUCCEEDED: {
    meaning: "The operation succeeded, and its request was erased. Only a failed operation can be retried.",
    remedy: "Start another operation by its method.",
  },
  OPERATION_CANCELLING: {
    meaning: "The operation is cancelling, so it accepts no answer.",
    remedy: "Start another operation.",
  },
  OPERATION_RUN_ELSEWHERE: {
    meaning: "Another system does the operation's work, so the operation has no suspensions.",
    remedy: "Answer that system.",
  },
  SUSPENSION_EXPIRED: {
    meaning: "The time for an answer has passed, or the operation ended without one.",
    remedy: "Read the operation: its work went on without the answer. A handler may catch this error.",
  },
  SUSPENSION_RESOLVED: {
    meaning: "The suspension was answered before, with another payload. The first answer wins.",
    remedy: "Read the suspension: `resolver` and `resolveTime` say who answered, and when.",
  },
} satisfies Texts;

const limits = {
  INDEX_FULL: {
    meaning: "All index shards of the parent's scope are full.",
    remedy: "Delete operations that nobody needs, wait until some expire, or use another scope (`projects/{other}`).",
  },
  RATE_LIMIT_EXCEEDED: {
    meaning: "The caller, or the address, sends more requests than the rate limit allows.",
    remedy: "Wait for the time in `Retry-After`, and send fewer requests. Use `:wait` instead of polling.",
  },
  START_QUOTA_EXCEEDED: {
    meaning: "The caller, or all anonymous callers of the parent, started as much as `START_QUOTA` allows in a day.",
    remedy: "Wait for the time in `Retry-After`. `metadata.quota` names the quota.",
  },
  TOO_MANY_ANSWERS: {
    meaning: "The operation keeps as many answers as it may for suspensions that its work has not reached.",
    remedy: "Wait until the work reaches them: `GET /v1/{operation}/suspensions` lists the answers that are kept.",
  },
  BULK_TOO_MANY: {
    meaning: "A bulk verb has used up what one operation may do. The message says how many operations it has acted on.",
    remedy: "Call it again with the same filter: it goes on with those that still match.",
  },
  TOO_MANY_OPERATIONS: {
    meaning: "The caller has as many unfinished operations as `MAX_OPERATIONS_PER_CALLER` allows.",
    remedy: "Wait until one ends, or cancel one.",
  },
  TOO_MANY_WEBHOOKS: {
    meaning: "The parent has 20 webhooks, as many as it may.",
    remedy: "Delete one that is not needed ([webhooks.md](webhooks.md)).",
  },
} satisfies Texts;

const deployment = {
  BINDING_MISSING: {
    meaning: "The Worker has no binding of this name, or one of another kind. Every call fails.",
    remedy: "Add the lines in the message to `wrangler.toml`, and deploy.",
  },
  CALLER_INVALID: {
    meaning: "The deployment's own `authenticate` function returned something that is not a caller.",
    remedy: "Correct the function as the message says ([access.md](access.md#your-own-login)).",
  },
  CONFIGURATION_INVALID: {
    meaning: "A variable has a value that the service does not accept. Every call fails.",
    remedy:
      "Set the variable in `metadata.variable` by the rule in the message ([configuration.md](configuration.md)).",
  },
  EMULATED: {
    meaning: "The script of an emulated operation asks for this error.",
    remedy: "Nothing is wrong: the script tests the client ([emulation.md](emulation.md)).",
  },
  HANDLER_MISSING: {
    meaning:
      "The Worker's default export has no `queue` handler, so nothing would run the operations that it starts. Every call fails.",
    remedy:
      "Export all handlers of `operations()`, as the message says. A Worker whose queues another Worker consumes exports them too.",
  },
  SQLITE_MISSING: {
    meaning: "A Durable Object class has no SQLite storage, because no migration declares it, or one in `new_classes`.",
    remedy:
      "Name the classes in `new_sqlite_classes` of `[[migrations]]` in `wrangler.toml`, as the message says. A class that " +
      "was deployed without SQLite must be deleted by a migration first.",
  },
} satisfies Texts;

const handler = {
  HANDLER_ENDED: {
    meaning: "The handler has returned while a part of its work still runs. `op.signal.reason` has this reason.",
    remedy: "Await all parts of the work, or stop them when `op.signal` is aborted.",
  },
  LEASE_LOST: {
    meaning: "The work belongs to another runner. `op.signal.reason` has this reason.",
    remedy: "Stop. The service discards everything that this invocation still stores or returns.",
  },
  LIBRARY_MISUSE: {
    meaning:
      "The handler uses the library wrongly: a step name twice, a value that is not JSON, a duration without a unit.",
    remedy: "Change the code as the message says. The operation is not retried.",
  },
  RESPONSE_TOO_LARGE: {
    meaning: "The response is larger than the method's `maxResultBytes`.",
    remedy: "Store it elsewhere and return a link ([methods.md](methods.md#results-too-large-for-an-operation)).",
  },
  STEP_RESULT_TOO_LARGE: {
    meaning: "The result of a step is larger than the method's `maxResultBytes`.",
    remedy: "Store it elsewhere and return its key from the step.",
  },
  STEP_TIMED_OUT: {
    meaning:
      "A step took longer than the `timeout` that its call gives it. `signal.reason` of its function has this reason.",
    remedy:
      "Raise the timeout, divide the step, or give it `retry`. The operation's attempt is retried as its method says.",
  },
} satisfies Texts;

/** The groups of docs/errors.md, in the order of the page. */
export const reasonGroups: readonly { title: string; texts: Texts }[] = [
  { title: "Any call", texts: generic },
  { title: "The request", texts: request },
  { title: "Credentials and permissions", texts: access },
  { title: "Policies and API keys", texts: policies },
  { title: "The state of an operation", texts: state },
  { title: "Limits", texts: limits },
  { title: "The deployment", texts: deployment },
  { title: "In a handler", texts: handler },
];

export const reasonTexts: Record<Reason, ReasonText> = {
  ...generic,
  ...request,
  ...access,
  ...policies,
  ...state,
  ...limits,
  ...deployment,
  ...handler,
};
