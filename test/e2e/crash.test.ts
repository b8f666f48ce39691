// A power cut in the middle: every operation whose start was answered ends, and nobody asks for it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { type Operation, call, listAll, postOperation } from "./client";
import { DevServer } from "./dev-server";
import { storedRecords } from "./stored-state";
import { WebhookReceiver } from "./webhook-receiver";

/** Short, so that a runner that died with its machine is missed soon. */
const SIGNING_KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const vars = { LEASE_SECONDS: "3", WEBHOOK_SIGNING_KEYS: SIGNING_KEY };
const SLEEPERS = 10;
const ROWS = 40_000;
const MAX_WAVES = 20;

let server: DevServer | undefined;
let receiver: WebhookReceiver | undefined;
/** Operations with a webhook: some end before the power cut, and some behind it. */
const announced: string[] = [];

beforeAll(async () => {
  receiver = await WebhookReceiver.start(SIGNING_KEY);
  server = await DevServer.start({ vars });
});

afterAll(async () => {
  receiver?.close();
  await server?.dispose();
});

/** A table of about a megabyte that takes a while to profile. */
function table(): string {
  const rows = Array.from({ length: ROWS }, (_, row) => `${row},${(row * 7_919) % 10_007}.5,name ${row % 977}`);
  return `id,amount,name\n${rows.join("\n")}\n`;
}

interface Started {
  name: string;
  /** The value of its response. */
  expected: object;
}

async function startEcho(url: string, ttl: string, content: string, webhookConfig?: object): Promise<Started> {
  const operationOptions = webhookConfig && { webhookConfig };
  const { name } = await postOperation(`${url}/v1beta1/echo:wait`, { ttl, success: { content }, operationOptions });
  return { name, expected: { content } };
}

async function startProfile(url: string, csv: string): Promise<Started> {
  const init = { method: "POST", headers: { "Content-Type": "text/csv" }, body: csv };
  const { body } = await call<Operation>(`${url}/v1/projects/p/locations/l/tables:profile`, init);
  return { name: body.name, expected: { value: { rowCount: ROWS, columnCount: 3 } } };
}

const KINDS = ["QUEUED", "RUNNING", "SLEEPING"];

test("queued, sleeping and running operations end after a restart of the machine, without a request", async () => {
  const killed = server!;
  const csv = table();
  const started = await Promise.all(
    Array.from({ length: SLEEPERS }, (_, number) => startEcho(killed.url, "15s", `slept ${number}`)),
  );
  // The receiver answers nothing before the power cut.
  receiver!.answers = false;
  const webhookConfig = { uris: [receiver!.uri], userMetadata: { from: "a test" } };
  const ttls = ["0s", "0s", "0s", "15s", "15s"];
  const withWebhook = await Promise.all(ttls.map((ttl) => startEcho(killed.url, ttl, `told ${ttl}`, webhookConfig)));
  announced.push(...withWebhook.map(({ name }) => name));
  started.push(...withWebhook);
  await eventually(() => receiver!.unanswered > 0);
  let kinds: string[] = [];
  for (let wave = 0; wave < MAX_WAVES && !KINDS.every((kind) => kinds.includes(kind)); wave += 1) {
    killed.thaw();
    started.push(
      ...(await Promise.all([
        ...Array.from({ length: 3 }, () => startProfile(killed.url, csv)),
        ...Array.from({ length: 10 }, (_, number) => startEcho(killed.url, "1s", `echo ${wave}.${number}`)),
      ])),
    );
    killed.freeze();
    kinds = (await storedRecords(killed.state)).map(({ state }) => state);
  }
  const pending = (await storedRecords(killed.state)).filter(({ outbox }) => outbox.webhooks !== undefined);
  await killed.kill();

  // Three at least have ended and are not delivered.
  expect(pending.map(({ state }) => state)).toEqual(expect.arrayContaining(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]));
  receiver!.answers = true;
  // All three kinds were cut off, and of what was answered nothing is lost.
  expect(kinds).toEqual(expect.arrayContaining(KINDS));
  expect(kinds).toHaveLength(started.length);

  const restarted = await DevServer.start({ vars, state: killed.state });
  server = restarted;
  const lists = [`${restarted.url}/v1/operations`, `${restarted.url}/v1/projects/p/locations/l/operations`];
  const listed = await eventually(
    async () => {
      const operations = (await Promise.all(lists.map((list) => listAll(list)))).flat();
      return operations.every(({ done }) => done) && operations;
    },
    { timeoutMs: 60_000, intervalMs: 250 },
  );
  const requests = restarted.requests.filter((request) => !request.includes("/healthz"));

  // Nothing but the lists was asked for.
  expect(requests.filter((request) => !/^GET \S*\/operations\b/.test(request))).toEqual([]);
  expect(requests.filter((request) => /[0-9a-f]{64}/.test(request))).toEqual([]);
  // Each is recorded once, under the name that its start was answered with.
  expect(listed.map(({ name }) => name).toSorted()).toEqual(started.map(({ name }) => name).toSorted());
  const operationOf = new Map(listed.map((operation) => [operation.name, operation]));
  for (const { name, expected } of started) expect(operationOf.get(name)?.response).toMatchObject(expected);
});

test("webhooks receive each event of these operations at least once, verified, in the order of webhook-timestamp", async () => {
  const { events, refused } = receiver!;
  const told = () => new Set(events.map(({ operation }) => operation.name));
  await eventually(() => announced.every((name) => told().has(name)), { timeoutMs: 60_000, intervalMs: 250 });

  expect(refused).toEqual([]);
  expect(told()).toEqual(new Set(announced));
  for (const { type, operation, userMetadata } of events)
    expect([type, operation.done, userMetadata]).toEqual(["operation.succeeded", true, { from: "a test" }]);
  for (const name of announced) {
    const ofOne = events.filter(({ operation }) => operation.name === name);
    const timestamps = ofOne.map(({ timestamp }) => timestamp);
    expect(timestamps).toEqual(timestamps.toSorted((a, b) => a - b));
    expect(new Set(ofOne.map(({ id }) => id)).size).toBe(1);
  }
});
