// Authorization, in one place and before existence is looked at: what a caller may do, by the policies of ancestors.
import type { Access } from "../iam/access";
import { denial } from "../iam/denial";
import { allowedPermissions, isAllowed } from "../iam/evaluate";
import type { Permission } from "../iam/permissions";
import { resourceFromParent, resourceType } from "../iam/policy-resources";
import { EVERYONE_MAY, type Principal } from "../iam/principal";
import { type AncestorPolicyPorts, ancestorPolicies } from "./iam-policy";

/** Calls that are written to the log with their outcome. */
const AUDITED: ReadonlySet<Permission> = new Set([
  "longrunning.methods.invoke",
  "longrunning.operations.create",
  "longrunning.operations.cancel",
  "longrunning.operations.delete",
  "longrunning.operations.update",
  "longrunning.operations.setIamPolicy",
  "longrunning.operations.retry",
]);

export class Authorizer {
  readonly principal: Principal;
  readonly #ports: AncestorPolicyPorts;
  readonly #requestId: string;

  /** `requestId`: of the HTTP request that is judged, for the log. */
  constructor(principal: Principal, ports: AncestorPolicyPorts, requestId: string) {
    this.principal = principal;
    this.#ports = ports;
    this.#requestId = requestId;
  }

  /** Throws where the caller has not the permission on a parent, or on what stands before its first wildcard. */
  async require(permission: Permission, parent: string): Promise<void> {
    const resource = resourceFromParent(parent);
    const allowed = await this.#isGranted(permission, resource);
    this.audit(permission, resource, allowed);
    if (!allowed) throw denial(this.principal, permission, resource);
  }

  /** What the caller may do to an operation, for its object to judge; the same work whether it exists or not. */
  async accessTo(permission: Permission, name: string): Promise<Access> {
    const { id, members } = this.principal;
    const isGranted = await this.#isGranted(permission, name);
    return { permission, isGranted, principal: { id, members }, requestId: this.#requestId };
  }

  /** Those of the permissions that the caller has by what stands above a resource, or on it, unless it is an operation. */
  async granted(permissions: readonly Permission[], resource: string): Promise<Permission[]> {
    const policies = this.principal.isAdmin ? [] : await ancestorPolicies(this.#ports, resource);
    const asked = { name: resource, type: resourceType(resource) };
    return allowedPermissions(
      { principal: this.principal, policies, resource: asked, time: this.#ports.now() },
      permissions,
    );
  }

  async #isGranted(permission: Permission, resource: string): Promise<boolean> {
    const { principal } = this;
    if (principal.isAdmin) return true;
    const policies = await ancestorPolicies(this.#ports, resource);
    const asked = { name: resource, type: resourceType(resource) };
    return isAllowed({ principal, permission, policies, resource: asked, time: this.#ports.now() });
  }

  /** The refusal, which says nothing of whether the operation exists. */
  denied(permission: Permission, resource: string): Error {
    return denial(this.principal, permission, resource);
  }

  /**
   * One line in the log for each call that changes something: who, what, on which, allowed or not. An open deployment has
   * none: it knows nobody, and refuses nobody.
   */
  audit(permission: Permission, resource: string, allowed: boolean): void {
    if (!AUDITED.has(permission) || this.principal === EVERYONE_MAY) return;
    const caller = this.principal.id || "anonymous";
    console.log({ message: "audit", caller, permission, resource, allowed, requestId: this.#requestId });
  }
}
