// From an operation's name to its object, and from what the object says of the caller's rights to the refusal.
import { parseOperationName } from "../aip/resource-name";
import type { Access } from "../iam/access";
import type { Permission } from "../iam/permissions";
import { UNAVAILABLE_RETRY_SECONDS } from "../limits";
import { RpcError, unavailable } from "../rpc/error";
import type { Authorizer } from "../service/authorizer";
import type { OperationObject } from "./operation-object";

export type OperationStub = DurableObjectStub<OperationObject>;

/** Stands for every operation that cannot be: asked in its place, so that a caller cannot tell by the time it takes. */
const NO_OPERATION = "no-operation";

export interface OperationStubs {
  /** undefined: the name's id is none of the namespace's. */
  find(this: void, name: string): OperationStub | undefined;
  /** An object like any other, in which there is no operation. */
  none(this: void): OperationStub;
  /**
   * Asks an operation's object under the caller's access; `absent` is the answer for an id that cannot be. Throws where
   * the caller may not: of what is not there the answer is the same, by the same number of calls.
   */
  ask<T>(this: void, question: Question<T>): Promise<Exclude<T, "DENIED">>;
}

export interface Question<T> {
  permission: Permission;
  name: string;
  absent: T;
  call(this: void, stub: OperationStub, access: Access): Promise<T>;
}

export function operationStubs(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
): OperationStubs {
  const find = (name: string): OperationStub | undefined => {
    const id = parseOperationName(name)?.id ?? "";
    try {
      return namespace.get(namespace.idFromString(id));
    } catch {
      // idFromString refuses whatever is not an id of the namespace: a guessed name never creates an object.
      return undefined;
    }
  };
  const none = (): OperationStub => namespace.getByName(NO_OPERATION);
  return {
    find,
    none,
    ask: async <T>({ permission, name, absent, call }: Question<T>) => {
      const access = await authorizer.accessTo(permission, name);
      const stub = find(name);
      // Who may know that it is not there is told at once; who may not must not see it by the time it takes.
      const answer = stub || !access.isGranted ? await reached(() => call(stub ?? none(), access)) : absent;
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
