// edge-operations proto: writes the .proto files of a deployment's own methods (docs/clients.md). It bundles the Worker as it
// would be deployed, loads it without serving anything, and asks it for its methods.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type * as Esbuild from "esbuild";
import { CommandError } from "./command-error.ts";
import { isObject } from "./config-text.ts";
import { configOf, wranglerRequire } from "./project.ts";

export const PROTO_USAGE = `edge-operations proto [--worker src/worker.ts] [--out proto]

  --worker   the Worker's entry, whose default export operations() has made; the configuration's main unless given
  --out      the folder to write to
`;

interface Bundle {
  proto: { files: Map<string, string>; leftOut: string[] } | undefined;
}

/** The modules that only the runtime has. Each of their exports is a class that does nothing. */
const runtimeModules: Esbuild.Plugin = {
  name: "runtime-modules",
  setup(bundling) {
    bundling.onResolve({ filter: /^cloudflare:/ }, ({ path }) => ({ path, namespace: "runtime" }));
    bundling.onLoad({ filter: /.*/, namespace: "runtime" }, () => ({
      contents: "module.exports = new Proxy({}, { get: () => class {} });",
      loader: "js",
    }));
  },
};

async function bundleOf(worker: string, aliases: unknown): Promise<Bundle> {
  // wrangler bundles with the same esbuild.
  const esbuild = pathToFileURL(wranglerRequire(process.cwd()).resolve("esbuild")).href;
  const { build } = ((await import(esbuild)) as { default: typeof Esbuild }).default;
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import worker from ${JSON.stringify(worker)};
        import { protoFiles } from ${JSON.stringify(join(import.meta.dirname, "../describe/proto"))};
        export const proto = worker?.methods && protoFiles(worker.methods);
      `,
      resolveDir: process.cwd(),
      loader: "ts",
    },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    conditions: ["workerd", "worker", "import"],
    loader: { ".html": "text", ".sql": "text", ".txt": "text", ".wasm": "binary", ".bin": "binary" },
    alias: isObject(aliases) ? (aliases as Record<string, string>) : {},
    plugins: [runtimeModules],
    logLevel: "error",
  });
  const [file] = outputFiles;
  return (await import(`data:text/javascript;base64,${Buffer.from(file?.text ?? "").toString("base64")}`)) as Bundle;
}

export async function runProto(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { worker: { type: "string" }, out: { type: "string", default: "proto" } },
  });
  const { main, alias } = configOf(process.cwd());
  const worker = values.worker ?? main;
  if (typeof worker !== "string") throw new CommandError("the configuration here names no main: give --worker");
  const { proto } = await bundleOf(resolve(worker), alias);
  if (!proto) throw new CommandError(`${worker} has no default export with methods: operations({ methods: […] })`);
  for (const [path, text] of proto.files) {
    const target = join(values.out, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    console.log(target);
  }
  for (const id of proto.leftOut) console.error(`${id} is left out: its request is no declared message`);
}
