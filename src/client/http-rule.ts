// A request as a method's HTTP binding wants it: path, query and body (google/api/http.proto).
import type { Json, JsonObject } from "../rpc/any";

/** A method's binding: `{ post: "/v1/{parent=projects/*}/messages:deliver", body: "*" }`. */
export interface HttpBinding {
  readonly post: string;
  readonly body?: string | undefined;
}

export interface BoundRequest {
  /** Percent-encoded. */
  path: string;
  query: [name: string, value: string][];
  /** undefined: the binding takes no JSON body. */
  json: Json | undefined;
}

/**
 * Binds a request's fields.
 * @throws TypeError naming the field that the path needs and lacks, or that cannot be in a query.
 */
export function bindRequest({ post, body }: HttpBinding, request: JsonObject): BoundRequest {
  const bound = new Set<string>();
  const path = post.replaceAll(VARIABLE, (_, name: string, pattern = "*") => {
    const fieldPath = name.split(".").map(jsonName);
    bound.add(fieldPath.join("."));
    return encodedValue(fieldPath.join("."), valueAt(request, fieldPath), pattern as string);
  });
  // A field of a message that is in the path stays in the body, too: the service compares them.
  const others = Object.fromEntries(Object.entries(request).filter(([name]) => !bound.has(name)));
  if (body === "*") return { path, query: [], json: others };
  if (body === undefined) return { path, query: queryOf(others, bound), json: undefined };
  const { [jsonName(body)]: json = {}, ...rest } = others;
  return { path, query: queryOf(rest, bound), json };
}

/** A resource name as a path: segments stay segments. */
export function encodedName(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

// Variable = "{" FieldPath [ "=" Segments ] "}" ;
const VARIABLE = /\{([\w.]+)(?:=([^{}]+))?\}/g;

function encodedValue(field: string, value: Json | undefined, pattern: string): string {
  const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const text = isScalar ? String(value) : "";
  if (text !== "" && matches(text, pattern)) return encodedName(text);
  const given = isScalar ? JSON.stringify(value) : typeof value;
  throw new TypeError(`the request's ${field} is ${given}; the path of the method takes ${JSON.stringify(pattern)}`);
}

function matches(text: string, pattern: string): boolean {
  const parts = pattern.split("/").map((part) => {
    if (part === "**") return ".+";
    return part === "*" ? "[^/]+" : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join("/")}$`).test(text);
}

function valueAt(request: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = request;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

function jsonName(protoName: string): string {
  return protoName.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function queryOf(fields: JsonObject, bound: ReadonlySet<string>, prefix = ""): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    const path = prefix + name;
    if (value === null || value === undefined || bound.has(path)) return [];
    if (Array.isArray(value)) return value.map((item) => [path, scalarText(path, item)]);
    if (typeof value === "object") return queryOf(value, bound, `${path}.`);
    return [[path, scalarText(path, value)]];
  });
}

function scalarText(path: string, value: Json): string {
  if (typeof value !== "object") return String(value);
  throw new TypeError(`the request's ${path} is a list of objects or lists, which cannot be in a query`);
}
