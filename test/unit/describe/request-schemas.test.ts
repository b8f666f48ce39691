// Requests that zod, valibot and ArkType declare, in the documents that describe the service.
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineMethod } from "../../../src/method/define-method";
import type { JsonObject } from "../../../src/rpc/any";
import { documentAt, refsIn } from "./documents";

const post = "/v1/{parent=projects/*}/reports:generate";
const run = async () => ({});

const zodReport = z.strictObject({
  parent: z.string(),
  title: z.string().min(1).describe("The title."),
  pages: z.int().optional(),
  format: z.enum(["PDF", "CSV"]).default("PDF"),
});
const valibotReport = v.strictObject({ parent: v.string(), title: v.string(), pages: v.optional(v.number()) });
const arkReport = type({ parent: "string", title: "string", "pages?": "number", "+": "reject" });

async function openApi(...methods: Parameters<typeof documentAt>[1] & object[]): Promise<JsonObject> {
  return documentAt("/openapi.json", methods);
}

function bodyOf(document: JsonObject, path = "/v1/projects/{project}/reports:generate"): JsonObject {
  const paths = document["paths"] as Record<string, Record<string, { requestBody?: unknown }>>;
  const { requestBody } = paths[path]?.["post"] ?? {};
  return (requestBody as { content: Record<string, { schema: JsonObject }> }).content["application/json"]!.schema;
}

const schemasOf = (document: JsonObject) => (document["components"] as { schemas: Record<string, JsonObject> }).schemas;

describe("OpenAPI", () => {
  test.each([
    ["zod", zodReport],
    ["valibot, as toStandardJsonSchema wraps it", toStandardJsonSchema(valibotReport)],
    ["ArkType", arkReport],
  ])("shows the fields of a request of %s, without the path's fields in the body", async (_, request) => {
    const document = await openApi(defineMethod<object>({ http: { post, body: "*" }, request, run }));
    const schema = schemasOf(document)["ReportsGenerateRequest"];

    expect(bodyOf(document)).toEqual({ $ref: "#/components/schemas/ReportsGenerateRequest" });
    expect(schema).toMatchObject({
      type: "object",
      required: ["title"],
      additionalProperties: false,
      properties: { parent: { type: "string" }, title: { type: "string" }, pages: {} },
    });
  });

  test("keeps descriptions, bounds, defaults and enums", async () => {
    const document = await openApi(defineMethod({ http: { post, body: "*" }, request: zodReport, run }));

    expect(schemasOf(document)["ReportsGenerateRequest"]?.["properties"]).toMatchObject({
      title: { minLength: 1, description: "The title." },
      format: { enum: ["PDF", "CSV"], default: "PDF" },
    });
  });

  test("hoists the schemas that a schema refers to, itself too", async () => {
    const Node = z.object({
      text: z.string(),
      get children() {
        return z.array(Node).optional();
      },
    });
    const Named = z.object({ $ref: z.string(), at: Node }).meta({ id: "Named/one" });
    const Tree = z.object({
      parent: z.string(),
      one: Named,
      two: Named,
      get tree() {
        return Tree.optional();
      },
    });
    const document = await openApi(defineMethod({ http: { post, body: "*" }, request: Tree, run }));
    const schemas = schemasOf(document);
    const missing = refsIn(document["paths"])
      .concat(refsIn(schemas))
      .filter((ref) => ref.startsWith("#/components/schemas/"))
      .filter((ref) => schemas[ref.replace("#/components/schemas/", "")] === undefined);

    expect(missing).toEqual([]);
    expect(schemas["ReportsGenerateRequest"]?.["properties"]).toMatchObject({
      one: { $ref: "#/components/schemas/ReportsGenerateRequest_Named_one" },
      tree: { $ref: "#/components/schemas/ReportsGenerateRequest" },
    });
    // A field of that name is no reference.
    expect(schemas["ReportsGenerateRequest_Named_one"]?.["properties"]).toMatchObject({ $ref: { type: "string" } });
    expect(JSON.stringify(document)).not.toContain("$defs");
  });

  test("shows any value for the part that a library cannot express, and the rest unchanged", async () => {
    const request = z.object({
      parent: z.string(),
      when: z.date(),
      title: z.string().transform((text) => text.length),
    });
    const document = await openApi(defineMethod({ http: { post, body: "*" }, request, run }));

    expect(schemasOf(document)["ReportsGenerateRequest"]?.["properties"]).toEqual({
      parent: { type: "string" },
      when: {},
      title: { type: "string" },
    });
  });

  test("has one field as the body, and the others as query parameters", async () => {
    const request = z.object({ parent: z.string(), report: z.object({ title: z.string() }), dry: z.boolean() });
    const document = await openApi(defineMethod({ http: { post, body: "report" }, request, run }));
    const paths = document["paths"] as unknown as Record<string, Record<string, { parameters: { name?: string }[] }>>;
    const parameters = paths["/v1/projects/{project}/reports:generate"]!["post"]!.parameters;

    expect(bodyOf(document)).toMatchObject({ properties: { title: { type: "string" } } });
    expect(parameters.filter(({ name }) => name === "dry" || name === "parent" || name === "report")).toEqual([
      { name: "dry", in: "query", required: true, schema: { type: "boolean" } },
    ]);
  });

  test("gives each of two methods a schema of its own", async () => {
    const first = defineMethod({ id: "a.b", http: { post, body: "*" }, request: zodReport, run });
    const second = defineMethod({ id: "a:b", http: { post: "/v1/a:b", body: "*" }, request: z.object({}), run });

    expect(Object.keys(schemasOf(await openApi(first, second)))).toEqual(
      expect.arrayContaining(["ABRequest", "ABRequest2"]),
    );
  });

  test.each<[what: string, request: unknown, note: string]>([
    ["a function", (json: object) => json, "A function decodes the request, so its fields are not known here."],
    [
      "valibot alone",
      valibotReport,
      "a schema of valibot, which gives no JSON Schema. Wrap it in toStandardJsonSchema of @valibot/to-json-schema.",
    ],
    [
      "a schema that cannot be converted",
      { "~standard": { version: 1, vendor: "acme", validate: () => ({}), jsonSchema: { input: thrower } } },
      "a schema of acme that has no JSON Schema: no such target",
    ],
  ])("gives for %s the reason why its fields are not shown", async (_, request, note) => {
    const document = await openApi(defineMethod({ http: { post, body: "*" }, request: request as never, run }));

    expect(bodyOf(document)).toEqual({
      type: "object",
      description: expect.stringContaining(note) as string,
      additionalProperties: {},
    });
  });
});

function thrower(): never {
  throw new Error("no such target");
}

describe("discovery", () => {
  test("shows fields and types in its own dialect", async () => {
    const request = z.object({
      parent: z.string(),
      title: z.string().describe("The title."),
      pages: z.int(),
      format: z.enum(["PDF", "CSV"]),
      tags: z.array(z.string()),
      labels: z.record(z.string(), z.boolean()),
      either: z.union([z.string(), z.object({})]),
      get again() {
        return request.optional();
      },
    });
    const document = await documentAt("/$discovery/rest?version=v1", [
      defineMethod({ http: { post, body: "*" }, request, run }),
    ]);
    const schemas = document["schemas"] as Record<string, JsonObject>;

    expect(schemas["ReportsGenerateRequest"]).toEqual({
      id: "ReportsGenerateRequest",
      type: "object",
      properties: {
        parent: { type: "string" },
        title: { type: "string", description: "The title." },
        pages: { type: "number", format: "double" },
        format: { type: "string", enum: ["PDF", "CSV"], enumDescriptions: ["", ""] },
        tags: { type: "array", items: { type: "string" } },
        labels: { type: "object", additionalProperties: { type: "boolean" } },
        either: { type: "any" },
        again: { $ref: "ReportsGenerateRequest" },
      },
    });
    expect(JSON.stringify(document)).toContain('"request":{"$ref":"ReportsGenerateRequest"}');
  });

  test("gives the reason why the fields of a request are not shown", async () => {
    const document = await documentAt("/$discovery/rest?version=v1", [
      defineMethod({ http: { post, body: "*" }, request: valibotReport, run }),
    ]);

    expect(JSON.stringify(document)).toContain("Wrap it in toStandardJsonSchema of @valibot/to-json-schema.");
  });
});
