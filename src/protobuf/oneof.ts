// A oneof: at most one of its fields is given. In JSON its fields are among the message's own.
import type { Field, Members, Oneof, OneofOptions } from "./declaration";

/**
 * Declares a oneof. Its key in the message is its name.
 *
 * @example
 * message("example.v1.Request", { end: oneof({ endTime: timestamp(1), ttl: duration(2) }) });
 */
export function oneof<const M extends Members, const Options extends OneofOptions = { required?: false }>(
  members: M,
  options?: Options,
): Oneof<M, Options extends { required: true } ? true : false> {
  return {
    members,
    required: (options?.required ?? false) as Options extends { required: true } ? true : false,
    description: options?.description,
  };
}

export function isOneof(declared: Field<unknown> | Oneof): declared is Oneof {
  return "members" in declared;
}
