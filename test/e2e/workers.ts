// Workers in one runtime without wrangler: cheap where a test needs a few, each with its own main module.
import { resolve } from "node:path";
import { build } from "esbuild";
import { Miniflare, type RequestInit, type Response, convertV4MiniflareOptions } from "miniflare";

const ROOT = resolve(import.meta.dirname, "../..");
const CLASSES = {
  OPERATIONS: "OperationObject",
  INDEX: "OperationIndex",
  POLICIES: "PolicyObject",
  KEYS: "KeyObject",
  SLOTS: "SlotsObject",
  DIRECTORY: "DirectoryObject",
};

export interface AWorker {
  name: string;
  /** The text of its main module. */
  contents: string;
  variables: Record<string, string>;
  /** Whether a migration names its classes in `new_sqlite_classes`. */
  useSQLite?: boolean;
}

export class Workers {
  readonly #miniflare: Miniflare;

  private constructor(miniflare: Miniflare) {
    this.#miniflare = miniflare;
  }

  static async start(workers: readonly AWorker[]): Promise<Workers> {
    const options = { cf: false, telemetry: { enabled: false }, workers: await Promise.all(workers.map(optionsOf)) };
    const miniflare = new Miniflare(convertV4MiniflareOptions(options));
    await miniflare.ready;
    return new Workers(miniflare);
  }

  async fetch(name: string, path: string, init?: RequestInit, origin = "https://api.example"): Promise<Response> {
    const worker = await this.#miniflare.getWorker(name);
    return worker.fetch(origin + path, init);
  }

  async dispose(): Promise<void> {
    await this.#miniflare.dispose();
  }
}

async function optionsOf({ name, contents, variables, useSQLite = true }: AWorker) {
  return {
    name,
    modules: [{ type: "ESModule" as const, path: "worker.js", contents: await bundled(contents) }],
    compatibilityDate: "2026-10-01",
    compatibilityFlags: ["nodejs_compat"],
    bindings: { KV_SNAPSHOTS: "off", ...variables },
    durableObjects: Object.fromEntries(
      Object.entries(CLASSES).map(([binding, className]) => [binding, { className, useSQLite }]),
    ),
    queueProducers: { QUEUE: { queueName: name } },
    queueConsumers: { [name]: { maxBatchTimeout: 0 } },
  };
}

async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    format: "esm",
    target: "esnext",
    external: ["cloudflare:*", "node:*"],
    conditions: ["workerd", "worker", "browser"],
    alias: {
      "edge-operations/objects": resolve(ROOT, "src/objects.ts"),
      "edge-operations/protobuf": resolve(ROOT, "src/protobuf.ts"),
      "edge-operations": resolve(ROOT, "src/index.ts"),
    },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
