// docs/mcp-conformance.md names tests that exist.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const page = readFileSync(join(ROOT, "docs/mcp-conformance.md"), "utf8");
const source = readFileSync(join(ROOT, "test/workers/mcp.test.ts"), "utf8");
const rows = Array.from(
  page.matchAll(/^\| (?!sentence|---)(.*?) +\| (.*?) +\|$/gm),
  ([, sentence = "", proof = ""]) => ({
    sentence,
    proof,
  }),
);

test("the page has a row for each MUST and SHOULD", () => {
  expect(rows.filter(({ sentence }) => /MUST|SHOULD/.test(sentence)).length).toBeGreaterThan(25);
});

test.each(rows)("$sentence", ({ proof }) => {
  const names = Array.from(proof.matchAll(/"([^"]+)"/g), ([, name = ""]) => name);

  expect(names.length > 0 || proof.startsWith("does not occur: ")).toBe(true);
  expect(names.filter((name) => !source.includes(name))).toEqual([]);
});
