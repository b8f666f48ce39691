// docs/quickstart.md and README.md show the same Worker. It is served as the page says, and the page's session is run.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { freePort } from "./dev-server";
import { codeBlocks, patternOf, runSession, sessionLines } from "./session";

const ROOT = resolve(import.meta.dirname, "../..");
const WORKER = "test/e2e/quickstart-worker.ts";
const page = readFileSync(join(ROOT, "docs/quickstart.md"), "utf8");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const lines = sessionLines(page);
/** The page's command, with the Worker of this folder. */
const START = `npm start -- ${WORKER}`;
const [, ...workerLines] = readFileSync(join(ROOT, WORKER), "utf8").split("\n");
const worker = workerLines.join("\n").replaceAll("../../src/", "./");

describe("the Worker of the quickstart", () => {
  test("is the one that is type-checked and served", () => {
    expect(codeBlocks(page, "ts")).toEqual([worker]);
  });

  test("is the one whose method README.md shows", () => {
    const [shown = ""] = codeBlocks(readme, "ts");

    expect(shown).toContain("defineMethod(");
    expect(worker).toContain(shown);
  });
});

describe("the session of the quickstart", () => {
  let child: ChildProcess;
  let state: string;
  let output = "";
  let outputs: string[];

  beforeAll(async () => {
    const port = await freePort();
    state = mkdtempSync(join(tmpdir(), "edge-operations-"));
    child = spawn(
      "npm",
      [...START.split(" ").slice(1), "--port", String(port), "--inspector-port", "0", "--persist-to", state],
      {
        cwd: ROOT,
        // A group of its own, so that the signal reaches npm and the server it started.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
      },
    );
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (data: Buffer) => {
        output += data.toString();
      });
    await eventually(() => output.includes("Ctrl-C stops it."), { timeoutMs: 40_000 });
    outputs = await runSession(lines, `http://127.0.0.1:${port}`);
  });

  afterAll(async () => {
    const ended = new Promise((done) => child.once("close", done));
    process.kill(-child.pid!, "SIGINT");
    await ended;
    rmSync(state, { recursive: true, force: true });
  });

  test.each(lines.map(({ command, output: expected }, index) => ({ command, expected, index })))(
    "$command",
    ({ expected, index }) => {
      expect(outputs[index]).toMatch(patternOf(expected));
    },
  );

  test("is run on the server that the page starts", () => {
    const commands = codeBlocks(page, "sh").map((block) => block.trim().replace("src/countdown.ts", WORKER));

    expect(commands.at(-1)).toBe(START);
  });

  test("npm start › suggests no built-in method for a Worker without them", () => {
    expect(output).toContain("/v1/operations");
    expect(output).not.toContain("echo:wait");
  });
});
