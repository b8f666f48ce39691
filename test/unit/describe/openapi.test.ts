import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../src/rpc/any";
import { ORIGIN, documentAt, operationsOfOpenApi } from "./documents";

const document = await documentAt("/openapi.json");
const operations = new Map(operationsOfOpenApi(document).map((one) => [`${one.method} ${one.path}`, one.operation]));
const { schemas } = document["components"] as { schemas: Record<string, JsonObject> };

describe("the OpenAPI document", () => {
  test.each(["/openapi.json", "/openapi.json?version=v1beta1"])("%s is valid", async (path) => {
    const { valid, errors } = await new Validator().validate(await documentAt(path));

    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  });

  test("is OpenAPI 3.1, and has the address of the service", () => {
    expect(document).toMatchObject({ openapi: "3.1.1", info: { version: "v1" }, servers: [{ url: ORIGIN }] });
  });

  test("has a name of its own for every operation", () => {
    const ids = [...operations.values()].map(({ operationId }) => operationId);

    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(["operationsGet", "projectsLocationsTablesProfile", "echoWait"]));
  });

  test("has a parameter for each id of a name", () => {
    const path = "/v1/projects/{project}/locations/{location}/operations/{operation}:wait";
    const parameters = operations.get(`POST ${path}`)?.parameters.filter((parameter) => parameter.in === "path");

    expect(parameters?.map(({ name }) => name)).toEqual(["project", "location", "operation"]);
  });

  test("has both ways to get a policy", () => {
    expect(operations.get("GET /v1/operations:getIamPolicy")?.requestBody).toBeUndefined();
    expect(operations.get("POST /v1/operations:getIamPolicy")?.requestBody).toBeDefined();
  });

  test("has the response and metadata types of a method's operations", () => {
    expect(operations.get("POST /v1/echo:wait")).toMatchObject({
      requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/WaitRequest" } } } },
      responses: {
        200: {
          content: {
            "application/json": {
              schema: {
                allOf: [
                  { $ref: "#/components/schemas/Operation" },
                  {
                    properties: {
                      metadata: { $ref: "#/components/schemas/WaitMetadata" },
                      response: { $ref: "#/components/schemas/WaitResponse" },
                    },
                  },
                ],
              },
            },
          },
        },
        default: { $ref: "#/components/responses/error" },
      },
    });
  });

  test("describes a body of CSV as text", () => {
    const { requestBody } = operations.get("POST /v1/projects/{project}/locations/{location}/tables:profile") ?? {};

    expect(requestBody).toEqual({ required: true, content: { "text/csv": { schema: { type: "string" } } } });
  });

  test("has every kind of field in its JSON form", () => {
    expect(schemas["ProfileTableRequest"]?.["properties"]).toMatchObject({
      rows: { type: "integer", format: "int32" },
      ratio: { type: "number", format: "double" },
      big: { type: "string", format: "int64" },
      flags: { type: "array", items: { type: "boolean" } },
      when: { type: "string", format: "date-time" },
      format: { $ref: "#/components/schemas/Format" },
      labels: { type: "object", additionalProperties: { type: "string" } },
      columns: { type: "array", items: { $ref: "#/components/schemas/Column" } },
      detail: { type: "object", required: ["@type"] },
      options: { type: "object", additionalProperties: {} },
      extra: {},
      content: { type: "string", format: "byte" },
      wrapped: { type: "string", format: "int64" },
      countById: { type: "object", additionalProperties: { type: "integer", format: "uint32" } },
      switches: { type: "object", additionalProperties: { $ref: "#/components/schemas/Column" } },
    });
    expect(schemas["Format"]).toEqual({ type: "string", enum: ["FORMAT_UNSPECIFIED", "CSV", "TSV"] });
  });

  test("requires in a body the required fields that are not in the path", () => {
    expect(schemas["Column"]?.["required"]).toEqual(["name"]);
    expect(schemas["ProfileTableRequest"]?.["required"]).toBeUndefined();
  });

  test("marks a oneof as one", () => {
    expect(schemas["Operation"]?.["description"]).toMatch(/At most one of `error`, `response`\.$/);
  });
});
