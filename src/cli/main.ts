#!/usr/bin/env node
// The command line: `npx edge-operations <command>`. Each command is a client of the public API, or works on the files of a
// project.
import { CommandError } from "./command-error.ts";
import { INIT_USAGE, runInit } from "./init.ts";
import { KEYS_USAGE, runKeysCommand } from "./keys.ts";
import { PROTO_USAGE, runProto } from "./proto.ts";
import { START_USAGE, runStart } from "./start.ts";

interface Command {
  usage: string;
  run: (args: string[]) => void | Promise<void>;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const COMMANDS = new Map<string, Command>([
  [
    "init",
    {
      usage: INIT_USAGE,
      run: (args) => runInit(args, { directory: process.cwd(), print }),
    },
  ],
  ["start", { usage: START_USAGE, run: runStart }],
  [
    "keys",
    {
      usage: KEYS_USAGE,
      run: (args) => runKeysCommand(args, { environment: process.env, fetch, now: () => Date.now(), print }),
    },
  ],
  ["proto", { usage: PROTO_USAGE, run: runProto }],
]);

const USAGE = [...COMMANDS.values()].map(({ usage }) => usage).join("\n");

function isUsageError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return error instanceof CommandError || (typeof code === "string" && code.startsWith("ERR_PARSE_ARGS"));
}

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS.get(name ?? "");
if (command && (args[0] === "--help" || args[0] === "-h")) print(command.usage);
else if (command) {
  try {
    await command.run(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (isUsageError(error)) process.stderr.write(`\n${command.usage}`);
    process.exitCode = 1;
  }
} else if (name === undefined || name === "--help" || name === "-h" || name === "help") print(USAGE);
else {
  process.stderr.write(`There is no command ${JSON.stringify(name)}.\n\n${USAGE}`);
  process.exitCode = 1;
}
