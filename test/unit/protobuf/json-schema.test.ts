// The JSON Schema of a declared message describes what the message takes, and not what it refuses.
import { describe, expect, test } from "vitest";
import { schemaViolations } from "../../../src/method/json-schema-check";
import { requestJsonSchema } from "../../../src/method/request-json-schema";
import * as pb from "../../../src/protobuf";
import type { Json, JsonObject } from "../../../src/rpc/any";

const Colour = pb.enumType("example.v1.Colour", { COLOUR_UNSPECIFIED: 0, RED: 1 });
const Point = pb.message("example.v1.Point", { x: pb.int32(1, { required: true }), y: pb.uint32(2) });
const Everything = pb.message("example.v1.Everything", {
  text: pb.string(1, { description: "A text." }),
  flag: pb.bool(2),
  long: pb.int64(3),
  real: pb.double(4),
  colour: pb.enumeration(5, Colour),
  points: pb.repeated(pb.messageField(6, Point)),
  labels: pb.mapOf("string", pb.string(7)),
  time: pb.timestamp(8),
  any: pb.value(9),
  struct: pb.struct(10),
});
const schema = requestJsonSchema(Everything).schema!;

function isTaken(value: Json): boolean {
  return Everything["~standard"].validate(value).issues === undefined;
}

describe("the JSON Schema of a message", () => {
  test.each<[JsonObject]>([
    [{}],
    [{ text: "a", flag: true, long: "12", real: 0.5, colour: "RED" }],
    [{ long: 12, real: "NaN" }],
    [{ points: [{ x: 1, y: 0 }, { x: -1 }], labels: { a: "b" } }],
    [{ time: "2026-01-01T00:00:00Z", any: [1, null], struct: { a: { b: 1 } } }],
  ])("describes %j, which the message accepts", (value) => {
    expect(isTaken(value)).toBe(true);
    expect(schemaViolations(schema, value, [])).toEqual([]);
  });

  test.each<[Json, string]>([
    ["text", ""],
    [{ text: 1 }, "text"],
    [{ flag: "true" }, "flag"],
    [{ long: "many" }, "long"],
    [{ real: "much" }, "real"],
    [{ colour: "BLUE" }, "colour"],
    [{ points: { x: 1 } }, "points"],
    [{ points: [{}] }, "points[0].x"],
    [{ points: [{ x: 1, y: -1 }] }, "points[0].y"],
    [{ labels: { a: 1 } }, "labels.a"],
    [{ other: 1 }, "other"],
  ])("does not describe %j, which the message rejects", (value, field) => {
    expect(isTaken(value)).toBe(false);
    expect(schemaViolations(schema, value, []).map((violation) => violation.field)).toEqual([field]);
  });

  test("has the descriptions, for a form that a person fills in", () => {
    expect(schema["properties"]).toMatchObject({ text: { type: "string", description: "A text." } });
  });

  test("is finite for a message that contains itself", () => {
    const Tree: pb.Message = pb.message("example.v1.Tree", {
      children: pb.repeated(pb.messageField(1, () => Tree)),
    });

    expect(JSON.stringify(requestJsonSchema(Tree).schema).length).toBeLessThan(2_000);
  });

  test("is undefined if a library has none, or cannot write it", () => {
    const none = { "~standard": { version: 1, vendor: "v", validate: (value: unknown) => ({ value }) } } as const;
    const throws = {
      "~standard": {
        ...none["~standard"],
        jsonSchema: {
          input: () => {
            throw new Error("a Date has no JSON Schema");
          },
        },
      },
    };

    expect(requestJsonSchema(none).schema).toBeUndefined();
    expect(requestJsonSchema(throws).schema).toBeUndefined();
    expect(requestJsonSchema(() => 1).schema).toBeUndefined();
  });
});
