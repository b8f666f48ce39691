// README.md says what is so: its session is run line by line, its Worker is compiled.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DevServer } from "./dev-server";
import { codeBlocks, patternOf, runSession, sessionLines } from "./session";

const ROOT = resolve(import.meta.dirname, "../..");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const lines = sessionLines(readme);

let server: DevServer;
let outputs: string[];

beforeAll(async () => {
  server = await DevServer.start();
  outputs = await runSession(lines, server.url);
});

afterAll(async () => {
  await server?.dispose();
});

describe("the session in README.md", () => {
  test.each(lines.map(({ command, output }, index) => ({ command, output, index })))(
    "$command",
    ({ output, index }) => {
      expect(outputs[index]).toMatch(patternOf(output));
    },
  );

  test("shows every method of the service at work", () => {
    const commands = lines.map(({ command }) => command).join("\n");

    for (const part of ["echo:wait", "tables:profile", ":wait", "/operations?", ":cancel", "-X DELETE"]) {
      expect(commands).toContain(part);
    }
  });
});

test("the Worker in README.md is the one that is type-checked", () => {
  const [, ...source] = readFileSync(join(import.meta.dirname, "readme-worker.ts"), "utf8").split("\n");

  expect(source.join("\n").replaceAll("../../src/", "./")).toBe(codeBlocks(readme, "ts")[0]);
});

test("README.md names no file that is not there, and every variable that is", () => {
  const env = readFileSync(join(ROOT, "src/env.ts"), "utf8");
  const variables = [...env.matchAll(/^ {2}([A-Z][A-Z_]+)\?: (?:string|unknown);/gm)].map(([, variable]) => variable);
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, link = ""]) => link);

  expect(variables.length).toBeGreaterThanOrEqual(4);
  for (const variable of variables) expect(readme).toContain(`\`${variable}\``);
  expect(links.length).toBeGreaterThanOrEqual(3);
  for (const link of links) expect(() => readFileSync(join(ROOT, link))).not.toThrow();
});
