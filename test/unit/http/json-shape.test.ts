import { describe, expect, test } from "vitest";
import { jsonShape } from "../../../src/http/json-shape";

describe("jsonShape", () => {
  test.each<[string, number]>([
    ["{}", 0],
    ['{"a":1,"b":{"a":2}}', 3],
    ['{"a":1,"a":2}', 2],
    ['{":":":,{"}', 1],
    ['{"\\":":1}', 1],
    ['{"\\\\":1}', 1],
  ])("counts the fields of %s", (text, fieldCount) => {
    expect(jsonShape(text)).toEqual({ fieldCount, mayBeInexact: false });
  });

  test.each<[string, boolean]>([
    ["123456789012345", false],
    ["1234567890123456", true],
    ["0.123456789012345", false],
    ["[123456789012345,123456789012345]", false],
    ["1e5", true],
    ["1E5", true],
    ["[true,false]", false],
    ['"1234567890123456"', false],
    ['["1","e"]', false],
    ['{"1e5":1}', false],
  ])("reports whether a number of %s may be inexact", (text, mayBeInexact) => {
    expect(jsonShape(text)).toEqual({ fieldCount: text.includes(":") ? 1 : 0, mayBeInexact });
  });

  test.each(['"', '"\\', '{"a', "", "]]]"])("returns for a text that is not JSON: %j", (text) => {
    expect(jsonShape(text)).toEqual({ fieldCount: 0, mayBeInexact: false });
  });
});
