// google.longrunning.Operations (google/longrunning/operations.proto), and the methods that this service adds to it.
import { invalidArgument } from "../rpc/error";
import { createOperation, selectUpdate, updateOperation } from "../service/external-operations";
import { listOperations } from "../service/list-operations";
import {
  cancelOperation,
  deleteOperation,
  getOperation,
  getOutput,
  waitOperation,
  watchOperation,
} from "../service/operations";
import { EventsAnswer, JsonAnswer, operationAnswer } from "./answer";
import {
  CancelOperationRequest,
  CreateOperationRequest,
  DeleteOperationRequest,
  Empty,
  GetOperationRequest,
  GetOutputRequest,
  ListOperationsRequest,
  ListOperationsResponse,
  Operation,
  Output,
  UpdateOperationRequest,
  WaitOperationRequest,
  WatchOperationRequest,
} from "./messages/longrunning";
import { type ApiMethod, apiMethod } from "./method";
import { preferenceApplied, preferredWaitMs, startedAnswer } from "./start";

export const operationMethods: readonly ApiMethod[] = [
  apiMethod({
    name: "google.longrunning.Operations.GetOperation",
    description: "Gets the latest state of an operation.",
    http: [{ method: "GET", template: "/{version}/{name=**/operations/*}" }],
    request: GetOperationRequest,
    takesEncodedName: true,
    response: Operation,
    permission: "longrunning.operations.get",
    on: "operation",
    handle: async (_, { resource, headers, request, service }) => {
      const known = headers.get("If-None-Match");
      const timeoutMs = preferredWaitMs(headers.get("Prefer"));
      if (known === null || timeoutMs === undefined) {
        return operationAnswer(await getOperation(service, resource), service);
      }
      const answer = await getOperation(service, resource, { known, timeoutMs, request });
      return operationAnswer(answer, service, preferenceApplied(timeoutMs));
    },
  }),
  apiMethod({
    name: "google.longrunning.Operations.ListOperations",
    description: "Lists the operations directly under a parent, newest first.",
    http: [
      { method: "GET", template: "/{version}/operations" },
      { method: "GET", template: "/{version}/{name=**}/operations" },
    ],
    request: ListOperationsRequest,
    query: ["name"],
    response: ListOperationsResponse,
    permission: "longrunning.operations.list",
    on: "parents",
    handle: async (
      { name = "", filter = "", returnPartialSuccess = false, ...page },
      { resource: parent, service },
    ) => {
      // The bare collection's path has no name. It may come in the query all the same.
      if (name !== parent && name !== "operations") {
        throw invalidArgument([{ field: "name", description: 'must be the path\'s "operations", or nothing' }]);
      }
      const { listed: store, lists, tokenKeys, deployment, now } = service;
      const { locations, indexShards } = deployment;
      const ports = { store, lists, tokenKeys, locations, indexShards, now };
      return new JsonAnswer(await listOperations(ports, { ...page, parent, filter, returnPartialSuccess }));
    },
  }),
  apiMethod({
    name: "google.longrunning.Operations.CreateOperation",
    description: "Creates an operation whose work another system does.",
    http: [
      { method: "POST", template: "/{version}/operations", body: "*" },
      { method: "POST", template: "/{version}/{parent=**}/operations", body: "*" },
    ],
    request: CreateOperationRequest,
    starts: true,
    response: Operation,
    permission: "longrunning.operations.create",
    on: "parent",
    handle: async ({ operation, ttl, heartbeatTimeout }, call) => {
      const { service, resource: parent, apiVersion, sent: json } = call;
      const { caller, deployment, now } = service;
      const request = { ...call.start, parent, operation, ttl, heartbeatTimeout, json, apiVersion };
      return startedAnswer(call, await createOperation(service, { ...request, caller, deployment, now: now() }));
    },
  }),
  apiMethod({
    name: "google.longrunning.Operations.UpdateOperation",
    description: "Reports the progress of an operation whose work is done elsewhere, or completes it.",
    http: [{ method: "PATCH", template: "/{version}/{name=**/operations/*}", body: "operation" }],
    request: UpdateOperationRequest,
    select: selectUpdate,
    response: Operation,
    permission: "longrunning.operations.update",
    on: "operation",
    needsBody: true,
    handle: async ({ operation = {}, updateMask = "" }, { resource: name, sent, headers, service }) => {
      const ifMatch = headers.get("If-Match") ?? undefined;
      const answer = await updateOperation(service.store, { name, operation, updateMask, sent, ifMatch });
      return operationAnswer(answer, service);
    },
  }),
  apiMethod({
    name: "google.longrunning.Operations.DeleteOperation",
    description: "Deletes an operation without cancelling it.",
    http: [{ method: "DELETE", template: "/{version}/{name=**/operations/*}" }],
    request: DeleteOperationRequest,
    response: Empty,
    permission: "longrunning.operations.delete",
    on: "operation",
    handle: async (_, { resource, service }) => {
      await deleteOperation(service.store, resource);
      return {};
    },
  }),
  apiMethod({
    name: "google.longrunning.Operations.CancelOperation",
    description: "Requests a cancellation. The operation may still succeed.",
    http: [{ method: "POST", template: "/{version}/{name=**/operations/*}:cancel", body: "*" }],
    request: CancelOperationRequest,
    response: Empty,
    permission: "longrunning.operations.cancel",
    on: "operation",
    handle: async (_, { resource, service }) => {
      await cancelOperation(service.store, resource);
      return {};
    },
  }),
  apiMethod({
    name: "google.longrunning.Operations.WaitOperation",
    description: "Waits for an operation's end, or for a time, and gets its latest state.",
    http: [{ method: "POST", template: "/{version}/{name=**/operations/*}:wait", body: "*" }],
    request: WaitOperationRequest,
    query: ["timeout"],
    response: Operation,
    permission: "longrunning.operations.wait",
    on: "operation",
    handle: async ({ timeout }, { resource: name, request, service }) =>
      operationAnswer(await waitOperation(service.reads, { name, timeout, request }), service),
  }),
  apiMethod({
    name: "edge_operations.v1.Push.GetOutput",
    description: "Gets a part of the text that an operation's work has written.",
    http: [{ method: "GET", template: "/{version}/{name=**/operations/*}/output" }],
    request: GetOutputRequest,
    response: Output,
    permission: "longrunning.operations.get",
    on: "operation",
    handle: async ({ offset = 0 }, { resource: name, service: { store } }) =>
      new JsonAnswer(JSON.stringify(await getOutput(store, { name, offset }))),
  }),
  apiMethod({
    name: "edge_operations.v1.Push.WatchOperation",
    description: "Sends an operation's state and each change up to its end as server-sent events.",
    http: [{ method: "GET", template: "/{version}/{name=**/operations/*}:watch" }],
    request: WatchOperationRequest,
    response: Operation,
    streams: true,
    permission: "longrunning.operations.get",
    on: "operation",
    handle: async (_, { resource: name, headers, request, service }) => {
      const lastEventId = headers.get("Last-Event-ID") ?? undefined;
      return new EventsAnswer(name, await watchOperation(service.reads, { name, lastEventId, request }));
    },
  }),
];
