// What those who run the service ask over HTTP, beside google.longrunning (docs/operations.md): administrators alone may.
import { ExplainOperationRequest, OperationExplanation, RetryOperationRequest } from "../describe/messages/operators";
import { Operation } from "../describe/messages/longrunning";
import { MAX_BODY_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import type { Method } from "../method/define-method";
import type { JsonObject } from "../rpc/any";
import { Violations } from "../rpc/decode";
import { explainOperation } from "../service/operations";
import { retryOperation } from "../service/retry-operation";
import { inObject, onOperation } from "./judge";
import { type Call, pathVariable, queryOf } from "./call";
import { jsonResponse } from "./operation-response";
import { operationShape } from "./partial-response";
import { readJsonObject } from "./request-body";
import { START_PARAMETERS, startOptions, startedResponse } from "./start-options";
import { type Route, hasPairs } from "./route";
import { shapeFromMessage } from "./shape-from-message";

/** The routes of a deployment with these methods. */
export function operatorRoutes(methods: readonly Method[]): readonly Route[] {
  const methodById = new Map(methods.map((method) => [method.id, method]));
  return [EXPLAIN, { ...RETRY, handler: (call) => retry(call, methodById) }];
}

const EXPLAIN: Route = {
  method: "GET",
  template: "/{version}/{name=**/operations/*}:explain",
  accepts: hasPairs("name"),
  rpc: {
    name: "edge_operations.v1.Operators.ExplainOperation",
    description: "Tells why an operation is where it is, and what happens next. For administrators.",
    request: ExplainOperationRequest,
    body: undefined,
    query: [],
    response: OperationExplanation,
  },
  answer: shapeFromMessage(OperationExplanation),
  judge: inObject,
  handler: explain,
};

const RETRY: Omit<Route, "handler"> = {
  method: "POST",
  template: "/{version}/{name=**/operations/*}:retry",
  accepts: hasPairs("name"),
  rpc: {
    name: "edge_operations.v1.Operators.RetryOperation",
    description: "Starts a failed operation again, as a new operation with the same request. For administrators.",
    request: RetryOperationRequest,
    body: "*",
    query: START_PARAMETERS,
    response: Operation,
  },
  answer: operationShape,
  judge: onOperation("longrunning.operations.retry", { isBodyOptional: true }),
};

async function explain(call: Call): Promise<Response> {
  queryOf(call);
  return jsonResponse(await explainOperation(call.service.store, pathVariable(call, "name")));
}

async function retry(call: Call, methods: ReadonlyMap<string, Method>): Promise<Response> {
  const query = queryOf(call);
  const name = pathVariable(call, "name");
  const body = await readJsonObject(call.request, call.body, MAX_BODY_BYTES);
  const { json, ...options } = startOptions(body, query);
  nameAlone(json, name);
  const { service } = call;
  const { caller, deployment } = service;
  const started = await retryOperation(service, {
    ...options,
    name,
    caller,
    now: service.now(),
    deployment,
    methods,
  });
  return startedResponse(call, started);
}

/** What is left of the body: nothing, or the path's own name. */
function nameAlone({ name: inBody, ...unknown }: JsonObject, name: string): void {
  const violations = new Violations();
  if (inBody !== undefined && inBody !== null && inBody !== name)
    violations.add("name", "differs from the name in the path");
  for (const field of Object.keys(unknown)) violations.add(field.slice(0, MAX_QUOTED_CHARACTERS), "unknown field");
  violations.throwIfAny();
}
