// The JSON Schemas of a tool (2020-12): of its arguments, and of its structured result.
import { type Dialect, Schemas } from "../describe/schemas";
import type { Method } from "../method/define-method";
import { propertiesOf } from "../method/request-json-schema";
import type { Message } from "../protobuf/declaration";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";

const dialect: Dialect = {
  ref: (name) => ({ $ref: `#/$defs/${name}` }),
  any: {},
  formats: { timestamp: "date-time", duration: "duration-text", fieldMask: "field-mask", bytes: "base64" },
  inlineEnums: false,
  listsRequired: true,
};

/** Formats that JSON Schema does not define, in its own words. A model writes what it is told. */
const IN_WORDS: Readonly<Record<string, JsonObject>> = {
  "duration-text": { pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$", description: 'Seconds, such as "3600s".' },
  "field-mask": { description: "Field paths, separated by commas." },
  base64: { contentEncoding: "base64" },
  int64: { pattern: "^-?[0-9]+$" },
  uint64: { pattern: "^[0-9]+$" },
  int32: {},
  uint32: { minimum: 0 },
  double: {},
  float: {},
};

/** The schema of a message by itself, with the messages that it refers to. */
export function schemaOfMessage(message: Message): JsonObject {
  const schemas = new Schemas([], dialect, [message]);
  const all = inWords(schemas.all()) as Record<string, JsonObject>;
  const { [schemas.nameOf(message.fullName)]: root = {}, ...others } = all;
  const refersToItself = JSON.stringify(all).includes(`"#/$defs/${schemas.nameOf(message.fullName)}"`);
  const $defs = refersToItself ? all : others;
  return { ...root, ...(Object.keys($defs).length > 0 ? { $defs } : {}) };
}

function inWords(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(inWords);
  if (!isJsonObject(schema)) return schema;
  const written = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inWords(value)]));
  const { format, ...rest } = written;
  const words = typeof format === "string" && Object.hasOwn(IN_WORDS, format) ? IN_WORDS[format] : undefined;
  if (!words) return written;
  const description = joined(rest["description"], words["description"]);
  return { ...rest, ...words, ...(description === "" ? {} : { description }) };
}

/** Sentences, of which some may be missing. */
function joined(...sentences: (Json | undefined)[]): string {
  const texts = sentences.filter((sentence): sentence is string => typeof sentence === "string" && sentence !== "");
  return texts.join(" ");
}

/** The schema of the request alone; undefined where nothing declares it. */
function requestSchema({ requestMessage, requestSchema: other }: Method): JsonObject | undefined {
  if (requestMessage) return schemaOfMessage(requestMessage);
  const { schema } = other ?? {};
  // A union of objects has no type of its own. MCP asks for one.
  return schema && (schema["type"] ?? "object") === "object" ? { ...schema, type: "object" } : undefined;
}

/** Names a variable of a path and the form of its value: `parent`, `projects/*`. */
export interface PathVariable {
  name: string;
  pattern: string;
}

export function pathVariables({ http }: Method): PathVariable[] {
  return Array.from(http.post.matchAll(/\{([^{}=]+)(?:=([^{}]*))?\}/g), ([, name = "", pattern = "*"]) => ({
    name,
    pattern,
  }));
}

/** The argument that is the body, where the body is no JSON. */
export const INPUT_ARGUMENT = "input";

export function takesText({ input }: Pick<Method, "input">): boolean {
  return input?.contentTypes.some((type) => /^text\/|[/+](?:json|xml|yaml)$/.test(type)) ?? true;
}

/** The schema of a tool's arguments; undefined where the method's request has none. */
export function inputSchema(method: Method): JsonObject | undefined {
  const schema = requestSchema(method);
  if (!schema) return undefined;
  const fields = propertiesOf(schema) ?? {};
  const properties: Record<string, JsonObject> = { ...fields };
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  for (const { name, pattern } of pathVariables(method)) {
    if (name.includes(".")) continue;
    const field = properties[name] ?? { type: "string" };
    const form = `Its form: \`${pattern.replaceAll("*", "{id}")}\`.`;
    properties[name] = { ...field, description: joined(field["description"], form) };
    required.add(name);
  }
  if (method.input) {
    properties[INPUT_ARGUMENT] = inputProperty(method.input.contentTypes, takesText(method));
    required.add(INPUT_ARGUMENT);
  }
  properties["requestId"] = REQUEST_ID;
  if (method.mcp && method.mcp.annotations?.idempotentHint) required.add("requestId");
  return { ...schema, properties, ...(required.size > 0 ? { required: [...required] } : {}) };
}

const REQUEST_ID: JsonObject = {
  type: "string",
  pattern: "^[A-Za-z0-9_-]{1,64}$",
  description:
    "Makes the call safe to repeat: the same id starts the work once. Take a new one for each piece of work.",
};

function inputProperty(contentTypes: readonly string[], isText: boolean): JsonObject {
  const description = `The data to work on: ${contentTypes.join(", ")}.`;
  return isText ? { type: "string", description } : { type: "string", contentEncoding: "base64", description };
}

/** The schema of a tool's structured result; undefined where no message declares it. */
export function outputSchema({ responseMessage }: Method): JsonObject | undefined {
  return responseMessage && schemaOfMessage(responseMessage);
}
