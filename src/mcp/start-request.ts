// A tool call as the HTTP request that starts the same operation (google.api.http): its path, query and body.
import type { Method } from "../method/define-method";
import { matchHttpTemplate } from "../aip/http-template";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import type { FieldViolation } from "../rpc/status";
import { INPUT_ARGUMENT, type PathVariable, pathVariables, takesText } from "./tool-schemas";

export interface StartRequest {
  /** With its query. */
  path: string;
  body: string | Uint8Array | undefined;
  contentType: string | undefined;
}

/** @throws RpcError INVALID_ARGUMENT naming each argument of the path that is wrong. */
export function startRequest(method: Method, args: JsonObject): StartRequest {
  const rest = { ...args };
  const path = pathFrom(method, rest);
  const { body: rule } = method.http;
  if (rule === "*") return { path, ...jsonBody(rest) };
  const input = method.input ? inputFrom(method, rest) : undefined;
  const { [rule ?? ""]: field, ...others } = rest;
  const query = new URLSearchParams(queryFrom(rule === undefined ? rest : others));
  const body = rule === undefined ? { body: undefined, contentType: undefined } : jsonBody(field ?? {});
  return { path: query.size > 0 ? `${path}?${query.toString()}` : path, ...(input ?? body) };
}

function jsonBody(json: Json): Pick<StartRequest, "body" | "contentType"> {
  return { body: JSON.stringify(json), contentType: "application/json" };
}

/** The path with its variables filled in; takes them out of the arguments. */
function pathFrom(method: Method, args: JsonObject): string {
  const violations: FieldViolation[] = [];
  let path = method.http.post;
  for (const variable of pathVariables(method)) {
    const value = takeAt(args, variable.name.split("."));
    const encoded = encodedName(value);
    if (encoded === undefined)
      violations.push({ field: variable.name, description: `is required; ${formOf(variable)}` });
    path = path.replace(/\{[^{}]*\}/, () => encoded ?? "");
  }
  const [first, ...more] = violations;
  if (first) throw invalidArgument([first, ...more]);
  if (matchHttpTemplate(method.template, path)) return path;
  const wrong = pathVariables(method).map((variable) => ({ field: variable.name, description: formOf(variable) }));
  const [one = { field: "", description: "is no path of this method" }, ...others] = wrong;
  throw invalidArgument([one, ...others]);
}

/** undefined for no name. A URL's parser resolves `..`, also encoded, so such a name would lead to another path. */
function encodedName(value: Json | undefined): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const segments = value.split("/");
  return segments.some((segment) => /^\.\.?$/.test(segment)) ? undefined : segments.map(encodeURIComponent).join("/");
}

function formOf({ pattern }: PathVariable): string {
  return `must have the form ${JSON.stringify(pattern.replaceAll("*", "{id}"))}`;
}

function takeAt(json: JsonObject, [first = "", ...rest]: readonly string[]): Json | undefined {
  const value = json[first];
  if (rest.length === 0) {
    delete json[first];
    return value;
  }
  if (!isJsonObject(value)) return undefined;
  const copy = { ...value };
  json[first] = copy;
  return takeAt(copy, rest);
}

function inputFrom(method: Method, args: JsonObject): Pick<StartRequest, "body" | "contentType"> {
  const input = args[INPUT_ARGUMENT];
  delete args[INPUT_ARGUMENT];
  if (typeof input !== "string" || input === "") {
    throw invalidArgument([{ field: INPUT_ARGUMENT, description: "is required" }]);
  }
  const contentType = method.input?.contentTypes[0];
  if (takesText(method)) return { body: input, contentType };
  try {
    return { body: Uint8Array.from(atob(input), (character) => character.charCodeAt(0)), contentType };
  } catch {
    throw invalidArgument([{ field: INPUT_ARGUMENT, description: "must be Base64" }]);
  }
}

/** Nested fields as dotted paths, lists as repeated parameters. */
function queryFrom(json: JsonObject, prefix = ""): [string, string][] {
  return Object.entries(json).flatMap(([key, value]): [string, string][] => {
    const name = prefix + key;
    if (isJsonObject(value)) return queryFrom(value, `${name}.`);
    return (Array.isArray(value) ? value : [value]).map((one) => [
      name,
      typeof one === "string" ? one : JSON.stringify(one),
    ]);
  });
}
