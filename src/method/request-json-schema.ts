// The JSON Schema of a request that another library declares, as far as that library gives one.
// https://standardschema.dev/json-schema
import type { HttpTemplate } from "../aip/http-template";
import { nearestName } from "../aip/nearest";
import { MAX_STATUS_MESSAGE_CHARACTERS } from "../limits";
import type { JsonObject } from "../rpc/any";

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

/** Checks a binding against the fields that a schema declares, where it declares them. */
export function checkRequestSchema(
  method: string,
  { schema }: RequestJsonSchema,
  binding: { template: HttpTemplate; body: string | undefined; reserved: readonly string[] },
): void {
  const properties = propertiesOf(schema);
  if (properties === undefined) return;
  const names = Object.keys(properties);
  for (const name of binding.reserved.filter((reserved) => names.includes(reserved))) {
    throw new TypeError(
      `method ${method}: the request's schema has a field ${name}, which every start takes for itself; rename the field`,
    );
  }
  const suggestion = (name: string): string => {
    const near = nearestName(name, names);
    return near === undefined ? `it has ${names.join(", ") || "no fields"}` : `did you mean ${JSON.stringify(near)}?`;
  };
  const { additionalProperties } = schema ?? {};
  if (additionalProperties === false) {
    for (const variable of binding.template.variables) {
      if (names.includes(variable.split(".")[0] ?? "")) continue;
      throw new TypeError(
        `method ${method}: the path binds {${variable}}, and the request's schema has no such field and takes no others; ` +
          suggestion(variable),
      );
    }
  }
  const { body } = binding;
  const takesOthers = additionalProperties !== undefined && additionalProperties !== false;
  if (body === undefined || body === "*" || names.includes(body) || takesOthers) return;
  throw new TypeError(
    `method ${method}: http.body is ${JSON.stringify(body)}, and the request's schema has no such field; ` +
      `write "*" for all fields that the path does not bind, or ${suggestion(body)}`,
  );
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
