// npm start: `wrangler dev` for this machine, with every caller allowed, and with output for people.
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { DevOutput } from "./dev-output.ts";

// `--ip` stands last: an entry file after `--var` would be taken for one more variable.
const ARGUMENTS = ["dev", "--var", "AUTH:open", "--var", "RESEND_SECONDS:3", "--ip", "127.0.0.1"];

const wrangler = join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin/wrangler.js");
const output = new DevOutput({
  colours: process.stdout.isTTY && process.env["NO_COLOR"] === undefined,
  time: () => new Date().toTimeString().slice(0, 8),
  // `npm start -- src/countdown.ts` serves another Worker, which does not have the built-in methods.
  hasBuiltInMethods: !process.argv.slice(2).some((argument) => argument.endsWith(".ts")),
});

const child: ChildProcess = spawn(process.execPath, [wrangler, ...ARGUMENTS, ...process.argv.slice(2)], {
  // A process group of its own: Ctrl-C reaches it once, by the handler below, and not twice.
  detached: true,
  stdio: ["ignore", "pipe", "pipe"],
});

const print = (lines: readonly string[]): void => {
  for (const line of lines) console.log(line);
};

console.log("Starting …");
for (const name of ["stdout", "stderr"] as const) {
  const stream = child[name];
  if (stream) createInterface({ input: stream }).on("line", (line) => print(output.take(line, name)));
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
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
