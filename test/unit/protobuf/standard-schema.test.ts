// Schemas of the libraries that people have, against the interface as it is declared here.
import * as v from "valibot";
import { expect, test } from "vitest";
import { z } from "zod";
import { type InferRequest, type RequestSchema, decodeRequest } from "../../../src/method/request-schema";
import { type Equal, holds } from "../../types/equal";
import { rpcErrorOf, violationsOf } from "../../support/an-rpc-error";

async function violations(schema: RequestSchema<unknown>, json: Parameters<typeof decodeRequest>[1]): Promise<unknown> {
  const { code, details } = await rpcErrorOf(() => decodeRequest(schema, json));
  expect(code).toBe("INVALID_ARGUMENT");
  return violationsOf(details);
}

const zodSchema = z.strictObject({
  parent: z.string(),
  columns: z.array(z.strictObject({ name: z.string().min(1) })).default([]),
  labels: z.record(z.string(), z.string()).optional(),
});

const valibotSchema = v.strictObject({
  parent: v.string(),
  columns: v.optional(v.array(v.strictObject({ name: v.pipe(v.string(), v.minLength(1)) })), []),
  labels: v.optional(v.record(v.string(), v.string())),
});

// The compiler checks these.
holds<Equal<InferRequest<typeof zodSchema>, z.output<typeof zodSchema>>>();
holds<Equal<InferRequest<typeof valibotSchema>, v.InferOutput<typeof valibotSchema>>>();

const schemas: [vendor: string, schema: typeof zodSchema | typeof valibotSchema][] = [
  ["zod", zodSchema],
  ["valibot", valibotSchema],
];

test.each(schemas)("a request of %s is the schema's output", async (_, schema) => {
  expect(await decodeRequest(schema, { parent: "p" })).toEqual({ parent: "p", columns: [] });
});

test.each(schemas)("every issue of %s is a violation at its path", async (_, schema) => {
  const json = { columns: [{ name: "a" }, { name: "" }], labels: { "a b": 1 } };

  expect(await violations(schema, json)).toEqual([
    { field: "parent", description: expect.any(String) },
    { field: "columns[1].name", description: expect.any(String) },
    { field: 'labels["a b"]', description: expect.any(String) },
  ]);
});

test("each unknown field of zod is a violation", async () => {
  const json = { parent: "p", bogus: 1, other: 2, columns: [{ name: "a", width: 1 }] };

  expect(await violations(zodSchema, json)).toEqual([
    { field: "columns[0].width", description: "unknown field" },
    { field: "bogus", description: "unknown field" },
    { field: "other", description: "unknown field" },
  ]);
});

test("valibot's unknown field is a violation", async () => {
  expect(await violations(valibotSchema, { parent: "p", bogus: 1 })).toEqual([
    { field: "bogus", description: expect.any(String) },
  ]);
});

const isKnown = async (parent: string) => parent === "p";

test("an asynchronous schema is awaited", async () => {
  const asynchronous = [
    z.object({ parent: z.string().refine(isKnown, "is unknown") }),
    v.objectAsync({ parent: v.pipeAsync(v.string(), v.checkAsync(isKnown, "is unknown")) }),
  ];

  for (const schema of asynchronous) {
    expect(await decodeRequest<unknown>(schema, { parent: "p" })).toEqual({ parent: "p" });
    expect(await violations(schema, { parent: "q" })).toEqual([{ field: "parent", description: "is unknown" }]);
  }
});

test("the parse function of either library is a decoder", async () => {
  expect(await violations((json) => zodSchema.parse(json), {})).toEqual([
    { field: "parent", description: expect.any(String) },
  ]);
  expect(await violations((json) => v.parse(valibotSchema, json), {})).toEqual([
    { field: "parent", description: expect.any(String) },
  ]);
});
