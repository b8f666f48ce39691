// The methods that the deployment declares, as /openapi.json describes them.
import { call } from "./call";
import { type Json, type JsonObject, isObject, listOf, objectOf, textOf } from "./json";

export interface DeclaredMethod {
  /** `tables:profile` */
  id: string;
  description: string;
  httpMethod: "POST" | "PUT" | "PATCH" | "GET" | "DELETE";
  /** `/v1/projects/{project}/tables:profile` */
  path: string;
  pathParameters: readonly string[];
  query: readonly { name: string; required: boolean; schema: JsonObject; description: string }[];
  /** The JSON Schema of the request's body, its references resolved; undefined where it has none. */
  bodySchema: JsonObject | undefined;
  /** The types of a raw body; empty where the body is JSON. */
  rawTypes: readonly string[];
}

/** The fields of every start. */
const START_FIELDS: ReadonlySet<string> = new Set(["requestId", "validateOnly", "operationOptions"]);
/** The verbs on a collection of operations: they act on many, and stand in its list (bulk-dialog.tsx). */
const BULK_VERBS = /\/operations:\w+$/;

let document: Promise<JsonObject> | undefined;

/** Read once: it changes with a deploy alone. */
export async function declaredMethods(): Promise<readonly DeclaredMethod[]> {
  document ??= call("/openapi.json");
  try {
    return methodsFromDocument(await document);
  } catch (error) {
    document = undefined;
    throw error;
  }
}

export function methodsFromDocument(openApi: JsonObject): DeclaredMethod[] {
  return Object.entries(objectOf(openApi["paths"])).flatMap(([path, item]) =>
    Object.entries(objectOf(item)).flatMap(([httpMethod, described]) => {
      const operation = objectOf(described);
      return startsOperation(operation) && !BULK_VERBS.test(path)
        ? [methodFrom({ path, httpMethod, operation, openApi })]
        : [];
    }),
  );
}

/** The answer of a declared method is an Operation with the types that it declares. */
function startsOperation(operation: JsonObject): boolean {
  const answer = objectOf(objectOf(operation["responses"])["200"]);
  const { schema } = objectOf(objectOf(answer["content"])["application/json"]);
  const [first] = listOf(objectOf(schema)["allOf"]);
  return textOf(objectOf(first)["$ref"]).endsWith("/Operation");
}

interface Described {
  path: string;
  httpMethod: string;
  operation: JsonObject;
  openApi: JsonObject;
}

function methodFrom({ path, httpMethod, operation, openApi }: Described): DeclaredMethod {
  const parameters = listOf(operation["parameters"]).map(objectOf);
  const content = objectOf(objectOf(operation["requestBody"])["content"]);
  const json = objectOf(content["application/json"])["schema"];
  const of = (place: string) => parameters.filter((parameter) => parameter["in"] === place);
  return {
    id: idFromPath(path),
    description: textOf(operation["description"]),
    httpMethod: httpMethod.toUpperCase() as DeclaredMethod["httpMethod"],
    path,
    pathParameters: of("path").map(({ name }) => textOf(name)),
    query: of("query")
      .map(({ name, required, schema, description }) => ({
        name: textOf(name),
        required: required === true,
        schema: objectOf(schema),
        description: textOf(description),
      }))
      .filter(({ name }) => !START_FIELDS.has(name) && !name.startsWith("operationOptions.")),
    bodySchema:
      json === undefined ? undefined : withoutParent(resolved(objectOf(json), openApi, 0), of("path").length > 0),
    rawTypes: json === undefined ? Object.keys(content) : [],
  };
}

/** `/v1/projects/{project}/tables:profile` → `projects/-`: the parent of its operations, for any ids. */
export function parentOfMethod(path: string): string {
  const segments = path.replace(/^\/v1(?:beta1)?\//, "").split("/");
  return segments
    .slice(0, -1)
    .map((segment) => (segment.startsWith("{") ? "-" : segment))
    .join("/");
}

/** `/v1/projects/{project}/tables:profile` → `tables:profile`: the constant end of the path. */
function idFromPath(path: string): string {
  return path.slice(path.lastIndexOf("}") + 1).replace(/^\/(?:v1(?:beta1)?\/)?/, "") || path;
}

/** The parent is in the path, and the options of a start have fields of their own. */
function withoutParent(schema: JsonObject, hasPath: boolean): JsonObject {
  const isOwn = (name: string): boolean => !(hasPath && name === "parent") && !START_FIELDS.has(name);
  if (!isObject(schema["properties"])) return schema;
  const properties = Object.entries(objectOf(schema["properties"])).filter(([name]) => isOwn(name));
  const required = listOf(schema["required"]).filter((name) => isOwn(textOf(name)));
  return { ...schema, properties: Object.fromEntries(properties), required };
}

/** Schemas that refer to themselves are shown so deep. */
const MAX_DEPTH = 6;

/** The schema without references: forms need not know the document. */
function resolved(schema: JsonObject, openApi: JsonObject, depth: number): JsonObject {
  const reference = schema["$ref"];
  if (typeof reference === "string") {
    const target = reference
      .replace(/^#\//, "")
      .split("/")
      .reduce<JsonObject>((at, key) => objectOf(at[key]), openApi);
    const { $ref: _, ...beside } = schema;
    return depth >= MAX_DEPTH ? {} : resolved({ ...target, ...beside }, openApi, depth + 1);
  }
  const parts = Object.entries(schema).map(([key, part]): [string, Json] => {
    if (Array.isArray(part)) {
      return [key, listOf(part).map((one) => (isObject(one) ? resolved(one, openApi, depth) : one))];
    }
    return [key, isObject(part) ? resolved(part, openApi, depth) : part];
  });
  return Object.fromEntries(parts);
}
