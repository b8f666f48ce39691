// The requests that other libraries declare, as schemas of a document: hoisted, and with their references moved along.
import { jsonNameFromProtoName } from "../protobuf/field-name";
import { propertiesOf } from "../method/request-json-schema";
import type { Json, JsonObject } from "../rpc/any";
import { type Binding, boundVariables } from "./bindings";
import { jsonBody } from "./schemas";

/** How a document writes these schemas. */
export interface RequestDialect {
  /** A reference to a schema of the document. */
  ref(name: string): JsonObject;
  /** One schema in the document's words; `ref` makes a reference of what the schema refers to. */
  write(schema: JsonObject, ref: (pointer: string) => JsonObject): JsonObject;
}

export class RequestSchemas {
  readonly #dialect: RequestDialect;
  readonly #taken: ReadonlySet<string>;
  readonly #nameById = new Map<string, string>();
  readonly #schemas = new Map<string, JsonObject>();

  /** `taken`: names of the document's other schemas. */
  constructor(bindings: readonly Binding[], taken: Iterable<string>, dialect: RequestDialect) {
    this.#dialect = dialect;
    this.#taken = new Set(taken);
    for (const binding of bindings) this.#add(binding);
  }

  all(): Record<string, JsonObject> {
    return Object.fromEntries(this.#schemas);
  }

  /** The body of a method, or undefined where no schema says it. */
  bodyOf(binding: Binding): JsonObject | undefined {
    const name = this.#nameById.get(binding.row.name);
    const body = jsonBody(binding);
    if (name === undefined || body === undefined) return undefined;
    if (body === "*") return this.#dialect.ref(name);
    const field = propertiesOf(schemaOf(binding))?.[body];
    return field && this.#write(field, name);
  }

  /** The fields that come in the query, where the body is not all of them. */
  queryOf(binding: Binding): { name: string; schema: JsonObject; required: boolean }[] {
    const schema = schemaOf(binding);
    const name = this.#nameById.get(binding.row.name);
    const { body } = binding.http;
    if (schema === undefined || name === undefined || body === "*") return [];
    const bound = new Set([...boundVariables(binding).map(topName), ...(body === undefined ? [] : [body])]);
    const required = requiredOf(schema);
    return Object.entries(propertiesOf(schema) ?? {})
      .filter(([field]) => !bound.has(field))
      .map(([field, value]) => ({
        name: field,
        schema: this.#write(value, name),
        required: required.includes(field),
      }));
  }

  #add(binding: Binding): void {
    const schema = schemaOf(binding);
    const { row } = binding;
    if (schema === undefined || this.#nameById.has(row.name)) return;
    const words = row.name.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
    const name = this.#unique(`${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}Request`);
    this.#nameById.set(row.name, name);
    const { $defs = {}, ...whole } = schema;
    // Fields of the path need not be in the body.
    const bound = new Set(boundVariables(binding).map(topName));
    const required = requiredOf(schema).filter((field) => !bound.has(field));
    const { required: _, ...rest } = whole;
    this.#schemas.set(name, this.#write({ ...rest, ...(required.length === 0 ? {} : { required }) }, name));
    for (const [key, definition] of Object.entries($defs as Record<string, JsonObject>)) {
      this.#schemas.set(definitionName(name, key), this.#write(definition, name));
    }
  }

  #write(schema: JsonObject, name: string): JsonObject {
    return this.#dialect.write(schema, (pointer) => {
      const key = /^#\/\$defs\/([^/]+)$/.exec(pointer)?.[1];
      return this.#dialect.ref(key === undefined ? name : definitionName(name, key));
    });
  }

  #unique(wanted: string): string {
    let name = wanted;
    const isTaken = (): boolean => this.#taken.has(name) || this.#schemas.has(name);
    for (let number = 2; isTaken(); number += 1) name = `${wanted}${number}`;
    return name;
  }
}

/** A pointer's part, as JSON pointers escape it, within the name of its request. */
function definitionName(name: string, key: string): string {
  const text = decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~");
  return `${name}_${text.replaceAll(/[^A-Za-z0-9_-]/g, "_")}`;
}

function schemaOf({ row }: Binding): JsonObject | undefined {
  return row.method?.requestSchema?.schema;
}

function requiredOf(schema: JsonObject): string[] {
  const { required } = schema;
  return Array.isArray(required) ? required.map(String) : [];
}

function topName(variable: string): string {
  return jsonNameFromProtoName(variable.split(".")[0] ?? "");
}

/** Keywords whose values are no schemas, whatever they look like. */
const VALUES = new Set(["const", "default", "enum", "examples", "required"]);

/** JSON Schema, which OpenAPI 3.1 takes as it is; only the references go elsewhere. */
export function openApiSchema(schema: JsonObject, ref: (pointer: string) => JsonObject): JsonObject {
  const moved = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(moved);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([key, part]): [string, Json] => {
      if (key === "$ref" && typeof part === "string") return [key, ref(part)["$ref"] ?? part];
      return [key, VALUES.has(key) ? part : moved(part)];
    });
    return Object.fromEntries(entries);
  };
  return moved(schema) as JsonObject;
}

/**
 * A schema of a discovery document: the fields and their types. The dialect, draft 3 with changes, has no unions, no bounds and no
 * number between 32 and 64 bits.
 */
export function discoverySchema(schema: JsonObject, ref: (pointer: string) => JsonObject): JsonObject {
  const { type, description, properties, items, additionalProperties, $ref, enum: values } = schema;
  const said = typeof description === "string" ? { description } : {};
  const inner = (part: Json | undefined): JsonObject =>
    typeof part === "object" && part !== null && !Array.isArray(part) ? discoverySchema(part, ref) : { type: "any" };
  if (typeof $ref === "string") return { ...ref($ref), ...said };
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) {
    return { type: "string", enum: values, enumDescriptions: values.map(() => ""), ...said };
  }
  if (type === "string" || type === "boolean") return { type, ...said };
  if (type === "integer" || type === "number") return { type: "number", format: "double", ...said };
  if (type === "array") return { type, items: inner(items), ...said };
  if (type !== "object") return { type: "any", ...said };
  const fields = Object.entries((properties ?? {}) as JsonObject).map(([name, field]) => [name, inner(field)]);
  return {
    type,
    ...(fields.length === 0 ? {} : { properties: Object.fromEntries(fields) as JsonObject }),
    ...(additionalProperties ? { additionalProperties: inner(additionalProperties) } : {}),
    ...said,
  };
}
