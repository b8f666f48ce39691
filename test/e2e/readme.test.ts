// README.md matches the service: its session is run line by line. quickstart.test.ts runs the Worker that it shows.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DevServer } from "./dev-server";
import { patternOf, runSession, sessionLines } from "./session";

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

  test("calls every method of the service", () => {
    const commands = lines.map(({ command }) => command).join("\n");

    for (const part of ["echo:wait", "tables:profile", ":wait", "/operations?", ":cancel", "-X DELETE"]) {
      expect(commands).toContain(part);
    }
  });
});

test("docs/configuration.md names every variable", () => {
  const configuration = readFileSync(join(ROOT, "docs/configuration.md"), "utf8");
  const env = readFileSync(join(ROOT, "src/env.ts"), "utf8");
  const variables = [...env.matchAll(/^ {2}([A-Z][A-Z_]+)\?: (?:string|unknown);/gm)].map(([, variable]) => variable);

  expect(variables.length).toBeGreaterThanOrEqual(4);
  for (const variable of variables) expect(configuration).toContain(`\`${variable}\``);
});
