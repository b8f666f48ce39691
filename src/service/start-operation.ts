// Starting an operation (AIP-151): checks, mints and stores it. Nothing that is refused here leaves a trace.
import { operationName } from "../aip/resource-name";
import { UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { OperationAnswer, StartRefusal, StreamedInput } from "../operation/answer";
import type { NewOperation } from "../operation/create-record";
import type { Method } from "../operation/define-method";
import type { ImmediateResult } from "../operation/method";
import type { Outcome, RunPolicy } from "../operation/record";
import { type JsonObject, anyFromMessage, typeUrlFromMessageName } from "../rpc/any";
import { type RpcError, invalidArgument, unavailable } from "../rpc/error";
import type { OperationStore } from "./ports";

export interface StartRequest {
  method: Method;
  /** The fields of the request, path variables included. */
  json: JsonObject;
  parent: string;
  target: string;
  apiVersion: string;
  input: StreamedInput | undefined;
  /** Milliseconds since 1970. */
  now: number;
  /** What the deployment decides of the policy. */
  deployment: Pick<RunPolicy, "leaseMs" | "resendMs" | "snapshot">;
}

/** Starts an operation; it is durable before this answers. */
export async function startOperation(
  store: Pick<OperationStore, "newId" | "start">,
  request: StartRequest,
): Promise<OperationAnswer> {
  const { method, json, parent, now } = request;
  method.check(json);
  const context = { createTime: new Date(now) };
  const immediate = method.immediate(json, context);
  const id = store.newId();
  const operation: NewOperation = {
    id,
    name: operationName({ parent, id }),
    parent,
    apiVersion: request.apiVersion,
    method: method.id,
    methodVersion: method.version,
    verb: method.verb,
    target: request.target,
    policy: { ...method.policy, ...request.deployment },
    createTime: now,
    deadline: now + method.timeoutMs,
    metadata: method.initialMetadata(json, context) as JsonObject,
    ...(method.metadataType === undefined ? {} : { metadataType: typeUrlFromMessageName(method.metadataType) }),
    responseType: typeUrlFromMessageName(method.responseType),
    ...(immediate ? { outcome: outcomeFromImmediate(method, immediate) } : {}),
  };
  const started = await store.start(operation, JSON.stringify(json), request.input);
  if (!started.ok) throw startError(started.refusal, method);
  return started.answer;
}

function outcomeFromImmediate(method: Method, result: ImmediateResult<object>): Outcome {
  if ("error" in result) return { error: result.error.toStatus() };
  return { response: JSON.stringify(anyFromMessage(method.responseType, result.response as JsonObject)) };
}

function startError(refusal: StartRefusal, method: Method): RpcError {
  switch (refusal) {
    case "INDEX_UNAVAILABLE":
      return unavailable(
        "The operation could not be listed, so it was not started. Try again.",
        UNAVAILABLE_RETRY_SECONDS,
      );
    case "INPUT_EMPTY":
      return invalidArgument([{ field: "body", description: "is empty; the method needs an input" }], {
        reason: "REQUEST_EMPTY",
      });
    case "INPUT_TOO_LARGE":
      return bodyTooLarge(method.input?.maxBytes ?? 0);
    case "INPUT_INTERRUPTED":
      return unavailable("The upload was interrupted; nothing was stored. Send it again.", UNAVAILABLE_RETRY_SECONDS);
    default:
      return refusal satisfies never;
  }
}

/** 413: the body is over its limit. */
export function bodyTooLarge(maxBytes: number): RpcError {
  return invalidArgument([{ field: "body", description: `is larger than ${maxBytes} bytes` }], {
    reason: "REQUEST_TOO_LARGE",
    httpStatus: 413,
    metadata: { maxBytes: String(maxBytes) },
  });
}
