// The floor: the least that keeps the promises on which the budgets rest. A start is durable and listed before it is
// answered; the work runs once unless its platform dies, and is sent again until it is done; the first result stands; who
// waits is told. It has no names, access, filters, cancellation, steps, deadlines, retries or expiry. Measured against.
import { DurableObject } from "cloudflare:workers";
import type { BenchRequest } from "../target";

const LEASE_MS = 15_000;
const WAIT_MS = 60_000;
const PAGE_SIZE = 100;

interface FloorRecord {
  request: BenchRequest;
  leaseEndTime: number;
  progress: number;
  result?: unknown;
}

interface FloorEnv {
  OPERATIONS: DurableObjectNamespace<FloorOperation>;
  INDEX: DurableObjectNamespace<FloorIndex>;
  QUEUE: Queue<string>;
}

export class FloorOperation extends DurableObject<FloorEnv> {
  readonly #waiters = new Set<(record: FloorRecord) => void>();

  #read(): FloorRecord | undefined {
    return this.ctx.storage.kv.get<FloorRecord>("record");
  }

  #write(record: FloorRecord): void {
    this.ctx.storage.kv.put("record", record);
  }

  /** Record and alarm in one commit. */
  async start(request: BenchRequest): Promise<void> {
    this.#write({ request, leaseEndTime: 0, progress: 0 });
    void this.ctx.storage.setAlarm(Date.now() + LEASE_MS);
  }

  async get(): Promise<FloorRecord | undefined> {
    return this.#read();
  }

  /** The request, for whoever is to do the work; undefined where there is nothing to do. */
  async claim(): Promise<BenchRequest | undefined> {
    const record = this.#read();
    if (!record || "result" in record || record.leaseEndTime > Date.now()) return undefined;
    this.#write({ ...record, leaseEndTime: Date.now() + LEASE_MS });
    return record.request;
  }

  async report(progress: number): Promise<void> {
    const record = this.#read();
    if (record && !("result" in record)) this.#write({ ...record, progress });
  }

  async complete(result: unknown): Promise<void> {
    const record = this.#read();
    if (!record || "result" in record) return;
    const done = { ...record, result };
    this.#write(done);
    void this.ctx.storage.deleteAlarm();
    for (const answer of this.#waiters) answer(done);
    this.#waiters.clear();
  }

  async wait(): Promise<FloorRecord | undefined> {
    const record = this.#read();
    if (!record || "result" in record) return record;
    const { promise, resolve } = Promise.withResolvers<FloorRecord>();
    this.#waiters.add(resolve);
    const timer = setTimeout(() => resolve(this.#read() ?? record), WAIT_MS);
    const answer = await promise;
    clearTimeout(timer);
    this.#waiters.delete(resolve);
    return answer;
  }

  /** Sends again what nobody has done in time. */
  override async alarm(): Promise<void> {
    const record = this.#read();
    if (!record || "result" in record) return;
    const now = Date.now();
    await this.ctx.storage.setAlarm(Math.max(now, record.leaseEndTime) + LEASE_MS);
    if (record.leaseEndTime <= now) await this.env.QUEUE.send(this.ctx.id.toString());
  }
}

export class FloorIndex extends DurableObject<FloorEnv> {
  constructor(ctx: DurableObjectState, env: FloorEnv) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS operations (create_time INTEGER, id TEXT, done INTEGER, PRIMARY KEY (create_time, id)) WITHOUT ROWID",
    );
  }

  async add(createTime: number, id: string): Promise<void> {
    this.ctx.storage.sql.exec("INSERT OR IGNORE INTO operations VALUES (?, ?, 0)", createTime, id);
  }

  async markDone(rows: readonly { createTime: number; id: string }[]): Promise<void> {
    for (const { createTime, id } of rows) {
      this.ctx.storage.sql.exec("UPDATE operations SET done = 1 WHERE create_time = ? AND id = ?", createTime, id);
    }
  }

  async list(): Promise<{ id: string; done: number }[]> {
    return this.ctx.storage.sql
      .exec<{ id: string; done: number }>(
        "SELECT id, done FROM operations ORDER BY create_time DESC, id DESC LIMIT ?",
        PAGE_SIZE,
      )
      .toArray();
  }
}

function operation(env: FloorEnv, id: string): DurableObjectStub<FloorOperation> {
  return env.OPERATIONS.get(env.OPERATIONS.idFromString(id));
}

async function start(request: Request, env: FloorEnv, ctx: ExecutionContext): Promise<Response> {
  const work = await request.json<BenchRequest>();
  const createTime = Date.now();
  const objectId = env.OPERATIONS.newUniqueId();
  const id = objectId.toString();
  await Promise.all([
    env.OPERATIONS.get(objectId).start({ ...work, createTime }),
    env.INDEX.getByName("index").add(createTime, id),
  ]);
  // Where this is lost, the alarm sends it.
  ctx.waitUntil(env.QUEUE.send(id));
  return Response.json({ id });
}

async function run(id: string, env: FloorEnv): Promise<{ createTime: number; id: string } | undefined> {
  const stub = operation(env, id);
  const request = await stub.claim();
  if (!request) return undefined;
  for (let number = 1; number <= (request.reports ?? 0); number += 1) await stub.report(number);
  if (request.ranUrl !== undefined) await fetch(request.ranUrl, { method: "POST" });
  await stub.complete({ echo: request.echo });
  return { createTime: request.createTime ?? 0, id };
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const [, verb, id = ""] = new URL(request.url).pathname.split("/");
    switch (verb) {
      case "start":
        return start(request, env, ctx);
      case "get":
        return Response.json(await operation(env, id).get());
      case "wait":
        return Response.json(await operation(env, id).wait());
      case "list":
        return Response.json(await env.INDEX.getByName("index").list());
      default:
        return new Response(null, { status: 404 });
    }
  },
  async queue(batch, env): Promise<void> {
    const done = await Promise.all(batch.messages.map(({ body }) => run(body, env)));
    const rows = done.filter((row) => row !== undefined);
    if (rows.length > 0) await env.INDEX.getByName("index").markDone(rows);
  },
} satisfies ExportedHandler<FloorEnv, string>;
