import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkName,
  nameFromPath,
  operationName,
  parseOperationName,
  scopeFromParent,
} from "../../../src/aip/resource-name";

const euro = "€"; // three bytes in UTF-8

describe("nameFromPath", () => {
  test.each([
    ["operations/abc", "operations/abc"],
    ["projects/example.com:p/operations/1", "projects/example.com:p/operations/1"],
    ["operations/a%3Ab", "operations/a:b"],
    ["operations/%E2%82%AC", `operations/${euro}`],
    ["operations/a+b", "operations/a+b"],
    ["operations/100%25", "operations/100%"],
    ["operations/a%252Fb", "operations/a%2Fb"],
    ["operations/%20", "operations/ "],
    [`operations/${"a".repeat(1_013)}`, `operations/${"a".repeat(1_013)}`],
    [`operations/aa${euro.repeat(337)}`, `operations/aa${euro.repeat(337)}`],
  ])("decodes %s once", (path, name) => {
    expect(nameFromPath(path)).toEqual({ ok: true, value: name });
  });

  test.each([
    ["operations/a%2Fb", "encoded slash"],
    ["operations/a%2fb", "encoded slash"],
    ["operations/%", "not percent-encoded UTF-8"],
    ["operations/%zz", "not percent-encoded UTF-8"],
    ["operations/%FF", "not percent-encoded UTF-8"],
    ["operations/%ED%A0%80", "not percent-encoded UTF-8"],
    ["", "empty segment"],
    ["operations/", "empty segment"],
    ["/operations", "empty segment"],
    ["projects//operations/a", "empty segment"],
    ["operations/%00", "control characters"],
    ["operations/a%0A", "control characters"],
    ["operations/%7F", "control characters"],
    ["operations/%C2%85", "control characters"],
    ["operations/a%E2%80%AEb", "change the direction of text"],
    ["operations/%E2%81%A6b", "change the direction of text"],
    ["operations/%D8%9C", "change the direction of text"],
    ["operations/a%E2%80%A8b", "line separators"],
    ["operations/a%E2%80%A9b", "line separators"],
    ["operations/%EF%BB%BFb", "line separators"],
    [`operations/${"a".repeat(1_014)}`, "1024 bytes"],
    [`operations/aaa${euro.repeat(337)}`, "1024 bytes"],
  ])("rejects %s", (path, reason) => {
    expect(nameFromPath(path)).toEqual({ ok: false, description: expect.stringContaining(reason) as string });
  });

  test("restores every name whose segments were encoded one by one", () => {
    const segment = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
      .filter((text) => !text.includes("/") && text.isWellFormed() && checkName(text).ok);

    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const path = segments.map((text) => encodeURIComponent(text)).join("/");

        expect(nameFromPath(path)).toEqual({ ok: true, value: segments.join("/") });
      }),
    );
  });
});

describe("parseOperationName", () => {
  test.each([
    ["operations/1", "", "1"],
    ["projects/p/locations/l/operations/1", "projects/p/locations/l", "1"],
    ["projects/p/regions/r/operations/1", "projects/p/regions/r", "1"],
    ["operations/operations/operations/1", "operations/operations", "1"],
  ])("splits %s, and operationName joins it again", (name, parent, id) => {
    expect(parseOperationName(name)).toEqual({ parent, id });
    expect(operationName({ parent, id })).toBe(name);
  });

  test.each(["", "operations", "1", "projects/p", "projects/operations/1", "operations/1/x", "operations/1/x/y"])(
    "rejects %j",
    (name) => {
      expect(parseOperationName(name)).toBeUndefined();
    },
  );
});

test.each([
  ["", ""],
  ["projects/p", "projects/p"],
  ["projects/p/locations/l", "projects/p"],
  ["projects/p/locations/l/tables/t", "projects/p"],
])("scopeFromParent of %j is %j", (parent, scope) => {
  expect(scopeFromParent(parent)).toBe(scope);
});
