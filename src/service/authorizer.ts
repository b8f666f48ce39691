// Authorization, in one place and before existence is looked at: what a caller may do, by the policies of ancestors.
import type { Access } from "../iam/access";
import { administratorDenial, denial } from "../iam/denial";
import { type ResourcePolicy, allowedPermissions, isAllowed } from "../iam/evaluate";
import type { Permission } from "../iam/permissions";
import { resourceFromParent, resourceType } from "../iam/policy-resources";
import { EVERYONE_MAY, type Principal } from "../iam/principal";
import { JUDGEMENT_MS } from "../limits";
import { type AncestorPolicyPorts, ancestorPolicies } from "./iam-policy";

/** The permissions of administrators of the deployment alone, whatever the policies say. */
export type AdministratorAction = "apiKeys.create" | "apiKeys.list" | "apiKeys.revoke";

/** Calls that are written to the log with their outcome. */
const AUDITED: ReadonlySet<Permission | AdministratorAction> = new Set<Permission | AdministratorAction>([
  "longrunning.methods.invoke",
  "longrunning.operations.create",
  "longrunning.operations.cancel",
  "longrunning.operations.delete",
  "longrunning.operations.update",
  "longrunning.operations.setIamPolicy",
  "longrunning.operations.retry",
  "longrunning.operations.resolve",
  "longrunning.webhooks.manage",
  "apiKeys.create",
  "apiKeys.revoke",
]);

/** Names the holder of a link, in the audit line and as `resolver`. */
export const LINK = "link";

export interface AuthorizerPorts extends AncestorPolicyPorts {
  /** Checks the request's credentials again. Throws UNAUTHENTICATED where they are not good any more. */
  authenticate(this: void): Promise<Principal>;
}

export class Authorizer {
  #principal: Principal;
  readonly #ports: AuthorizerPorts;
  readonly #requestId: string;
  /** By permission and resource: what stands above a resource is judged once in a call. */
  readonly #granted = new Map<string, Promise<boolean>>();
  readonly #audited = new Set<string>();

  /** `requestId`: of the HTTP request that is judged, for the log. */
  constructor(principal: Principal, ports: AuthorizerPorts, requestId: string) {
    this.#principal = principal;
    this.#ports = ports;
    this.#requestId = requestId;
  }

  get principal(): Principal {
    return this.#principal;
  }

  /** Throws where the caller has not the permission on a parent, or on what stands before its first wildcard. */
  async require(permission: Permission, parent: string): Promise<void> {
    const resource = resourceFromParent(parent);
    const allowed = await this.isGranted(permission, resource);
    this.audit(permission, resource, allowed);
    if (!allowed) throw denial(this.principal, permission, resource);
  }

  /** The caller's access to an operation, for its object to judge: the same work whether or not it exists. */
  async accessTo(permission: Permission, name: string): Promise<Access> {
    const { id, members } = this.principal;
    const isGranted = await this.isGranted(permission, name);
    return { permission, isGranted, principal: { id, members }, requestId: this.#requestId };
  }

  /**
   * The same, judged again, credentials included: a wait lasts longer than a judgement may be relied on. `held`: an access that
   * lasts as long as the credentials are those of the same caller.
   */
  async accessAnew(permission: Permission, name: string, held?: Access): Promise<Access> {
    await this.#authenticateAnew();
    const { id, members } = this.principal;
    const isSame = held && JSON.stringify(held.principal) === JSON.stringify({ id, members });
    return isSame ? held : this.accessTo(permission, name);
  }

  /** As `require`, judged again: an upload, too, may last longer than a judgement may be relied on. */
  async requireAnew(permission: Permission, parent: string): Promise<void> {
    await this.#authenticateAnew();
    await this.require(permission, parent);
  }

  async #authenticateAnew(): Promise<void> {
    this.#principal = await this.#ports.authenticate();
    this.#granted.clear();
  }

  /** A judgement of now holds for a while, and no longer than the credentials do. */
  judgementEnd(): number {
    return Math.min(this.#ports.now() + JUDGEMENT_MS, this.#principal.expireTime ?? Infinity);
  }

  /** For operations of a list that the caller may have: the list was judged, by its parent's name. */
  ofListed(): Authorizer {
    return new Authorizer({ ...this.principal, isAdmin: true }, this.#ports, this.#requestId);
  }

  /** Throws where the caller is no administrator of the deployment. */
  requireAdministrator(action: AdministratorAction, resource: string): void {
    const { isAdmin } = this.principal;
    this.audit(action, resource, isAdmin);
    if (!isAdmin) throw administratorDenial(this.principal);
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

  /** Whether what stands above a resource, or the policy on it, gives the permission; an operation's own is not looked at. */
  async isGranted(permission: Permission, resource: string): Promise<boolean> {
    if (this.principal.isAdmin) return true;
    const key = `${permission} ${resource}`;
    const judged = this.#granted.get(key) ?? this.#isGranted(permission, resource);
    this.#granted.set(key, judged);
    return judged;
  }

  async #isGranted(permission: Permission, resource: string): Promise<boolean> {
    const { principal } = this;
    const asked = { name: resource, type: resourceType(resource) };
    const isGrantedBy = (policies: readonly ResourcePolicy[]): boolean =>
      isAllowed({ principal, permission, policies, resource: asked, time: this.#ports.now() });
    // The grants of an API key come with it. Where they suffice, no policy is read.
    return isGrantedBy([]) || isGrantedBy(await ancestorPolicies(this.#ports, resource));
  }

  /** The refusal, which says nothing of whether the operation exists. */
  denied(permission: Permission, resource: string): Error {
    return denial(this.principal, permission, resource);
  }

  /** One line in the log for each call that changes something. An open deployment has none: it knows no callers. */
  audit(permission: Permission | AdministratorAction, resource: string, allowed: boolean): void {
    if (AUDITED.has(permission)) this.#audit(this.principal.id || "anonymous", permission, resource, allowed);
  }

  /** The same for a call by the link of a suspension: the service does not know the holder. */
  auditLink(resource: string, allowed: boolean): void {
    this.#audit(LINK, "longrunning.operations.resolve", resource, allowed);
  }

  #audit(caller: string, permission: Permission | AdministratorAction, resource: string, allowed: boolean): void {
    if (this.principal === EVERYONE_MAY) return;
    // A call may be judged before its body is read, and again by the operation's object.
    const key = `${permission} ${resource} ${allowed}`;
    if (this.#audited.has(key)) return;
    this.#audited.add(key);
    console.log({ message: "audit", caller, permission, resource, allowed, requestId: this.#requestId });
  }
}
