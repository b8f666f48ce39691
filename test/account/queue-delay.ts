// npm run queue-delay: starts operations that each hold a consumer, and prints how long they waited for one (docs/platform.md).
import { parseArgs } from "node:util";

interface Operation {
  name: string;
  done: boolean;
  metadata: { value: { createTime: string; startTime?: string } };
  response?: { value: { attempt: number } };
  error?: { code: number; message: string };
}

const BUCKETS_SECONDS = [1, 2, 5, 10, 30, 60, 120, Infinity];

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8787" },
    count: { type: "string", default: "100" },
    seconds: { type: "string", default: "60" },
  },
});
const count = Number(values.count);
const key = process.env["EDGE_OPERATIONS_KEY"];

async function post(path: string, body: object): Promise<Operation> {
  const response = await fetch(`${values.url}/v1/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(key === undefined ? {} : { "x-goog-api-key": key }) },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Operation;
}

async function end({ name }: Operation): Promise<Operation> {
  for (;;) {
    const operation = await post(`${name}:wait`, { timeout: "60s" });
    if (operation.done) return operation;
  }
}

const startedAt = Date.now();
const started = await Promise.all(
  Array.from({ length: count }, () => post("projects/account/consumers:hold", { seconds: Number(values.seconds) })),
);
console.log(`${count} operations were started in ${Date.now() - startedAt} ms. Waiting for their ends …`);
const ended = await Promise.all(started.map(end));

const delays = ended
  .flatMap(({ metadata: { value } }) =>
    value.startTime === undefined ? [] : [(Date.parse(value.startTime) - Date.parse(value.createTime)) / 1_000],
  )
  .toSorted((one, other) => one - other);
console.log("\nFrom creation to the first claim:");
let low = 0;
for (const high of BUCKETS_SECONDS) {
  const within = delays.filter((delay) => delay >= low && delay < high).length;
  const label = high === Infinity ? `${low} s and more` : `${low} to ${high} s`;
  console.log(`${label.padStart(16)} ${String(within).padStart(5)} ${"#".repeat(Math.ceil((60 * within) / count))}`);
  low = high;
}
const failed = ended.filter(({ error }) => error);
const retried = ended.filter(({ response }) => (response?.value.attempt ?? 1) > 1);
console.log(`\nmedian ${delays[Math.floor(delays.length / 2)]} s, longest ${delays.at(-1)} s`);
console.log(
  `${failed.length} failed, ${retried.length} needed more than one attempt; all in ${Date.now() - startedAt} ms.`,
);
for (const { name, error } of failed.slice(0, 5)) console.log(`${name}: ${error?.code} ${error?.message}`);
