#!/usr/bin/env node
// The command line: `npx edge-operations <command>`. Each command is a client of the public API, or works on the files of a
// project.
import { Command, CommanderError } from "commander";
import { CommandError } from "./command-error.ts";
import { completionScript } from "./completion.ts";
import { connectionFrom } from "./deployment/connection.ts";
import { addOperationCommands } from "./deployment/operation-commands.ts";
import { addOperatorCommands } from "./deployment/operator-commands.ts";
import { addProfileCommands } from "./deployment/profile-commands.ts";
import { addStartCommand } from "./deployment/start-command.ts";
import { DEV_USAGE, runDev } from "./dev.ts";
import { EXIT, Exit, exitCodeOf } from "./exit-codes.ts";
import { INIT_USAGE, runInit } from "./init.ts";
import { KEYS_USAGE, runKeysCommand } from "./keys.ts";
import { PROTO_USAGE, runProto } from "./proto.ts";

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const program = new Command("edge-operations")
  .description("Long-running operations: of a deployment, from a terminal; and the project of a Worker.")
  .showSuggestionAfterError()
  .exitOverride()
  .configureHelp({ sortSubcommands: false, showGlobalOptions: false });

interface OwnCommand {
  description: string;
  usage: string;
  run: (args: string[]) => void | Promise<void>;
}

/** A command that reads its own arguments. */
function addOwn(name: string, { description, usage, run }: OwnCommand): void {
  program
    .command(name)
    .description(description)
    .helpOption(false)
    .allowUnknownOption()
    .argument("[arguments...]")
    .action(async (args: string[]) => {
      if (args[0] === "--help" || args[0] === "-h") return print(usage);
      try {
        await run(args);
      } catch (error) {
        if (exitCodeOf(error) === EXIT.usage) process.stderr.write(`${(error as Error).message}\n\n${usage}`);
        throw exitCodeOf(error) === EXIT.usage ? new Exit(EXIT.usage) : error;
      }
    });
}

addStartCommand(program);
addOperationCommands(program);
addOperatorCommands(program);
addOwn("keys", {
  description: "Creates, lists and revokes API keys. For administrators.",
  usage: KEYS_USAGE,
  run: (args) => runKeysCommand(args, { environment: keysEnvironment(), fetch, now: () => Date.now(), print }),
});
addProfileCommands(program);
addOwn("init", {
  description: "Adds to the Worker of this folder what edge-operations needs.",
  usage: INIT_USAGE,
  run: (args) => runInit(args, { directory: process.cwd(), print }),
});
addOwn("dev", { description: "Serves the Worker of this folder on this machine.", usage: DEV_USAGE, run: runDev });
addOwn("proto", { description: "Writes the .proto files of this folder's Worker.", usage: PROTO_USAGE, run: runProto });
program
  .command("completion")
  .description("Prints the completion for a shell: source <(edge-operations completion bash)")
  .argument("<shell>", "bash, zsh or fish")
  .action((shell: string) => void process.stdout.write(completionScript(program, shell)));

/** The profile's, where the environment has none of its own. */
function keysEnvironment(): NodeJS.ProcessEnv {
  const { url, token, key } = connectionFrom({});
  return { EDGE_OPERATIONS_URL: url, EDGE_OPERATIONS_TOKEN: token, EDGE_OPERATIONS_KEY: key };
}

/** `edge-operations start` once served the Worker of a folder. */
function adviceFor(args: readonly string[]): string {
  const isServing = args[0] === "start" && !args.slice(1).some((arg) => arg.includes(":"));
  return isServing ? "\nTo serve the Worker of this folder: edge-operations dev\n" : "";
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    const isHelp = error.exitCode === 0 || error.code === "commander.help";
    if (!isHelp) process.stderr.write(adviceFor(process.argv.slice(2)));
    process.exitCode = isHelp ? EXIT.done : EXIT.usage;
  } else {
    const { reason } = error as { reason?: unknown };
    const isSilent = error instanceof Exit;
    if (!isSilent) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (!isSilent && typeof reason === "string" && !(error instanceof CommandError))
      process.stderr.write(`${reason}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
