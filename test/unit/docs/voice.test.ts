// Prose begins with its subject and uses plain terms (CONTRIBUTING.md, "Write"): documents, comments, texts and test names.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { faultOf, nameFaultOf, sentencesOf, testNamesOf } from "../../support/prose";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Files and folders whose prose is held to the rules. */
const HELD = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs", "src", "test", "examples"];

/** Pages that are written by a program from figures, or from what is stored. */
const WRITTEN_BY_PROGRAMS = new Set(["docs/reliability.md", "docs/storage-examples.md", "docs/lifecycle.md"]);
/** This file has faulty sentences as examples. */
const WITH_FAULTS = new Set(["test/unit/docs/voice.test.ts"]);
/** Pages with tables of measured figures, which are wider. */
const WITH_FIGURES = new Set(["docs/performance.md", "docs/lists.md", "test/conformance/README.md"]);

const files = HELD.flatMap((path) =>
  statSync(join(ROOT, path)).isFile()
    ? [path]
    : readdirSync(join(ROOT, path), { recursive: true, encoding: "utf8" }).map((file) => `${path}/${file}`),
).filter(
  (path) =>
    /\.(?:ts|md)$/.test(path) &&
    !/\/(?:node_modules|\.wrangler)\//.test(path) &&
    !WRITTEN_BY_PROGRAMS.has(path) &&
    !WITH_FAULTS.has(path),
);

const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");

describe("prose", () => {
  test.each(files)("%s follows the rules", (path) => {
    const faults = sentencesOf(path, textOf(path)).flatMap(({ line, text }) => {
      const fault = faultOf(text);
      return fault === undefined ? [] : [`${path}:${line} ${fault}: ${text}`];
    });

    expect(faults).toEqual([]);
  });

  test.each(files.filter((path) => path.endsWith(".test.ts")))("%s has plain test names", (path) => {
    const faults = testNamesOf(textOf(path)).flatMap(({ line, text }) => {
      const fault = nameFaultOf(text);
      return fault === undefined ? [] : [`${path}:${line} ${fault}: ${text}`];
    });

    expect(faults).toEqual([]);
  });

  test("the names of tests and groups are found, those of tables too", () => {
    const source = [
      'describe("a group", () => {',
      '  test.each([["x"]])("that %s is a name", (text) => {});',
      '  it("whose name", { timeout: 1 }, async () => {});',
      "});",
    ].join("\n");

    expect(testNamesOf(source).map(({ text }) => text)).toEqual(["a group", "whose name", "that %s is a name"]);
  });

  test.each([
    ["that was revoked is rejected", 'begins with "that"'],
    ["where nothing is configured", 'begins with "where"'],
    ["is cancelled on the spot", 'has "on the spot"'],
    ["who waits is told", 'begins with "who"'],
    ["CancelOperation cancels a sleeping operation immediately", undefined],
  ])("the test name %j: %s", (name, fault) => {
    expect(nameFaultOf(name)).toBe(fault);
  });

  test.each([
    ["What is done stays done.", 'begins with "What"'],
    ["Nobody may call.", 'begins with "Nobody"'],
    ["**Whoever** comes second is refused.", 'begins with "**Whoever"'],
    ["There is none, or it is nobody's.", 'has "is none"'],
    ["A finished operation never changes.", undefined],
    ["What is stuck?", undefined],
  ])("%s: %s", (sentence, fault) => {
    expect(faultOf(sentence)).toBe(fault);
  });

  test("prose is found in comments, texts, test names, paragraphs, items and cells", () => {
    const source = '// What is one.\n/** Two. What\n * is two. */\ntest("what is three", () => `What is ${4}`);';
    const page = "What is one.\n\n- What is two.\n\n| What is | three. What is four |\n\n```\nWhat is code\n```\n";
    const faults = (path: string, text: string): number =>
      sentencesOf(path, text).filter((sentence) => faultOf(sentence.text) !== undefined).length;

    expect(faults("a.ts", source)).toBe(4);
    expect(faults("a.md", page)).toBe(4);
  });
});

describe("tables", () => {
  test.each(files.filter((path) => path.endsWith(".md") && !WITH_FIGURES.has(path)))(
    "%s has no row wider than 100 columns",
    (path) => {
      const wide = textOf(path)
        .split("\n")
        .filter((line) => line.startsWith("|") && line.length > 100);

      expect(wide).toEqual([]);
    },
  );
});
