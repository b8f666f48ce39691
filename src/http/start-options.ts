// What may come with every call that starts an operation: requestId (AIP-155), validateOnly (AIP-163), Prefer (RFC 7240).
import { MAX_WAIT_MS } from "../limits";
import { EMPTY_TYPE_URL, type Json, type JsonObject } from "../rpc/any";
import type { CodeName } from "../rpc/code";
import { RpcError, invalidArgument } from "../rpc/error";
import type { StartedOperation } from "../service/start-once";
import type { Call } from "./call";
import { jsonResponse, operationResponse } from "./operation-response";
import { boolParameter } from "./query";

/** Query parameters that every start takes. */
export const START_PARAMETERS = ["requestId", "validateOnly"] as const;

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

export interface StartOptions {
  /** The body without requestId and validateOnly. */
  json: JsonObject;
  requestId: string | undefined;
  validateOnly: boolean;
}

/** Takes requestId and validateOnly out of body and query; given in both, they must agree. */
export function startOptions(body: JsonObject, query: Readonly<Record<string, string>>): StartOptions {
  const { requestId, request_id, validateOnly, validate_only, ...json } = body;
  return {
    json,
    requestId: decodeRequestId(oneSpelling("requestId", requestId, request_id), query["requestId"]),
    validateOnly: decodeValidateOnly(oneSpelling("validateOnly", validateOnly, validate_only), query["validateOnly"]),
  };
}

/** A field of the body by either of its names in proto JSON; null is absent. */
function oneSpelling(field: string, jsonName: Json | undefined, protoName: Json | undefined): Json | undefined {
  const given = jsonName ?? protoName ?? undefined;
  if (given === (protoName ?? given)) return given;
  throw invalidArgument([{ field, description: "is given twice, under both of its names" }]);
}

function decodeRequestId(inBody: Json | undefined, inQuery: string | undefined): string | undefined {
  if (inBody !== undefined && inQuery !== undefined && inBody !== inQuery) {
    throw invalidArgument([{ field: "requestId", description: "differs between query and body" }]);
  }
  const requestId = inBody ?? inQuery;
  if (requestId === undefined) return undefined;
  if (typeof requestId === "string" && REQUEST_ID.test(requestId)) return requestId;
  const description = "must be 1 to 64 characters of A-Z, a-z, 0-9, - and _";
  throw invalidArgument([{ field: "requestId", description }]);
}

function decodeValidateOnly(inBody: Json | undefined, inQuery: string | undefined): boolean {
  if (inBody !== undefined && typeof inBody !== "boolean") {
    throw invalidArgument([{ field: "validateOnly", description: "must be true or false" }]);
  }
  const fromQuery = boolParameter("validateOnly", inQuery);
  if (inBody !== undefined && fromQuery !== undefined && inBody !== fromQuery) {
    throw invalidArgument([{ field: "validateOnly", description: "differs between query and body" }]);
  }
  return inBody ?? fromQuery ?? false;
}

/** The answer to a start: the Operation, waited for as `Prefer: wait=N` asks; or, of a request that was only checked, one that is done. */
export async function startedResponse(call: Call, started: StartedOperation | undefined): Promise<Response> {
  if (!started) return jsonResponse(`{"done":true,"response":{"@type":"${EMPTY_TYPE_URL}"}}`);
  call.notes.operation = started.name;
  const waitMs = preferredWaitMs(call.request.headers.get("Prefer"));
  if (waitMs === undefined) return operationResponse(started.answer, call.service);
  const waited = started.answer.done ? started.answer : await waitOrLatest(call, started, waitMs);
  const response = operationResponse(waited, call.service);
  response.headers.set("Preference-Applied", `wait=${waitMs / 1_000}`);
  return response;
}

/** Who may start may not always wait: an anonymous caller is no starter. */
const NO_WAIT: ReadonlySet<CodeName> = new Set<CodeName>(["UNAVAILABLE", "UNAUTHENTICATED", "PERMISSION_DENIED"]);

/** The operation was started: whatever happens to the wait, its answer is the operation. */
async function waitOrLatest(call: Call, { name, answer }: StartedOperation, waitMs: number) {
  try {
    return (await call.service.store.wait(name, waitMs, { signal: call.request.signal })) ?? answer;
  } catch (error) {
    if (error instanceof RpcError && NO_WAIT.has(error.code)) return answer;
    throw error;
  }
}

/** `wait=N` of a Prefer header, in milliseconds, capped as WaitOperation is; undefined where it has none that is valid. */
function preferredWaitMs(prefer: string | null): number | undefined {
  // A preference that is not understood is ignored (RFC 7240, section 2).
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer ?? "")?.[1];
  return seconds === undefined ? undefined : Math.min(MAX_WAIT_MS, Number(seconds) * 1_000);
}
