// The Google discovery document (https://developers.google.com/discovery/v1/reference/apis), REST description v1: what
// Google's API clients are made from, at build time or, as `googleapis` can, when they run.
import { MAX_NAME_BYTES } from "../limits";
import type { JsonObject } from "../rpc/any";
import type { ApiMethod } from "../api/method";
import { DESCRIBED_PARAMETERS } from "../api/system-parameters";
import { type Binding, bindingsOf, boundVariables, flatSegments, isAdditional, uniqueNames } from "./bindings";
import { flatPath, idNames, queryParameters, variableDescription } from "./parameters";
import { RequestSchemas, discoverySchema } from "./request-schemas";
import { type Dialect, Schemas, jsonBody } from "./schemas";

export const API_NAME = "longrunning";
export const API_TITLE = "Long-running operations";
export const API_DESCRIPTION = "Long-running methods of google.longrunning: each call returns an Operation at once.";

const dialect: Dialect = {
  ref: (name) => ({ $ref: name }),
  any: { type: "any" },
  formats: { timestamp: "google-datetime", duration: "google-duration", fieldMask: "google-fieldmask", bytes: "byte" },
  inlineEnums: true,
  listsRequired: false,
};

/** A request whose fields nothing declares. */
const ANY_OBJECT = "JsonObject";

export interface DocumentOptions {
  /** `https://api.example` */
  origin: string;
  version: string;
}

interface Resource {
  methods: Record<string, JsonObject>;
  resources: Record<string, Resource>;
}

export function discoveryDocument(table: readonly ApiMethod[], { origin, version }: DocumentOptions): JsonObject {
  const bindings = bindingsOf(table, version).filter((binding) => !isAdditional(binding));
  const schemas = new Schemas(bindings, dialect);
  const own = schemas.all();
  const requests = new RequestSchemas(bindings, [...Object.keys(own), ANY_OBJECT], {
    ref: (name) => dialect.ref(name),
    write: discoverySchema,
  });
  const root: Resource = { methods: {}, resources: {} };
  const uniqueId = uniqueNames();
  for (const group of samePaths(bindings)) {
    const [binding] = group;
    const id = uniqueId([...binding.collections, binding.methodName].join("."));
    const resource = resourceAt(root, binding.collections);
    resource.methods[id.slice(id.lastIndexOf(".") + 1)] = methodOf(`${API_NAME}.${id}`, group, { schemas, requests });
  }
  const rootUrl = `${origin}/`;
  const hasUndeclared = bindings.some((binding) => requestOf(binding, { schemas, requests })?.["$ref"] === ANY_OBJECT);
  return {
    kind: "discovery#restDescription",
    discoveryVersion: "v1",
    id: `${API_NAME}:${version}`,
    name: API_NAME,
    version,
    title: API_TITLE,
    description: API_DESCRIPTION,
    protocol: "rest",
    rootUrl,
    servicePath: "",
    baseUrl: rootUrl,
    basePath: "",
    // Google's clients take it for granted. Batches are not served: it is answered with 404.
    batchPath: "batch",
    parameters: Object.fromEntries([
      [
        "alt",
        {
          type: "string",
          location: "query",
          description: "The form of the answer.",
          default: "json",
          enum: ["json"],
          enumDescriptions: ["JSON"],
        },
      ],
      ...DESCRIBED_PARAMETERS.map(({ name, type, description }) => [name, { type, location: "query", description }]),
    ]),
    schemas: withIds({
      ...own,
      ...requests.all(),
      ...(hasUndeclared ? { [ANY_OBJECT]: { type: "object", additionalProperties: dialect.any } } : {}),
    }),
    ...resourceJson(root),
  };
}

/** Bindings of one method with the same path, which differ in what its one variable stands for. */
function samePaths(bindings: readonly Binding[]): [Binding, ...Binding[]][] {
  const groups = new Map<string, [Binding, ...Binding[]]>();
  for (const binding of bindings) {
    const key = [binding.row.name, binding.collections.join("."), templatePath(binding)].join(" ");
    const group = groups.get(key);
    if (group) group.push(binding);
    else groups.set(key, [binding]);
  }
  return [...groups.values()];
}

interface DocumentSchemas {
  schemas: Schemas;
  /** Those that other libraries declare. */
  requests: RequestSchemas;
}

const QUERY_TYPES = ["string", "number", "boolean"];

function methodOf(
  id: string,
  group: readonly [Binding, ...Binding[]],
  { schemas, requests }: DocumentSchemas,
): JsonObject {
  const [binding] = group;
  const { row, http } = binding;
  const segments = flatSegments(binding);
  const names = idNames(segments, (collection) => `${collection}Id`);
  const path = templatePath(binding);
  const variables = boundVariables(binding);
  const query = queryParameters(binding).map(({ name, field, facts }): [string, JsonObject] => [
    name,
    {
      ...schemas.parameter(field),
      location: "query",
      ...(field.label === "repeated" ? { repeated: true } : {}),
      ...facts,
    },
  ]);
  const bound = variables.map((variable): [string, JsonObject] => [
    variable,
    {
      type: "string",
      location: "path",
      required: true,
      pattern: group.map((one) => patternOf(one, variable)).join("|"),
      description: variableDescription(binding, variable) ?? `At most ${MAX_NAME_BYTES} bytes.`,
    },
  ]);
  const queryOfSchema = requests.queryOf(binding).flatMap(({ name, schema, required }): [string, JsonObject][] => {
    const repeated = schema["type"] === "array";
    const value = (repeated ? schema["items"] : schema) as JsonObject;
    // Another type has no form in a query.
    if (!QUERY_TYPES.some((type) => type === value["type"])) return [];
    const flags = { ...(repeated ? { repeated } : {}), ...(required ? { required } : {}) };
    return [[name, { ...value, location: "query", ...flags }]];
  });
  const request = requestOf(binding, { schemas, requests });
  const note = row.request === undefined ? row.method?.requestSchema?.note : undefined;
  const input = row.method?.input;
  return {
    id,
    path,
    flatPath: flatPath(binding, segments, names),
    httpMethod: http.method,
    description: [row.description, note].filter(Boolean).join(" "),
    parameters: Object.fromEntries([...bound, ...query, ...queryOfSchema]),
    parameterOrder: variables,
    ...(request === undefined ? {} : { request }),
    response: schemas.ref(row.response),
    ...(input === undefined
      ? {}
      : {
          supportsMediaUpload: true,
          mediaUpload: {
            accept: [...input.contentTypes],
            maxSize: String(input.maxBytes),
            protocols: { simple: { multipart: false, path: `/${path}` } },
          },
        }),
  };
}

/** The path with its variables: `v1/{+name}:cancel`, where a variable holds more than one segment. */
function templatePath({ version, parts, verb }: Binding): string {
  const segments = parts.map((part) => {
    if ("literal" in part) return part.literal;
    return part.pattern.join("/") === "*" ? `{${part.variable}}` : `{+${part.variable}}`;
  });
  return `${[version, ...segments].join("/")}${verb === "" ? "" : `:${verb}`}`;
}

function patternOf({ parts }: Binding, variable: string): string {
  const part = parts.find((one) => "variable" in one && one.variable === variable);
  const segments = part && "pattern" in part ? part.pattern : [];
  return `^${segments.map((segment) => (segment.startsWith("*") ? "[^/]+" : segment)).join("/")}$`;
}

function requestOf(binding: Binding, { schemas, requests }: DocumentSchemas): JsonObject | undefined {
  const { request } = binding.row;
  const body = jsonBody(binding);
  if (body === undefined) return undefined;
  if (request === undefined) {
    const schema = requests.bodyOf(binding);
    // A discovery document names the schema of a body, and has it nowhere else.
    return typeof schema?.["$ref"] === "string" ? schema : dialect.ref(ANY_OBJECT);
  }
  if (body === "*") return schemas.ref(request);
  const type = request.fieldByName(body)?.field.type;
  return type?.kind === "message" ? schemas.ref(type.message) : dialect.ref(ANY_OBJECT);
}

function resourceAt(root: Resource, collections: readonly string[]): Resource {
  let resource = root;
  for (const collection of collections) resource = resource.resources[collection] ??= { methods: {}, resources: {} };
  return resource;
}

function resourceJson({ methods, resources }: Resource): JsonObject {
  const inner = Object.entries(resources).map(([name, resource]) => [name, resourceJson(resource)]);
  return {
    ...(Object.keys(methods).length === 0 ? {} : { methods }),
    ...(inner.length === 0 ? {} : { resources: Object.fromEntries(inner) }),
  };
}

function withIds(schemas: Record<string, JsonObject>): JsonObject {
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, { id, ...schema }]));
}
