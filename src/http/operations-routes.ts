// google.longrunning.Operations over HTTP: the routes, and what each takes (google.api.http of operations.proto).
import { nameFromPath, parseOperationName } from "../aip/resource-name";
import {
  CancelOperationRequest,
  CreateOperationRequest,
  DeleteOperationRequest,
  Empty,
  GetOperationRequest,
  ListOperationsRequest,
  ListOperationsResponse,
  Operation,
  UpdateOperationRequest,
  WaitOperationRequest,
} from "../describe/messages/longrunning";
import type { Rpc } from "../describe/rpc";
import { MAX_BODY_BYTES } from "../limits";
import type { JsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { cancelOperation, deleteOperation, getOperation, waitOperation } from "../service/operations";
import { createOperation, updateOperation } from "../service/external-operations";
import { listOperations } from "../service/list-operations";
import { inObject, onOperation, onParent } from "./judge";
import { type Call, apiVersionOf, pathName, pathVariable, queryOf, withoutWildcard } from "./call";
import { conditionalOperationResponse, emptyResponse, jsonResponse, operationResponse } from "./operation-response";
import { emptyShape, operationListShape, operationShape } from "./partial-response";
import { boolParameter, intParameter } from "./query";
import { readJsonObject } from "./request-body";
import { type Route, hasPairs } from "./route";
import { START_PARAMETERS, startOptions, startedResponse } from "./start-options";

const LIST = rpc("ListOperations", {
  description: "Lists the operations directly under a parent, newest first.",
  request: ListOperationsRequest,
  query: ["name", "filter", "pageSize", "pageToken", "returnPartialSuccess"],
  response: ListOperationsResponse,
});
const CREATE = rpc("CreateOperation", {
  description: "Creates an operation whose work another system does.",
  request: CreateOperationRequest,
  body: "*",
  query: START_PARAMETERS,
  response: Operation,
});

const LIST_ROUTE = {
  rpc: LIST,
  answer: operationListShape,
  judge: onParent("longrunning.operations.list", parentPattern),
  handler: list,
};
const CREATE_ROUTE = {
  rpc: CREATE,
  answer: operationShape,
  judge: onParent("longrunning.operations.create", parentOf),
  handler: create,
};

export const operationsRoutes: readonly Route[] = [
  {
    method: "GET",
    template: "/{version}/{name=**/operations/*}",
    accepts: hasPairs("name"),
    rpc: rpc("GetOperation", {
      description: "Gets the latest state of an operation.",
      request: GetOperationRequest,
      response: Operation,
    }),
    answer: operationShape,
    judge: inObject,
    handler: get,
  },
  { method: "GET", template: "/{version}/operations", ...LIST_ROUTE },
  {
    method: "GET",
    template: "/{version}/{name=**}/operations",
    accepts: hasPairs("name"),
    ...LIST_ROUTE,
  },
  { method: "POST", template: "/{version}/operations", ...CREATE_ROUTE },
  {
    method: "POST",
    template: "/{version}/{parent=**}/operations",
    accepts: hasPairs("parent"),
    ...CREATE_ROUTE,
  },
  {
    method: "PATCH",
    template: "/{version}/{name=**/operations/*}",
    accepts: hasPairs("name"),
    rpc: rpc("UpdateOperation", {
      description: "Reports the progress of an operation whose work is done elsewhere, or completes it.",
      request: UpdateOperationRequest,
      body: "operation",
      query: ["updateMask"],
      response: Operation,
    }),
    answer: operationShape,
    judge: onOperation("longrunning.operations.update", { isBodyOptional: false }),
    handler: update,
  },
  {
    method: "DELETE",
    template: "/{version}/{name=**/operations/*}",
    accepts: hasPairs("name"),
    rpc: rpc("DeleteOperation", {
      description: "Deletes an operation, which is not cancelled by that.",
      request: DeleteOperationRequest,
      response: Empty,
    }),
    answer: emptyShape,
    judge: inObject,
    handler: remove,
  },
  {
    method: "POST",
    template: "/{version}/{name=**/operations/*}:cancel",
    accepts: hasPairs("name"),
    rpc: rpc("CancelOperation", {
      description: "Asks for an operation to be cancelled. Best effort: it may still succeed.",
      request: CancelOperationRequest,
      body: "*",
      response: Empty,
    }),
    answer: emptyShape,
    judge: onOperation("longrunning.operations.cancel", { isBodyOptional: true }),
    handler: cancel,
  },
  {
    method: "POST",
    template: "/{version}/{name=**/operations/*}:wait",
    accepts: hasPairs("name"),
    rpc: rpc("WaitOperation", {
      description: "Waits until an operation is done, or for a time, and gets its latest state.",
      request: WaitOperationRequest,
      body: "*",
      query: ["timeout"],
      response: Operation,
    }),
    answer: operationShape,
    judge: onOperation("longrunning.operations.wait", { isBodyOptional: true }),
    handler: wait,
  },
];

type Description = Pick<Rpc, "description" | "request" | "response"> & Partial<Rpc>;

function rpc(method: string, description: Description): Rpc {
  return { name: `google.longrunning.Operations.${method}`, body: undefined, query: [], ...description };
}

async function get(call: Call): Promise<Response> {
  queryOf(call);
  const answer = await getOperation(call.service, nameInEncodedSegment(call) ?? nameOf(call));
  return conditionalOperationResponse(call.request, answer, call.service);
}

async function list(call: Call): Promise<Response> {
  const parent = parentPattern(call);
  const query = queryOf(call);
  const collection = parent === "" ? "operations" : `${parent}/operations`;
  const { name, filter = "", pageToken } = query;
  if (name !== undefined && name !== "" && name !== parent && name !== collection) {
    throw invalidArgument([
      { field: "name", description: `must be the path's ${JSON.stringify(collection)} or its parent` },
    ]);
  }
  const { listed: store, lists, tokenKeys, deployment, now } = call.service;
  const { locations, indexShards } = deployment;
  const ports = { store, lists, tokenKeys, locations, indexShards, now };
  const pageSize = intParameter("pageSize", query["pageSize"]);
  const returnPartialSuccess = boolParameter("returnPartialSuccess", query["returnPartialSuccess"]) ?? false;
  return jsonResponse(await listOperations(ports, { parent, filter, pageSize, pageToken, returnPartialSuccess }));
}

async function create(call: Call): Promise<Response> {
  const parent = parentOf(call);
  const query = queryOf(call);
  const { json, requestId, validateOnly } = startOptions(
    await readJsonObject(call.request, call.body, MAX_BODY_BYTES),
    query,
  );
  const { service } = call;
  const started = await createOperation(service, {
    parent,
    json,
    requestId,
    validateOnly,
    apiVersion: apiVersionOf(call),
    caller: service.caller,
    now: service.now(),
    deployment: service.deployment,
  });
  return startedResponse(call, started);
}

async function update(call: Call): Promise<Response> {
  const { updateMask } = queryOf(call);
  const answer = await updateOperation(call.service.store, {
    name: nameOf(call),
    json: await readJsonObject(call.request, call.body, MAX_BODY_BYTES),
    updateMask,
    ifMatch: call.request.headers.get("If-Match") ?? undefined,
  });
  return operationResponse(answer, call.service);
}

async function remove(call: Call): Promise<Response> {
  queryOf(call);
  await deleteOperation(call.service.store, nameOf(call));
  return emptyResponse();
}

async function cancel(call: Call): Promise<Response> {
  queryOf(call);
  const name = nameOf(call);
  await fieldsOf(call, name, []);
  await cancelOperation(call.service.store, name);
  return emptyResponse();
}

async function wait(call: Call): Promise<Response> {
  const values = queryOf(call);
  const name = nameOf(call);
  const fields = await fieldsOf(call, name, ["timeout"]);
  const inBody = fields["timeout"] ?? undefined;
  if (inBody !== undefined && typeof inBody !== "string") {
    throw invalidArgument([{ field: "timeout", description: `must be a Duration as a string, like "30s"` }]);
  }
  if (inBody !== undefined && values["timeout"] !== undefined && inBody !== values["timeout"]) {
    throw invalidArgument([{ field: "timeout", description: "differs between query and body" }]);
  }
  const answer = await waitOperation(call.service.reads, {
    name,
    timeout: inBody ?? values["timeout"],
    signal: call.request.signal,
  });
  return operationResponse(answer, call.service);
}

/** The parent of a list, in which every collection id but the first may be `-`. */
function parentPattern(call: Call): string {
  if (!("name" in call.encodedVariables)) return "";
  const parent = pathName(call, "name");
  if (parent.split("/")[1] !== "-") return parent;
  throw invalidArgument([{ field: "parent", description: 'the first collection id cannot be "-": name it' }]);
}

/** The parent in the path; empty for the bare collection. */
function parentOf(call: Call): string {
  return "parent" in call.encodedVariables ? pathVariable(call, "parent") : "";
}

function nameOf(call: Call): string {
  return pathVariable(call, "name");
}

/** `operations/{percent-encoded full name}`: what the stock google-gax client asks for is that name. */
function nameInEncodedSegment(call: Call): string | undefined {
  const segment = /^operations\/([^/]*%2F[^/]*)$/i.exec(call.encodedVariables["name"] ?? "")?.[1];
  const name = segment === undefined ? undefined : decodedName(segment);
  return name !== undefined && parseOperationName(name) ? withoutWildcard("name", name) : undefined;
}

function decodedName(segment: string): string | undefined {
  // The name's own segments are parted by what was %2F; each was encoded once, as a whole.
  const name = nameFromPath(segment.replaceAll(/%2F/gi, "/"));
  return name.ok ? name.value : undefined;
}

/** The JSON body's fields: those `allowed`, and the path's own `name`. */
async function fieldsOf(call: Call, name: string, allowed: readonly string[]): Promise<JsonObject> {
  const { name: inBody, ...fields } = await readJsonObject(call.request, call.body, MAX_BODY_BYTES);
  // null and the empty string are what an absent field is written as, too.
  if (inBody !== undefined && inBody !== null && inBody !== "" && inBody !== name) {
    throw invalidArgument([{ field: "name", description: "differs from the name in the path" }]);
  }
  const violations = Object.keys(fields)
    .filter((field) => !allowed.includes(field))
    .map((field) => ({ field, description: "unknown field" }));
  const [first, ...more] = violations;
  if (first) throw invalidArgument([first, ...more]);
  return fields;
}
