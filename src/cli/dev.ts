// edge-operations dev: `wrangler dev` for this machine, with every caller allowed, and with output for people.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { DevOutput } from "./dev-output.ts";
import { configOf, wranglerRequire } from "./project.ts";

export const DEV_USAGE = `edge-operations dev [entry] [options of wrangler dev]

  Serves the Worker on this machine by wrangler dev. Every caller may do everything.
`;

// `--ip` stands last: an entry file after `--var` would be taken for one more variable.
const ARGUMENTS = ["dev", "--var", "AUTH:open", "--var", "RESEND_SECONDS:3", "--ip", "127.0.0.1"];
const BUILT_IN_WORKER = "src/worker/worker.ts";
/** Served in its place: it has a method more. */
const LOCAL_WORKER = "src/worker/local.ts";
/** The console's files, which `npm run build` makes. */
const CONSOLE = "dist/console";
/** The directory that a project's own configuration binds. */
const CONSOLE_OF_PACKAGE = `edge-operations/${CONSOLE}`;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function runDev(args: string[]): void {
  const directory = process.cwd();
  const wrangler = join(dirname(wranglerRequire(directory).resolve("wrangler/package.json")), "bin/wrangler.js");
  // `npm start -- src/countdown.ts` serves another Worker, which does not have the built-in methods.
  const config = configOf(directory);
  const hasBuiltInMethods = config["main"] === BUILT_IN_WORKER && !args.some((argument) => argument.endsWith(".ts"));
  const entry = hasBuiltInMethods ? [LOCAL_WORKER] : [];
  const assets = consoleAssets(args, { hasBuiltInMethods });
  const output = new DevOutput({
    colours: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
    time: () => new Date().toTimeString().slice(0, 8),
    hasBuiltInMethods,
    hasConsole: assets.length > 0 || JSON.stringify(config["assets"] ?? "").includes(CONSOLE_OF_PACKAGE),
    docs: existsSync(join(directory, "docs/methods.md")) ? "docs" : "node_modules/edge-operations/docs",
  });

  const child: ChildProcess = spawn(process.execPath, [wrangler, ...ARGUMENTS, ...entry, ...assets, ...args], {
    // A process group of its own: Ctrl-C reaches it once, by the handler below, and not twice.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });

  console.log("Starting …");
  for (const name of ["stdout", "stderr"] as const) {
    const stream = child[name];
    if (stream) createInterface({ input: stream }).on("line", (line) => print(output.take(line, name)));
  }

  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));

  // wrangler's own children end with it, or are ended here.
  child.on("close", (code, signal) => {
    print(output.end());
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // The group is empty, as it should be.
    }
    process.exitCode = code ?? 128 + constants.signals[signal ?? "SIGTERM"];
  });
}

/** The built-in Worker is served with the console. Another Worker has it where its own configuration binds it. */
function consoleAssets(args: readonly string[], { hasBuiltInMethods }: { hasBuiltInMethods: boolean }): string[] {
  if (!hasBuiltInMethods || args.includes("--assets") || !existsSync(`${CONSOLE}/index.html`)) return [];
  return ["--assets", CONSOLE];
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}
