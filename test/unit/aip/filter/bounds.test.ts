import { describe, expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { MAX_FILTER_CHARACTERS, MAX_FILTER_DEPTH, MAX_FILTER_TERMS, MAX_PATH_SEGMENTS } from "../../../../src/limits";

const nested = (depth: number) => `${"(".repeat(depth)}a${")".repeat(depth)}`;
const terms = (count: number) => Array.from({ length: count }, () => "a").join(" ");
const path = (count: number) => `${Array.from({ length: count }, () => "a").join(".")} = 1`;
const long = (length: number) => `"${"a".repeat(length - 2)}"`;

describe("parseFilter", () => {
  test.each([
    ["characters", long(MAX_FILTER_CHARACTERS)],
    ["nesting", nested(MAX_FILTER_DEPTH)],
    ["terms", terms(MAX_FILTER_TERMS)],
    ["parentheses beside one another", terms(MAX_FILTER_TERMS).replaceAll("a", "(a)")],
    ["terms in an argument", `a = (${terms(MAX_FILTER_TERMS - 1)})`],
    ["names in a path", path(MAX_PATH_SEGMENTS)],
  ])("accepts a filter at its bound: %s", (_, text) => {
    expect(parseFilter(text).ok).toBe(true);
  });

  test.each([
    ["characters", long(MAX_FILTER_CHARACTERS + 1), MAX_FILTER_CHARACTERS, "at most 4096 characters"],
    ["nesting", nested(MAX_FILTER_DEPTH + 1), MAX_FILTER_DEPTH, 'at most 16 nested "("'],
    ["nested arguments", `a = ${nested(MAX_FILTER_DEPTH + 1)}`, MAX_FILTER_DEPTH + 4, 'at most 16 nested "("'],
    ["nested calls", `${"f(".repeat(MAX_FILTER_DEPTH + 1)}a`, 2 * MAX_FILTER_DEPTH + 1, 'at most 16 nested "("'],
    ["terms", terms(MAX_FILTER_TERMS + 1), 2 * MAX_FILTER_TERMS, "at most 64 terms"],
    [
      "terms in an argument",
      `a = (${terms(MAX_FILTER_TERMS + 1)})`,
      5 + 2 * (MAX_FILTER_TERMS - 1),
      "at most 64 terms",
    ],
    ["names in a path", path(MAX_PATH_SEGMENTS + 1), 2 * MAX_PATH_SEGMENTS, "at most 16 names in a path"],
  ])("rejects a filter beyond its bound: %s", (_, text, offset, expected) => {
    expect(parseFilter(text)).toMatchObject({ ok: false, error: { offset, expected } });
  });
});
