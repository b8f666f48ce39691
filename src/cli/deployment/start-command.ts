// start: starts an operation by its method's path.
import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { follow } from "./follow.ts";
import { print, printJson, textOf } from "./output.ts";
import { collected, deploymentCommand, encodedName, jsonArgument, pairsOf, sessionOf } from "./session.ts";

interface StartFlags {
  data?: string;
  input?: string;
  contentType?: string;
  label?: string[];
  requestId?: string;
  schedule?: string;
  validateOnly?: boolean;
  wait?: boolean;
}

export function addStartCommand(program: Command): void {
  deploymentCommand(program, "start", "Starts an operation. (The service on this machine is started by dev.)")
    .argument("<method>", "its path: projects/p/locations/l/tables:profile, echo:wait, /v1beta1/echo:wait")
    .option("--data <json>", "the request: JSON, @file, or - for the standard input")
    .option("--input <file>", "a raw body, in place of --data")
    .option("--content-type <type>", "of --input", "application/octet-stream")
    .option("--label <key=value>", "a label; may be repeated", collected)
    .option("--request-id <id>", "makes the start idempotent (AIP-155)")
    .option("--schedule <time>", "when the work begins: RFC 3339")
    .option("--validate-only", "only checks the request")
    .option("--wait", "waits for the end")
    .action(async (method: string, flags: StartFlags, command: Command) => {
      const { client, connection, json, connectionFlags } = await sessionOf(command);
      const operation = await client.call("POST", pathOf(method, connection.parent), {
        query: queryOf(flags),
        ...(await bodyOf(flags)),
      });
      if (flags.validateOnly) return print("The request is right. Nothing was started.");
      const name = textOf(operation["name"]);
      if (flags.wait) {
        if (!json) process.stderr.write(`${name}\n`);
        return follow(client.operation(name), {
          json,
          timeoutMs: undefined,
          everyState: false,
          command: "wait",
          connectionFlags,
        });
      }
      if (json) printJson(operation);
      else print(name);
    });
}

/** `{parent}` at the head stands for the parent of the profile. */
function pathOf(method: string, parent: string | undefined): string {
  const [, resource = "", verb = ""] = /^(.*?)(:[A-Za-z]+)?$/.exec(method) ?? [];
  if (resource.startsWith("/")) return method;
  if (resource.startsWith("{parent}/") && parent === undefined)
    throw new CommandError("Name the parent: --parent projects/p");
  return `/v1/${encodedName(resource.replace("{parent}", parent ?? ""))}${verb}`;
}

function queryOf({ requestId, schedule, validateOnly, label }: StartFlags): [string, string][] {
  return [
    // A call that is retried starts nothing twice.
    ["requestId", requestId ?? randomUUID()],
    ...(validateOnly ? [["validateOnly", "true"] as [string, string]] : []),
    ...(schedule === undefined ? [] : [["operationOptions.scheduleTime", schedule] as [string, string]]),
    ...Object.entries(pairsOf(label)).map(([key, value]): [string, string] => [
      `operationOptions.labels.${key}`,
      value,
    ]),
  ];
}

async function bodyOf({ data, input, contentType = "" }: StartFlags) {
  if (input === undefined) return { json: data === undefined ? {} : jsonArgument(data) };
  if (data !== undefined) throw new CommandError("--data and --input exclude one another");
  const file = await stat(input).catch((error: unknown) => {
    throw new CommandError(`${input} cannot be read: ${(error as Error).message}`, { cause: error });
  });
  // A function, so that another try reads it again.
  const body = (): unknown => Readable.toWeb(createReadStream(input));
  return { input: { body, contentType }, headers: { "content-length": String(file.size) } };
}
