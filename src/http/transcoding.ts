// google.api.http transcoding (google/api/http.proto): path, query and body together make one request in proto3 JSON.
import { MAX_JSON_DEPTH, MAX_QUOTED_CHARACTERS } from "../limits";
import { jsonNameFromProtoName, protoNameFromJsonName } from "../protobuf/field-name";
import { fieldAtPath, fieldPathText } from "../protobuf/field-path";
import type { Message } from "../protobuf/declaration";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { knownFields } from "../protobuf/read-message";
import { Violations } from "../rpc/decode";

export interface TranscodingInput {
  /** The path's variables by field path (`parent`, `table.name`), decoded. */
  pathVariables: Readonly<Record<string, string>>;
  /** The method's own part of the query. System parameters and those of every method are taken out before. */
  query: URLSearchParams;
  body: Json | undefined;
  /** HttpRule.body: `"*"`, the name of a top-level field, or undefined: no body is taken. */
  bodyRule: string | undefined;
  /**
   * The request as it is declared. It tells which query parameters there are, which are lists, and which text is a number
   * or a boolean; without it every parameter is taken for text, and for a list where it is given more than once.
   */
  describe?: Message | undefined;
  /** Fields that may come in the query although the path or the whole body has them. Given twice, they must agree. */
  besides?: readonly string[] | undefined;
  /**
   * Of a method of the service itself: the resource that the whole path names. A parameter may repeat it (`name=operations`,
   * as ListOperations is described by Google). A number or boolean that is empty is absent.
   */
  path?: string;
}

// "Fields referred by the path template. They are passed via the URL path. Fields referred by the HttpRule.body. They are
//  passed via the HTTP request body. All other fields are passed via the URL query parameters" (http.proto, "Rules for HTTP
//  mapping", 1).

/**
 * The request's JSON, for its schema to decode.
 *
 * @throws RpcError INVALID_ARGUMENT naming each field that is bound twice, unknown, or not where it may be.
 */
export function transcode({
  pathVariables,
  query,
  body,
  bodyRule,
  describe,
  besides = [],
  path: wholePath,
}: TranscodingInput): JsonObject {
  const violations = new Violations();
  const violate = violations.add.bind(violations);
  const binding: Binding = { describe, violate, isOwn: wholePath !== undefined, besides };
  const request = requestFromBody(body, bodyRule, binding);
  const boundByPath = new Map(Object.entries(pathVariables).map(([name, text]) => [jsonNameFromProtoName(name), text]));
  for (const [path, text] of boundByPath) bindPath(request, path.split("."), text, binding);
  for (const { name, path, texts } of parametersOf(query)) {
    const bound = path && boundByPath.get(path.join("."));
    const isBeside = path !== undefined && besides.includes(path.join("."));
    if (bodyRule === "*" && !isBeside)
      violate(name, "unknown query parameter: the request's fields are in the path and the body");
    else if (path === undefined) violate(name, "unknown query parameter");
    else if (bound !== undefined && binding.isOwn && !isBeside)
      violate(name, "unknown query parameter: it is in the path");
    else if (bodyRule !== undefined && path[0] === jsonNameFromProtoName(bodyRule)) {
      violate(fieldPathText(path), "is the body; it cannot be given in the query");
    } else if (bound === undefined) bindQuery(request, { name, path, texts }, binding);
    else if (texts.some((text) => text !== bound && !repeatsPath(text, wholePath)))
      violate(fieldPathText(path), "differs from the path");
  }
  violations.throwIfAny();
  return request;
}

/** Whether a parameter says nothing beside the path of a method of the service itself. */
function repeatsPath(text: string, path: string | undefined): boolean {
  return path !== undefined && (text === "" || text === path);
}

interface Binding {
  describe: Message | undefined;
  isOwn: boolean;
  besides: readonly string[];
  violate: (field: string, description: string) => undefined;
}

function requestFromBody(body: Json | undefined, bodyRule: string | undefined, { violate }: Binding): JsonObject {
  if (body === undefined) return {};
  if (bodyRule === undefined) {
    const names = isJsonObject(body) ? Object.keys(body) : ["body"];
    for (const name of names) violate(fieldPathText([name]), "unknown field: the method takes no body");
    return {};
  }
  if (bodyRule !== "*") return { [jsonNameFromProtoName(bodyRule)]: body };
  if (!isJsonObject(body)) violate("body", "must be a JSON object");
  return isJsonObject(body) ? { ...body } : {};
}

interface Parameter {
  /** As it was written, for violations. */
  name: string;
  /** JSON names; undefined where the name is no field path. */
  path: string[] | undefined;
  texts: string[];
}

type FieldParameter = Parameter & { path: string[] };

/** The parameters of a query, one of two spellings (`pageSize`, `page_size`) together. */
function parametersOf(query: URLSearchParams): Iterable<Parameter> {
  if (query.size === 0) return [];
  const parameters = new Map<string, Parameter>();
  for (const [name, text] of query) {
    const path = fieldPath(name);
    const key = path?.join(".") ?? name;
    const parameter = parameters.get(key) ?? { name: name.slice(0, MAX_QUOTED_CHARACTERS), path, texts: [] };
    parameter.texts.push(text);
    parameters.set(key, parameter);
  }
  return parameters.values();
}

// FieldPath = IDENT { "." IDENT } ;

function fieldPath(text: string): string[] | undefined {
  const names = text.split(".");
  if (names.length > MAX_JSON_DEPTH || !names.every((name) => /^[A-Za-z]\w*$/.test(name))) return undefined;
  return names.map(jsonNameFromProtoName);
}

/** A variable of the path: a single field, which the body may repeat but not contradict. */
function bindPath(request: JsonObject, path: readonly string[], text: string, binding: Binding): void {
  const declared = binding.describe && fieldAtPath(binding.describe, path);
  const json = declared?.field.type.fromText?.(text) ?? text;
  const parent = parentOf(request, path, binding);
  if (parent === undefined) return;
  const key = keyIn(parent, path.at(-1) ?? "");
  const given = Object.hasOwn(parent, key) ? parent[key] : undefined;
  // An empty string is what an absent field is written as, too.
  if (given === undefined || given === null || given === "") parent[key] = json;
  // 64-bit numbers are text in canonical JSON, and may be numbers in a body.
  else if (typeof given === "object" || String(given) !== String(json)) {
    binding.violate(fieldPathText(path), "differs from the path");
  }
}

function bindQuery(request: JsonObject, { name, path, texts }: FieldParameter, binding: Binding): void {
  const { describe, isOwn } = binding;
  const field = fieldPathText(path);
  if (describe && fieldAtPath(describe, path) === undefined) {
    binding.violate(isOwn ? name : field, `unknown query parameter; ${knownFields(describe)}`);
    return;
  }
  const json = describe ? describedJson(describe, path, texts, binding) : undescribedJson(texts);
  if (json === undefined) return;
  const parent = parentOf(request, path, binding);
  if (parent === undefined) return;
  const key = keyIn(parent, path.at(-1) ?? "");
  const given = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (!binding.besides.includes(path.join("."))) {
    if (given !== undefined) binding.violate(field, "is given more than once");
  } else if (given !== undefined && given !== null && given !== json) {
    binding.violate(field, "differs between query and body");
  }
  parent[key] = json;
}

function undescribedJson(texts: readonly string[]): Json {
  const [only, ...more] = texts;
  return only !== undefined && more.length === 0 ? only : [...texts];
}

// "fields which are mapped to URL query parameters must have a primitive type or a repeated primitive type or a
//  non-repeated message type" (http.proto); of a message, its fields are parameters.
function describedJson(
  describe: Message,
  path: readonly string[],
  texts: readonly string[],
  { violate, isOwn }: Binding,
): Json | undefined {
  const field = fieldPathText(path);
  const { label, type } = fieldAtPath(describe, path)?.field ?? {};
  const fromText = type?.fromText;
  if (label === "map" || type === undefined || fromText === undefined)
    return violate(field, "cannot be given in the query");
  if (label === "repeated") return texts.map((text) => fromText(text));
  const [only = "", ...more] = texts;
  if (more.length > 0) return violate(field, "is given more than once");
  if (!isOwn || type.kind !== "scalar" || type.name === "string") return fromText(only);
  if (only === "") return undefined;
  if (type.name !== "int32") return fromText(only);
  return /^-?\d+$/.test(only) ? Number(only) : violate(field, "must be an integer, in digits");
}

/** The object that holds the last name of a path. Objects on the way are made or copied; the body does not change. */
function parentOf(request: JsonObject, path: readonly string[], { violate }: Binding): JsonObject | undefined {
  let parent = request;
  for (const [index, name] of path.slice(0, -1).entries()) {
    const key = keyIn(parent, name);
    const child = (Object.hasOwn(parent, key) ? parent[key] : undefined) ?? {};
    if (!isJsonObject(child)) return violate(fieldPathText(path.slice(0, index + 1)), "must be an object");
    const copy = { ...child };
    parent[key] = copy;
    parent = copy;
  }
  return parent;
}

/** The key under which a field stands already: a body may name it as JSON does, or as .proto does. */
function keyIn(object: JsonObject, jsonName: string): string {
  const protoName = protoNameFromJsonName(jsonName);
  return !Object.hasOwn(object, jsonName) && Object.hasOwn(object, protoName) ? protoName : jsonName;
}
