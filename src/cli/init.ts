// edge-operations init: adds to a Worker's project what the library needs. It changes nothing that is there, says what it
// added, and finds nothing to do when it is called again.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { CommandError } from "./command-error.ts";
import {
  type ConfigChange,
  ConfigTextError,
  type ConfigObject,
  changedText,
  configFromText,
  formatOf,
  isObject,
} from "./config-text.ts";
import { configFileOf } from "./project.ts";
import { MIN_DATE, type Need, consoleNeeds, missingNeeds, textAt, webhookNeeds } from "./init/needs.ts";
import { EXPORT_OBJECTS, METHOD, METHOD_PATH, codeState, newWorker, workerAround } from "./init/worker-code.ts";

export const INIT_USAGE = `edge-operations init [--dry-run]

  Adds to the Worker of this folder what edge-operations needs: to its configuration, to its code, and to .dev.vars.
  It changes nothing that is there. In an empty folder it makes a Worker.

  --dry-run   says what would be added, and adds nothing
`;

const NEW_MAIN = "src/worker.ts";
/** The latest date with which the library is tested. */
const NEW_DATE = "2026-10-01";
const DEV_VARS = ".dev.vars";
const PACKAGE_FILE = "package.json";
const CONSOLE_FILES = "node_modules/edge-operations/dist/console";

/** A file's new text, and what to say about it. */
interface FileChange {
  path: string;
  text: string;
  says: string[];
}

interface Plan {
  changes: FileChange[];
  /** Lines about steps that are left to the owner. */
  advice: string[];
  /** Lines about what else there is, said where something was added. */
  hints?: string[];
}

export interface InitWorld {
  directory: string;
  print: (line: string) => void;
}

export function runInit(args: string[], { directory, print }: InitWorld): void {
  const { values } = parseArgs({ args, options: { "dry-run": { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help) return print(INIT_USAGE);
  const isDryRun = values["dry-run"] === true;
  const { changes, advice, hints = [] } = planOf(directory);
  for (const { path, text, says } of changes) {
    print(path);
    for (const line of says) print(`  ${line}`);
    if (isDryRun) continue;
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  for (const line of advice) print(line);
  if (changes.length === 0 && advice.length === 0) print("Nothing to do: edge-operations is set up here.");
  else if (isDryRun) print("\nNothing was written: --dry-run.");
  else if (changes.length > 0) for (const line of hints) print(line);
}

function planOf(directory: string): Plan {
  const read = (path: string): string | undefined =>
    existsSync(join(directory, path)) ? readFileSync(join(directory, path), "utf8") : undefined;
  const path = configFileOf(directory) ?? "wrangler.jsonc";
  const format = formatOf(path);
  const found = read(path);
  const text = found ?? newConfigText(directory);
  try {
    const config = configFromText(text, format);
    const code = codePlan(config, read);
    const name = textAt(config, "name") ?? nameOf(directory);
    const needs = [
      ...missingNeeds(config, name),
      ...(code.servesWebhooks ? webhookNeeds(config, name) : []),
      ...(code.isNew ? consoleNeeds(config, consoleDirectory(directory)) : []),
    ];
    const changed = changedText(text, format, [...needs, ...code.main]);
    const script = code.isNew ? startScriptChange(read) : [];
    const configChange: FileChange = {
      path,
      text: changed,
      says: [
        ...new Set(needs.map(({ path: at, why }) => `+ ${at.join(".")}: ${why}`)),
        ...code.main.map(({ why }) => `+ main: ${why}`),
      ],
    };
    return {
      changes: [
        ...(changed === found ? [] : [configChange]),
        ...code.changes,
        ...script,
        ...devVarsChange(config, read),
      ],
      advice: [...dateAdvice(config, path), ...code.advice, ...environmentAdvice(config, path)],
      hints: [
        "",
        `Serve it: ${script.length > 0 ? "npm start" : "npx edge-operations dev"}`,
        ...("assets" in config || code.isNew ? [] : [`The console, a page for operators at /: ${docOf("console.md")}`]),
        ...(code.servesWebhooks ? [] : [`Webhooks tell other systems when operations end: ${docOf("webhooks.md")}`]),
      ],
    };
  } catch (error) {
    if (error instanceof ConfigTextError) throw new CommandError(`${path} ${error.message}.`);
    throw error;
  }
}

function docOf(page: string): string {
  return `node_modules/edge-operations/docs/${page}`;
}

/** A workspace has its packages in a folder above. */
function consoleDirectory(directory: string): string {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONSOLE_FILES))) return `${relative(directory, folder) || "."}/${CONSOLE_FILES}`;
    if (folder === dirname(folder)) return `./${CONSOLE_FILES}`;
  }
}

function newConfigText(directory: string): string {
  const config = { name: nameOf(directory), main: NEW_MAIN, compatibility_date: NEW_DATE };
  return `${JSON.stringify({ $schema: "node_modules/wrangler/config-schema.json", ...config }, null, 2)}\n`;
}

/** A Worker's name: lower-case letters, digits and dashes. */
function nameOf(directory: string): string {
  const name = basename(directory)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  return name === "" ? "worker" : name;
}

interface CodePlan extends Plan {
  main: Need[];
  /** The Worker is made now, so there is nothing else at its addresses. */
  isNew: boolean;
  servesWebhooks: boolean;
}

function setMain(value: string, why: string): Need[] {
  return [{ kind: "set", path: ["main"], value, why }];
}

type Read = (path: string) => string | undefined;

const METHOD_SAYS = "+ a first method: POST /v1/projects/{project}/countdowns:run";

function codePlan(config: ConfigObject, read: Read): CodePlan {
  const main = textAt(config, "main");
  const path = main ?? NEW_MAIN;
  const text = read(path);
  const extension = extname(path).replace("x", "");
  if (text === undefined) {
    const method = freePath(path, [METHOD_PATH, "first-method"], extension, read);
    const changes = [
      { path: method, text: METHOD, says: [METHOD_SAYS] },
      { path, text: newWorker(specifierOf(method)), says: ["+ a Worker that serves it"] },
    ];
    const set = main === undefined ? setMain(path, "the new Worker") : [];
    return { changes, advice: [], main: set, isNew: true, servesWebhooks: false };
  }
  const found = { isNew: false, servesWebhooks: /["']edge-operations\/webhooks["']/.test(text) };
  const state = codeState(text);
  switch (state.kind) {
    case "set-up": {
      if (state.exportsObjects) return { changes: [], advice: [], main: [], ...found };
      const says = ["+ the classes of the Durable Objects, exported"];
      return {
        changes: [{ path, text: `${text.trimEnd()}\n\n${EXPORT_OBJECTS}`, says }],
        advice: [],
        main: [],
        ...found,
      };
    }
    case "module": {
      const method = freePath(path, [METHOD_PATH, "first-method"], extension, read);
      const wrapper = freePath(path, ["operations", "edge-operations"], extension, read);
      const around = workerAround({
        worker: specifierOf(path),
        method: specifierOf(method),
        hasNamedExports: state.hasNamedExports,
        handlers: handlersOf(config),
      });
      const changes = [
        { path: method, text: METHOD, says: [METHOD_SAYS] },
        { path: wrapper, text: around, says: [`+ a Worker that serves it, around ${path}`] },
      ];
      return { changes, advice: [], main: setMain(wrapper, `${wrapper} instead of ${path}`), ...found };
    }
    case "other": {
      const advice = [
        `${path} is left as it is, because ${state.why}. Add to it:`,
        `  ${EXPORT_OBJECTS.trim()}`,
        '  and serve operations({ methods: [...] }) of "edge-operations" from its handlers fetch, queue and scheduled.',
      ];
      return { changes: [], advice, main: [], ...found };
    }
  }
}

/** A module beside the main one, under the first of these names that is not taken. */
function freePath(main: string, names: readonly string[], extension: string, read: Read): string {
  const paths = names.map((name) => join(dirname(main), name + extension));
  const free = paths.find((path) => read(path) === undefined);
  if (free === undefined) throw new CommandError(`${paths.join(" and ")} exist: rename one of them.`);
  return free;
}

/** A module of the same folder, as an import of any resolution names it. */
function specifierOf(path: string): string {
  return `./${basename(path).replace(/\.([cm]?)tsx?$/, ".$1js")}`;
}

function handlersOf(config: ConfigObject): ("fetch" | "queue" | "scheduled")[] {
  const { queues, triggers } = config;
  const consumers = isObject(queues) ? queues["consumers"] : undefined;
  const crons = isObject(triggers) ? triggers["crons"] : undefined;
  return [
    "fetch",
    ...(Array.isArray(consumers) && consumers.length > 0 ? (["queue"] as const) : []),
    ...(Array.isArray(crons) && crons.length > 0 ? (["scheduled"] as const) : []),
  ];
}

/** `npm start` serves the new Worker, where there is a package and no such script. */
function startScriptChange(read: Read): FileChange[] {
  const text = read(PACKAGE_FILE);
  if (text === undefined) return [];
  try {
    const { scripts } = configFromText(text, "jsonc");
    if (isObject(scripts) && "start" in scripts) return [];
    const start: ConfigChange = { kind: "set", path: ["scripts", "start"], value: "edge-operations dev" };
    const says = ["+ scripts.start: npm start serves the Worker on this machine"];
    return [{ path: PACKAGE_FILE, text: changedText(text, "jsonc", [start]), says }];
  } catch (error) {
    if (error instanceof ConfigTextError) throw new CommandError(`${PACKAGE_FILE} ${error.message}.`);
    throw error;
  }
}

/** On this machine every caller may do everything. A deployment has no such file. */
function devVarsChange(config: ConfigObject, read: (path: string) => string | undefined): FileChange[] {
  const vars = isObject(config["vars"]) ? config["vars"] : {};
  const texts = [DEV_VARS, ".env"].map((path) => read(path) ?? "");
  if ("AUTH" in vars || texts.some((text) => /^\s*(export\s+)?AUTH\s*=/m.test(text))) return [];
  const text = read(DEV_VARS);
  const before = text === undefined || text.trim() === "" ? "" : `${text.trimEnd()}\n`;
  const says = ["+ AUTH=open: under wrangler dev, every caller may do everything. A deployment needs AUTH of its own."];
  return [{ path: DEV_VARS, text: `${before}AUTH=open\n`, says }];
}

function dateAdvice({ compatibility_date: date }: ConfigObject, path: string): string[] {
  if (typeof date === "string" && date >= MIN_DATE) return [];
  return [`Set compatibility_date in ${path} to ${MIN_DATE} or later: the library needs the modules of Node.`];
}

function environmentAdvice({ env }: ConfigObject, path: string): string[] {
  const names = isObject(env) ? Object.keys(env) : [];
  if (names.length === 0) return [];
  return [
    `Environments inherit no bindings. Repeat queues and kv_namespaces of ${path}, with queues of their own, in: ${names.join(", ")}.`,
  ];
}
