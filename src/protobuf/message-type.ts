// The TypeScript type of a declared message, inferred from its fields.
import type { Field, Oneof } from "./declaration";

/** The argument of `message`: fields, and oneofs of fields, by lowerCamelCase name. */
export type Fields = Readonly<Record<string, Field<unknown> | Oneof>>;

type ValueOf<F> = F extends Field<infer T> ? T : never;

type RequiredKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends Field<unknown, infer R> ? ([R] extends [true] ? K : never) : never;
}[keyof F];

type OneofKeys<F extends Fields> = { [K in keyof F]: F[K] extends Oneof ? K : never }[keyof F];

type OptionalKeys<F extends Fields> = Exclude<keyof F, RequiredKeys<F> | OneofKeys<F>>;

/** One member is given and no other. Optional oneofs may also have no member. */
type OneofType<O> =
  O extends Oneof<infer M, infer R>
    ?
        | { [K in keyof M]: { [N in K]: ValueOf<M[N]> } & { [N in Exclude<keyof M, K>]?: undefined } }[keyof M]
        | (R extends true ? never : { [K in keyof M]?: undefined })
    : never;

// Parameters turn the union of a lookup into an intersection.
type AllOneofs<F extends Fields> = [OneofKeys<F>] extends [never]
  ? unknown
  : { [K in OneofKeys<F>]: (type: OneofType<F[K]>) => void }[OneofKeys<F>] extends (type: infer All) => void
    ? All
    : never;

type Flat<T> = T extends unknown ? { [K in keyof T]: T[K] } : never;

/** The type of a message of these fields: optional unless required, a union over the members of each oneof. */
export type FieldsType<F extends Fields> = Flat<
  { [K in RequiredKeys<F>]: ValueOf<F[K]> } & { [K in OptionalKeys<F>]?: ValueOf<F[K]> } & AllOneofs<F>
>;
