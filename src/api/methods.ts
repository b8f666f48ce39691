// The table of all methods that a deployment serves, and that its documents describe.
import type { Method } from "../method/define-method";
import { apiKeys } from "./api-keys";
import { iamPolicy } from "./iam-policy";
import { locations } from "./locations";
import { type ApiMethod, API_VERSIONS } from "./method";
import { operationMethods } from "./operations";
import { operators } from "./operators";
import type { Json, JsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { SCRIPT_HEADER } from "../service/emulation";
import { startOperation } from "../service/start-operation";
import type { Call } from "./call";
import { Operation } from "./messages/longrunning";
import { startedAnswer } from "./start";
import { suspensions } from "./suspensions";

export function apiMethods(methods: readonly Method[]): ApiMethod[] {
  return [
    // A method's own row comes first: `POST /v1/echo:wait` is no operation's.
    ...Array.from(methods, declaredMethod),
    ...operationMethods,
    ...suspensions,
    ...operators(methods),
    ...iamPolicy,
    ...locations,
    ...apiKeys,
  ];
}

/** The row of a method. One declared under a served version is served under all of them. */
export function declaredMethod(method: Method): ApiMethod {
  const { id, http, own } = method;
  const [, version = "", ...rest] = http.post.split("/");
  const isServedVersion = API_VERSIONS.some((served) => served === version);
  const template = isServedVersion ? `/{version}/${rest.join("/")}` : http.post;
  const binding = { method: "POST", template, body: http.body } as const;
  return {
    name: own?.name ?? id,
    description: own?.description ?? `Starts the operation ${id}.`,
    // The root has no name.
    http: own ? [binding, { ...binding, template: template.replace("{parent=**}/", "") }] : [binding],
    request: method.requestMessage,
    starts: true,
    method,
    response: Operation,
    permission: own?.permission ?? "longrunning.methods.invoke",
    on: "parent",
    handle: (json: JsonObject, call: Call) => start(method, json, call),
  };
}

async function start(method: Method, json: JsonObject, call: Call) {
  const { service, resource, target, apiVersion, input } = call;
  const { caller, deployment, now } = service;
  if (method.own) {
    checkParent(json["parent"], resource);
    if (method.own.alsoNeeds) await service.authorize(method.own.alsoNeeds, resource);
  }
  const script = deployment.emulation ? (call.headers.get(SCRIPT_HEADER) ?? undefined) : undefined;
  const request = { ...call.start, method, json, parent: resource, target, apiVersion, input, script };
  try {
    return startedAnswer(call, await startOperation(service, { ...request, caller, deployment, now: now() }));
  } catch (error) {
    // Where the input was not what the body's head says, that is the error, not that it broke off.
    throw call.inputProblem() ?? error;
  }
}

/** The path alone says which operations are meant. At the root it has no variable that a body could contradict. */
function checkParent(parent: Json | undefined, resource: string): void {
  if ((parent ?? "") === resource) return;
  throw invalidArgument([
    { field: "parent", description: `must be the path's, ${JSON.stringify(resource)}, or nothing` },
  ]);
}
