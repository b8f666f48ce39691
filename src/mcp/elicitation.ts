// A pending suspension as a request for input: an elicitation of a form, as far as a form can ask for its payload.
// https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";

/** An edge_operations.v1.Suspension. */
export interface SuspensionJson {
  name: string;
  state: string;
  prompt?: string;
  payloadSchema?: JsonObject;
}

export function suspensionId({ name }: SuspensionJson): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** An elicitation/create; undefined where no form can ask for the payload. */
export function elicitationOf(suspension: SuspensionJson): JsonObject | undefined {
  const requestedSchema = formSchema(suspension.payloadSchema);
  if (!requestedSchema) return undefined;
  const message = suspension.prompt ?? `The work waits for “${suspensionId(suspension)}”.`;
  return { method: "elicitation/create", params: { mode: "form", message, requestedSchema } };
}

/** "Form mode elicitation schemas are limited to flat objects with primitive properties only." No schema: a confirmation. */
function formSchema(schema: JsonObject | undefined): JsonObject | undefined {
  if (!schema) return { type: "object", properties: {} };
  const properties = schema["properties"] ?? {};
  if (schema["type"] !== "object" || !isJsonObject(properties)) return undefined;
  if (["allOf", "anyOf", "oneOf", "not", "if", "$ref"].some((keyword) => keyword in schema)) return undefined;
  const fields: JsonObject = {};
  for (const [name, property] of Object.entries(properties)) {
    const field = fieldSchema(property, schema);
    if (field) fields[name] = field;
    // A form may leave out what need not be given.
    else if (Array.isArray(schema["required"]) && schema["required"].includes(name)) return undefined;
  }
  if (Object.keys(fields).length === 0 && Object.keys(properties).length > 0) return undefined;
  const { required } = schema;
  return {
    type: "object",
    properties: fields,
    ...(Array.isArray(required) && required.length > 0 ? { required } : {}),
  };
}

const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  string: ["minLength", "maxLength", "enum", "default"],
  integer: ["minimum", "maximum", "default"],
  number: ["minimum", "maximum", "default"],
  boolean: ["default"],
};

const STRING_FORMATS: ReadonlySet<Json | undefined> = new Set(["email", "uri", "date", "date-time"]);

/** A PrimitiveSchemaDefinition. */
function fieldSchema(property: Json, root: JsonObject): JsonObject | undefined {
  const field = resolved(property, root);
  if (!field) return undefined;
  const { type, title, description, format } = field;
  if (typeof type !== "string" || !Object.hasOwn(KEYWORDS, type)) return undefined;
  const kept = (KEYWORDS[type] ?? []).filter((keyword) => keyword in field).map((keyword) => [keyword, field[keyword]]);
  return {
    type,
    ...(typeof title === "string" ? { title } : {}),
    ...(typeof description === "string" ? { description } : {}),
    ...(type === "string" && STRING_FORMATS.has(format) ? { format: format as string } : {}),
    ...(Object.fromEntries(kept) as JsonObject),
  };
}

/** A property may be a reference to a definition, as that of an enum is. */
function resolved(property: Json, { $defs = {} }: JsonObject): JsonObject | undefined {
  if (!isJsonObject(property)) return undefined;
  const { $ref, ...rest } = property;
  if (typeof $ref !== "string") return property;
  const name = /^#\/\$defs\/(.+)$/.exec($ref)?.[1];
  const definition = name !== undefined && isJsonObject($defs) ? $defs[name] : undefined;
  return isJsonObject(definition) && !("$ref" in definition) ? { ...definition, ...rest } : undefined;
}
