// docs/platform.md names a test that exists for every rule of the platform, and a source that it lists.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../../..");
const document = readFileSync(join(ROOT, "docs/platform.md"), "utf8");

const rules = document
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (?:rule|---)/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()));
const sources = new Set(Array.from(document.matchAll(/^(\d+)\. /gm), ([, number = ""]) => number));

test("docs/platform.md has rules", () => {
  expect(rules.length).toBeGreaterThan(20);
});

describe("docs/platform.md", () => {
  test.each(rules)("%s%s has a test and a source", (_, rule = "", _here, tests = "") => {
    const files = Array.from(tests.matchAll(/`([^`]+)`/g), ([, file = ""]) => join("test", `${file}.test.ts`));
    const cited = /\[(\d+)\]\.$/.exec(rule)?.[1];

    expect(files).not.toEqual([]);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(sources).toContain(cited);
  });

  test("has no table wider than 100 columns", () => {
    expect(document.split("\n").filter((line) => line.startsWith("|") && line.length > 100)).toEqual([]);
  });

  test("lists no source that no rule cites", () => {
    const cited = new Set(rules.map(([, rule = ""]) => /\[(\d+)\]\.$/.exec(rule)?.[1]));

    expect([...sources].filter((source) => !cited.has(source))).toEqual([]);
  });

  test("runs commands of package.json and files that exist", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    const run = Array.from(document.matchAll(/npm run ([\w:-]+)/g), ([, script = ""]) => script);

    expect(run).toContain("queue-delay");
    for (const script of run) expect(scripts).toHaveProperty([script]);
    for (const [, file = ""] of document.matchAll(/deploy (test\/\S+)/g))
      expect(existsSync(join(ROOT, file))).toBe(true);
  });

  // The page's `sed` makes wrangler.trial.toml.
  test("gives the trial its own names, and a Worker with every class of objects", () => {
    const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    const [, pattern = "", name = ""] = /sed 's\/([^/]+)\/(\w+)\/' wrangler\.toml/.exec(document) ?? [];
    const trial = toml.split("\n").map((line) => line.replace(new RegExp(pattern), name));
    const classes = Array.from(toml.matchAll(/class_name = "(\w+)"/g), ([, className = ""]) => className);
    const worker = readFileSync(join(ROOT, "test/account/worker.ts"), "utf8");
    const objects = readFileSync(join(ROOT, "src/objects.ts"), "utf8");

    expect(trial.filter((line) => /^[^#]*edge[-_]operations/.test(line))).toEqual([]);
    expect(trial).toContain(`name = "${name}"`);
    expect(classes.length).toBeGreaterThan(5);
    expect(worker).toContain('export * from "../../src/objects";');
    for (const className of classes) expect(objects).toContain(`export { ${className} } from`);
  });
});
