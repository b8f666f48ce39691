// google.iam.v1.IAMPolicy (google/iam/v1/iam_policy.proto): request in, response out, over ports.
import type { ResourcePolicy } from "../iam/evaluate";
import { policyJson, type Policy } from "../iam/policy";
import { MAX_TESTED_PERMISSIONS } from "../iam/iam-limits";
import { type Permission, isPermission } from "../iam/permissions";
import type { PolicyCache } from "../iam/policy-cache";
import { ROOT, isOperation, policyResourceProblem, policyResources } from "../iam/policy-resources";
import { type PolicyMessage, policyVersion, sentPolicy } from "../iam/sent-policy";
import { type SetPolicyRequest, type SetPolicyResult, setPolicyError } from "../iam/set-policy";
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { JsonObject } from "../rpc/any";
import { Violations } from "../rpc/decode";
import { notFound } from "../rpc/error";

const OPERATION_TYPE = "google.longrunning.Operation";
const MASK_PATHS = ["bindings", "etag", "version"];
/** Terraform names it in every mask. A policy has none, so the path changes nothing. */
const EMPTY_MASK_PATH = "auditConfigs";

type SetPolicyAnswer = SetPolicyResult | { ok: false; refusal: "NOT_FOUND" };

/**
 * The policies, as the present caller may touch them. Each method throws PERMISSION_DENIED or UNAUTHENTICATED (denial())
 * where the caller may not, before it is looked whether the resource exists, and UNAVAILABLE where it cannot be reached.
 */
export interface PolicyStore {
  /** undefined: no such operation is to be seen. A parent always has a policy, if an empty one. */
  get(resource: string): Promise<Policy | undefined>;
  set(resource: string, request: SetPolicyRequest): Promise<SetPolicyAnswer>;
  /** Those of the permissions that the caller has; none on an operation that is not to be seen. Never rejects. */
  test(resource: string, permissions: readonly Permission[]): Promise<readonly Permission[]>;
}

export interface IamService {
  policies: PolicyStore;
  /** Whether ADMINS names someone, who is an administrator whatever the policies say. */
  hasConfiguredAdmins: boolean;
}

export interface GetIamPolicyRequest {
  resource: string;
  /** `options.requestedPolicyVersion`: 0, 1 or 3. */
  requestedPolicyVersion?: number | undefined;
}

/** The policy of a resource; with conditions only where version 3 is asked for (policyJson). */
export async function getIamPolicy(
  { policies }: Pick<IamService, "policies">,
  { resource, requestedPolicyVersion }: GetIamPolicyRequest,
): Promise<JsonObject> {
  const violations = new Violations();
  checkResource(resource, violations);
  const version = policyVersion(requestedPolicyVersion, "options.requestedPolicyVersion", violations);
  violations.throwIfAny();
  const policy = await policies.get(resource);
  if (!policy) throw notFound(OPERATION_TYPE, resource);
  return policyJson(policy, version);
}

export interface SetIamPolicyRequest {
  resource: string;
  policy: PolicyMessage;
  /** A google.protobuf.FieldMask in JSON: `bindings,etag` unless given. */
  updateMask?: string | undefined;
}

/** Replaces the policy of a resource. An etag guards against another writer, whatever the mask. */
export async function setIamPolicy(
  { policies, hasConfiguredAdmins }: IamService,
  { resource, policy, updateMask = "" }: SetIamPolicyRequest,
): Promise<JsonObject> {
  const violations = new Violations();
  checkResource(resource, violations);
  const sent = sentPolicy(policy, "policy", violations);
  const paths = maskPaths(updateMask, violations);
  violations.throwIfAny();
  const result = await policies.set(resource, {
    version: sent.version,
    ...(paths.includes("bindings") ? { bindings: sent.bindings } : {}),
    ...(sent.etag === undefined ? {} : { etag: sent.etag }),
    ...(resource === ROOT && !hasConfiguredAdmins ? { needsAdministrator: true } : {}),
  });
  if (result.ok) return policyJson(result.policy, 3);
  throw result.refusal === "NOT_FOUND" ? notFound(OPERATION_TYPE, resource) : setPolicyError(result.refusal, resource);
}

export interface TestIamPermissionsRequest {
  resource: string;
  permissions?: readonly string[] | undefined;
}

/** The caller's permissions. One that this service does not know, nobody has. */
export async function testIamPermissions(
  { policies }: Pick<IamService, "policies">,
  { resource, permissions = [] }: TestIamPermissionsRequest,
): Promise<JsonObject> {
  checkPermissions(permissions);
  const known = [...new Set(permissions.filter(isPermission))];
  return { permissions: known.length === 0 ? [] : [...(await policies.test(resource, known))] };
}

export interface AncestorPolicyPorts {
  cache: PolicyCache;
  read(this: void, resource: string): Promise<Policy>;
  now(this: void): number;
}

/** The policies of what is above a resource, and of itself unless it is an operation: each at most 30 s old. */
export function ancestorPolicies(ports: AncestorPolicyPorts, resource: string): Promise<ResourcePolicy[]> {
  const parents = policyResources(resource).filter((name) => !isOperation(name));
  return Promise.all(parents.map(async (name) => ({ resource: name, policy: await cachedPolicy(ports, name) })));
}

async function cachedPolicy({ cache, read, now }: AncestorPolicyPorts, resource: string): Promise<Policy> {
  const readTime = now();
  const cached = cache.get(resource, readTime);
  if (cached) return cached;
  const policy = await read(resource);
  cache.put(resource, policy, readTime);
  return policy;
}

function checkResource(resource: string, violations: Violations): void {
  const problem = policyResourceProblem(resource);
  if (problem !== undefined) violations.add("resource", problem);
}

function maskPaths(mask: string, violations: Violations): readonly string[] {
  // "Default `updateMask` is `bindings,etag`."
  const paths = (mask === "" ? "bindings,etag" : mask).split(",");
  const unknown = paths.find((path) => path !== "*" && path !== EMPTY_MASK_PATH && !MASK_PATHS.includes(path));
  if (unknown !== undefined) {
    const path = JSON.stringify(unknown.slice(0, MAX_QUOTED_CHARACTERS));
    violations.add("updateMask", `${path} is no field of a policy; these are: ${MASK_PATHS.join(", ")}`);
  }
  return paths.includes("*") ? MASK_PATHS : paths;
}

function checkPermissions(permissions: readonly string[]): void {
  const violations = new Violations();
  if (permissions.length > MAX_TESTED_PERMISSIONS) {
    violations.add("permissions", `must be a list of at most ${MAX_TESTED_PERMISSIONS} permissions`);
  } else {
    for (const [index, permission] of permissions.entries()) {
      if (!permission.includes("*")) continue;
      violations.add(`permissions[${index}]`, "wildcards are not allowed; name each permission");
    }
  }
  violations.throwIfAny();
}
