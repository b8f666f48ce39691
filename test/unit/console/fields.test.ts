import { describe, expect, test } from "vitest";
import { fieldsFromSchema, withField } from "../../../src/console/form/fields";

const controlOf = (schema: object) =>
  fieldsFromSchema({ type: "object", properties: { a: schema as never } })?.[0]?.control;

describe("the fields of a form", () => {
  test.each([
    [{ type: "boolean" }, { kind: "boolean" }],
    [{ type: ["string", "null"] }, { kind: "text", format: "", placeholder: "" }],
    [
      { type: "string", enum: ["x", "y"] },
      { kind: "choice", values: ["x", "y"] },
    ],
    [{ oneOf: [{ const: 1 }, { const: 2 }] }, { kind: "choice", values: [1, 2] }],
    [
      { type: "integer", minimum: 1 },
      { kind: "number", isInteger: true, min: 1, max: undefined },
    ],
    [{ type: "array", items: { type: "string" } }, { kind: "list" }],
    [{ type: "array", items: { type: "object" } }, { kind: "json" }],
    [{ anyOf: [{ type: "string" }, { type: "number" }] }, { kind: "json" }],
    [{}, { kind: "json" }],
  ])("for %j", (schema, control) => {
    expect(controlOf(schema)).toEqual(control);
  });

  test("nest for an object, and end at some depth", () => {
    const deep = (depth: number): object => ({
      type: "object",
      properties: { b: depth === 0 ? { type: "boolean" } : deep(depth - 1) },
    });
    expect(JSON.stringify(controlOf(deep(1)))).toContain('"kind":"boolean"');
    expect(JSON.stringify(controlOf(deep(9)))).toContain('"kind":"json"');
  });

  test("are an empty list for an object without fields, unless it may have any field", () => {
    expect(fieldsFromSchema({ type: "object", properties: {} })).toEqual([]);
    expect(fieldsFromSchema({ type: "object", properties: {}, additionalProperties: {} })).toBeUndefined();
    expect(fieldsFromSchema({ type: "object" })).toBeUndefined();
  });

  test("are absent for a value that is not an object", () => {
    expect(fieldsFromSchema({ type: "string" })).toBeUndefined();
    expect(fieldsFromSchema({})).toBeUndefined();
  });

  test("leave the object when they are emptied", () => {
    expect(withField({ a: 1, b: 2 }, "a", undefined)).toEqual({ b: 2 });
  });
});
