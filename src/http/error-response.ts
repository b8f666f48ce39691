// The error envelope of Google's APIs (AIP-193): every error answer has this form, whatever went wrong.
import { httpStatusByCode } from "../rpc/code";
import type { RpcError } from "../rpc/error";
import { helpForReason } from "../rpc/reasons";
import { ERROR_INFO_TYPE_URL, badRequest, errorInfo, requestInfo, resourceInfo, retryInfo } from "../rpc/status";
import { UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { Any } from "../rpc/any";
import { JSON_TYPE } from "./media-type";

export interface ErrorContext {
  /** ErrorInfo.domain: the host the service was called by. */
  domain: string;
  requestId: string;
}

/** Renders an error: ErrorInfo always, Help for the service's own reasons, RequestInfo on INTERNAL to search the log by. */
export function errorResponse(error: RpcError, { domain, requestId }: ErrorContext): Response {
  const code = error.httpStatus ?? httpStatusByCode[error.code];
  const details = [errorInfo(error.reason, domain, error.metadata), ...completeDetails(error, requestId)];
  const body = { error: { code, message: error.message, status: error.code, details } };
  const headers = new Headers({ ...error.headers, "Content-Type": JSON_TYPE });
  if (isRetriedLater(error) && !headers.has("Retry-After"))
    headers.set("Retry-After", String(UNAVAILABLE_RETRY_SECONDS));
  return new Response(`${JSON.stringify(body, null, 2)}\n`, { status: code, headers });
}

function isRetriedLater({ code }: RpcError): boolean {
  return code === "UNAVAILABLE" || code === "RESOURCE_EXHAUSTED";
}

/** The error's own details, each type once, and what its code always brings along. */
function completeDetails(error: RpcError, requestId: string): Any[] {
  const details = error.details.filter((detail) => detail["@type"] !== ERROR_INFO_TYPE_URL);
  const add = (detail: Any): void => {
    if (!details.some((present) => present["@type"] === detail["@type"])) details.push(detail);
  };
  if (error.code === "INVALID_ARGUMENT") add(badRequest([{ field: "", description: error.message }]));
  // Of a path that no route knows there is nothing to say.
  const resource = error.metadata["resource"];
  if (error.code === "NOT_FOUND" && resource !== undefined) add(resourceInfo("", resource, error.message));
  if (isRetriedLater(error)) add(retryInfo(UNAVAILABLE_RETRY_SECONDS));
  if (error.code === "INTERNAL") add(requestInfo(requestId));
  const help = helpForReason(error.reason);
  if (help) add(help);
  return details;
}
