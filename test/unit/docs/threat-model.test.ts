// Every claim of docs/threat-model.md names a test that is there.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const text = readFileSync(join(ROOT, "docs/threat-model.md"), "utf8");

/** The items of its lists: a claim, and the tests behind it. */
const claims = text
  .slice(text.indexOf("## Claims"), text.indexOf("## Regular expressions"))
  .split(/^- /m)
  .slice(1)
  .map((item) => ({
    claim: (item.split("`")[0] ?? "").replaceAll(/\s+/g, " ").trim(),
    tests: Array.from(item.matchAll(/`(test\/[^`]+)`/g), ([, path = ""]) => path),
  }));

test("the page has claims", () => {
  expect(claims.length).toBeGreaterThan(25);
});

test.each(claims)('the claim "$claim" names tests that exist', ({ tests }) => {
  expect(tests.length).toBeGreaterThan(0);
  expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("each path that the page names exists", () => {
  const paths = Array.from(text.matchAll(/`((?:test|src)\/[^`]+\.ts)`/g), ([, path = ""]) => path);

  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
