// Chaos against the real `wrangler dev`: node test/chaos/chaos.ts --rounds 50 --seed 1 --json chaos.json
// The seed repeats what the clients do and when the server is killed, not how the two fall together.
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { runChaos } from "./chaos-run.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    seed: { type: "string" },
    json: { type: "string" },
  },
});
const summary = await runChaos({
  rounds: Number(values.rounds),
  seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)),
  cleansUp: true,
  onRound: (round, { entries }) => console.error(`${round} kills, ${entries.length} starts`),
});
const json = `${JSON.stringify(summary, null, 2)}\n`;
if (values.json !== undefined) await writeFile(values.json, json);
console.log(json);
process.exitCode = summary.violations.length === 0 ? 0 : 1;
