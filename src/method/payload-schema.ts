// The JSON Schema of what a suspension's answer has to be, from the schema that the handler gives.
import type { JsonObject } from "../rpc/any";
import type { RequestSchema } from "./request-schema";

/**
 * A schema of Standard JSON Schema (https://standardschema.dev/json-schema), as declared messages and those of zod and ArkType
 * are; undefined for any other, and where the library cannot write it.
 */
export function payloadJsonSchema(schema: RequestSchema<unknown>): JsonObject | undefined {
  if (!("~standard" in schema)) return undefined;
  const { jsonSchema } = schema["~standard"];
  try {
    return jsonSchema?.input({ target: "draft-2020-12" }) as JsonObject | undefined;
  } catch {
    // The library has no JSON Schema for a part of it. Answers are then checked when the work goes on.
    return undefined;
  }
}
