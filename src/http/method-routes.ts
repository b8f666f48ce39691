// The deployment's own methods over HTTP: request transcoding (google.api.http) and the start of an operation.
import { MAX_BODY_BYTES } from "../limits";
import type { StreamedInput } from "../operation/answer";
import type { Method } from "../operation/define-method";
import type { InputRule } from "../operation/method";
import type { JsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { bodyTooLarge, startOperation } from "../service/start-operation";
import { type Call, pathVariable, queryOf } from "./call";
import { parseMediaType } from "./media-type";
import { operationResponse } from "./operation-response";
import { readJsonBody } from "./request-body";
import { API_VERSIONS, type Route } from "./route";

/** The route of a method; one declared under a served version is served under all of them. */
export function routeFromMethod(method: Method): Route {
  const [, version = "", ...rest] = method.http.post.split("/");
  const isServedVersion = API_VERSIONS.some((served) => served === version);
  return {
    method: "POST",
    template: isServedVersion ? `/{version}/${rest.join("/")}` : method.http.post,
    handler: (call) => start(call, method),
  };
}

async function start(call: Call, method: Method): Promise<Response> {
  const variables = Object.fromEntries(method.template.variables.map((name) => [name, pathVariable(call, name)]));
  queryOf(call, []);
  const input = method.input && streamedInput(call, method.input);
  const json = { ...(input ? {} : await bodyFields(call, method)), ...variables };
  const { config, store, now } = call.service;
  const answer = await startOperation(store, {
    method,
    json,
    parent: parentFromVariables(variables),
    target: targetFromPath(call.url.pathname),
    apiVersion: call.version === "ui" ? "v1" : call.version,
    input,
    now: now(),
    deployment: { leaseMs: config.leaseMs, resendMs: config.resendMs, snapshot: config.snapshots },
  });
  return operationResponse(answer, now());
}

/** The body's fields beside the path's; a field that both give must be the path's. */
async function bodyFields(call: Call, method: Method): Promise<JsonObject> {
  const fields = await readJsonBody(call.request, call.body, MAX_BODY_BYTES);
  for (const name of method.template.variables) {
    if (fields[name] !== undefined && fields[name] !== pathVariable(call, name)) {
      throw invalidArgument([{ field: name, description: "differs from the path" }]);
    }
  }
  const [extra] = Object.keys(fields);
  if (method.http.body === undefined && extra !== undefined) {
    throw invalidArgument([{ field: extra, description: "unknown field: the method takes no body" }]);
  }
  return fields;
}

function streamedInput(call: Call, { contentTypes, maxBytes }: InputRule): StreamedInput {
  const mediaType = parseMediaType(call.request.headers.get("Content-Type"));
  const expected = contentTypes.map((type) => `"${type}"`).join(" or ");
  if (!mediaType || !contentTypes.includes(mediaType.essence)) {
    const given = mediaType ? JSON.stringify(mediaType.essence) : "none";
    throw invalidArgument([{ field: "body", description: `must have the Content-Type ${expected}; it has ${given}` }]);
  }
  if (mediaType.charset !== undefined && mediaType.charset !== "utf-8" && mediaType.charset !== "utf8") {
    throw invalidArgument([{ field: "body", description: `must be UTF-8, not ${JSON.stringify(mediaType.charset)}` }]);
  }
  if (Number(call.request.headers.get("Content-Length") ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  return { stream: call.body.stream(), maxBytes };
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
