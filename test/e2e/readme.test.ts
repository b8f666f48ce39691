// README.md says what is so: its session is run line by line, its Worker is compiled.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DevServer } from "./dev-server";

const ROOT = resolve(import.meta.dirname, "../..");
const README_URL = "http://localhost:8787";
/** Parts the outputs of the session's lines. */
const MARK = "\u001e";

const readme = readFileSync(join(ROOT, "README.md"), "utf8");

function codeBlock(language: string): string {
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "ms").exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no block of ${language}`);
  return block;
}

interface Line {
  command: string;
  /** What is printed; `…` stands for anything. */
  output: string;
}

function sessionLines(): Line[] {
  return codeBlock("console")
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [command = "", ...output] = text.trimEnd().split("\n");
      return { command, output: output.join("\n").trim() };
    });
}

function patternOf(output: string): RegExp {
  const parts = output.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}

let server: DevServer;
let outputs: string[];

beforeAll(async () => {
  server = await DevServer.start();
  // One shell for all of them, as a reader would have.
  const script = sessionLines()
    .map(({ command }) => `${command.replaceAll(README_URL, server.url)}\nprintf '${MARK}'\n`)
    .join("");
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], { timeout: 60_000 });
  outputs = stdout.split(MARK);
});

afterAll(async () => {
  await server?.dispose();
});

/** What a line printed. Lines may be alike, but not in what they are to print. */
function outputOf(command: string): string {
  return (outputs[sessionLines().findIndex((line) => line.command === command)] ?? "").trim();
}

describe("the session in README.md", () => {
  test.each(sessionLines())("$command", ({ command, output }) => {
    expect(outputOf(command)).toMatch(patternOf(output));
  });

  test("shows every method of the service at work", () => {
    const commands = sessionLines()
      .map(({ command }) => command)
      .join("\n");

    for (const part of ["echo:wait", "tables:profile", ":wait", "/operations?", ":cancel", "-X DELETE"]) {
      expect(commands).toContain(part);
    }
  });
});

test("the Worker in README.md is the one that is type-checked", () => {
  const [, ...lines] = readFileSync(join(import.meta.dirname, "readme-worker.ts"), "utf8").split("\n");

  expect(lines.join("\n").replaceAll("../../src/", "./")).toBe(codeBlock("ts"));
});

test("README.md names no file that is not there, and every variable that is", () => {
  const env = readFileSync(join(ROOT, "src/env.ts"), "utf8");
  const variables = [...env.matchAll(/^ {2}([A-Z][A-Z_]+)\?: (?:string|unknown);/gm)].map(([, variable]) => variable);
  const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link = ""]) => link);

  expect(variables.length).toBeGreaterThanOrEqual(4);
  for (const variable of variables) expect(readme).toContain(`\`${variable}\``);
  expect(links.length).toBeGreaterThanOrEqual(3);
  for (const link of links) expect(() => readFileSync(join(ROOT, link))).not.toThrow();
});
