// npm run try-install: what a new user does, with the package as npm packs it. An empty folder, `npm install`, `init`,
// `npm start`, a start and its result, within a minute.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { freePort } from "../e2e/dev-server.ts";
import { eventually } from "../support/eventually.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const LIMIT_MS = 60_000;

const startTime = Date.now();
const folder = mkdtempSync(join(tmpdir(), "edge-operations-install-"));
// The Node of this repository, and none of its packages.
const environment = { ...process.env, PATH: [resolve(process.execPath, ".."), process.env["PATH"]].join(delimiter) };

function run(command: string, ...args: string[]): string {
  const text = execFileSync(command, args, {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  console.log(`${((Date.now() - startTime) / 1_000).toFixed(1).padStart(5)} s  ${[command, ...args].join(" ")}`);
  return text;
}

const port = String(await freePort());
const url = `http://127.0.0.1:${port}`;
let server: ChildProcess | undefined;
try {
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", folder, "--silent"], { cwd: ROOT, encoding: "utf8" }),
  ) as [{ filename: string }];
  const { devDependencies } = (await import("../../package.json", { with: { type: "json" } })).default;
  run("npm", "init", "--yes");
  run("npm", "install", "--no-fund", "--no-audit", `./${filename}`, `wrangler@${devDependencies.wrangler}`);
  console.log(run("npx", "edge-operations", "init"));

  // As docs/agents.md says.
  const worker = join(folder, "src/worker.ts");
  const source = readFileSync(worker, "utf8");
  const served = source.replace(
    "operations({ methods: [runCountdown]",
    "operations({ mcp: mcp(), methods: [runCountdown]",
  );
  if (served === source) throw new Error(`init wrote another Worker: ${source}`);
  writeFileSync(worker, `import { mcp } from "edge-operations/mcp";\n${served}`);

  const options = ["--port", port, "--inspector-port", "0"];
  server = spawn("npm", ["start", "--", ...options], {
    cwd: folder,
    env: { ...environment, WRANGLER_SEND_METRICS: "false", CI: "1" },
    detached: true,
    stdio: "ignore",
  });
  await eventually(async () => (await fetch(`${url}/healthz`)).ok, { timeoutMs: LIMIT_MS });
  // The console of the package, which init has bound.
  const page = await (await fetch(url)).text();
  const script = /src="\.(\/console-assets\/[^"]+)"/.exec(page)?.[1] ?? "";
  const { headers } = await fetch(url + script);
  if (!headers.get("Content-Type")?.includes("javascript")) throw new Error(`this is no console: ${page}`);
  const call = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/v1/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, unknown>;
  };
  const { name } = await call("projects/demo/countdowns:run", { seconds: 1 });
  const result = JSON.stringify(await call(`${String(name)}:wait`, { timeout: "30s" }));
  if (!result.includes('"liftOff":true')) throw new Error(`this is no result: ${result}`);
  const listed = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
  });
  const tools = await listed.text();
  if (!tools.includes('"name":"countdowns.run"')) throw new Error(`an agent finds no tool: ${tools}`);
  const seconds = (Date.now() - startTime) / 1_000;
  console.log(`${seconds.toFixed(1).padStart(5)} s  ${result}`);
  if (seconds * 1_000 > LIMIT_MS) throw new Error(`it took ${seconds.toFixed(0)} s, longer than ${LIMIT_MS / 1_000} s`);
} finally {
  if (server?.pid !== undefined) {
    // `edge-operations dev` ends wrangler, which has a process group of its own.
    process.kill(-server.pid, "SIGTERM");
    await eventually(() =>
      fetch(url)
        .then(() => false)
        .catch(() => true),
    );
  }
  rmSync(folder, { recursive: true, force: true });
}
