// JSON schemas of declared messages in their proto3 JSON mapping, in the two dialects that documents are written in.
import { jsonNameFromProtoName } from "../protobuf/field-name";
import type { Field, Message, ScalarName, ValueType } from "../protobuf/declaration";
import { type DeclaredTypes, declaredTypes } from "../protobuf/declared-types";
import type { EnumType } from "../protobuf/enum-type";
import type { Json, JsonObject } from "../rpc/any";
import { type Binding, boundVariables } from "./bindings";

export interface Dialect {
  ref(name: string): JsonObject;
  any: JsonObject;
  formats: { timestamp: string; duration: string; fieldMask: string; bytes: string };
  inlineEnums: boolean;
  listsRequired: boolean;
}

export class Schemas {
  readonly #types: DeclaredTypes;
  readonly #names: ReadonlyMap<string, string>;
  readonly #dialect: Dialect;
  /** Fields, `message.field`, that come in the path, and so need not be in the body. */
  readonly #inPath: ReadonlySet<string>;

  /** `messages`: those that are described; by default all that the bindings name. */
  constructor(
    bindings: readonly Binding[],
    dialect: Dialect,
    messages: readonly Message[] = bindings.flatMap(messagesOf),
  ) {
    this.#dialect = dialect;
    this.#types = declaredTypes(messages);
    this.#names = shortNames([...this.#types.messages.keys(), ...this.#types.enums.keys()]);
    this.#inPath = new Set(
      bindings.flatMap((binding) =>
        boundVariables(binding).map((name) => `${binding.row.request?.fullName}.${jsonNameFromProtoName(name)}`),
      ),
    );
  }

  all(): Record<string, JsonObject> {
    const { messages, enums } = this.#types;
    const schemas = new Map<string, JsonObject>();
    for (const message of messages.values()) schemas.set(this.nameOf(message.fullName), this.#object(message));
    if (!this.#dialect.inlineEnums) {
      for (const type of enums.values()) schemas.set(this.nameOf(type.fullName), this.#enum(type, false));
    }
    return Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  nameOf(fullName: string): string {
    return this.#names.get(fullName) ?? fullName;
  }

  ref(message: Message): JsonObject {
    return this.#dialect.ref(this.nameOf(message.fullName));
  }

  /** The schema of a query parameter, or of each of its values where it may be given more than once. */
  parameter({ type }: Field<unknown>): JsonObject {
    return type.kind === "enum" ? this.#enum(type.enumType, true) : this.#type(type);
  }

  field({ type, label, options: { description, deprecated } }: Field<unknown>): JsonObject {
    const value = this.#type(type);
    const schema =
      label === "repeated"
        ? { type: "array", items: value }
        : label === "map"
          ? { type: "object", additionalProperties: value }
          : value;
    return {
      ...schema,
      ...(description === undefined ? {} : { description }),
      ...(deprecated ? { deprecated: true } : {}),
    };
  }

  #object({ fullName, options, fields, oneofs }: Message): JsonObject {
    const required = fields
      .filter(({ jsonName, field }) => field.required && !this.#inPath.has(`${fullName}.${jsonName}`))
      .map(({ jsonName }) => jsonName);
    const notes = Array.from(oneofs.values(), (oneof) => {
      const members = Object.keys(oneof.members).map((jsonName) => `\`${jsonName}\``);
      return `${oneof.required ? "Exactly" : "At most"} one of ${members.join(", ")}.`;
    });
    const text = [options.description, ...notes].filter(Boolean).join(" ");
    return {
      type: "object",
      ...(text === "" ? {} : { description: text }),
      ...(this.#dialect.listsRequired && required.length > 0 ? { required } : {}),
      ...(fields.length === 0
        ? {}
        : { properties: Object.fromEntries(fields.map(({ jsonName, field }) => [jsonName, this.field(field)])) }),
    };
  }

  #type(type: ValueType<unknown>): JsonObject {
    switch (type.kind) {
      case "scalar":
        return this.#scalar(type.name);
      case "enum":
        return this.#dialect.inlineEnums
          ? this.#enum(type.enumType, true)
          : this.#dialect.ref(this.nameOf(type.enumType.fullName));
      case "message":
        return this.ref(type.message);
      case "wellKnown":
        return this.wellKnown(type.name);
    }
  }

  #scalar(name: ScalarName): JsonObject {
    return { ...scalars[name], ...(name === "bytes" ? { format: this.#dialect.formats.bytes } : {}) };
  }

  #enum({ values, description }: EnumType, isInline: boolean): JsonObject {
    return {
      type: "string",
      ...(description === undefined || isInline ? {} : { description }),
      enum: values.map(({ name }) => name),
      ...(this.#dialect.inlineEnums ? { enumDescriptions: values.map((value) => value.description ?? "") } : {}),
    };
  }

  wellKnown(fullName: string): JsonObject {
    const { any, formats } = this.#dialect;
    const name = fullName.replace("google.protobuf.", "");
    const wrapped = /^(.+)Value$/.exec(name)?.[1]?.toLowerCase();
    switch (name) {
      case "Timestamp":
        return { type: "string", format: formats.timestamp };
      case "Duration":
        return { type: "string", format: formats.duration };
      case "FieldMask":
        return { type: "string", format: formats.fieldMask };
      case "Any":
        return this.#dialect.listsRequired
          ? {
              type: "object",
              required: ["@type"],
              properties: { "@type": { type: "string" } },
              additionalProperties: any,
            }
          : { type: "object", additionalProperties: { ...any, description: "Of the type that @type names." } };
      case "Value":
        return any;
      case "Struct":
        return { type: "object", additionalProperties: any };
      case "ListValue":
        return { type: "array", items: any };
      case "Empty":
        return { type: "object" };
      default:
        return wrapped === undefined ? any : this.#scalar(wrapped as ScalarName);
    }
  }
}

const int32 = { type: "integer", format: "int32" };
const uint32 = { type: "integer", format: "uint32" };
const int64 = { type: "string", format: "int64" };
const uint64 = { type: "string", format: "uint64" };

/** "int64, fixed64, uint64: string" (proto3 JSON mapping). */
const scalars = {
  double: { type: "number", format: "double" },
  float: { type: "number", format: "float" },
  int32,
  sint32: int32,
  sfixed32: int32,
  uint32,
  fixed32: uint32,
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string" },
} satisfies Record<ScalarName, Json>;

/** HttpRule.body, unless the body is no JSON. */
export function jsonBody({ row, http }: Binding): string | undefined {
  return row.method?.input ? undefined : http.body;
}

/** A body whose fields nothing declares, with the reason. */
export function undeclaredRequest({ row }: Binding, any: JsonObject): JsonObject {
  const { note } = row.method?.requestSchema ?? {};
  return { type: "object", ...(note === undefined ? {} : { description: note }), additionalProperties: any };
}

function messagesOf(binding: Binding): Message[] {
  const { request, response, method } = binding.row;
  const messages: (Message | undefined)[] = [response, method?.responseMessage, method?.metadataMessage];
  const body = jsonBody(binding);
  if (body === "*") messages.push(request);
  else if (body !== undefined) messages.push(messageAt(request, body));
  return messages.filter((message) => message !== undefined);
}

function messageAt(request: Message | undefined, field: string): Message | undefined {
  const type = request?.fieldByName(field)?.field.type;
  return type?.kind === "message" ? type.message : undefined;
}

const RESERVED: ReadonlySet<string> = new Set(["Error", "JsonObject"]);

const OF_THE_SERVICE =
  /^(?:google\.(?:longrunning|rpc|protobuf|iam\.v1|type|cloud\.location)|edge_operations\.v1)\.[A-Z]/;

/**
 * `example.v1.Table` → `Table`, or `ExampleV1Table` where another message has that name. The messages that every
 * deployment serves keep their short names, so that an added method renames none of them.
 */
export function shortNames(fullNames: readonly string[]): Map<string, string> {
  const rivalsByName = Map.groupBy(fullNames, shortName);
  return new Map(
    fullNames.map((fullName) => {
      const short = shortName(fullName);
      const isAlone = rivalsByName.get(short)?.length === 1;
      const isFirst = OF_THE_SERVICE.test(fullName);
      const isTaken = RESERVED.has(short) || rivalsByName.get(short)?.some((rival) => OF_THE_SERVICE.test(rival));
      return [fullName, isFirst || (isAlone && !isTaken) ? short : longName(fullName)];
    }),
  );
}

function shortName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf(".") + 1);
}

/** `example.v1.Table` → `ExampleV1Table` */
function longName(fullName: string): string {
  return fullName.replaceAll(/(?:^|[._])([a-zA-Z])/g, (_, letter: string) => letter.toUpperCase());
}
