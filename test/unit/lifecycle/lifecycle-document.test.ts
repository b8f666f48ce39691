import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { lifecycleMarkdown } from "../../support/lifecycle-diagram";

const document = fileURLToPath(new URL("../../../docs/lifecycle.md", import.meta.url).href);

test("docs/lifecycle.md is generated from the lifecycle table", async () => {
  if (process.env["UPDATE"]) await writeFile(document, lifecycleMarkdown());

  expect(await readFile(document, "utf8")).toBe(lifecycleMarkdown());
});
