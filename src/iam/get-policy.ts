// GetIamPolicy: a policy as clients see it, in the version that they understand (google.iam.v1.GetPolicyOptions).
import type { JsonObject } from "../rpc/any";
import { fnv1a32 } from "./fnv";
import type { Binding, Condition, Policy } from "./policy";

const encoder = new TextEncoder();

/**
 * The policy in JSON. Without conditions it has version 1, whatever the request asks for. With conditions and a version
 * below 3 the conditions are left out and marked in the role, as in Google's answers:
 * `roles/longrunning.viewer_withcond_0123456789abcdef`. Such a role cannot be set.
 */
export function policyJson(policy: Policy, requestedPolicyVersion: number): JsonObject {
  const showsConditions = requestedPolicyVersion === 3;
  return {
    version: showsConditions ? policy.version : 1,
    bindings: policy.bindings.map((binding) => bindingJson(binding, showsConditions)),
    etag: policy.etag,
  };
}

function bindingJson({ role, members, condition }: Binding, showsConditions: boolean): JsonObject {
  if (condition === undefined) return { role, members: [...members] };
  if (showsConditions) return { role, members: [...members], condition: { ...condition } };
  return { role: `${role}_withcond_${conditionDigest(condition)}`, members: [...members] };
}

/** Sixteen hex digits, the same for the same condition. */
function conditionDigest({ expression, title, description, location }: Condition): string {
  const bytes = encoder.encode(JSON.stringify([expression, title, description, location]));
  const low = fnv1a32(bytes);
  return [low, fnv1a32(bytes, low)].map((part) => part.toString(16).padStart(8, "0")).join("");
}
