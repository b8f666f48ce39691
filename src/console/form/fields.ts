// The fields of a form, from a JSON Schema. A part that no field can hold is edited as JSON.
import { type Json, type JsonObject, isObject, listOf, objectOf, textOf } from "../api/json";

export interface Field {
  name: string;
  description: string;
  isRequired: boolean;
  control: Control;
}

export type Control =
  | { kind: "text"; format: string; placeholder: string }
  | { kind: "number"; isInteger: boolean; min: number | undefined; max: number | undefined }
  | { kind: "boolean" }
  | { kind: "choice"; values: readonly (string | number)[] }
  | { kind: "group"; fields: readonly Field[] }
  | { kind: "list" }
  | { kind: "json" };

const MAX_GROUP_DEPTH = 3;

/** Undefined where the schema does not name all fields of an object: such a value is edited as JSON as a whole. */
export function fieldsFromSchema(schema: JsonObject, depth = 0): readonly Field[] | undefined {
  const properties = Object.entries(objectOf(schema["properties"]));
  if (typeOf(schema) !== "object" || !isObject(schema["properties"])) return undefined;
  if (properties.length === 0 && (depth > 0 || schema["additionalProperties"] !== undefined)) return undefined;
  const required = new Set(listOf(schema["required"]).map(textOf));
  return properties.map(([name, property]) => {
    const described = objectOf(property);
    return {
      name,
      description: textOf(described["description"]),
      isRequired: required.has(name),
      control: controlOf(described, depth),
    };
  });
}

function controlOf(schema: JsonObject, depth: number): Control {
  const choices = choicesOf(schema);
  if (choices) return { kind: "choice", values: choices };
  switch (typeOf(schema)) {
    case "boolean":
      return { kind: "boolean" };
    case "integer":
    case "number":
      return {
        kind: "number",
        isInteger: typeOf(schema) === "integer",
        min: numberOf(schema["minimum"]),
        max: numberOf(schema["maximum"]),
      };
    case "string": {
      const format = textOf(schema["format"]);
      return { kind: "text", format, placeholder: PLACEHOLDERS[format] ?? "" };
    }
    case "array":
      return typeOf(objectOf(schema["items"])) === "string" ? { kind: "list" } : { kind: "json" };
    case "object": {
      const fields = depth < MAX_GROUP_DEPTH ? fieldsFromSchema(schema, depth + 1) : undefined;
      return fields ? { kind: "group", fields } : { kind: "json" };
    }
    default:
      return { kind: "json" };
  }
}

/** Examples of the forms that proto's JSON mapping gives to text. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  "google-duration": "for example 30s",
  "date-time": "for example 2027-01-31T09:00:00Z",
  "google-fieldmask": "for example name,labels",
  byte: "base64",
  email: "name@example.com",
};

function choicesOf(schema: JsonObject): (string | number)[] | undefined {
  const values = schema["enum"] === undefined ? constantsOf(schema) : listOf(schema["enum"]);
  const simple = values.filter((value) => typeof value === "string" || typeof value === "number");
  return simple.length > 0 && simple.length === values.length ? simple : undefined;
}

function constantsOf(schema: JsonObject): readonly Json[] {
  return [...listOf(schema["oneOf"]), ...listOf(schema["anyOf"])].flatMap((option) => objectOf(option)["const"] ?? []);
}

function typeOf(schema: JsonObject): string {
  const type = schema["type"] ?? (schema["properties"] === undefined ? "" : "object");
  const types = Array.isArray(type) ? type : [type];
  return textOf(types.find((one) => one !== "null"));
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** The object with a field set; undefined takes it away. */
export function withField(object: JsonObject, name: string, value: Json | undefined): JsonObject {
  if (value !== undefined) return { ...object, [name]: value };
  const { [name]: _, ...rest } = object;
  return rest;
}
