// npm run proto: writes the .proto files of a deployment's own methods (docs/clients.md). It bundles the Worker as it would
// be deployed, loads it without serving anything, and asks it for its methods.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Plugin, build } from "esbuild";

const USAGE = `npm run proto -- [--worker src/worker/worker.ts] [--out proto]

  --worker   the Worker's entry, whose default export operations() has made
  --out      the folder to write to
`;

interface Bundle {
  proto: { files: Map<string, string>; leftOut: string[] } | undefined;
}

/** The modules that only the runtime has. Each of their exports is a class that does nothing. */
const runtimeModules: Plugin = {
  name: "runtime-modules",
  setup(bundling) {
    bundling.onResolve({ filter: /^cloudflare:/ }, ({ path }) => ({ path, namespace: "runtime" }));
    bundling.onLoad({ filter: /.*/, namespace: "runtime" }, () => ({
      contents: "module.exports = new Proxy({}, { get: () => class {} });",
      loader: "js",
    }));
  },
};

async function bundleOf(worker: string): Promise<Bundle> {
  const source = resolve(import.meta.dirname, "..");
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import worker from ${JSON.stringify(worker)};
        import { protoFiles } from ${JSON.stringify(join(source, "describe/proto"))};
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
    plugins: [runtimeModules],
    logLevel: "error",
  });
  const [file] = outputFiles;
  return (await import(`data:text/javascript;base64,${Buffer.from(file?.text ?? "").toString("base64")}`)) as Bundle;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      worker: { type: "string", default: "src/worker/worker.ts" },
      out: { type: "string", default: "proto" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const { proto } = await bundleOf(resolve(values.worker));
  if (!proto) throw new Error(`${values.worker} has no default export with methods: operations({ methods: […] })`);
  for (const [path, text] of proto.files) {
    const target = join(values.out, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    console.log(target);
  }
  for (const id of proto.leftOut) console.error(`${id} is left out: its request is no declared message`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
