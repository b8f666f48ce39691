// Each table of docs/cases.md names tests that exist.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");

/** The page's tables: the heading, and the paths of the tests below it. */
const tables = readFileSync(join(ROOT, "docs/cases.md"), "utf8")
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    title: section.slice(0, section.indexOf("\n")),
    tests: Array.from(section.matchAll(/`(test\/[^`]+)`/g), ([, path = ""]) => path),
  }));

test("the page has tables", () => {
  expect(tables.length).toBeGreaterThan(20);
});

test.each(tables)('the table "$title" names tests that exist', ({ tests }) => {
  expect(tests.length).toBeGreaterThan(0);
  expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
