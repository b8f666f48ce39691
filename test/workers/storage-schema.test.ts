// docs/storage-examples.md shows what is stored at each stage of an operation's life. It is written from what is stored,
// by `npx vitest run storage-schema --update`, and compared with it by every other run.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RpcError } from "../../src/index";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import type { Json, JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { controls } from "./controls";
import {
  type Started,
  call,
  deliverNext,
  outboxIsEmpty,
  presentRecord,
  fireAlarm,
  runNext,
  socketIsOpen,
  startScript,
  startedFrom,
  storedRows,
  useFreshWorld,
} from "./harness";

useFreshWorld();

// The jitter of retries, as seen by whoever compares.
beforeEach(() => {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const never = () => new Promise<object>(() => {});
const rowsDone = async (op: Started) => (await presentRecord(op))?.metadata["rowsDone"] === 5;

const body = { rows: 7 };

/** Its index knows it, as it does within four seconds. */
async function told(operation: Started): Promise<Started> {
  clock.advance(4_000);
  await fireAlarm(operation);
  await outboxIsEmpty(operation);
  return operation;
}

async function running(): Promise<Started> {
  const operation = await startScript(
    async (op) => {
      // A report that the socket repeats is another revision.
      await socketIsOpen(operation);
      await op.step("parse", async () => ({ rows: 7 }));
      await op.checkpoint("row-5");
      op.progress({ progressPercent: 40, rowsDone: 5 });
      return never();
    },
    { body },
  );
  await deliverNext();
  await eventually(() => rowsDone(operation));
  return told(operation);
}

async function done(end: () => Promise<object>): Promise<Started> {
  const operation = await startScript(end, { body });
  await runNext();
  await outboxIsEmpty(operation);
  return operation;
}

/** How an operation comes to each stage. */
const stages: Record<string, () => Promise<Started>> = {
  QUEUED: () => startScript(never, { body }),
  RUNNING: running,
  SLEEPING: async () => {
    const operation = await startScript(
      async (op) => {
        await op.step("parse", async () => ({ rows: 7 }));
        await op.sleep("1d");
        return {};
      },
      { body },
    );
    await runNext();
    return told(operation);
  },
  SUSPENDED: async () => {
    const operation = await startScript(
      async (op) => ({
        answer: await op.suspend("approval", { prompt: "May the table be published?", timeout: "30m" }),
      }),
      { body },
    );
    await runNext();
    return told(operation);
  },
  BACKING_OFF: async () => {
    const operation = await startScript(
      async () => {
        throw new RpcError("UNAVAILABLE", "The archive is being moved.");
      },
      { body },
    );
    await runNext();
    return operation;
  },
  CANCELLING: async () => {
    const operation = await running();
    await call("POST", `/v1/${operation.name}:cancel`);
    return operation;
  },
  EXTERNAL: async () => {
    const metadata = { "@type": "type.googleapis.com/acme.v1.RenderMetadata", frame: 7 };
    const created = { operation: { metadata }, heartbeatTimeout: "60s" };
    return startedFrom(await call("POST", "/v1/projects/p/operations", created));
  },
  SUCCEEDED: () => done(async () => ({ answer: 42 })),
  "SUCCEEDED, with a response of more than 32 Ki characters": () => done(async () => ({ text: "x".repeat(40_000) })),
  FAILED: async () => {
    const operation = await startScript(never, { verb: "hurry", body });
    clock.advance(10_000);
    await fireAlarm(operation);
    await outboxIsEmpty(operation);
    return operation;
  },
  "deleted, but running": async () => {
    const operation = await running();
    await call("DELETE", `/v1/${operation.name}`);
    await outboxIsEmpty(operation);
    return operation;
  },
};

interface Shown {
  record: JsonObject;
  /** Fields of the first stage's record that are gone. */
  gone?: string[];
  /** The other values that its object stores. */
  keys?: JsonObject;
  alarm: Json;
  row: JsonObject;
  kv?: JsonObject;
}

async function shown(operation: Started): Promise<Shown> {
  const { record, keys, alarm } = await runInDurableObject(operation.stub, async (_instance, { storage }) => {
    const { record: stored, ...others } = Object.fromEntries(storage.kv.list());
    return { record: stored as StoredRecord, keys: others, alarm: await storage.getAlarm() };
  });
  const row = (await storedRows()).find(({ id }) => id === operation.id);
  const { value, metadata } = await env.SNAPSHOTS.getWithMetadata<JsonObject>(`operation/${operation.id}`);
  const readable = readableFrom(record);
  return {
    record: readable(record) as JsonObject,
    ...(Object.keys(keys).length > 0 ? { keys: readable(keys) as JsonObject } : {}),
    alarm: readable(alarm),
    row: readable(row) as JsonObject,
    ...(value === null ? {} : { kv: readable({ value, metadata }) as JsonObject }),
  };
}

/** Of a later stage only what differs from the first. */
function differenceFrom(first: Shown, later: Shown): Shown {
  const difference = (before: JsonObject, now: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(now).filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field])),
    );
  const gone = Object.keys(first.record).filter((field) => later.record[field] === undefined);
  return {
    ...later,
    record: difference(first.record, later.record),
    ...(gone.length > 0 ? { gone } : {}),
    row: difference(first.row, later.row),
  };
}

/** Makes what is stored readable, and the same each time: ids cut short, times as they stand to createTime, bytes as text. */
function readableFrom({ id, createTime, target }: StoredRecord): (value: unknown) => Json {
  const script = /script-\d+/.exec(target)?.[0] ?? "no script";
  const timeOf = (time: number): string => (time === createTime ? "T" : `T + ${(time - createTime) / 1_000} s`);
  const textOf = (text: string): string =>
    text
      .replaceAll(id, "8f21…")
      .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, "0f5c…")
      .replaceAll(script, "script")
      .replaceAll("x".repeat(40_000), "x…")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) => `(${timeOf(Date.parse(time))})`)
      .replaceAll(/(?<=Time":)\d{13}/g, (time) => `(${timeOf(Number(time))})`);
  return function readable(value: unknown): Json {
    if (typeof value === "string") return textOf(value);
    if (value instanceof Uint8Array) return textOf(new TextDecoder().decode(value));
    if (typeof value === "number" && value >= createTime) return timeOf(value);
    if (Array.isArray(value)) return value.map((item) => readable(item));
    if (typeof value !== "object" || value === null) return value as Json;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, readable(inner)]));
  };
}

const HEAD = `# Storage by example

Written from what is stored, by \`npx vitest run storage-schema --update\`, and compared with it by \`npm test\`.
[storage-schema.md](storage-schema.md) explains each part.

Of one operation there are its \`record\`; other \`keys\` of its object; the object's \`alarm\`; its \`row\` in the index;
and once it is done its entry in \`kv\`. The first example is whole. Those behind it show of record and row what differs
from the first, and what is \`gone\`. Times are shown as they stand to the creation, \`T\`: stored they are milliseconds, in
the metadata RFC 3339. Bytes are shown as the text that they are, ids and tokens cut short.
`;

test("docs/storage-examples.md shows the stored rows at each stage of an operation's life", async () => {
  const parts: string[] = [HEAD];
  let first: Shown | undefined;
  for (const [stage, reach] of Object.entries(stages)) {
    controls.sent.length = 0;
    const stored = await shown(await reach());
    first ??= stored;
    const example = stored === first ? stored : differenceFrom(first, stored);
    parts.push(`## ${stage}\n\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n`);
  }

  await expect(parts.join("\n")).toMatchFileSnapshot("../../docs/storage-examples.md");
});
