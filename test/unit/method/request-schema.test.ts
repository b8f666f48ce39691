import { expect, test } from "vitest";
import { MAX_FIELD_VIOLATIONS, MAX_STATUS_MESSAGE_CHARACTERS } from "../../../src/limits";
import { type RequestSchema, decodeRequest } from "../../../src/method/request-schema";
import { int32, repeated, string } from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import { refine } from "../../../src/protobuf/refine";
import type { StandardIssue, StandardSchemaV1 } from "../../../src/protobuf/standard-schema";
import { notFound } from "../../../src/rpc/error";
import { invalidArgument } from "../../../src/rpc/own-error";
import { rpcErrorOf, violationsOf } from "../../support/an-rpc-error";

const refusal = (schema: RequestSchema<unknown>, json = {}) => rpcErrorOf(() => decodeRequest(schema, json));

/** A schema of no library at all, which refuses everything with these issues. */
function refusing(issues: readonly StandardIssue[]): StandardSchemaV1<unknown, never> {
  return { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
}

const ProfileRequest = message("example.v1.ProfileRequest", {
  parent: string(1, { required: true }),
  columns: repeated(string(2)),
  rowLimit: int32(3),
});

test("a request is made by a decoder, an asynchronous decoder or a schema", async () => {
  const schema: StandardSchemaV1<unknown, string> = {
    "~standard": { version: 1, vendor: "test", validate: async (value) => ({ value: JSON.stringify(value) }) },
  };
  const callableSchema = Object.assign(() => "called as a decoder", schema);

  expect(await decodeRequest(({ a }) => a, { a: 1 })).toBe(1);
  expect(await decodeRequest(async ({ a }) => a, { a: 1 })).toBe(1);
  expect(await decodeRequest(schema, { a: 1 })).toBe('{"a":1}');
  expect(await decodeRequest(callableSchema, { a: 1 })).toBe('{"a":1}');
  expect(await decodeRequest(ProfileRequest, { parent: "p", row_limit: "5" })).toEqual({ parent: "p", rowLimit: 5 });
});

test("each problem of a declared message is one violation", async () => {
  const error = await refusal(ProfileRequest, { columns: ["a", 1], rowLimit: 1.5, bogus: 1 });

  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(violationsOf(error.details)).toEqual([
    { field: "bogus", description: "unknown field; example.v1.ProfileRequest has parent, columns, rowLimit" },
    { field: "parent", description: "is required" },
    { field: "columns[1]", description: "must be a string" },
    { field: "rowLimit", description: "must be an integer from -2147483648 to 2147483647" },
  ]);
  expect(error.message).toMatch(/^bogus: unknown field; .* \(and 3 more\)$/);
});

test("the violations of a refined message have their paths", async () => {
  const refined = refine(ProfileRequest, ({ columns = [] }, violate) => {
    if (new Set(columns).size < columns.length) violate(["columns", 1], "is there already");
  });
  const error = await refusal(refined, { parent: "p", columns: ["a", "a"] });

  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(violationsOf(error.details)).toEqual([{ field: "columns[1]", description: "is there already" }]);
});

const issueLists: [issues: StandardIssue[], violations: unknown][] = [
  [[{ message: "must not be" }], [{ field: "", description: "must not be" }]],
  [[{ message: "m", path: [] }], [{ field: "", description: "m" }]],
  [[{ message: "m", path: ["columns", 2, "name"] }], [{ field: "columns[2].name", description: "m" }]],
  [[{ message: "m", path: [{ key: "labels" }, { key: "a b" }] }], [{ field: 'labels["a b"]', description: "m" }]],
  [
    [
      { message: "m", path: ["a"] },
      { message: "m", path: [{ key: "a" }] },
      { message: "other", path: ["a"] },
      { message: "m", path: ["b"] },
    ],
    [
      { field: "a", description: "m" },
      { field: "a", description: "other" },
      { field: "b", description: "m" },
    ],
  ],
  [[], [{ field: "", description: "The request is not one that this method takes." }]],
];

test.each(issueLists)("the issues %j are violations, each once", async (issues, violations) => {
  const error = await refusal(refusing(issues));

  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(violationsOf(error.details)).toEqual(violations);
});

test("violations are bounded in number and length", async () => {
  const path = Array.from({ length: 1_000 }, (_, index) => ({ message: "x".repeat(10_000), path: [index] }));
  const keys = Array.from({ length: 1_000 }, (_, index) => `f${index}`);
  const unrecognized = { code: "unrecognized_keys", keys, message: "m", path: [] };

  const many = violationsOf((await refusal(refusing(path))).details);

  expect(many).toHaveLength(MAX_FIELD_VIOLATIONS);
  expect(many[0]?.description).toHaveLength(MAX_STATUS_MESSAGE_CHARACTERS);
  expect(violationsOf((await refusal(refusing([unrecognized]))).details)).toHaveLength(MAX_FIELD_VIOLATIONS);
});

test("an RpcError of a decoder or a refinement is thrown unchanged", async () => {
  const mine = invalidArgument([{ field: "rows", description: "too many" }], { reason: "TOO_MANY_ROWS" });
  const missing = notFound("example.com/Table", "tables/t");

  expect(
    await refusal(() => {
      throw mine;
    }),
  ).toBe(mine);
  expect(await refusal(() => Promise.reject(mine))).toBe(mine);
  expect(
    await refusal(
      refine(ProfileRequest, () => {
        throw missing;
      }),
      { parent: "p" },
    ),
  ).toBe(missing);
});

const thrown: unknown[] = [
  new TypeError("Cannot read properties of undefined (reading 'secret-7')"),
  new Error("secret-7"),
  "secret-7",
  undefined,
  { issues: [{ message: "secret-7" }] },
  Object.assign(new Error("secret-7"), { issues: "secret-7" }),
  Object.assign(new Error("secret-7"), { issues: [{ message: 7 }, null, { message: "secret-7", path: "secret-7" }] }),
];

test.each(thrown)("an error of a decoder is INVALID_ARGUMENT, and its text is kept for the log: %j", async (value) => {
  const decoder = () => {
    throw value;
  };
  const throwingSchema: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate: decoder } };

  for (const schema of [decoder, throwingSchema]) {
    const error = await refusal(schema);

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.cause).toBe(value);
    expect(violationsOf(error.details)).toEqual([
      { field: "", description: "The request is not one that this method takes." },
    ]);
    expect(JSON.stringify([error.message, error.toStatus(), error.metadata])).not.toContain("secret-7");
  }
});

test("the error of a schema library's parse becomes its issues", async () => {
  const error = await refusal(() => {
    throw Object.assign(new Error("[…]"), { issues: [{ message: "must be an integer", path: ["rows"] }] });
  });

  expect(violationsOf(error.details)).toEqual([{ field: "rows", description: "must be an integer" }]);
});
