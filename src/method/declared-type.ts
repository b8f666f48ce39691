// The type of a response, or of metadata, as a method declares it: a message, or the name of one.
import { MAX_METADATA_CHARACTERS } from "../limits";
import type { Message } from "../protobuf/declaration";
import { isMessage } from "../protobuf/message";
import type { JsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";

/** A declared message, or a full message name; undefined: `google.protobuf.Struct`. */
export type TypeDeclaration<T extends object> = Message<T> | string | undefined;

export interface DeclaredType {
  /** undefined: `google.protobuf.Struct`. */
  name: string | undefined;
  /** Where more is declared than the name. */
  message: Message | undefined;
}

const STRUCT = "google.protobuf.Struct";

/** @throws TypeError if a name is not a full name. `option` is the option that has it. */
export function declaredType<T extends object>(option: string, type: TypeDeclaration<T>): DeclaredType {
  // `toJson` checks a handler's value before anything else uses it.
  if (isMessage(type)) return { name: type.fullName, message: type };
  if (type === undefined || type === STRUCT) return { name: undefined, message: undefined };
  if (typeof type === "string" && /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(type))
    return { name: type, message: undefined };
  throw new TypeError(`${option} is ${JSON.stringify(type)}; write a full message name: "${STRUCT}"`);
}

/**
 * A response, or metadata, as canonical JSON.
 *
 * @throws RpcError INTERNAL, which is not retried, where the value is not of its declared type: another attempt would only
 * make the same.
 */
export function encodeMessage(what: string, { message }: DeclaredType, value: object): object {
  if (message === undefined) return value;
  try {
    return message.toJson(value);
  } catch (error) {
    const reason = error instanceof TypeError ? error.message : "reading it throws";
    throw new RpcError("INTERNAL", `${what} is not of its declared type: ${reason}`, { cause: error });
  }
}

/** @throws RangeError where metadata has more than {@link MAX_METADATA_CHARACTERS} of JSON. */
export function checkedMetadata(what: string, metadata: object): JsonObject {
  const { length } = JSON.stringify(metadata);
  if (length <= MAX_METADATA_CHARACTERS) return metadata as JsonObject;
  throw new RangeError(`${what} has ${length} characters of JSON; at most ${MAX_METADATA_CHARACTERS} are kept`);
}
