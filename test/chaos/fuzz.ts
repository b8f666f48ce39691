// Hostile input against the real `wrangler dev`, or, to measure memory, its runtime alone: node test/chaos/fuzz.ts --requests 200000 --seed 1 --json fuzz.json
// --only N repeats one request of a seed; --guarded has authentication on, and callers of every kind.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { calmMemory, collecting } from "../bench/calm-memory.ts";
import { Runtime } from "../bench/runtime.ts";
import { runFuzz } from "./fuzz-run.ts";
import { Issuer } from "./guarded.ts";

/** With fewer, the first fifth has not warmed the runtime up, and its memory is not measured. */
const WARM_REQUESTS = 50_000;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "5000" },
    seed: { type: "string" },
    only: { type: "string" },
    json: { type: "string" },
    guarded: { type: "boolean", default: false },
  },
});
const requests = Number(values.requests);
const only = values.only === undefined ? undefined : Number(values.only);
const issuer = values.guarded ? await Issuer.start() : undefined;
/** The Worker as `wrangler dev` has it, without the traces and the inspector's session that wrangler keeps beside it. */
const runtime =
  requests >= WARM_REQUESTS && only === undefined
    ? await Runtime.start({
        config: "wrangler.toml",
        entry: "src/worker/local.ts",
        vars: { AUTH: "open", RESEND_SECONDS: "3", LOG: "off", ...issuer?.vars },
        consumes: true,
        inspects: true,
      })
    : undefined;
const summary = await runFuzz({
  requests,
  seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
  only,
  measured: runtime && {
    server: runtime,
    memory: (stir) => calmMemory(runtime, stir),
    collecting: (act) => collecting(runtime, act),
    cpuMs: () => runtime.cpuMs(),
  },
  issuer,
  onProgress: (done) => console.error(`${done} requests`),
});
issuer?.close();
const json = `${JSON.stringify(summary, null, 2)}\n`;
if (values.json !== undefined) await writeFile(values.json, json);
console.log(json);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
