// Who may call a method, judged before anything is done for the call: before its body is read, its filter is parsed or its
// policy is compiled. The door asks each route's judge after it has authenticated the caller (docs/threat-model.md).
import { isOperation } from "../iam/policy-resources";
import type { Permission } from "../iam/permissions";
import type { AdministratorAction } from "../service/authorizer";
import { type Call, pathVariable } from "./call";

/** Throws where the caller may not call; what it asks about is in the path alone. */
export type Judge = (call: Call) => Promise<void>;

/** Every caller may, and is told what is meant for every caller. */
export const everyone: Judge = async () => {};

/**
 * A method without a body, whose first call to the resource's object judges and answers at once. Nothing is done for the
 * caller before it.
 */
export const inObject: Judge = async () => {};

/** The permission is needed on a parent that the path names. */
export function onParent(permission: Permission, parentOf: (call: Call) => string): Judge {
  return (call) => call.service.authorize(permission, parentOf(call));
}

interface BodyRule {
  /** Whether a call without a body is well-formed: then the method's own call of the object judges. */
  isBodyOptional: boolean;
}

/**
 * A method on an operation, which may have a body. Where the rights may be the operation's own, its object is asked before
 * the body is read.
 */
export function onOperation(permission: Permission, { isBodyOptional }: BodyRule): Judge {
  return async (call) => {
    const name = pathVariable(call, "name");
    if (!isBodyOptional || !call.body.isAbsent) await call.service.permit(permission, name);
  };
}

/** A method on a resource with a policy: an operation, a parent or the root. */
export function onResource(permission: Permission, { isBodyOptional }: BodyRule): Judge {
  return async (call) => {
    const resource = pathVariable(call, "resource");
    if (!isOperation(resource)) await call.service.authorize(permission, resource);
    else if (!isBodyOptional || !call.body.isAbsent) await call.service.permit(permission, resource);
  };
}

/** The members of ADMINS, and administrators' keys. */
export function administrators(action: AdministratorAction, resourceOf: (call: Call) => string): Judge {
  return async (call) => call.service.administer(action, resourceOf(call));
}
