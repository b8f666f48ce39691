// The decision of SetIamPolicy: compare, and set (google.iam.v1.SetIamPolicyRequest).
import { RpcError, invalidArgument } from "../rpc/error";
import { etagFromRevision, revisionFromEtag } from "./etag";
import { type Binding, type Policy, hasConditions, policyFromBindings } from "./policy";
import { ADMIN_ROLE } from "./permissions";

/** A decoded call. PERSISTED CONTRACT: it crosses from Worker to object. */
export interface SetPolicyRequest {
  /** undefined: the mask leaves the bindings as they are. */
  bindings?: readonly Binding[] | undefined;
  /** The version of the policy that was sent; 0 where it has none. */
  version: number;
  /** In canonical form; undefined: the stored policy is overwritten. */
  etag?: string | undefined;
  /** It is the service root's policy, and the configuration names no administrator. */
  needsAdministrator?: boolean | undefined;
  /** An earlier try of the same call failed, and may have been carried out. */
  isRepeated?: boolean | undefined;
}

export type SetPolicyRefusal =
  | "ETAG_MISMATCH"
  | "CONDITIONS_NEED_VERSION_3"
  | "CONDITIONS_NEED_ETAG"
  | "NO_ADMINISTRATOR";

export type SetPolicyResult = { ok: true; policy: Policy } | { ok: false; refusal: SetPolicyRefusal };

/** The policy after the call, or the reason why nothing changes. */
export function setPolicy(current: Policy, request: SetPolicyRequest): SetPolicyResult {
  const bindings = request.bindings ?? current.bindings;
  if (request.isRepeated && isResultOf(request, current)) return { ok: true, policy: current };
  // "conditions, in the new policy or the stored one, need version 3 and an etag"
  if (hasConditions(bindings) || hasConditions(current.bindings)) {
    if (request.version !== 3) return { ok: false, refusal: "CONDITIONS_NEED_VERSION_3" };
    if (request.etag === undefined) return { ok: false, refusal: "CONDITIONS_NEED_ETAG" };
  }
  // "A stale `etag` is ABORTED (409); without one it overwrites"
  if (request.etag !== undefined && request.etag !== current.etag) return { ok: false, refusal: "ETAG_MISMATCH" };
  // "A root policy that leaves no administrator is rejected"
  if (request.needsAdministrator && !bindings.some(isAdministrator)) return { ok: false, refusal: "NO_ADMINISTRATOR" };
  return { ok: true, policy: policyFromBindings(bindings, current.revision + 1) };
}

/** Whether the policy is the result of this request on the one that its etag names: an earlier try was carried out. */
function isResultOf({ bindings, etag = "" }: SetPolicyRequest, current: Policy): boolean {
  if (revisionFromEtag(etag) !== current.revision - 1) return false;
  if (bindings === undefined) return etagFromRevision(current.revision - 1, current.bindings) === etag;
  return etagFromRevision(current.revision, bindings) === current.etag;
}

/** A binding with a condition names no administrator, because the condition may never hold. */
function isAdministrator({ role, members, condition }: Binding): boolean {
  return role === ADMIN_ROLE && members.length > 0 && condition === undefined;
}

export function setPolicyError(refusal: SetPolicyRefusal, resource: string): RpcError {
  const options = { reason: refusal, metadata: { resource } };
  switch (refusal) {
    case "ETAG_MISMATCH":
      return new RpcError(
        "ABORTED",
        "The policy has changed: policy.etag is not the present one. Read it again, change it, " +
          "and set it with its new etag.",
        options,
      );
    case "CONDITIONS_NEED_VERSION_3": {
      const description =
        "must be 3 where the new policy or the stored one has conditions; read it with options.requestedPolicyVersion=3";
      return invalidArgument([{ field: "policy.version", description }], options);
    }
    case "CONDITIONS_NEED_ETAG": {
      const description =
        "is required where the new policy or the stored one has conditions; send that of the policy read";
      return invalidArgument([{ field: "policy.etag", description }], options);
    }
    case "NO_ADMINISTRATOR":
      return new RpcError(
        "FAILED_PRECONDITION",
        `The root policy would have no administrator. Bind ${ADMIN_ROLE} to a member without a condition, or name an ` +
          "administrator in the variable ADMINS.",
        options,
      );
    default:
      return refusal satisfies never;
  }
}
