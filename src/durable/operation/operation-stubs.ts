// From an operation's name to its object, and from the object's judgement of the caller's rights to the refusal.
import { parseOperationName } from "../../aip/resource-name";
import type { Access } from "../../iam/access";
import { fnv1a32 } from "../../iam/etag";
import type { Permission } from "../../iam/permissions";
import { NO_OPERATION_OBJECTS } from "../../limits";
import type { Authorizer } from "../../service/authorizer";
import { type ObjectAddress, callObject, objectById, objectByName, reached } from "../object-call";
import type { OperationObject } from "./operation-object";

export type OperationStub = DurableObjectStub<OperationObject>;
export type OperationAddress = ObjectAddress<OperationObject>;

/** Names the objects that are asked in the place of operations that do not exist. */
const NO_OPERATION = "no-operation";

export interface OperationStubs {
  /** The operation's object, or, for an id that is not one of the namespace, an object without an operation. */
  addressOf(this: void, name: string): OperationAddress;
  /**
   * Asks an operation's object under the caller's access; `absent` is the answer for an id that cannot be. Throws where
   * the caller may not. Callers without access always cost one object call, so latency does not reveal whether the
   * operation exists.
   */
  ask<T>(this: void, question: Question<T>): Promise<Exclude<T, "DENIED">>;
}

export interface Question<T> {
  name: string;
  absent: T;
  ask(this: void, address: OperationAddress, access: Access): Promise<T>;
}

/** `permission`: what each call asks for, by the row of the method that is called; undefined: no operation is asked. */
export function operationStubs(
  namespace: DurableObjectNamespace<OperationObject>,
  authorizer: Authorizer,
  permission: Permission | undefined,
): OperationStubs {
  const find = (name: string): OperationAddress | undefined => {
    try {
      return objectById(namespace, parseOperationName(name)?.id ?? "");
    } catch {
      // idFromString rejects a text that is not an id of the namespace: a guessed name never creates an object.
      return undefined;
    }
  };
  const none = (name: string): OperationAddress => objectByName(namespace, absentObjectName(name));
  return {
    addressOf: (name) => find(name) ?? none(name),
    ask: async <T>({ name, absent, ask }: Question<T>) => {
      const asked = mustAsk(permission);
      const access = await authorizer.accessTo(asked, name);
      const address = find(name);
      const answer = address || !access.isGranted ? await reached(() => ask(address ?? none(name), access)) : absent;
      authorizer.audit(asked, name, answer !== "DENIED");
      if (answer === "DENIED") throw authorizer.denied(asked, name);
      return answer as Exclude<T, "DENIED">;
    },
  };
}

/** @throws TypeError where a method without a permission asks about an operation or a policy: its row is wrong. */
export function mustAsk(permission: Permission | undefined): Permission {
  if (permission !== undefined) return permission;
  throw new TypeError("a method that has no permission in its row asks for what needs one");
}

/** Of a bounded set, always the same one for a name: each of them is as loaded as some other operation. */
export function absentObjectName(name: string): string {
  return `${NO_OPERATION}/${fnv1a32(new TextEncoder().encode(name)) % NO_OPERATION_OBJECTS}`;
}

/** One call of the operation's object; later tries say so in the access. */
export function unary<T>(
  call: (stub: OperationStub, access: Access) => Promise<T>,
  options: { isIdempotent?: boolean } = {},
): Question<T>["ask"] {
  return (address, access) =>
    callObject(address, (stub, { isRepeated }) => call(stub, isRepeated ? { ...access, isRepeated } : access), options);
}
