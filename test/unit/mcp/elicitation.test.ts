// Suspensions as forms: "flat objects with primitive properties only" (MCP, elicitation).
import { describe, expect, it } from "vitest";
import { elicitationOf } from "../../../src/mcp/elicitation";
import type { JsonObject } from "../../../src/rpc/any";

const suspension = { name: "operations/x/suspensions/approval", state: "PENDING", prompt: "May it?" };

function schemaOf(payloadSchema: JsonObject | undefined): unknown {
  const request = elicitationOf({ ...suspension, ...(payloadSchema ? { payloadSchema } : {}) });
  return (request?.["params"] as JsonObject | undefined)?.["requestedSchema"];
}

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: "object", properties, ...more });

describe("elicitationOf", () => {
  it("prompts for a confirmation if nothing declares the payload", () => {
    expect(schemaOf(undefined)).toEqual({ type: "object", properties: {} });
  });

  it("uses the name of a suspension without a prompt", () => {
    const { prompt: _, ...unprompted } = suspension;

    expect(elicitationOf(unprompted)).toMatchObject({ params: { message: "The work waits for “approval”." } });
  });

  it("keeps the keywords that a form knows, and drops the others", () => {
    const properties = {
      note: { type: "string", title: "Note", description: "Why.", maxLength: 9, pattern: "^a", format: "int64" },
      mail: { type: "string", format: "email" },
      times: { type: "integer", minimum: 1, multipleOf: 2 },
      really: { type: "boolean", default: true },
    };

    expect(schemaOf(object(properties, { required: ["note"], additionalProperties: false }))).toEqual({
      type: "object",
      required: ["note"],
      properties: {
        note: { type: "string", title: "Note", description: "Why.", maxLength: 9 },
        mail: { type: "string", format: "email" },
        times: { type: "integer", minimum: 1 },
        really: { type: "boolean", default: true },
      },
    });
  });

  it("follows a reference to an enum", () => {
    const $defs = { Choice: { type: "string", enum: ["YES", "NO"] } };

    expect(schemaOf(object({ choice: { $ref: "#/$defs/Choice" } }, { $defs }))).toMatchObject({
      properties: { choice: { type: "string", enum: ["YES", "NO"] } },
    });
  });

  it("leaves out an optional field that no form can show", () => {
    const properties = { ok: { type: "boolean" }, tags: { type: "array", items: { type: "string" } } };

    expect(schemaOf(object(properties))).toEqual({ type: "object", properties: { ok: { type: "boolean" } } });
  });

  it.each<[string, JsonObject]>([
    ["a required list", object({ tags: { type: "array" } }, { required: ["tags"] })],
    ["a required object", object({ who: object({}) }, { required: ["who"] })],
    ["nothing but lists", object({ tags: { type: "array" } })],
    ["a text", { type: "string" }],
    ["a union", { ...object({ ok: { type: "boolean" } }), anyOf: [] }],
    ["a reference to itself", object({ who: { $ref: "#" } }, { required: ["who"] })],
  ])("is no form for %s", (_, payloadSchema) => {
    expect(schemaOf(payloadSchema)).toBeUndefined();
  });
});
