// `npm start` as people use it: what it prints, and that Ctrl-C ends all of it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { freePort, wranglerEnvironment } from "./dev-server";
import { runSession } from "./session";

const ROOT = resolve(import.meta.dirname, "../..");

let child: ChildProcess;
let state: string;
let url: string;
let output = "";

/** The processes whose command line has a text. */
function processesWith(text: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
      } catch {
        // It has ended since.
        return false;
      }
    });
}

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), "edge-operations-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const options = ["--port", String(port), "--inspector-port", "0", "--persist-to", state];
  child = spawn("npm", ["start", "--", ...options], {
    cwd: ROOT,
    // A group of its own, as a terminal gives it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: wranglerEnvironment(state),
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data: Buffer) => {
      output += data.toString();
    });
  await eventually(() => output.includes("Try, in another shell:"), { timeoutMs: 40_000 });
});

afterAll(() => {
  for (const pid of processesWith(state)) process.kill(Number(pid), "SIGKILL");
  rmSync(state, { recursive: true, force: true });
});

test("npm start › begins with the address, commands to try, and the paths of the documents", async () => {
  // The greeting may come in several parts.
  await eventually(() => output.includes("docs/methods.md"));
  const text = output.slice(output.indexOf("Starting"));

  expect(text).toMatch(
    /^Starting …\n\nedge-operations serves http:\/\/127\.0\.0\.1:\d+\. Every caller may do everything/,
  );
  // The table of bindings, and wrangler's notes.
  expect(text).not.toContain("Your Worker has access");
});

test("npm start › prints commands that work", async () => {
  const commands = [...output.matchAll(/^ {2}(curl .*)$/gm)].map(([, command = ""]) => ({ command, output: "" }));
  const [started, list] = await runSession(commands, url);

  expect(commands).toHaveLength(2);
  expect(started).toContain('"name":"operations/');
  expect(list).toContain('"operations":[');
});

test("npm start › prints one line for each request and each transition", async () => {
  await eventually(() => output.includes("SUCCEEDED"), { timeoutMs: 20_000 });
  const lines = output.slice(output.indexOf("cdn-cgi")).split("\n").slice(2).filter(Boolean);

  expect(
    lines.filter((line) => /POST +echo:wait {2}200 {2}operations\/[0-9a-f]{8}… {2}\d+ ms$/.test(line)),
  ).toHaveLength(1);
  expect(
    lines.filter((line) => /operations\/[0-9a-f]{8}… {2}NEW → RUNNING {2}echo:wait: start/.test(line)),
  ).not.toEqual([]);
  expect(lines.filter((line) => !/^\d\d:\d\d:\d\d /.test(line))).toEqual([]);
});

test("npm start › ends all its processes on Ctrl-C", async () => {
  const ended = new Promise((done) => child.once("close", done));
  expect(processesWith(state).length).toBeGreaterThan(1);
  process.kill(-child.pid!, "SIGINT");
  await ended;

  await eventually(() => processesWith(state).length === 0, { timeoutMs: 10_000 });
  await expect(fetch(url)).rejects.toThrow("fetch failed");
});
