// google.iam.v1.IAMPolicy over HTTP: on operations, their parents, and the service root, which is written `operations`.
import {
  GetIamPolicyRequest,
  Policy,
  SetIamPolicyRequest,
  TestIamPermissionsRequest,
  TestIamPermissionsResponse,
} from "../describe/messages/iam";
import type { Rpc } from "../describe/rpc";
import { ROOT } from "../iam/policy-resources";
import { MAX_BODY_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import type { JsonObject } from "../rpc/any";
import { Violations } from "../rpc/decode";
import { getIamPolicy, requestedPolicyVersionOf, setIamPolicy, testIamPermissions } from "../service/iam-policy";
import { everyone, onResource } from "./judge";
import { type Call, pathVariable, queryOf } from "./call";
import { jsonResponse } from "./operation-response";
import type { AnswerShape } from "./partial-response";
import { readJsonObject } from "./request-body";
import type { Route } from "./route";

const policyShape: AnswerShape = {
  version: {},
  bindings: { role: {}, members: {}, condition: { expression: {}, title: {}, description: {}, location: {} } },
  etag: {},
};
const permissionsShape: AnswerShape = { permissions: {} };

const GET_BY_BODY: Description = {
  description: "Gets the policy of a resource: an empty one where none was set.",
  request: GetIamPolicyRequest,
  body: "*",
  query: ["options.requestedPolicyVersion"],
  response: Policy,
};
const GET_BY_QUERY: Description = { ...GET_BY_BODY, body: undefined, isAdditional: true };
const SET: Description = {
  description: "Replaces the policy of a resource.",
  request: SetIamPolicyRequest,
  body: "*",
  query: [],
  response: Policy,
};
const TEST: Description = {
  description: "Tells which of some permissions the caller has on a resource.",
  request: TestIamPermissionsRequest,
  body: "*",
  query: [],
  response: TestIamPermissionsResponse,
};

const mayGet = onResource("longrunning.operations.getIamPolicy", { isBodyOptional: true });
const maySet = onResource("longrunning.operations.setIamPolicy", { isBodyOptional: false });

export const iamRoutes: readonly Route[] = [
  route("POST", "getIamPolicy", { ...GET_BY_BODY, answer: policyShape, judge: mayGet, handler: getByBody }),
  route("GET", "getIamPolicy", { ...GET_BY_QUERY, answer: policyShape, judge: mayGet, handler: getByQuery }),
  route("POST", "setIamPolicy", { ...SET, answer: policyShape, judge: maySet, handler: set }),
  route("POST", "testIamPermissions", { ...TEST, answer: permissionsShape, judge: everyone, handler: test }),
];

type Description = Omit<Rpc, "name" | "over">;

function route(
  method: Route["method"],
  verb: string,
  { answer: shape, judge, handler, ...description }: Description & Pick<Route, "answer" | "judge" | "handler">,
): Route {
  const name = `google.iam.v1.IAMPolicy.${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
  return {
    method,
    template: `/{version}/{resource=**}:${verb}`,
    accepts: isResource,
    rpc: { ...description, name, over: "policyResources" },
    answer: shape,
    judge,
    handler,
  };
}

/** The root, or collections and ids in turn. */
function isResource({ resource = "" }: Readonly<Record<string, string>>): boolean {
  return resource === ROOT || resource.split("/").length % 2 === 0;
}

async function getByQuery(call: Call): Promise<Response> {
  const query = queryOf(call);
  const resource = pathVariable(call, "resource");
  const requestedPolicyVersion = query["options.requestedPolicyVersion"];
  return answer(await getIamPolicy(call.service.iam, { resource, requestedPolicyVersion }));
}

async function getByBody(call: Call): Promise<Response> {
  const query = queryOf(call);
  const { resource, fields } = await requestOf(call, ["options"]);
  const requestedPolicyVersion = requestedPolicyVersionOf(fields["options"]) ?? query["options.requestedPolicyVersion"];
  return answer(await getIamPolicy(call.service.iam, { resource, requestedPolicyVersion }));
}

async function set(call: Call): Promise<Response> {
  queryOf(call);
  const { resource, fields } = await requestOf(call, ["policy", "updateMask", "update_mask"]);
  const updateMask = fields["updateMask"] ?? fields["update_mask"];
  return answer(await setIamPolicy(call.service.iam, { resource, policy: fields["policy"], updateMask }));
}

async function test(call: Call): Promise<Response> {
  queryOf(call);
  const { resource, fields } = await requestOf(call, ["permissions"]);
  return answer(await testIamPermissions(call.service.iam, { resource, permissions: fields["permissions"] }));
}

/** The resource in the path, and the body's fields: those `allowed`, and the path's own `resource`. */
async function requestOf(call: Call, allowed: readonly string[]): Promise<{ resource: string; fields: JsonObject }> {
  const resource = pathVariable(call, "resource");
  const { resource: inBody, ...fields } = await readJsonObject(call.request, call.body, MAX_BODY_BYTES);
  const violations = new Violations();
  // null and the empty string are what an absent field is written as, too.
  if (inBody !== undefined && inBody !== null && inBody !== "" && inBody !== resource) {
    violations.add("resource", "differs from the resource in the path");
  }
  for (const field of Object.keys(fields).filter((name) => !allowed.includes(name))) {
    violations.add(field.slice(0, MAX_QUOTED_CHARACTERS), `unknown field; this method takes ${allowed[0]}`);
  }
  violations.throwIfAny();
  return { resource, fields };
}

function answer(json: JsonObject): Response {
  return jsonResponse(JSON.stringify(json));
}
