// Hostile input against the real `wrangler dev`: node test/chaos/fuzz.ts --requests 200000 --seed 1 --json fuzz.json
// --only N repeats one request of a seed.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { runFuzz } from "./fuzz-run.ts";

/** With fewer, the first fifth has not warmed the runtime up, and its memory is not measured. */
const WARM_REQUESTS = 50_000;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "5000" },
    seed: { type: "string" },
    only: { type: "string" },
    json: { type: "string" },
  },
});
const requests = Number(values.requests);
const summary = await runFuzz({
  requests,
  seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
  only: values.only === undefined ? undefined : Number(values.only),
  measuresMemory: requests >= WARM_REQUESTS,
  onProgress: (done) => console.error(`${done} requests`),
});
const json = `${JSON.stringify(summary, null, 2)}\n`;
if (values.json !== undefined) await writeFile(values.json, json);
console.log(json);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
