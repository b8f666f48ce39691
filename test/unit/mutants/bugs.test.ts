// The deliberate bugs still are what they say: each edit finds its place, once, and leaves code that can be read.
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { bugs } from "../../mutants/bugs";
import { edited } from "../../mutants/mutants";

test.each(bugs)("the edit of '$name' matches once, and leaves a file that can be parsed", (bug) => {
  const original = readFileSync(bug.file, "utf8");
  const text = edited(original, bug);

  expect(text).not.toBe(original);
  // The end-to-end tests check wrangler's reading of its configuration.
  if (!bug.file.endsWith(".ts")) return;
  expect(transformSync(text, { loader: "ts" }).code).not.toBe(transformSync(original, { loader: "ts" }).code);
});

test("the list has at least twenty bugs, each with a name of its own", () => {
  expect(new Set(bugs.map(({ name }) => name)).size).toBe(bugs.length);
  expect(bugs.length).toBeGreaterThanOrEqual(20);
});
