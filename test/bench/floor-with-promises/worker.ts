// The floor with the service's promises, and nothing more: a cancellation can reach the runner, an object can hibernate during a
// wait, a runner that has lost the work cannot end it, the index gets the end whatever dies, and one message's work is not
// delayed by another's. Their least cost: two sockets, a token, one commit, an index call.
import { DurableObject } from "cloudflare:workers";
import type { BenchRequest } from "../target";
import { FloorIndex } from "../floor/worker";

export { FloorIndex };

/** As the service's are where it is measured. */
const RESEND_MS = 3_000;
const LEASE_MS = 5_000;

interface PromisesRecord {
  request: BenchRequest;
  leaseEndTime: number;
  progress: number;
  token?: string;
  result?: unknown;
  /** The index has the end. */
  isTold?: boolean;
}

interface PromisesEnv {
  OPERATIONS: DurableObjectNamespace<PromisesOperation>;
  INDEX: DurableObjectNamespace<FloorIndex>;
  QUEUE: Queue<string>;
}

/** A message from the runner: a report, or the end. */
interface RunnerMessage {
  token: string;
  progress?: number;
  result?: unknown;
}

export class PromisesOperation extends DurableObject<PromisesEnv> {
  #read(): PromisesRecord | undefined {
    return this.ctx.storage.kv.get<PromisesRecord>("record");
  }

  #write(record: PromisesRecord): void {
    this.ctx.storage.kv.put("record", record);
  }

  async start(request: BenchRequest): Promise<void> {
    this.#write({ request, leaseEndTime: 0, progress: 0 });
    void this.ctx.storage.setAlarm(Date.now() + RESEND_MS);
  }

  async get(): Promise<PromisesRecord | undefined> {
    return this.#read();
  }

  override async fetch(request: Request): Promise<Response> {
    return request.url.endsWith("/wait") ? this.#wait() : this.#claim();
  }

  #wait(): Response {
    const record = this.#read();
    return !record || "result" in record ? Response.json(record ?? null) : this.#accept("wait").response;
  }

  #claim(): Response {
    const record = this.#read();
    if (!record || "result" in record || record.leaseEndTime > Date.now()) return new Response(null, { status: 409 });
    const token = crypto.randomUUID();
    this.#write({ ...record, token, leaseEndTime: Date.now() + LEASE_MS });
    const { response, socket } = this.#accept("run");
    socket.send(JSON.stringify({ token, request: record.request }));
    return response;
  }

  #accept(tag: string): { response: Response; socket: WebSocket } {
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket, [tag]);
    return { response: new Response(null, { status: 101, webSocket: client }), socket };
  }

  override async webSocketMessage(socket: WebSocket, data: string): Promise<void> {
    const { token, progress, result } = JSON.parse(data) as RunnerMessage;
    const record = this.#read();
    if (record?.token !== token) return socket.close(1_000, "superseded");
    if (progress !== undefined) return this.#write({ ...record, progress });
    const done = { ...record, result };
    delete done.token;
    this.#write(done);
    const text = JSON.stringify(done);
    for (const waiter of this.ctx.getWebSockets("wait")) {
      waiter.send(text);
      waiter.close(1_000, "done");
    }
    socket.send("settled");
    await this.#tellIndex(done);
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close(1_000);
  }

  async #tellIndex(record: PromisesRecord): Promise<void> {
    const { createTime = 0 } = record.request;
    await this.env.INDEX.getByName("index").markDone([{ createTime, id: this.ctx.id.toString() }]);
    this.#write({ ...record, isTold: true });
  }

  /** Sends again what nobody has done in time, and tells the index again what it may not have heard. */
  override async alarm(): Promise<void> {
    const record = this.#read();
    if (!record) return;
    if ("result" in record) {
      if (record.isTold !== true) await this.#tellIndex(record);
      return;
    }
    const now = Date.now();
    await this.ctx.storage.setAlarm(Math.max(now, record.leaseEndTime) + RESEND_MS);
    if (record.leaseEndTime <= now) await this.env.QUEUE.send(this.ctx.id.toString());
  }
}

function operation(env: PromisesEnv, id: string): DurableObjectStub<PromisesOperation> {
  return env.OPERATIONS.get(env.OPERATIONS.idFromString(id));
}

async function start(request: Request, env: PromisesEnv, ctx: ExecutionContext): Promise<Response> {
  const work = await request.json<BenchRequest>();
  const createTime = Date.now();
  const objectId = env.OPERATIONS.newUniqueId();
  const id = objectId.toString();
  await env.INDEX.getByName("index").add(createTime, id);
  await env.OPERATIONS.get(objectId).start({ ...work, createTime });
  // Where this is lost, the alarm sends it.
  ctx.waitUntil(env.QUEUE.send(id));
  return Response.json({ id });
}

function upgraded(env: PromisesEnv, id: string, path: "run" | "wait"): Promise<Response> {
  return operation(env, id).fetch(`https://operation/${path}`, { headers: { Upgrade: "websocket" } });
}

function nextMessage(socket: WebSocket): Promise<string | undefined> {
  return new Promise((resolve) => {
    socket.addEventListener("message", ({ data }) => resolve(data as string), { once: true });
    socket.addEventListener("close", () => resolve(undefined), { once: true });
  });
}

async function wait(env: PromisesEnv, id: string): Promise<Response> {
  const response = await upgraded(env, id, "wait");
  const { webSocket } = response;
  if (!webSocket) return response;
  const message = nextMessage(webSocket);
  webSocket.accept();
  const text = await message;
  webSocket.close(1_000);
  return new Response(text ?? "null", { headers: { "Content-Type": "application/json" } });
}

async function run(env: PromisesEnv, id: string): Promise<void> {
  const { webSocket: socket } = await upgraded(env, id, "run");
  if (!socket) return;
  const claimed = nextMessage(socket);
  socket.accept();
  const { token, request } = JSON.parse((await claimed) ?? "{}") as { token: string; request: BenchRequest };
  for (let progress = 1; progress <= (request.reports ?? 0); progress += 1) {
    socket.send(JSON.stringify({ token, progress }));
  }
  if (request.ranUrl !== undefined) await fetch(request.ranUrl, { method: "POST" });
  const settled = nextMessage(socket);
  socket.send(JSON.stringify({ token, result: { echo: request.echo } }));
  await settled;
  socket.close(1_000);
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
        return wait(env, id);
      case "list":
        return Response.json(await env.INDEX.getByName("index").list());
      default:
        return new Response(null, { status: 404 });
    }
  },
  async queue(batch, env): Promise<void> {
    await Promise.all(batch.messages.map(({ body }) => run(env, body)));
  },
} satisfies ExportedHandler<PromisesEnv, string>;
