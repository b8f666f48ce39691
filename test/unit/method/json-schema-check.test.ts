import { describe, expect, test } from "vitest";
import { MAX_FIELD_VIOLATIONS } from "../../../src/limits";
import { schemaViolations } from "../../../src/method/json-schema-check";
import type { Json, JsonObject } from "../../../src/rpc/any";

const check = (schema: JsonObject, value: Json): string[] =>
  schemaViolations(schema, value, ["payload"]).map(({ field, description }) => `${field} ${description}`);

describe("a described value", () => {
  test.each<[JsonObject, Json]>([
    [{}, null],
    [{ type: "string" }, ""],
    [{ type: "integer" }, 3],
    [{ type: "number" }, 0.5],
    [{ type: ["string", "null"] }, null],
    [{ enum: ["a", { b: 1 }] }, { b: 1 }],
    [{ const: 7 }, 7],
    [{ type: "string", minLength: 1, maxLength: 1 }, "🙂"],
    [{ type: "string", pattern: "^a+$" }, "aa"],
    [{ type: "string", pattern: "(" }, "a malformed pattern accepts every value"],
    [{ minimum: 1, maximum: 1 }, 1],
    [{ exclusiveMinimum: 0, exclusiveMaximum: 2 }, 1],
    [{ type: "array", items: { type: "string" }, minItems: 1, maxItems: 2 }, ["a"]],
    [{ prefixItems: [{ type: "string" }], items: { type: "number" } }, ["a", 1, 2]],
    [{ properties: { a: { type: "string" } } }, { a: "x", other: 1 }],
    [{ properties: {}, patternProperties: { "^x-": {} }, additionalProperties: false }, { "x-a": 1 }],
    [{ additionalProperties: { type: "number" } }, { a: 1 }],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, 1],
    [{ oneOf: [{ const: 1 }, { const: 2 }] }, 2],
    [{ $ref: "#/$defs/Name", $defs: { Name: { type: "string" } } }, "a"],
    [{ $ref: "https://example.com/other.json" }, 1],
    [{ $ref: "#" }, 1],
    [{ unknownKeyword: true }, 1],
  ])("follows %j: %j", (schema, value) => {
    expect(check(schema, value)).toEqual([]);
  });
});

describe("a value that is not described", () => {
  test.each<[JsonObject, Json, string[]]>([
    [{ type: "boolean" }, "yes", ["payload must be boolean, not string"]],
    [{ type: "integer" }, 0.5, ["payload must be integer, not number"]],
    [{ type: "object" }, [], ["payload must be object, not array"]],
    [{ type: ["string", "number"] }, null, ["payload must be string or number, not null"]],
    [{ enum: ["a", "b"] }, "c", ['payload must be one of "a", "b"']],
    [{ const: 7 }, 8, ["payload must be 7"]],
    [{ minLength: 2 }, "🙂", ["payload must have at least 2 characters"]],
    [{ maxLength: 2 }, "abc", ["payload must have at most 2 characters"]],
    [{ pattern: "^a" }, "b", ["payload must match ^a"]],
    [{ minimum: 1 }, 0, ["payload must be at least 1"]],
    [{ maximum: 1 }, 2, ["payload must be at most 1"]],
    [{ exclusiveMinimum: 1 }, 1, ["payload must be more than 1"]],
    [{ exclusiveMaximum: 1 }, 1, ["payload must be less than 1"]],
    [{ items: { type: "string" } }, ["a", 1], ["payload[1] must be string, not number"]],
    [{ prefixItems: [{ type: "string" }], items: false }, ["a", 1], ["payload[1] is not allowed"]],
    [{ minItems: 1 }, [], ["payload must have at least 1 items"]],
    [{ maxItems: 1 }, [1, 2], ["payload must have at most 1 items"]],
    [{ required: ["a"] }, {}, ["payload.a is required"]],
    [{ properties: { a: {} }, additionalProperties: false }, { b: 1 }, ["payload.b unknown field"]],
    [{ additionalProperties: { type: "number" } }, { a: "x" }, ["payload.a must be number, not string"]],
    [
      { properties: { a: { properties: { b: { type: "null" } } } } },
      { a: { b: 1 } },
      ["payload.a.b must be null, not number"],
    ],
    [{ allOf: [{ type: "string" }, { minLength: 2 }] }, "a", ["payload must have at least 2 characters"]],
    [
      { anyOf: [{ type: "string" }, { type: "null" }] },
      1,
      ["payload matches no alternative: must be string, not number; must be null, not number"],
    ],
    [{ $ref: "#/$defs/Name", $defs: { Name: { type: "string" } } }, 1, ["payload must be string, not number"]],
  ])("violates %j: %j", (schema, value, violations) => {
    expect(check(schema, value)).toEqual(violations);
  });

  test("has a bounded number of violations", () => {
    const value = Array.from({ length: 1_000 }, () => "x");

    expect(check({ items: { type: "number" } }, value)).toHaveLength(MAX_FIELD_VIOLATIONS);
  });
});
