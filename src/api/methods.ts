// The table of all methods that a deployment serves, and that its documents describe.
import type { Method } from "../method/define-method";
import { apiKeys } from "./api-keys";
import { iamPolicy } from "./iam-policy";
import { locations } from "./locations";
import { type ApiMethod, API_VERSIONS } from "./method";
import { operationMethods } from "./operations";
import { operators } from "./operators";
import type { JsonObject } from "../rpc/any";
import { SCRIPT_HEADER } from "../service/emulation-script";
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
  const { id, http } = method;
  const [, version = "", ...rest] = http.post.split("/");
  const isServedVersion = API_VERSIONS.some((served) => served === version);
  return {
    name: id,
    description: `Starts the operation ${id}.`,
    http: [{ method: "POST", template: isServedVersion ? `/{version}/${rest.join("/")}` : http.post, body: http.body }],
    request: method.requestMessage,
    starts: true,
    method,
    response: Operation,
    permission: "longrunning.methods.invoke",
    on: "parent",
    handle: (json: JsonObject, call: Call) => start(method, json, call),
  };
}

async function start(method: Method, json: JsonObject, call: Call) {
  const { service, resource, target, apiVersion, input } = call;
  const { caller, deployment, now } = service;
  const script = deployment.emulation ? (call.headers.get(SCRIPT_HEADER) ?? undefined) : undefined;
  const request = { ...call.start, method, json, parent: resource, target, apiVersion, input, script };
  try {
    return startedAnswer(call, await startOperation(service, { ...request, caller, deployment, now: now() }));
  } catch (error) {
    // Where the input was not what the body's head says, that is the error, not that it broke off.
    throw call.inputProblem() ?? error;
  }
}
