// The methods for operators of the service, beside google.longrunning (docs/operations.md): administrators alone.
import type { Method } from "../method/define-method";
import { explainOperation } from "../service/operations";
import { listScopes } from "../service/scopes";
import { retryOperation } from "../service/retry-operation";
import { JsonAnswer } from "./answer";
import { Operation } from "./messages/longrunning";
import {
  ExplainOperationRequest,
  ListScopesRequest,
  ListScopesResponse,
  OperationExplanation,
  RetryOperationRequest,
} from "./messages/operators";
import { type ApiMethod, apiMethod } from "./method";
import { startedAnswer } from "./start";

export function operators(methods: readonly Method[]): readonly ApiMethod[] {
  const methodById = new Map(methods.map((method) => [method.id, method]));
  return [
    apiMethod({
      name: "edge_operations.v1.Operators.ListScopes",
      description: "Lists the scopes in which there are operations, with the size of their index.",
      http: [{ method: "GET", template: "/{version}/scopes" }],
      request: ListScopesRequest,
      response: ListScopesResponse,
      permission: "longrunning.operations.list",
      on: "parent",
      handle: async (request, { service: { lists } }) => listScopes(lists, request),
    }),
    apiMethod({
      name: "edge_operations.v1.Operators.ExplainOperation",
      description: "Explains an operation's state and its next events. For administrators.",
      http: [{ method: "GET", template: "/{version}/{name=**/operations/*}:explain" }],
      request: ExplainOperationRequest,
      response: OperationExplanation,
      permission: "longrunning.operations.explain",
      on: "operation",
      handle: async (_, { resource, service: { store } }) => new JsonAnswer(await explainOperation(store, resource)),
    }),
    apiMethod({
      name: "edge_operations.v1.Operators.RetryOperation",
      description: "Starts a new operation with the request of a failed one. For administrators.",
      http: [{ method: "POST", template: "/{version}/{name=**/operations/*}:retry", body: "*" }],
      request: RetryOperationRequest,
      starts: true,
      response: Operation,
      permission: "longrunning.operations.retry",
      on: "operation",
      handle: async (_, call) => {
        const { caller, deployment, now } = call.service;
        const retry = { name: call.resource, caller, deployment, now: now(), methods: methodById };
        return startedAnswer(call, await retryOperation(call.service, { ...call.start, ...retry }));
      },
    }),
  ];
}
