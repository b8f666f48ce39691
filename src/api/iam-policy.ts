// google.iam.v1.IAMPolicy: on operations, their parents, and the service root, which is written `operations`.
import { withinBindingCount } from "../iam/sent-policy";
import { getIamPolicy, setIamPolicy, testIamPermissions } from "../service/iam-policy";
import {
  GetIamPolicyRequest,
  Policy,
  SetIamPolicyRequest,
  TestIamPermissionsRequest,
  TestIamPermissionsResponse,
} from "./messages/iam";
import { type ApiMethod, apiMethod } from "./method";

export const iamPolicy: readonly ApiMethod[] = [
  apiMethod({
    name: "google.iam.v1.IAMPolicy.GetIamPolicy",
    description: "Gets the policy of a resource, which may be empty.",
    http: [
      { method: "POST", template: "/{version}/{resource=**}:getIamPolicy", body: "*" },
      { method: "GET", template: "/{version}/{resource=**}:getIamPolicy" },
    ],
    request: GetIamPolicyRequest,
    query: ["options.requestedPolicyVersion"],
    response: Policy,
    permission: "longrunning.operations.getIamPolicy",
    on: "resource",
    handle: ({ options }, { resource, service: { iam } }) =>
      getIamPolicy(iam, { resource, requestedPolicyVersion: options?.requestedPolicyVersion }),
  }),
  apiMethod({
    name: "google.iam.v1.IAMPolicy.SetIamPolicy",
    description: "Replaces the policy of a resource.",
    http: [{ method: "POST", template: "/{version}/{resource=**}:setIamPolicy", body: "*" }],
    request: SetIamPolicyRequest,
    select: withinBindingCount,
    response: Policy,
    permission: "longrunning.operations.setIamPolicy",
    on: "resource",
    needsBody: true,
    handle: (request, { resource, service: { iam } }) => setIamPolicy(iam, { ...request, resource }),
  }),
  apiMethod({
    name: "google.iam.v1.IAMPolicy.TestIamPermissions",
    description: "Returns the caller's permissions on a resource.",
    http: [{ method: "POST", template: "/{version}/{resource=**}:testIamPermissions", body: "*" }],
    request: TestIamPermissionsRequest,
    response: TestIamPermissionsResponse,
    permission: "none",
    on: "everyone",
    handle: ({ permissions }, { resource, service: { iam } }) => testIamPermissions(iam, { resource, permissions }),
  }),
];
