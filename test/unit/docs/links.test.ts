// Links between the documents lead somewhere, and the index in docs/README.md leads to all of them.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const docs = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".md"))
  .map((file) => `docs/${file}`);
const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "test/conformance/README.md", ...docs];

const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** The targets of a document's links within the repository: a path from its root, and an anchor. */
function linksOf(path: string): { target: string; anchor: string }[] {
  const text = textOf(path).replaceAll(/^```.*?^```/gms, "");
  return Array.from(text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g), ([, file = "", anchor = ""]) => ({
    target: file === "" ? path : relative(ROOT, resolve(ROOT, dirname(path), file)),
    anchor,
  }));
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  return Array.from(textOf(path).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

test.each(pages)("every link of %s has a target", (path) => {
  const broken = linksOf(path).filter(
    ({ target, anchor }) => !existsSync(join(ROOT, target)) || (anchor !== "" && !anchorsOf(target).includes(anchor)),
  );

  expect(broken).toEqual([]);
});

test("docs/README.md links to every document", () => {
  const linked = new Set(linksOf("docs/README.md").map(({ target }) => target));

  expect(docs.filter((path) => path !== "docs/README.md" && !linked.has(path))).toEqual([]);
});

test("README.md links to docs/README.md", () => {
  expect(linksOf("README.md")).toContainEqual({ target: "docs/README.md", anchor: "" });
});
