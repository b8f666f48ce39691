// Decodes a call by its row: path, query and body together make one request (google/api/http.proto).
import type { StartOptions } from "../api/messages/start";
import type { ApiMethod, HttpBinding } from "../api/method";
import { MAX_BODY_BYTES } from "../limits";
import type { Message } from "../protobuf/declaration";
import { type JsonObject, isJsonObject } from "../rpc/any";
import { decodeMessage } from "./decode-message";
import { methodParameters } from "./query";
import { type RequestBody, readJson, readJsonObject } from "./request-body";
import { NO_START, startParameters } from "./start-parameters";
import { transcode } from "./transcoding";

export interface SentRequest {
  request: Request;
  body: RequestBody;
  search: URLSearchParams;
  names: Readonly<Record<string, string>>;
  resource: string;
  /** The path without version and verb. */
  target: string;
}

export interface DecodedRequest {
  /** Of the row's request message; JSON where the method decodes it itself. */
  request: object;
  start: StartOptions;
  sent: JsonObject;
}

/** @throws RpcError INVALID_ARGUMENT naming each field that is wrong. */
export async function decodeRequest(
  row: ApiMethod,
  binding: HttpBinding,
  { request, body, search, names, resource, target }: SentRequest,
): Promise<DecodedRequest> {
  const query = methodParameters(search);
  const read = await readBody(row, binding, request, body);
  const whole = binding.body === "*" && isJsonObject(read) ? read : undefined;
  const given = row.starts
    ? startParameters(query, whole ?? {}, Date.now())
    : { start: NO_START, query, rest: whole ?? {} };
  const json = transcode({
    pathVariables: row.method ? names : declaredNames(row.request, names),
    query: given.query,
    body: whole ? given.rest : read,
    bodyRule: binding.body,
    besides: row.query,
    describe: row.request,
    ...(row.method ? {} : { path: target }),
  });
  const sent = whole ? given.rest : isJsonObject(read) ? read : {};
  if (row.method || !row.request) return { request: json, start: given.start, sent };
  const selected = row.select?.(json, resource) ?? json;
  return { request: decodeMessage(row.request, selected, binding.body), start: given.start, sent };
}

/** A method of the deployment is given a body that it does not take, to reject it. */
function readBody(row: ApiMethod, { body: rule }: HttpBinding, request: Request, body: RequestBody) {
  if (row.method) return row.method.input ? undefined : readJson(request, body, MAX_BODY_BYTES);
  return rule === undefined ? undefined : readJsonObject(request, body, MAX_BODY_BYTES);
}

/** A parent in the path need not be a field: the handler acts on what the permission was judged on. */
function declaredNames(request: Message | undefined, names: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(names).filter(([name]) => request?.fieldByName(name) !== undefined));
}
