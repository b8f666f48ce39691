// The OpenAPI document (https://spec.openapis.org/oas/v3.1.1). Its paths have a parameter for each id of a name: a
// parameter of OpenAPI holds no slash.
import type { Json, JsonObject } from "../rpc/any";
import type { ApiMethod } from "../api/method";
import { DESCRIBED_PARAMETERS } from "../api/system-parameters";
import { type Binding, bindingsOf, flatSegments, uniqueNames } from "./bindings";
import { API_DESCRIPTION, API_TITLE, type DocumentOptions } from "./discovery";
import { type QueryParameter, flatPath, idNames, queryParameters } from "./parameters";
import { RequestSchemas, openApiSchema } from "./request-schemas";
import { type Dialect, Schemas, jsonBody, undeclaredRequest } from "./schemas";

const dialect: Dialect = {
  ref: (name) => ({ $ref: `#/components/schemas/${name}` }),
  any: {},
  formats: { timestamp: "date-time", duration: "google-duration", fieldMask: "google-fieldmask", bytes: "byte" },
  inlineEnums: false,
  listsRequired: true,
};

const JSON_MEDIA = "application/json";
const EVENTS_MEDIA = "text/event-stream";

const errorSchema: JsonObject = {
  type: "object",
  description: "The body of every error (AIP-193).",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message", "status", "details"],
      properties: {
        code: { type: "integer", format: "int32", description: "The HTTP status." },
        message: { type: "string", description: "For developers, in English." },
        status: { type: "string", description: "The name of a google.rpc.Code." },
        details: { type: "array", items: { type: "object", additionalProperties: {} } },
      },
    },
  },
};

export function openApiDocument(table: readonly ApiMethod[], { origin, version }: DocumentOptions): JsonObject {
  const bindings = bindingsOf(table, version);
  const schemas = new Schemas(bindings, dialect);
  const own = { ...schemas.all(), [ERROR]: errorSchema };
  const requests = new RequestSchemas(bindings, Object.keys(own), {
    ref: (name) => dialect.ref(name),
    write: openApiSchema,
  });
  const uniqueId = uniqueNames();
  const paths: Record<string, JsonObject> = {};
  for (const binding of bindings) {
    const segments = flatSegments(binding);
    const ids = idNames(segments, singular);
    const path = `/${flatPath(binding, segments, ids)}`;
    const id = [...binding.collections, binding.methodName].map(upperFirst).join("");
    const operationId = uniqueId(id.charAt(0).toLowerCase() + id.slice(1));
    paths[path] = {
      ...paths[path],
      [binding.http.method.toLowerCase()]: operationOf(operationId, ids, binding, { schemas, requests }),
    };
  }
  paths["/healthz"] = { get: HEALTH };
  return {
    openapi: "3.1.1",
    info: {
      title: API_TITLE,
      version,
      description: API_DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: origin }],
    security: [{}, { bearer: [] }, { apiKey: [] }],
    paths,
    components: {
      schemas: { ...own, ...requests.all() },
      parameters: Object.fromEntries(
        DESCRIBED_PARAMETERS.map(({ name, type, description }) => [
          name,
          { name, in: "query", description, schema: { type } },
        ]),
      ),
      responses: { error: { description: "An error.", content: { [JSON_MEDIA]: { schema: dialect.ref(ERROR) } } } },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        apiKey: { type: "apiKey", in: "header", name: "x-goog-api-key" },
      },
    },
  };
}

const ERROR = "Error";

const HEALTH_PROPERTIES: JsonObject = {
  status: { const: "SERVING" },
  warnings: { type: "array", items: { type: "string" }, description: "Faults of the set-up that fail no call." },
};

/** It needs no credentials, and takes no system parameters. */
const HEALTH: JsonObject = {
  operationId: "healthz",
  description: "Whether calls can succeed.",
  tags: ["health"],
  parameters: [],
  security: [{}],
  responses: {
    200: {
      description: "They can.",
      content: { [JSON_MEDIA]: { schema: { type: "object", properties: HEALTH_PROPERTIES } } },
    },
    default: { $ref: "#/components/responses/error" },
  },
};

interface DocumentSchemas {
  schemas: Schemas;
  /** Those that other libraries declare. */
  requests: RequestSchemas;
}

function operationOf(
  operationId: string,
  ids: readonly string[],
  binding: Binding,
  { schemas, requests }: DocumentSchemas,
): JsonObject {
  const { row, collections } = binding;
  const requestBody = requestBodyOf(binding, { schemas, requests });
  return {
    operationId,
    description: row.description,
    tags: [collections.join(".")],
    parameters: [
      ...ids.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
      ...queryParameters(binding).map((parameter) => queryParameterJson(parameter, schemas)),
      ...requests
        .queryOf(binding)
        .map(({ name, schema, required }): JsonObject => ({ name, in: "query", required, schema })),
      ...DESCRIBED_PARAMETERS.map(({ name }) => ({ $ref: `#/components/parameters/${name}` })),
    ],
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: {
      200: {
        description: "The answer.",
        content: { [row.streams ? EVENTS_MEDIA : JSON_MEDIA]: { schema: responseOf(binding, schemas) } },
      },
      default: { $ref: "#/components/responses/error" },
    },
  };
}

function queryParameterJson({ name, field, facts }: QueryParameter, schemas: Schemas): JsonObject {
  const schema = schemas.parameter(field);
  return {
    name,
    in: "query",
    schema: field.label === "repeated" ? { type: "array", items: schema } : schema,
    ...facts,
  };
}

function requestBodyOf(binding: Binding, { schemas, requests }: DocumentSchemas): JsonObject | undefined {
  const { request, method } = binding.row;
  const input = method?.input;
  const body = jsonBody(binding);
  if (input) {
    // JSON Schema says nothing of text that is no JSON.
    const content = input.contentTypes.map((type): [string, Json] => [type, { schema: { type: "string" } }]);
    return { required: true, content: Object.fromEntries(content) };
  }
  if (body === undefined) return undefined;
  const field = body === "*" ? undefined : request?.fieldByName(body)?.field;
  const whole = request ? schemas.ref(request) : (requests.bodyOf(binding) ?? undeclaredRequest(binding, {}));
  // A body that is absent is `{}`.
  return { content: { [JSON_MEDIA]: { schema: field ? schemas.field(field) : whole } } };
}

/** An answer; of an Operation, with the types that its method declares. */
function responseOf({ row }: Binding, schemas: Schemas): JsonObject {
  const answer = schemas.ref(row.response);
  if (row.method === undefined) return answer;
  const { responseMessage, responseType, metadataMessage, metadataType = STRUCT } = row.method;
  const packed = (message: typeof responseMessage, fullName: string): JsonObject =>
    message
      ? schemas.ref(message)
      : fullName === STRUCT
        ? { type: "object", properties: { value: schemas.wellKnown(STRUCT) } }
        : { type: "object" };
  const properties = {
    metadata: packed(metadataMessage, metadataType),
    response: packed(responseMessage, responseType),
  };
  return { allOf: [answer, { type: "object", properties }] };
}

const STRUCT = "google.protobuf.Struct";

/** `policies` → `policy`, `addresses` → `address`, `operations` → `operation`. */
function singular(collection: string): string {
  if (collection.endsWith("ies")) return `${collection.slice(0, -3)}y`;
  if (/(?:s|x|ch|sh)es$/.test(collection)) return collection.slice(0, -2);
  return collection.endsWith("s") ? collection.slice(0, -1) : `${collection}Id`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
