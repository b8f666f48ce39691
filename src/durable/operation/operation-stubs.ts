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

export interface Question<T> {
  name: string;
  absent: T;
  ask(this: void, address: OperationAddress, access: Access): Promise<T>;
}

/** The objects of operations, as a caller asks them. */
export class OperationStubs {
  readonly namespace: DurableObjectNamespace<OperationObject>;
  readonly authorizer: Authorizer;
  readonly #permission: Permission | undefined;

  /** `permission`: what each call asks for, by the row of the method that is called; undefined: no operation is asked. */
  constructor(
    namespace: DurableObjectNamespace<OperationObject>,
    authorizer: Authorizer,
    permission: Permission | undefined,
  ) {
    this.namespace = namespace;
    this.authorizer = authorizer;
    this.#permission = permission;
  }

  /** The operation's object, or, for an id that is not one of the namespace, an object without an operation. */
  addressOf(name: string): OperationAddress {
    return this.#find(name) ?? this.#none(name);
  }

  /**
   * Asks an operation's object under the caller's access; `absent` is the answer for an id that cannot be. Throws where
   * the caller may not. Callers without access always cost one object call, so latency does not reveal whether the
   * operation exists.
   */
  async ask<T>({ name, absent, ask }: Question<T>): Promise<Exclude<T, "DENIED">> {
    const asked = mustAsk(this.#permission);
    const access = await this.authorizer.accessTo(asked, name);
    const address = this.#find(name);
    const answer =
      address || !access.isGranted ? await reached(() => ask(address ?? this.#none(name), access)) : absent;
    this.authorizer.audit(asked, name, answer !== "DENIED");
    if (answer === "DENIED") throw this.authorizer.denied(asked, name);
    return answer as Exclude<T, "DENIED">;
  }

  #find(name: string): OperationAddress | undefined {
    try {
      return objectById(this.namespace, parseOperationName(name)?.id ?? "");
    } catch {
      // idFromString rejects a text that is not an id of the namespace: a guessed name never creates an object.
      return undefined;
    }
  }

  #none(name: string): OperationAddress {
    return objectByName(this.namespace, absentObjectName(name));
  }
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
