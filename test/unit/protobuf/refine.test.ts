import { expect, test } from "vitest";
import { MAX_FIELD_VIOLATIONS } from "../../../src/limits";
import { declaredMessage, refine } from "../../../src/protobuf/refine";
import { Column } from "./profile-request";

const widthInPixels = refine(Column, ({ name, maxWidth = 10 }, violate) => {
  if (maxWidth < 1) violate(["maxWidth"], "must be at least 1");
  if (name.startsWith("_")) violate(["name"], 'must not begin with "_"');
  return { name, pixels: maxWidth * 8 };
});

test("a refinement turns the message into the handler's request", async () => {
  expect(await widthInPixels["~standard"].validate({ name: "n", max_width: "2" })).toEqual({
    value: { name: "n", pixels: 16 },
  });
});

test("each violation of a refinement is an issue", async () => {
  expect(await widthInPixels["~standard"].validate({ name: "_", maxWidth: 0 })).toEqual({
    issues: [
      { path: ["maxWidth"], message: "must be at least 1" },
      { path: ["name"], message: 'must not begin with "_"' },
    ],
  });
});

test("a refinement is not called for a value that the message rejects", async () => {
  const never = refine(Column, () => expect.fail("asked"));

  expect(await never["~standard"].validate({})).toEqual({ issues: [{ path: ["name"], message: "is required" }] });
});

test("a refinement's violations are bounded", async () => {
  const endless = refine(Column, (_, violate) => {
    for (let index = 0; index < 1_000; index += 1) violate(["name", index], "is wrong");
  });

  expect((await endless["~standard"].validate({ name: "n" })).issues).toHaveLength(MAX_FIELD_VIOLATIONS);
});

test("messageOf finds the message of a schema, also through a refinement, and of no other schema", () => {
  expect(declaredMessage(Column)).toBe(Column);
  expect(declaredMessage(widthInPixels)).toBe(Column);
  for (const other of [undefined, null, () => 1, {}, { message: "text" }]) {
    expect(declaredMessage(other)).toBeUndefined();
  }
});
