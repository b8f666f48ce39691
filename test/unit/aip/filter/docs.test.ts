// docs/filters.md against the code: its examples are well formed, its bounds are the ones that hold.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { MAX_FILTER_CHARACTERS, MAX_FILTER_DEPTH, MAX_FILTER_TERMS, MAX_PATH_SEGMENTS } from "../../../../src/limits";

const docs = readFileSync("docs/filters.md", "utf8");
const examples = [...docs.slice(docs.indexOf("| filter |"), docs.indexOf("\n- `AND`")).matchAll(/^\| `(.+?)` \|/gm)];

test("the page has examples", () => {
  expect(examples.length).toBeGreaterThan(10);
});

test.each(examples.map(([, filter = ""]) => filter))("the documented %s is well formed", (filter) => {
  expect(parseFilter(filter)).toMatchObject({ ok: true });
});

test("the documented bounds are those of the code", () => {
  const prose = docs.replaceAll(/\s+/g, " ");
  for (const bound of [
    `${MAX_FILTER_CHARACTERS.toLocaleString("en")} characters`,
    `${MAX_FILTER_TERMS} terms`,
    `${MAX_FILTER_DEPTH} levels`,
    `${MAX_PATH_SEGMENTS} names`,
  ]) {
    expect(prose).toContain(bound);
  }
});
