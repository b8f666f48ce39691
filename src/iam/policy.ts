// google.iam.v1.Policy (google/iam/v1/policy.proto) as it is stored, and as GetIamPolicy answers it.
import { etagFromRevision, fnv1a32 } from "./etag";
import type { Role } from "./permissions";
import type { JsonObject } from "../rpc/any";

/** google.type.Expr: the condition of a binding. PERSISTED CONTRACT. */
export interface Condition {
  /** CEL, checked when it was set. */
  expression: string;
  title?: string;
  description?: string;
  location?: string;
}

/** PERSISTED CONTRACT. */
export interface Binding {
  role: Role;
  /** In canonical form, none twice. */
  members: readonly string[];
  condition?: Condition;
}

/** PERSISTED CONTRACT, in a PolicyObject or in an operation's record. */
export interface Policy {
  /** 3 if a binding has a condition, else 1, whatever version was set. */
  version: 1 | 3;
  bindings: readonly Binding[];
  etag: string;
  revision: number;
}

export function policyFromBindings(bindings: readonly Binding[], revision: number): Policy {
  const version = hasConditions(bindings) ? 3 : 1;
  return { version, bindings, etag: etagFromRevision(revision, bindings), revision };
}

export function emptyPolicy(): Policy {
  return policyFromBindings([], 0);
}

export function hasConditions(bindings: readonly Binding[]): boolean {
  return bindings.some(({ condition }) => condition !== undefined);
}

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
