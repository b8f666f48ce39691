// The deployment's own methods over HTTP: request transcoding (google.api.http) and the start of an operation.
import { Operation } from "../describe/messages/longrunning";
import { queryFields } from "../describe/query-fields";
import type { Rpc } from "../describe/rpc";
import { MAX_BODY_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import type { StreamedInput } from "../contract/answer";
import type { Method } from "../method/define-method";
import type { InputRule } from "../method/method";
import { isJsonObject } from "../rpc/decode";
import { invalidArgument } from "../rpc/error";
import { SCRIPT_HEADER } from "../service/emulation-script";
import { startOperation } from "../service/start-operation";
import { bodyTooLarge } from "../service/start-once";
import { onParent } from "./judge";
import { type Call, apiVersionOf, pathVariable } from "./call";
import { parseMediaType } from "./media-type";
import { operationShape } from "./partial-response";
import { splitQuery } from "./query";
import { readJson } from "./request-body";
import { API_VERSIONS, type Route } from "./route";
import { START_PARAMETERS, startOptions, startedResponse } from "./start-options";
import { transcode } from "./transcoding";

const PERMISSION = "longrunning.methods.invoke";

/** The route of a method; one declared under a served version is served under all of them. */
export function routeFromMethod(method: Method): Route {
  const [, version = "", ...rest] = method.http.post.split("/");
  const isServedVersion = API_VERSIONS.some((served) => served === version);
  return {
    method: "POST",
    template: isServedVersion ? `/{version}/${rest.join("/")}` : method.http.post,
    rpc: rpcFromMethod(method),
    answer: operationShape,
    judge: onParent(PERMISSION, (call) => parentFromVariables(variablesOf(call, method))),
    handler: (call) => start(call, method),
  };
}

function rpcFromMethod({ id, http, template, input, requestMessage, ...declared }: Method): Rpc {
  const fields = requestMessage ? queryFields(requestMessage, { body: http.body, bound: template.variables }) : [];
  return {
    name: id,
    description: `Starts the operation ${id}.`,
    request: requestMessage,
    body: input ? undefined : http.body,
    query: [...new Set([...START_PARAMETERS, ...fields])],
    response: Operation,
    operationInfo: {
      responseType: declared.responseType,
      response: declared.responseMessage,
      metadataType: declared.metadataType ?? "google.protobuf.Struct",
      metadata: declared.metadataMessage,
    },
    input,
  };
}

async function start(call: Call, method: Method): Promise<Response> {
  const pathVariables = variablesOf(call, method);
  const parent = parentFromVariables(pathVariables);
  const { values, rest } = splitQuery(call.url.searchParams, START_PARAMETERS);
  const input = method.input && streamedInput(call, method.input, parent);
  const body = input ? undefined : await readJson(call.request, call.body, MAX_BODY_BYTES);
  // What every start takes is no field of the method's own request.
  const isWhole = method.http.body === "*" && isJsonObject(body);
  const { json, ...options } = startOptions(isWhole ? body : {}, values);
  const { service } = call;
  const started = await startOrProblem(call, {
    ...options,
    method,
    json: transcode({
      pathVariables,
      query: rest,
      body: isWhole ? json : body,
      bodyRule: method.http.body,
      describe: method.requestMessage,
    }),
    parent,
    target: targetFromPath(call.url.pathname),
    apiVersion: apiVersionOf(call),
    input,
    script: service.deployment.emulation ? (call.request.headers.get(SCRIPT_HEADER) ?? undefined) : undefined,
    caller: service.caller,
    now: service.now(),
    deployment: service.deployment,
  });
  return startedResponse(call, started);
}

/** Starts the operation; where its input was not what the body's head says, that is the error, not that it broke off. */
async function startOrProblem(call: Call, request: Parameters<typeof startOperation>[1]) {
  try {
    return await startOperation(call.service, request);
  } catch (error) {
    throw call.body.problem ?? error;
  }
}

function variablesOf(call: Call, { template }: Method): Record<string, string> {
  return Object.fromEntries(template.variables.map((name) => [name, pathVariable(call, name)]));
}

/** US-ASCII is a part of UTF-8. */
const UTF8_CHARSETS = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

function streamedInput(call: Call, { contentTypes, maxBytes }: InputRule, parent: string): StreamedInput {
  const mediaType = parseMediaType(call.request.headers.get("Content-Type"));
  const expected = contentTypes.map((type) => `"${type}"`).join(" or ");
  if (!mediaType || !contentTypes.includes(mediaType.essence)) {
    const given = mediaType ? JSON.stringify(mediaType.essence) : "none";
    throw invalidArgument([{ field: "body", description: `must have the Content-Type ${expected}; it has ${given}` }]);
  }
  const { essence, charset, header } = mediaType;
  if (charset !== undefined && !UTF8_CHARSETS.has(charset)) {
    const given = JSON.stringify(charset.slice(0, MAX_QUOTED_CHARACTERS));
    throw invalidArgument([{ field: "body", description: `must be UTF-8, not ${given}` }]);
  }
  // The method would take the first row for the header all the same.
  if (essence === "text/csv" && header !== undefined && header !== "present") {
    const given = JSON.stringify(header.slice(0, MAX_QUOTED_CHARACTERS));
    const description = `must begin with a header row: the Content-Type says header=${given}; add the row, and say header=present or nothing`;
    throw invalidArgument([{ field: "body", description }]);
  }
  const announcedBytes = Number(call.request.headers.get("Content-Length") ?? 0);
  if (announcedBytes > maxBytes) throw bodyTooLarge(maxBytes);
  const { judgementEnd, authorizeAnew } = call.service;
  // An upload may take longer than a judgement may be relied on.
  const right = { endTime: judgementEnd, judgeAnew: () => authorizeAnew(PERMISSION, parent) };
  const input = { stream: call.body.stream(maxBytes, right), maxBytes, digest: false };
  // Of a coded body it says nothing about what is stored.
  const isPlain = !call.request.headers.has("Content-Encoding");
  return isPlain && announcedBytes > 0 ? { ...input, announcedBytes } : input;
}

/** Where a method's operations live: its `parent`, or else the location or region that its resource is in. */
function parentFromVariables(variables: Record<string, string>): string {
  if (variables["parent"] !== undefined) return variables["parent"];
  for (const name of Object.values(variables)) {
    const parent = /^projects\/[^/]+\/(?:locations|regions)\/[^/]+/.exec(name)?.[0];
    if (parent !== undefined) return parent;
  }
  return "";
}

/** The resource that was acted on: the path without version and verb, decoded. */
function targetFromPath(path: string): string {
  const [, , ...segments] = path.replace(/:[^/:]*$/, "").split("/");
  return segments.map((segment) => decodeURIComponent(segment)).join("/");
}
