// Declared messages: one declaration is the TypeScript type, the decoder of proto3 JSON, a Standard Schema, and the
// source of discovery documents, OpenAPI and .proto files. Values are kept in their JSON shape.
import type { JsonObject } from "../rpc/any";
import type { Field, Message, MessageField, MessageOptions, Oneof } from "./declaration";
import { checkFullName, checkJsonName, protoNameFromJsonName } from "./field-name";
import { fieldPathText } from "./field-path";
import { isOneof } from "./oneof";
import { jsonSchemaOf } from "./json-schema";
import { readMessage } from "./read-message";
import { Reading } from "./reading";

class DeclaredMessage<T extends object> implements Message<T> {
  readonly fullName: string;
  readonly options: MessageOptions;
  readonly fields: readonly MessageField[];
  readonly oneofs: ReadonlyMap<string, Oneof>;
  readonly #fieldByName: ReadonlyMap<string, MessageField>;

  constructor(fullName: string, fields: Fields, options: MessageOptions) {
    checkFullName(fullName);
    this.fullName = fullName;
    this.options = options;
    this.fields = Object.entries(fields).flatMap(([name, declared]) => {
      checkJsonName(name, `message ${fullName}`);
      if (!isOneof(declared)) return [messageField(fullName, name, declared)];
      return Object.entries(declared.members).map(([member, field]) => messageField(fullName, member, field, name));
    });
    this.oneofs = new Map(
      Object.entries(fields).flatMap(([name, declared]) => (isOneof(declared) ? [[name, declared]] : [])),
    );
    checkUnique(fullName, this.fields);
    this.#fieldByName = new Map(
      this.fields.flatMap((field) => [
        [field.jsonName, field],
        [field.protoName, field],
      ]),
    );
  }

  fieldByName(name: string): MessageField | undefined {
    return this.#fieldByName.get(name);
  }

  read(input: unknown, reading: Reading): T | undefined {
    // The value that was read has the declared fields, and so has T.
    return readMessage(this, input, reading) as T | undefined;
  }

  toJson(value: T): JsonObject {
    const reading = new Reading("encode");
    const json = this.read(value, reading);
    const [first, ...more] = reading.issues;
    if (first === undefined && json !== undefined) return json as JsonObject;
    const where = [this.fullName, fieldPathText(first?.path ?? [])].filter(Boolean).join(": ");
    throw new TypeError(`${where}: ${first?.message}${more.length > 0 ? ` (and ${more.length} more)` : ""}`);
  }

  readonly "~standard": Message<T>["~standard"] = {
    version: 1,
    vendor: "edge-operations",
    jsonSchema: { input: () => jsonSchemaOf(this) },
    validate: (input) => {
      const reading = new Reading("decode");
      const value = this.read(input, reading);
      return value === undefined || reading.issues.length > 0 ? { issues: reading.issues } : { value };
    },
  };
}

export function isMessage(declared: unknown): declared is Message {
  return declared instanceof DeclaredMessage;
}

export type MessageType<M> = M extends Message<infer T> ? T : never;

/**
 * Declares a message by its full name, with fields named as in JSON.
 * @throws TypeError naming a part that no .proto could have.
 * @example
 * const Table = message("example.tables.v1.Table", { name: string(1, { required: true }), rows: int64(2) });
 * type Table = MessageType<typeof Table>; // { name: string; rows?: string }
 */
export function message<const F extends Fields>(
  fullName: string,
  fields: F,
  options: MessageOptions = {},
): Message<FieldsType<F>> {
  return new DeclaredMessage(fullName, fields, options);
}

function messageField(fullName: string, jsonName: string, field: Field<unknown>, oneof?: string): MessageField {
  checkJsonName(jsonName, `message ${fullName}`);
  if (oneof !== undefined && (field.label !== "singular" || field.required || field.options.explicitPresence)) {
    throw new TypeError(`message ${fullName}: ${jsonName} is in a oneof; it can be no list, no map and not required`);
  }
  return { jsonName, protoName: protoNameFromJsonName(jsonName), field, oneof };
}

function checkUnique(fullName: string, fields: readonly MessageField[]): void {
  const names = new Set<string>();
  const nameByNumber = new Map<number, string>();
  for (const { jsonName, field } of fields) {
    const other = nameByNumber.get(field.number);
    if (other !== undefined) {
      throw new TypeError(`message ${fullName}: ${other} and ${jsonName} both have the number ${field.number}`);
    }
    if (names.has(jsonName)) throw new TypeError(`message ${fullName}: two fields are named ${jsonName}`);
    names.add(jsonName);
    nameByNumber.set(field.number, jsonName);
  }
}

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
