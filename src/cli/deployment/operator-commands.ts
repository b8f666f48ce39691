// purge, cancel-matching, retry-matching, suspensions, resolve, policy, webhooks, scopes, openapi.
import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { CommandError } from "../command-error.ts";
import { follow } from "./follow.ts";
import { ProgressLine } from "./progress-line.ts";
import { plain, print, printJson, printPretty, printTable, textOf } from "./output.ts";
import { type Session, deploymentCommand, encodedName, jsonArgument, pathUnder, sessionOf } from "./session.ts";

type Json = Record<string, unknown>;

const BULK = {
  purge: { verb: "purge", description: "Deletes the operations that match a filter.", done: "deleted" },
  "cancel-matching": {
    verb: "cancelMatching",
    description: "Cancels the running operations that match a filter.",
    done: "asked to stop",
  },
  "retry-matching": {
    verb: "retryMatching",
    description: "Retries the failed operations that match a filter.",
    done: "retried",
  },
} as const;

export function addOperatorCommands(program: Command): void {
  for (const [name, { verb, description, done }] of Object.entries(BULK)) {
    deploymentCommand(program, name, `${description} Without --force they are only counted.`)
      .argument("<filter>", "such as 'error.code = 14'; '*' means all")
      .option("--force", "does it")
      .option("--no-wait", "prints the name of the operation that does it, and does not wait for its end")
      .action(async (filter: string, { force = false, wait }: { force?: boolean; wait: boolean }, command: Command) => {
        const session = await sessionOf(command);
        await bulk(session, { verb, done, filter, force, wait });
      });
  }

  deploymentCommand(program, "suspensions", "Lists what an operation waits for answers to.")
    .argument("<operation>", "its name, or its id under --parent")
    .action(async (text: string, _flags: object, command: Command) => {
      const { client, nameOf, json } = await sessionOf(command);
      const { suspensions = [] } = await client.call("GET", `/v1/${encodedName(nameOf(text))}/suspensions`);
      printRows(suspensions as Json[], json, {
        ID: ({ name }) => textOf(name).split("/").at(-1) ?? "",
        STATE: ({ state }) => textOf(state),
        EXPIRES: ({ expireTime }) => textOf(expireTime),
        PROMPT: ({ prompt }) => textOf(prompt),
      });
    });

  deploymentCommand(program, "resolve", "Answers a suspension of an operation.")
    .argument("<operation>", "its name, or its id under --parent")
    .argument("<suspension>", "its id")
    .argument("<payload>", "JSON, @file, or - for the standard input")
    .action(async (text: string, id: string, payload: string, _flags: object, command: Command) => {
      const { client, nameOf } = await sessionOf(command);
      const name = nameOf(text);
      await client.operation(name).resolve(id, jsonArgument(payload));
      print(`${name}/suspensions/${id} is answered`);
    });

  deploymentCommand(program, "policy", "Shows the policy of a resource, or replaces it.")
    .argument("<resource>", "a parent, an operation, or operations for the root")
    .option("--set <policy>", "the new policy: JSON, @file, or - for the standard input")
    .action(async (resource: string, { set }: { set?: string }, command: Command) => {
      const { client } = await sessionOf(command);
      const verb = set === undefined ? "getIamPolicy" : "setIamPolicy";
      const json = set === undefined ? {} : { policy: jsonArgument(set) };
      printPretty(await client.call("POST", `/v1/${encodedName(resource)}:${verb}`, { json }));
    });

  addWebhooks(program);

  deploymentCommand(program, "scopes", "Lists the projects that have operations, and the size of their index.").action(
    async (_flags: object, command: Command) => {
      const { client, json } = await sessionOf(command);
      const scopes = await allPages(client, "/v1/scopes", "scopes");
      printRows(scopes, json, {
        SCOPE: ({ name }) => textOf(name),
        SHARDS: ({ shards }) => textOf(shards),
        BYTES: ({ sizeBytes }) => textOf(sizeBytes),
      });
    },
  );

  deploymentCommand(program, "openapi", "Prints the OpenAPI document of the deployment.").action(
    async (_flags: object, command: Command) => {
      const { client } = await sessionOf(command);
      printPretty(await client.call("GET", "/openapi.json"));
    },
  );
}

async function bulk(
  { client, json, parent, connectionFlags }: Session,
  { verb, done, filter, force, wait }: { verb: string; done: string; filter: string; force: boolean; wait: boolean },
): Promise<void> {
  const started = await client.call("POST", `${pathUnder(parent(), "operations")}:${verb}`, {
    // A call that is retried starts nothing twice.
    json: { filter, force, requestId: randomUUID() },
  });
  const handle = client.operation<never>(textOf(started["name"]));
  if (!wait) return json ? printJson(started) : print(handle.name);
  if (json || started["done"] === true) {
    return follow(handle, { json, timeoutMs: undefined, everyState: false, command: "wait", connectionFlags });
  }
  process.stderr.write(`${handle.name} does it, and goes on if this command is interrupted.\n`);
  const line = new ProgressLine();
  const onProgress = (): void => {
    if (handle.latest) line.show(handle.latest);
  };
  const result = handle.result({ onProgress, progressIntervalMs: 1_000 }).finally(() => line.end());
  const { purgeCount = 0, purgeSample = [] } = (await result) as { purgeCount?: number; purgeSample?: string[] };
  const { skipped = 0 } = (handle.latest?.metadata ?? {}) as { skipped?: number };
  for (const name of purgeSample) print(plain(name));
  if (purgeCount > purgeSample.length) print(`… and ${purgeCount - purgeSample.length} more`);
  const [subject, were, match] =
    purgeCount === 1 ? ["1 operation", "was", "matches"] : [`${purgeCount} operations`, "were", "match"];
  const verdict = force ? `${were} ${done}` : `${match}. Nothing was changed: --force does it`;
  print(`${subject} ${verdict}.${skipped > 0 ? ` With ${skipped} more it could not be done.` : ""}`);
}

function addWebhooks(program: Command): void {
  const webhooks = deploymentCommand(
    program,
    "webhooks",
    "The webhooks of a parent: list, create, delete, ping, rotate.",
  )
    .argument("<action>", "list, create, delete, ping or rotate")
    .argument("[webhook]", "its name, or its id under --parent; create: the https address")
    .option("--events <events>", "create: such as operation.failed,operation.succeeded")
    .option("--name <name>", "create: its display name");
  webhooks.action(
    async (action: string, text: string | undefined, flags: { events?: string; name?: string }, command: Command) => {
      const { client, json, parent } = await sessionOf(command);
      const nameOf = (): string => {
        if (text === undefined) throw new CommandError(`webhooks ${action} takes the name of a webhook`);
        return text.includes("/") ? text : [parent(), "webhooks", text].filter(Boolean).join("/");
      };
      switch (action) {
        case "list":
          return printRows(await allPages(client, pathUnder(parent(), "webhooks"), "webhooks"), json, {
            NAME: ({ name }) => textOf(name),
            STATE: ({ state }) => textOf(state),
            EVENTS: ({ subscribedEvents = [] }) => (subscribedEvents as string[]).join(","),
            URI: ({ uri }) => textOf(uri),
          });
        case "create": {
          if (text === undefined) throw new CommandError("webhooks create takes the https address");
          const subscribedEvents = flags.events?.split(",");
          const webhook = { uri: text, displayName: flags.name, subscribedEvents };
          return printPretty(await client.call("POST", pathUnder(parent(), "webhooks"), { json: webhook }));
        }
        case "delete":
          await client.call("DELETE", `/v1/${encodedName(nameOf())}`);
          return print(`${nameOf()} is deleted`);
        case "ping":
          await client.call("POST", `/v1/${encodedName(nameOf())}:ping`, { json: {} });
          return print(`${nameOf()} is sent a ping`);
        case "rotate":
          return printPretty(
            await client.call("POST", `/v1/${encodedName(nameOf())}:rotateSigningSecret`, { json: {} }),
          );
        default:
          throw new CommandError(`webhooks takes list, create, delete, ping or rotate, not ${JSON.stringify(action)}`);
      }
    },
  );
}

async function allPages(client: Session["client"], path: string, field: string): Promise<Json[]> {
  const rows: Json[] = [];
  let pageToken = "";
  do {
    const page = await client.call("GET", path, { query: pageToken === "" ? [] : [["pageToken", pageToken]] });
    rows.push(...((page[field] ?? []) as Json[]));
    pageToken = (page["nextPageToken"] as string | undefined) ?? "";
  } while (pageToken !== "");
  return rows;
}

function printRows(rows: readonly Json[], json: boolean, columns: Record<string, (row: Json) => string>): void {
  if (json) return rows.forEach(printJson);
  if (rows.length === 0) return print("Nothing to list.");
  printTable(
    Object.keys(columns),
    rows.map((row) => Object.values(columns).map((column) => column(row))),
  );
}
