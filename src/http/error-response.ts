// The error envelope of Google's APIs (AIP-193): every error answer has this form, whatever went wrong.
import { httpStatusByCode } from "../rpc/code";
import type { RpcError } from "../rpc/error";
import { errorInfo, requestInfo } from "../rpc/status";
import { JSON_TYPE } from "./media-type";

export interface ErrorContext {
  /** ErrorInfo.domain: the host the service was called by. */
  domain: string;
  /** Names the request in the log. */
  requestId: string;
}

/** Renders an error: ErrorInfo always, RequestInfo on INTERNAL so that the log can be searched. */
export function errorResponse(error: RpcError, { domain, requestId }: ErrorContext): Response {
  const code = error.httpStatus ?? httpStatusByCode[error.code];
  const details = [errorInfo(error.reason, domain, error.metadata), ...error.details];
  if (error.code === "INTERNAL") details.push(requestInfo(requestId));
  const body = { error: { code, message: error.message, status: error.code, details } };
  return new Response(`${JSON.stringify(body, null, 2)}\n`, {
    status: code,
    headers: { ...error.headers, "Content-Type": JSON_TYPE },
  });
}
