// Hostile input against the real `wrangler dev`: node test/chaos/fuzz.ts --requests 200000 --seed 1 --json fuzz.json
// --only N repeats one request of a seed.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { residentBytes } from "./resident-memory.ts";
import { runFuzz } from "./fuzz-run.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "5000" },
    seed: { type: "string" },
    only: { type: "string" },
    json: { type: "string" },
  },
});
const summary = await runFuzz({
  requests: Number(values.requests),
  seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
  only: values.only === undefined ? undefined : Number(values.only),
  onProgress: async (done, server) =>
    console.error(`${done} requests, ${Math.round((await residentBytes(server)) / 2 ** 20)} MiB resident`),
});
const json = `${JSON.stringify(summary, null, 2)}\n`;
if (values.json !== undefined) await writeFile(values.json, json);
console.log(json);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
