// get, list, wait, watch, cancel, delete, retry, explain: one operation, or a list of them.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { OperationState } from "edge-operations/client";
import { CommandError } from "../command-error.ts";
import { follow } from "./follow.ts";
import { detailOf, plain, print, printJson, printOperation, printTable, stateOf, textOf } from "./output.ts";
import { type Session, deploymentCommand, durationMs, encodedName, sessionOf } from "./session.ts";

interface ListFlags {
  filter?: string;
  limit: string;
  all?: boolean;
}

export function addOperationCommands(program: Command): void {
  deploymentCommand(program, "get", "Shows an operation.")
    .argument("<operation>", "its name, or its id under --parent")
    .action(async (name: string, _flags: object, command: Command) => {
      const { client, nameOf, json } = await sessionOf(command);
      const state = await client.operation(nameOf(name)).get();
      if (json) printJson(state.resource);
      else printOperation(state);
    });

  deploymentCommand(program, "list", "Lists operations, the newest first.")
    .argument("[parent]", "projects/p, projects/- for all projects, operations for the root; --parent unless given")
    .option("--filter <filter>", "such as 'done = false AND verb = \"profile\"' (docs/filters.md)")
    .option("--limit <count>", "at most so many", "50")
    .option("--all", "all of them")
    .action(async (parent: string | undefined, flags: ListFlags, command: Command) => {
      const session = await sessionOf(command);
      const of = parent === undefined ? session.parent() : parent === "operations" ? "" : parent;
      await list(session, of, flags);
    });

  for (const name of ["wait", "watch"] as const) {
    const description = {
      wait: "Waits for an operation's end. The exit code says how it ended.",
      watch: "Shows an operation until its end; with --json each of its states, one a line.",
    }[name];
    deploymentCommand(program, name, description)
      .argument("<operation>", "its name, or its id under --parent")
      .option("--timeout <duration>", "how long to wait at most: 90s, 5m")
      .action(async (operation: string, { timeout }: { timeout?: string }, command: Command) => {
        const { client, nameOf, json, connectionFlags } = await sessionOf(command);
        await follow(client.operation(nameOf(operation)), {
          json,
          timeoutMs: timeout === undefined ? undefined : durationMs(timeout),
          everyState: name === "watch",
          command: name,
          connectionFlags,
        });
      });
  }

  deploymentCommand(program, "cancel", "Asks operations to stop. Wait to see how they ended.")
    .argument("<operations...>", "their names, or ids under --parent")
    .action(async (names: string[], _flags: object, command: Command) => {
      const { client, nameOf } = await sessionOf(command);
      await forEachOf(names.map(nameOf), async (name) => {
        await client.operation(name).cancel();
        print(`${name} was asked to stop`);
      });
    });

  deploymentCommand(program, "delete", "Forgets operations. Their work is not stopped.")
    .argument("<operations...>", "their names, or ids under --parent")
    .action(async (names: string[], _flags: object, command: Command) => {
      const { client, nameOf } = await sessionOf(command);
      await forEachOf(names.map(nameOf), async (name) => {
        await client.operation(name).delete();
        print(`${name} is deleted`);
      });
    });

  deploymentCommand(program, "retry", "Starts failed operations again, as new ones. For operators.")
    .argument("<operations...>", "their names, or ids under --parent")
    .action(async (names: string[], _flags: object, command: Command) => {
      const { client, nameOf, json } = await sessionOf(command);
      await forEachOf(names.map(nameOf), async (name) => {
        const retry = await client.call("POST", `/v1/${encodedName(name)}:retry`, {
          json: { requestId: randomUUID() },
        });
        if (json) printJson(retry);
        else print(`${name} is retried as ${textOf(retry["name"])}`);
      });
    });

  deploymentCommand(program, "explain", "Tells why an operation is where it is, and what happens next. For operators.")
    .argument("<operation>", "its name, or its id under --parent")
    .action(async (text: string, _flags: object, command: Command) => {
      const { client, nameOf, json } = await sessionOf(command);
      const explanation = await client.call("GET", `/v1/${encodedName(nameOf(text))}:explain`);
      if (json) printJson(explanation);
      else printExplanation(explanation);
    });
}

/** One after the other. A failure ends the command, which has said what it has done by then. */
async function forEachOf(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  for (const name of names) await act(name);
}

async function list({ client, json }: Session, parent: string, { filter, limit, all }: ListFlags): Promise<void> {
  const most = all ? Infinity : Number(limit);
  if (!(most >= 1)) throw new CommandError(`--limit is a number from 1 on, not ${JSON.stringify(limit)}`);
  const rows: OperationState[] = [];
  let count = 0;
  let hasMore = false;
  const pageSize = Math.min(most, 1_000);
  for await (const state of client.list(parent, { pageSize, ...(filter === undefined ? {} : { filter }) })) {
    if (count >= most) {
      hasMore = true;
      break;
    }
    count += 1;
    if (json) printJson(state.resource);
    else rows.push(state);
  }
  if (hasMore) process.stderr.write(`There are more than ${most}: --limit, --all, or a narrower --filter.\n`);
  if (json) return;
  if (rows.length === 0) return print("No operations.");
  printTable(
    ["CREATED", "STATE", "VERB", "NAME", "DETAIL"],
    rows.map((state) => [
      (state.metadata.createTime ?? "").replace(/\.\d+Z$/, "Z"),
      stateOf(state),
      state.metadata.verb ?? "",
      state.name,
      detailOf(state),
    ]),
  );
}

interface Explanation {
  summary?: string;
  next?: { time?: string; description?: string }[];
  advice?: string[];
  attempts?: { number?: number; end?: string; code?: string; message?: string }[];
  retry?: string;
  retriedBy?: string[];
}

function printExplanation({
  summary,
  next = [],
  advice = [],
  attempts = [],
  retry,
  retriedBy = [],
}: Explanation): void {
  print(plain(summary ?? ""));
  if (attempts.length > 0) {
    print("");
    printTable(
      ["ATTEMPT", "END", "CODE", "MESSAGE"],
      attempts.map(({ number = 0, end = "under way", code = "", message = "" }) => [
        String(number),
        end,
        code,
        message,
      ]),
    );
  }
  if (next.length > 0) {
    print("\nNext:");
    for (const { time = "", description = "" } of next) print(`  ${time}  ${plain(description)}`);
  }
  for (const text of advice) print(`\nAdvice: ${plain(text)}`);
  for (const name of retriedBy) print(`\nIt was retried as ${plain(name)}`);
  if (retry !== undefined) print(`\n${plain(retry)}`);
}
