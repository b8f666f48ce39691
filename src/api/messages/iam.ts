// google.iam.v1 (google/iam/v1/{policy,iam_policy,options}.proto) and google.type.Expr.
import { bytes, fieldMask, int32, messageField, repeated, string, struct } from "../../protobuf/fields";
import { message } from "../../protobuf/message";

const expr = { protoFile: "google/type/expr.proto" };
const options = { protoFile: "google/iam/v1/options.proto" };
const policy = { protoFile: "google/iam/v1/policy.proto" };
const iamPolicy = { protoFile: "google/iam/v1/iam_policy.proto" };

const Expr = message(
  "google.type.Expr",
  {
    expression: string(1, { description: "In CEL." }),
    title: string(2),
    description: string(3),
    location: string(4),
  },
  { ...expr, description: "A condition: it sees `request.time`, `resource.name` and `resource.type`." },
);

const Binding = message(
  "google.iam.v1.Binding",
  {
    role: string(1, { description: "`roles/longrunning.viewer`" }),
    members: repeated(string(2, { description: "`user:ada@example.com`, `allUsers`." })),
    condition: messageField(3, Expr, { description: "The condition of the binding." }),
  },
  { ...policy, description: "Members and their role." },
);

export const Policy = message(
  "google.iam.v1.Policy",
  {
    version: int32(1, { description: "0, 1 or 3; 3 if a binding has a condition." }),
    bindings: repeated(messageField(4, Binding)),
    auditConfigs: repeated(struct(6, { description: "Must be empty: audit lines are written for every call." })),
    etag: bytes(3, { description: "Send it back, so that no other write is lost." }),
  },
  { ...policy, description: "Members and their roles on a resource and everything below it." },
);

const GetPolicyOptions = message(
  "google.iam.v1.GetPolicyOptions",
  { requestedPolicyVersion: int32(1, { description: "3 shows conditions." }) },
  options,
);

const resource = string(1, { description: "The resource that the policy is of." });

export const GetIamPolicyRequest = message(
  "google.iam.v1.GetIamPolicyRequest",
  { resource, options: messageField(2, GetPolicyOptions) },
  iamPolicy,
);

export const SetIamPolicyRequest = message(
  "google.iam.v1.SetIamPolicyRequest",
  {
    resource,
    policy: messageField(2, Policy, { required: true }),
    updateMask: fieldMask(3, { description: "`bindings,etag` unless given." }),
  },
  iamPolicy,
);

export const TestIamPermissionsRequest = message(
  "google.iam.v1.TestIamPermissionsRequest",
  { resource, permissions: repeated(string(2, { description: "`longrunning.operations.get`" })) },
  iamPolicy,
);

export const TestIamPermissionsResponse = message(
  "google.iam.v1.TestIamPermissionsResponse",
  { permissions: repeated(string(1, { description: "The caller's permissions." })) },
  iamPolicy,
);
