// From an operation's name to its object, and from what the object says of the caller's rights to the refusal.
import { parseOperationName } from "../aip/resource-name";
import type { Access } from "../iam/access";
import type { Permission } from "../iam/permissions";
import { UNAVAILABLE_RETRY_SECONDS } from "../limits";
import type { Absence } from "../operation/answer";
import { RpcError, unavailable } from "../rpc/error";
import type { Authorizer } from "../service/authorizer";
import type { OperationObject } from "./operation-object";

export type OperationStub = DurableObjectStub<OperationObject>;

/** Stands for every operation that cannot be: asked in its place, so that a caller cannot tell by the time it takes. */
const NO_OPERATION = "no-operation";

export interface OperationStubs {
  stub(this: void, name: string): OperationStub;
  /**
   * Asks an operation's object under the caller's access. Throws where the caller may not; of what is not there the answer
   * is the same, by the same number of calls.
   */
  ask<T extends object | string>(
    this: void,
    permission: Permission,
    name: string,
    call: (stub: OperationStub, access: Access) => Promise<T>,
  ): Promise<Exclude<T, "DENIED">>;
}

export function operationStubs(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
): OperationStubs {
  const stub = (name: string): OperationStub => {
    const id = parseOperationName(name)?.id ?? "";
    try {
      return namespace.get(namespace.idFromString(id));
    } catch {
      // idFromString refuses whatever is not an id of the namespace: a guessed name never creates an object.
      return namespace.getByName(NO_OPERATION);
    }
  };
  return {
    stub,
    ask: async <T extends object | string>(
      permission: Permission,
      name: string,
      call: (stub: OperationStub, access: Access) => Promise<T>,
    ) => {
      const access = await authorizer.accessTo(permission, name);
      const answer: T | Absence = await reached(() => call(stub(name), access));
      authorizer.audit(permission, name, answer !== "DENIED");
      if (answer === "DENIED") throw authorizer.denied(permission, name);
      return answer as Exclude<T, "DENIED">;
    },
  };
}

/** What cannot be reached is UNAVAILABLE. */
export async function reached<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RpcError) throw error;
    throw unavailable("The operation could not be reached. Try again.", UNAVAILABLE_RETRY_SECONDS, error);
  }
}
