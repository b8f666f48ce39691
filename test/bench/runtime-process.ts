// A process of its own for one Worker in the local runtime: started by runtime.ts, which kills it and its workerd together.
import { builtinModules } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import type { RuntimeOptions } from "./runtime.ts";

const {
  config,
  entry,
  vars,
  state,
  consumes,
  inspects = false,
} = JSON.parse(process.argv[2] ?? "") as RuntimeOptions & {
  state: string;
};
const bundle = await build({
  entryPoints: [entry],
  bundle: true,
  format: "esm",
  target: "es2024",
  conditions: ["workerd", "worker", "browser"],
  // The module "stream" of a dependency is "node:stream" in workerd.
  alias: Object.fromEntries(builtinModules.map((name) => [name, `node:${name}`])),
  external: ["cloudflare:*", "node:*"],
  write: false,
});
const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    telemetry: { enabled: false },
    // The Worker's log is part of the measurement, and is discarded.
    handleStructuredLogs: () => {},
    // Where `wrangler dev --persist-to` has it.
    resourcePersistencePath: join(state, "v3"),
    ...(inspects ? { inspectorPort: 0 } : {}),
    workers: [
      {
        ...workerOptions,
        name: "bench",
        modules: [{ type: "ESModule", path: "worker.mjs", contents: bundle.outputFiles[0]?.text ?? "" }],
        bindings: vars,
        ...(consumes ? {} : { queueConsumers: {} }),
      },
    ],
  }),
);
console.log(JSON.stringify({ url: String(await miniflare.ready).replace(/\/$/, "") }));
