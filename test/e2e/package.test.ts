// The package as npm packs it: what is in it, whether other programs' compilers accept its declarations, and whether a
// Worker in a folder of its own serves a method with it.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { postOperation } from "./client";
import { DevServer } from "./dev-server";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** An empty folder in which the package is installed. */
let project: string;
let tarball: string;
let packed: string[];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "edge-operations-"));
  // The build of this run is what is packed; another one would take its time again.
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", project], {
    cwd: ROOT,
  });
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  tarball = join(project, filename);
  await installPacked();
  await mkdir(join(project, "src"));
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "app", type: "module" }));
  await writeFile(join(project, "src/index.ts"), OWN_WORKER);
  await writeFile(join(project, "src/more.ts"), MORE_TYPES);
  await writeFile(join(project, "src/methods.test.ts"), METHOD_TEST);
  await writeFile(join(project, "wrangler.jsonc"), OWN_CONFIGURATION);
  await command("init");
});

/** Runs a command of the package as its users do. */
async function command(...args: string[]): Promise<string> {
  const { stdout } = await run("npx", ["--no", "edge-operations", ...args], { cwd: project });
  return stdout;
}

afterAll(() => rm(project, { recursive: true, force: true }));

/** Does what `npm install` of the tarball does, with the dependencies that this repository has installed. */
async function installPacked(): Promise<void> {
  const modules = join(project, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", modules]);
  await rename(join(modules, "package"), join(modules, "edge-operations"));
  await symlink("../edge-operations/dist/cli/main.js", join(modules, ".bin/edge-operations"));
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (name.startsWith(".") || existsSync(join(modules, name))) continue;
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
}

/** A Worker with a handler of each kind, as it was before. */
const OWN_WORKER = `
interface Env {
  MAIL: Queue<string>;
  MAILS: KVNamespace;
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (request.method === "POST") await env.MAIL.send(pathname);
    return Response.json({ pathname, mails: (await env.MAILS.list()).keys.map(({ name }) => name) });
  },
  async queue(batch, env) {
    for (const message of batch.messages) {
      await env.MAILS.put(message.body, "");
      message.ack();
    }
  },
  async scheduled(controller, env) {
    await env.MAILS.put(controller.cron, "");
  },
} satisfies ExportedHandler<Env, string>;
`;

const OWN_CONFIGURATION = `{
  "name": "app",
  "main": "src/index.ts", // the Worker
  "compatibility_date": "2026-10-01",
  "queues": {
    "producers": [{ "binding": "MAIL", "queue": "mail" }],
    "consumers": [{ "queue": "mail", "max_batch_timeout": 0 }]
  },
  "kv_namespaces": [{ "binding": "MAILS" }],
  "triggers": { "crons": ["0 3 * * *"] }
}
`;

/** A program that uses the entries beside the method that `init` writes. */
const MORE_TYPES = `
import { type MessageType, message, repeated, string } from "edge-operations/protobuf";
import { OperationsClient } from "edge-operations/client";
import { mcp } from "edge-operations/mcp";
import { RpcError, defineMethod, operations } from "edge-operations";
import { z } from "zod";

export const Greeting = message("example.v1.Greeting", { texts: repeated(string(1)) });
export type Greeting = MessageType<typeof Greeting>;
export const client = new OperationsClient({ baseUrl: "https://api.example" });

export const greet = defineMethod({
  http: { post: "/v1/{parent=projects/*}/greetings:send", body: "*" },
  request: z.object({ parent: z.string(), name: z.string() }),
  async run({ name }, op) {
    if (name === "") throw new RpcError("FAILED_PRECONDITION", "The name is empty.");
    return { text: await op.step("text", async () => "Hello, " + name) };
  },
});

export const worker = operations({ methods: [greet], mcp: mcp({ name: "greeter" }) });
`;

/** A test of methods, compiled with the others. Node runs it as it is. */
const METHOD_TEST = `
import { crashEverywhere, runMethod, takes } from "edge-operations/testing";
import { runCountdown } from "./countdown.ts";
import { greet } from "./more.ts";

const { response } = await runMethod(greet, { parent: "projects/p", name: "Ada" }, { steps: { text: takes("1m", "Hi") } });
const text: string | undefined = response?.text;
const { points } = await crashEverywhere(runCountdown, { parent: "projects/p", seconds: 2 });
console.log(text, points[0]?.replace(/:.*/, ""));
`;

describe("the packed files", () => {
  test("are the build, the documentation and the files that npm requires", () => {
    const folders = new Set(packed.map((path) => path.split("/")[0]));

    expect(folders).toEqual(new Set(["CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "package.json"]));
    expect(packed).toContain("docs/quickstart.md");
  });

  test("hold a source map with its sources for each script", () => {
    const scripts = packed.filter((path) => path.endsWith(".js"));
    const read = (path: string): string => readFileSync(join(project, "node_modules/edge-operations", path), "utf8");
    const mapped = scripts.filter((path) => read(path).includes("//# sourceMappingURL="));

    expect(mapped).toContain("dist/index.js");
    for (const path of mapped) {
      const { sources, sourcesContent } = JSON.parse(read(`${path}.map`)) as Record<string, (string | null)[]>;
      expect(sourcesContent?.filter(Boolean)).toHaveLength(sources?.length ?? 0);
    }
  });

  test("pass publint", async () => {
    const data = readFileSync(tarball);
    const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });

    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test("have declarations for each resolution of ES modules", async () => {
    const analysis = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    if (!analysis.types) throw new Error("the package has no types");
    // CommonJS, and resolution as before Node 12, know no package of ES modules alone.
    const problems = analysis.problems.filter(
      (problem) =>
        !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)) &&
        !("resolutionOption" in problem && problem.resolutionOption === "node10"),
    );

    expect(Object.keys(analysis.entrypoints)).toEqual(
      expect.arrayContaining([".", "./client", "./mcp", "./objects", "./protobuf", "./testing"]),
    );
    expect(problems).toEqual([]);
  });
});

describe("a program that uses the package compiles", () => {
  const BUNDLER = { module: "esnext", moduleResolution: "bundler" };

  test.each<[name: string, options: Record<string, unknown>]>([
    ["with a bundler's resolution", BUNDLER],
    ["with Node's resolution", { module: "nodenext" }],
    ["with declarations of its own", { ...BUNDLER, declaration: true, emitDeclarationOnly: true, noEmit: false }],
    [
      "with exact optional properties",
      { ...BUNDLER, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ],
    ["beside the types of Node", { ...BUNDLER, types: ["@cloudflare/workers-types", "node"] }],
    ["beside those of the DOM", { ...BUNDLER, lib: ["es2022", "dom"] }],
  ])("%s", async (name, options) => {
    const file = join(project, `tsconfig.${name.replaceAll(/\W/g, "-")}.json`);
    const compilerOptions = {
      target: "es2022",
      lib: ["es2022"],
      types: ["@cloudflare/workers-types"],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      rootDir: join(project, "src"),
      outDir: join(project, "out"),
      allowImportingTsExtensions: true,
      rewriteRelativeImportExtensions: true,
      ...options,
    };
    await writeFile(file, JSON.stringify({ compilerOptions, include: ["src"] }));

    // The types of Workers, of Node and of the DOM contradict one another, whatever else is in the program.
    const complaints = (await tsc(file))
      .split("\n")
      .filter((line) => /^(src|node_modules\/edge-operations)\//.test(line));
    expect(complaints).toEqual([]);
  });

  /** The compiler's errors. */
  async function tsc(file: string): Promise<string> {
    const { stdout } = await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", file], {
      cwd: project,
    }).catch((error: unknown) => error as { stdout: string });
    return stdout;
  }
});

describe("Node", () => {
  test.each([
    ["edge-operations", "operations"],
    ["edge-operations/client", "OperationsClient"],
    ["edge-operations/conditions", "conditions"],
    ["edge-operations/emulation", "emulation"],
    ["edge-operations/react", "useOperation"],
    ["edge-operations/mcp", "mcp"],
    ["edge-operations/objects", "OperationObject"],
    ["edge-operations/protobuf", "message"],
    ["edge-operations/testing", "runMethod"],
  ])("imports %s, so that methods can be tested in it", async (entry, name) => {
    const program = `console.log(typeof (await import(${JSON.stringify(entry)}))[${JSON.stringify(name)}])`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: project });

    expect(stdout).toBe("function\n");
  });

  test("runs a test of methods, whose failures name the lines of the test", async () => {
    const { stdout } = await run(process.execPath, ["src/methods.test.ts"], { cwd: project });

    expect(stdout).toBe('Hi the call of sleep "1s" (src/countdown.ts\n');
  });
});

describe("the command edge-operations", () => {
  test("init changes nothing the second time", async () => {
    expect(await command("init")).toBe("Nothing to do: edge-operations is set up here.\n");
  });

  test("proto writes the messages of the project's methods, and of the service's own", async () => {
    expect(await command("proto")).toBe(
      "proto/example/v1/example.proto\nproto/edge_operations/v1/edge_operations.proto\n",
    );
    expect(readFileSync(join(project, "proto/example/v1/example.proto"), "utf8")).toContain(
      "message RunCountdownRequest {",
    );
  });

  test("keys makes an administrator's key", async () => {
    expect(await command("keys", "admin-key")).toMatch(/^eo_admin_\S{43}\n"apiKeys": /);
  });
});

describe("a Worker that init has set up", () => {
  let server: DevServer;

  beforeAll(async () => {
    server = await DevServer.start({ directory: project });
  });

  afterAll(() => server?.dispose());

  const own = async (path: string, init?: RequestInit): Promise<{ pathname: string; mails: string[] }> =>
    (await fetch(`${server.url}${path}`, init)).json() as Promise<{ pathname: string; mails: string[] }>;

  test("serves a method, with objects that have no binding", async () => {
    const started = await postOperation(`${server.url}/v1/projects/p/countdowns:run`, { seconds: 1 });
    const done = await postOperation(`${server.url}/v1/${started.name}:wait`, { timeout: "30s" });

    expect(started.done).toBe(false);
    expect(done).toMatchObject({ done: true, response: { value: { liftOff: true } } });
  });

  test("passes the requests, messages and crons of the earlier Worker to it", async () => {
    expect(await own("/about", { method: "POST" })).toMatchObject({ pathname: "/about" });
    const cron = await fetch(`${server.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("0 3 * * *")}`);
    await fetch(`${server.url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent("*/5 * * * *")}`);

    expect(await cron.text()).toBe("ok");
    await eventually(async () => (await own("/")).mails.length === 2);
    expect((await own("/")).mails).toEqual(["/about", "0 3 * * *"]);
    expect(server.output).toContain("message: 'sweep'");
  });
});
