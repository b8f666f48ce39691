// The type of a value once it has gone through JSON.
import type { Json } from "../rpc/any";

/**
 * Objects that JSON.stringify would write as `{}`: the runner rejects them (json-text.ts). It rejects an Error too, but every
 * object with a name and a message is one to the compiler.
 */
type Refused =
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | Promise<unknown>
  | RegExp
  | ArrayBuffer
  | ArrayBufferView
  | Request
  | Response
  | Headers
  | Blob
  | ReadableStream;

/**
 * The type of `JSON.parse(JSON.stringify(value))` for a `T`: a Date becomes a string, undefined becomes null, and a
 * type that JSON does not have becomes `never`.
 */
export type JsonOf<T> = unknown extends T
  ? T
  : T extends Json
    ? T
    : T extends { toJSON(...parameters: never[]): infer R }
      ? JsonOf<R>
      : T extends string | number | boolean | null
        ? T
        : T extends undefined
          ? null
          : [T] extends [void]
            ? T
            : T extends bigint | symbol | ((...parameters: never[]) => unknown)
              ? never
              : T extends readonly unknown[]
                ? { -readonly [Key in keyof T]: JsonOf<T[Key]> }
                : T extends Refused
                  ? never
                  : T extends object
                    ? JsonObjectOf<T>
                    : never;

/** Properties that may be undefined are left out where they are; those that are functions are rejected. */
type JsonObjectOf<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: JsonOf<T[Key]> } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: JsonOf<Exclude<T[Key], undefined>>;
} extends infer Merged
  ? { [Key in keyof Merged]: Merged[Key] }
  : never;
