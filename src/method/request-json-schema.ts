// The JSON Schema of a request that another library declares, as far as that library gives one.
// https://standardschema.dev/json-schema
import { MAX_STATUS_MESSAGE_CHARACTERS } from "../limits";
import type { JsonObject } from "../rpc/any";
import type { RequestFields } from "./declaration-check";

/** The part of a request that documents can show where no message declares it. */
export type RequestJsonSchema =
  /** Draft 2020-12, of the JSON that comes in. */
  | { schema: JsonObject; note?: undefined }
  /** The reason why there is no schema, as a sentence. */
  | { schema?: undefined; note: string };

/**
 * A part that JSON Schema cannot express becomes `{}`, any value, so that the rest is shown.
 * Each library takes the option of its own name (zod, valibot) and ignores the other; ArkType needs none.
 */
const LIBRARY_OPTIONS = { unrepresentable: "any", errorMode: "ignore" };

export function requestJsonSchema(request: unknown): RequestJsonSchema {
  const standard = partOf(request, "~standard");
  if (standard === undefined) return { note: "A function decodes the request, so its fields are not known here." };
  const vendor = String(partOf(standard, "vendor"));
  const convert = partOf(partOf(standard, "jsonSchema"), "input");
  if (typeof convert !== "function") {
    const remedy = vendor === "valibot" ? " Wrap it in toStandardJsonSchema of @valibot/to-json-schema." : "";
    return { note: `The request is a schema of ${vendor}, which gives no JSON Schema.${remedy}` };
  }
  try {
    const options = { target: "draft-2020-12", libraryOptions: LIBRARY_OPTIONS };
    const { $schema: _, ...schema } = JSON.parse(JSON.stringify(convert(options))) as JsonObject;
    return { schema };
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, MAX_STATUS_MESSAGE_CHARACTERS) : "it throws";
    return { note: `The request is a schema of ${vendor} that has no JSON Schema: ${reason}` };
  }
}

/** The fields that a schema declares; undefined where it does not list them all. */
export function fieldsOfSchema(schema: JsonObject | undefined): RequestFields | undefined {
  const properties = propertiesOf(schema);
  if (schema === undefined || properties === undefined) return undefined;
  const names = Object.keys(properties);
  const { additionalProperties } = schema;
  return {
    of: "the request's schema",
    names,
    has: (name) => names.includes(name),
    takesOthers: additionalProperties !== undefined && additionalProperties !== false,
    // Most libraries drop a field that they do not know, and the operation's name has it.
    takesText: (path) => names.includes(path.split(".")[0] ?? "") || additionalProperties !== false,
  };
}

/** The fields of an object's schema; undefined where they are not all listed there, as in a union. */
export function propertiesOf(schema: JsonObject | undefined): Record<string, JsonObject> | undefined {
  const properties = schema?.["type"] === "object" && !("allOf" in schema) ? schema["properties"] : undefined;
  return typeof properties === "object" && properties !== null ? (properties as Record<string, JsonObject>) : undefined;
}

function partOf(value: unknown, name: string): unknown {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObject ? Reflect.get(value, name) : undefined;
}
