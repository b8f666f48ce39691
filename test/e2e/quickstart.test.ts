// docs/quickstart.md and README.md show the Worker of examples/starter. It is served as the page says, and the page's session is
// run.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { freePort, wranglerEnvironment } from "./dev-server";
import { codeBlocks, patternOf, runSession, sessionLines } from "./session";

const ROOT = resolve(import.meta.dirname, "../..");
const STARTER = join(ROOT, "examples/starter");
const page = readFileSync(join(ROOT, "docs/quickstart.md"), "utf8");
const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const lines = sessionLines(page);
const countdown = readFileSync(join(STARTER, "src/countdown.ts"), "utf8");
const worker = readFileSync(join(STARTER, "src/worker.ts"), "utf8");

describe("the Worker of the quickstart", () => {
  test("is examples/starter, which init writes", () => {
    expect(codeBlocks(page, "ts")).toEqual([countdown, worker]);
  });

  test("has the method that README.md shows", () => {
    expect(codeBlocks(readme, "ts")[0]).toBe(countdown);
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
      process.execPath,
      [join(ROOT, "dist/cli/main.js"), "dev", "--port", String(port), "--inspector-port", "0", "--persist-to", state],
      {
        cwd: STARTER,
        // A group of its own, so that the signal reaches the command and the server it started.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: wranglerEnvironment(state),
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
    expect(codeBlocks(page, "sh").at(-1)).toBe("npx edge-operations dev\n");
  });

  test("edge-operations dev › suggests no built-in method for a Worker without them", () => {
    expect(output).toContain("/v1/operations");
    expect(output).not.toContain("echo:wait");
  });
});
