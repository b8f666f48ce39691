// The common parts of the commands of a deployment: options, connection and client.
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import type { OperationsClient } from "edge-operations/client";
import { CommandError } from "../command-error.ts";
import { type Connection, type ConnectionOptions, clientOf, connectionFrom, operationName } from "./connection.ts";

export interface GlobalOptions extends ConnectionOptions {
  json?: boolean;
}

export interface Session {
  client: OperationsClient;
  connection: Connection;
  json: boolean;
  /** The arguments that said which deployment it is. */
  connectionFlags: readonly string[];
  /** An operation's full name. */
  nameOf(this: void, text: string): string;
  /** The parent, which must be known. Empty: the service's root. */
  parent(this: void): string;
}

/** A command of a deployment. `--url` and so on may stand on either side of its name. */
export function deploymentCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(new Option("--profile <name>", "the deployment, of your profiles").env("EDGE_OPERATIONS_PROFILE"))
    .option("--url <address>", "the deployment; EDGE_OPERATIONS_URL")
    .option("--parent <parent>", "projects/p; EDGE_OPERATIONS_PARENT")
    .option("--json", "print JSON, one value a line");
}

export async function sessionOf(command: Command): Promise<Session> {
  const options = command.optsWithGlobals<GlobalOptions>();
  const connection = connectionFrom(options);
  return {
    client: await clientOf(connection),
    connection,
    json: options.json === true,
    connectionFlags: (["profile", "url"] as const).flatMap((name) => {
      const value = options[name];
      return value !== undefined && command.getOptionValueSource(name) === "cli" ? [`--${name}`, value] : [];
    }),
    nameOf: (text) => operationName(text, connection.parent),
    parent: () => {
      const { parent } = connection;
      if (parent === undefined)
        throw new CommandError("Name the parent: --parent projects/p, or --parent operations for the root");
      return parent === "operations" ? "" : parent;
    },
  };
}

/** `/v1/{parent}/{collection}` */
export function pathUnder(parent: string, collection: string): string {
  return `/v1/${parent === "" ? "" : `${encodedName(parent)}/`}${collection}`;
}

export function encodedName(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** JSON as an argument: itself, `@file`, or `-` for the standard input. */
export function jsonArgument(text: string): unknown {
  const source = text === "-" ? readFileSync(0, "utf8") : text.startsWith("@") ? fileText(text.slice(1)) : text;
  try {
    return JSON.parse(source) as unknown;
  } catch (error) {
    throw new CommandError(`this is no JSON: ${(error as Error).message}`, { cause: error });
  }
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** `90s`, `5m`, `2h` in milliseconds. */
export function durationMs(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  if (number === undefined || ms === undefined)
    throw new CommandError(`${JSON.stringify(text)} is no duration: 90s, 5m, 2h`);
  return Number(number) * ms;
}

/** `key=value`, several times. */
export function pairsOf(texts: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, key = "", value = ""] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (key === "") throw new CommandError(`${JSON.stringify(text)} must be key=value`);
      return [key, value];
    }),
  );
}

export function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}
