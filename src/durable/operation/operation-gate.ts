// Whether the caller may do this to an operation, asked before a body is read: its starter and policy may decide.
import { linkDenial } from "../../iam/denial";
import type { Permission } from "../../iam/permissions";
import type { PresentedLink } from "../../contract/suspension";
import type { Authorizer } from "../../service/authorizer";
import type { OperationObject } from "./operation-object";
import { callObject, reached } from "../object-call";
import { OperationStubs } from "./operation-stubs";

/** Throws where a link is not that of a suspension, by one call of an object, whether or not the operation exists. */
export function linkGate(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
): (link: PresentedLink) => Promise<void> {
  const stubs = new OperationStubs(namespace, authorizer, undefined);
  return async ({ operation: name, id, linkToken }) => {
    const isHeld = await reached(() =>
      callObject(stubs.addressOf(name), async (operation): Promise<boolean> =>
        operation.holdsLink(name, { id, linkToken }),
      ),
    );
    if (isHeld) return;
    authorizer.auditLink(name, false);
    throw linkDenial();
  };
}

/**
 * Throws where the caller has not the permission, whether or not the operation exists, by one call of an object. Where a
 * policy above the operation grants the permission no object is called. The method's own call judges again.
 */
export function operationGate(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
): (permission: Permission, name: string) => Promise<void> {
  const stubs = new OperationStubs(namespace, authorizer, undefined);
  return async (permission, name) => {
    if (await authorizer.isGranted(permission, name)) return;
    const { id, members } = authorizer.principal;
    const own = await reached(() =>
      callObject(stubs.addressOf(name), async (operation): Promise<Permission[] | undefined> =>
        operation.testPermissions(name, [permission], { id, members: [...members] }),
      ),
    );
    if (own?.includes(permission)) return;
    authorizer.audit(permission, name, false);
    throw authorizer.denied(permission, name);
  };
}
