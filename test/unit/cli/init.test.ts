// edge-operations init in projects as people have them. Each is a folder, in which the command runs twice.
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { configFromText, formatOf } from "../../../src/cli/config-text";
import { runInit } from "../../../src/cli/init";

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with these files. */
function aProject(files: Record<string, string> = {}, name = "Init Test") {
  const parent = mkdtempSync(join(tmpdir(), "init-"));
  folders.push(parent);
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const read = (path: string): string => readFileSync(join(folder, path), "utf8");
  return {
    read,
    files: () => readdirSync(folder, { recursive: true, encoding: "utf8" }),
    config: (path: string) => configFromText(read(path), formatOf(path)),
    init: (...args: string[]): string => {
      const lines: string[] = [];
      runInit(args, { directory: folder, print: (line) => lines.push(line) });
      return lines.join("\n");
    },
  };
}

const CLASSES = ["OperationObject", "OperationIndex", "PolicyObject", "KeyObject", "SlotsObject", "DirectoryObject"];
const LANES = [
  { binding: "QUEUE", queue: "shop-operations" },
  { binding: "QUEUE_2", queue: "shop-operations-2" },
  { binding: "QUEUE_3", queue: "shop-operations-3" },
  { binding: "QUEUE_4", queue: "shop-operations-4" },
];
const CONSUMERS = LANES.map(({ queue }) => ({
  queue,
  max_batch_size: 1,
  max_batch_timeout: 0,
  max_retries: 10,
  retry_delay: 2,
}));
const PLAIN = 'export default { fetch: () => new Response("Hello.") };\n';
const NOTHING_TO_DO = "Nothing to do: edge-operations is set up here.";

describe("init in an empty folder", () => {
  test("makes a Worker with a method", () => {
    const project = aProject();
    const said = project.init();

    expect(project.config("wrangler.jsonc")).toMatchObject({
      name: "init-test",
      main: "src/worker.ts",
      compatibility_date: "2026-10-01",
      compatibility_flags: ["nodejs_compat"],
      migrations: [{ tag: "v1", new_sqlite_classes: CLASSES }],
      triggers: { crons: ["*/5 * * * *"] },
      kv_namespaces: [{ binding: "SNAPSHOTS" }],
      assets: { directory: "./node_modules/edge-operations/dist/console" },
    });
    expect(project.read("src/worker.ts")).toContain('export * from "edge-operations/objects";');
    expect(project.read(".dev.vars")).toBe("AUTH=open\n");
    expect(said).toContain("+ migrations: the classes OperationObject,");
    expect(said).toContain("+ assets: the console, a page at /");
    expect(said).toContain("Serve it: npx edge-operations dev");
    expect(said).toContain("docs/webhooks.md");
    expect(project.init()).toBe(NOTHING_TO_DO);
  });

  test("makes npm start serve the Worker, beside the scripts that are there", () => {
    const project = aProject({ "package.json": '{\n  "name": "a",\n  "scripts": {\n    "test": "vitest"\n  }\n}\n' });
    const said = project.init();

    expect(JSON.parse(project.read("package.json"))).toEqual({
      name: "a",
      scripts: { test: "vitest", start: "edge-operations dev" },
    });
    expect(said).toContain("Serve it: npm start");
  });

  test("leaves a start script, and a package.json that it cannot read", () => {
    const text = '{ "scripts": { "start": "mine" } }';
    const project = aProject({ "package.json": text });
    project.init();

    expect(project.read("package.json")).toBe(text);
    expect(() => aProject({ "package.json": "{" }).init()).toThrow("package.json is not valid JSON");
  });

  test("binds the console of a workspace, whose packages are in a folder above", () => {
    const file = "node_modules/edge-operations/dist/console/index.html";
    const project = aProject({ [`../../${file}`]: "", "wrangler.jsonc": "{}" }, "apps/shop");
    project.init();

    expect(project.config("wrangler.jsonc")).toMatchObject({
      assets: { directory: "../../node_modules/edge-operations/dist/console" },
    });
  });

  test("writes nothing with --dry-run", () => {
    const project = aProject();
    const said = project.init("--dry-run");

    expect(project.files()).toEqual([]);
    expect(said).toContain("wrangler.jsonc\n  + compatibility_flags: the library uses modules of Node");
    expect(said).toContain("Nothing was written");
  });
});

describe("examples/starter", () => {
  const EXAMPLE = resolve(import.meta.dirname, "../../../examples/starter");

  test.each(["src/countdown.ts", "src/worker.ts"])("has the %s that init writes", (path) => {
    const project = aProject({}, "starter");
    project.init();

    expect(readFileSync(join(EXAMPLE, path), "utf8")).toBe(project.read(path));
  });

  test("has the configuration that init writes", () => {
    const project = aProject({}, "starter");
    project.init();
    const text = readFileSync(join(EXAMPLE, "wrangler.jsonc"), "utf8");

    // The package is in the workspace above.
    const assets = { directory: "../../node_modules/edge-operations/dist/console" };
    expect(configFromText(text, "jsonc")).toEqual({ ...project.config("wrangler.jsonc"), assets });
  });
});

describe("init beside a Worker", () => {
  const JSONC = `{
	// The name of the Worker.
	"name": "shop",
	"main": "src/index.ts", // hono
	"compatibility_date": "2025-01-01",
	"compatibility_flags": ["nodejs_compat"],
	"queues": {
		"consumers": [{ "queue": "mail" }], // mails
	},
	"vars": { "AUTH": "open" },
}
`;

  test("keeps the comments and the indentation of a wrangler.jsonc", () => {
    const project = aProject({ "wrangler.jsonc": JSONC, "src/index.ts": PLAIN });
    project.init();
    const text = project.read("wrangler.jsonc");

    for (const comment of ["\t// The name of the Worker.", "// hono", "// mails"]) expect(text).toContain(comment);
    expect(text).toContain('\n\t"migrations": [');
    expect(project.config("wrangler.jsonc")).toMatchObject({
      main: "src/operations.ts",
      compatibility_flags: ["nodejs_compat", "enable_ctx_exports"],
      queues: { producers: LANES, consumers: [{ queue: "mail" }, ...CONSUMERS] },
    });
    expect(project.init()).toBe(NOTHING_TO_DO);
  });

  test("passes requests that are not the library's to the Worker", () => {
    const project = aProject({ "wrangler.jsonc": JSONC, "src/index.ts": `${PLAIN}export class Cart {}\n` });
    project.init();
    const code = project.read("src/operations.ts");

    expect(code).toContain('import worker from "./index.js";');
    expect(code).toContain('export * from "./index.js";');
    expect(code).toContain("  fetch: worker.fetch,\n  queue: worker.queue,\n});");
    expect(project.read("src/index.ts")).toBe(`${PLAIN}export class Cart {}\n`);
  });

  const TOML = `# The shop.
name = "shop"
main = "src/index.ts" # hono
compatibility_date = "2026-10-01"

[[queues.producers]]
binding = "MAIL" # mails
queue = "mail"

[triggers]
crons = [
  "0 3 * * *", # at night
]

[[migrations]]
tag = "v1"
new_sqlite_classes = ["Cart"]
`;

  test("keeps the comments of a wrangler.toml", () => {
    const project = aProject({ "wrangler.toml": TOML, "src/index.ts": PLAIN });
    project.init();
    const text = project.read("wrangler.toml");

    for (const comment of ["# The shop.", "# hono", "# mails", "# at night"]) expect(text).toContain(comment);
    expect(project.config("wrangler.toml")).toEqual({
      name: "shop",
      main: "src/operations.ts",
      compatibility_date: "2026-10-01",
      compatibility_flags: ["nodejs_compat"],
      queues: {
        producers: [{ binding: "MAIL", queue: "mail" }, ...LANES],
        consumers: CONSUMERS,
      },
      triggers: { crons: ["0 3 * * *", "*/5 * * * *"] },
      migrations: [
        { tag: "v1", new_sqlite_classes: ["Cart"] },
        { tag: "edge-operations-v1", new_sqlite_classes: CLASSES },
      ],
      kv_namespaces: [{ binding: "SNAPSHOTS" }],
    });
    expect(project.read("src/operations.ts")).toContain("  scheduled: worker.scheduled,\n");
    expect(project.init()).toBe(NOTHING_TO_DO);
  });

  test.each([
    ["a class", "export default class extends WorkerEntrypoint {}\n", "its default export is a class"],
    ["no default export", 'addEventListener("fetch", () => {});\n', "it has no default export"],
  ])("names the code to write in a Worker that has %s", (_, code, why) => {
    const project = aProject({ "wrangler.toml": TOML, "src/index.ts": code });
    const said = project.init();

    expect(said).toContain(`src/index.ts is left as it is, because ${why}. Add to it:`);
    expect(project.config("wrangler.toml")).toMatchObject({ main: "src/index.ts" });
    expect(project.files()).not.toContain("src/operations.ts");
  });

  test("uses another file name if its own exists", () => {
    const files = { "wrangler.toml": TOML, "src/index.ts": PLAIN, "src/operations.ts": "export const add = 1;\n" };
    const project = aProject(files);
    project.init();

    expect(project.config("wrangler.toml")).toMatchObject({ main: "src/edge-operations.ts" });
    expect(project.read("src/operations.ts")).toBe(files["src/operations.ts"]);
  });

  test("writes JavaScript beside JavaScript", () => {
    const project = aProject({ "wrangler.json": '{ "name": "js", "main": "index.mjs" }', "index.mjs": PLAIN });
    const said = project.init();

    expect(project.config("wrangler.json")).toMatchObject({ main: "operations.mjs" });
    expect(project.read("operations.mjs")).toContain('import worker from "./index.mjs";');
    expect(said).toContain("Set compatibility_date in wrangler.json to 2024-09-23 or later");
  });

  test("prints that environments need bindings of their own", () => {
    const project = aProject({ "wrangler.toml": `${TOML}\n[env.staging]\nname = "s"\n`, "src/index.ts": PLAIN });

    expect(project.init()).toContain("Environments inherit no bindings.");
    expect(project.init()).toContain("in: staging.");
  });
});

describe("init beside a Worker that serves operations", () => {
  const WORKER = 'import { operations } from "edge-operations";\nexport default operations({ methods: [] });\n';

  test("adds the classes to its exports", () => {
    const project = aProject({ "wrangler.jsonc": '{ "name": "a", "main": "src/a.ts" }', "src/a.ts": WORKER });
    project.init();

    expect(project.read("src/a.ts")).toBe(`${WORKER}\nexport * from "edge-operations/objects";\n`);
  });

  test("adds the queues of webhooks where the Worker serves them", () => {
    const code = `import { webhooks } from "edge-operations/webhooks";\n${WORKER}`;
    const config = '{ "name": "shop", "main": "src/a.ts", "compatibility_date": "2026-10-01" }';
    const project = aProject({ "wrangler.jsonc": config, "src/a.ts": code });
    const said = project.init();
    const { queues } = project.config("wrangler.jsonc");

    expect(queues).toMatchObject({
      producers: [
        ...LANES,
        { binding: "WEBHOOK_QUEUE", queue: "shop-webhooks" },
        { binding: "WEBHOOK_DEAD_LETTERS", queue: "shop-webhooks-dead-letters" },
      ],
      consumers: [
        ...CONSUMERS,
        { queue: "shop-webhooks", max_batch_size: 1, dead_letter_queue: "shop-webhooks-dead-letters" },
        { queue: "shop-webhooks-dead-letters", max_retries: 100 },
      ],
    });
    expect(said).toContain("+ queues.producers: the queue of webhooks' events");
    expect(project.config("wrangler.jsonc")).not.toHaveProperty("assets");
    expect(project.init()).toBe(NOTHING_TO_DO);
  });

  test("leaves bindings, lanes and declared classes as they are", () => {
    const exported = Object.fromEntries(
      CLASSES.slice(1).map((name) => [name, { type: "durable-object", storage: "sqlite" }]),
    );
    const config = {
      name: "a",
      main: "src/a.ts",
      compatibility_date: "2026-10-01",
      compatibility_flags: ["nodejs_compat"],
      exports: exported,
      queues: {
        producers: [
          { binding: "QUEUE", queue: "own-name" },
          { binding: "QUEUE_2", queue: "other-name" },
        ],
        consumers: [
          { queue: "own-name", max_batch_size: 5 },
          { queue: "other-name", max_batch_size: 1 },
        ],
      },
      vars: { KV_SNAPSHOTS: "off", AUTH: "open" },
      triggers: { crons: ["*/5 * * * *"] },
    };
    const project = aProject({
      "wrangler.json": JSON.stringify(config, null, 2),
      "src/a.ts": `${WORKER}export * from "edge-operations/objects";\n`,
    });
    project.init();

    expect(project.config("wrangler.json")).toEqual({
      ...config,
      exports: { ...exported, OperationObject: { type: "durable-object", storage: "sqlite" } },
    });
    expect(project.init()).toBe(NOTHING_TO_DO);
  });
});

describe("init", () => {
  test.each([
    ["wrangler.jsonc", "{ name: 1 }", "wrangler.jsonc is not valid JSON at character 3."],
    ["wrangler.toml", "name = ", "wrangler.toml is not valid TOML:"],
    [
      "wrangler.toml",
      'name = "a"\nqueues = { producers = [] }\n',
      "wrangler.toml has a form that this command cannot add to",
    ],
  ])("leaves a %s unchanged that it cannot edit: %j", (path, text, message) => {
    const project = aProject({ [path]: text, "src/worker.ts": PLAIN });

    expect(() => project.init()).toThrow(message);
    expect(project.read(path)).toBe(text);
  });

  test("rejects unknown options", () => {
    expect(() => aProject().init("--dry")).toThrow("Unknown option '--dry'");
  });
});
