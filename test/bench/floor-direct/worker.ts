// The floor of direct dispatch: the same promises without a queue. The operation's object commits the record with the claim in
// it, calls the runner of its own Worker, and holds the call.
import { DurableObject, WorkerEntrypoint, exports } from "cloudflare:workers";
import type { BenchRequest } from "../target";
import { FloorIndex } from "../floor/worker";

export { FloorIndex };

/** As the service's is where it is measured. */
const LEASE_MS = 5_000;

interface DirectRecord {
  request: BenchRequest;
  leaseEndTime: number;
  progress: number;
  token?: string;
  result?: unknown;
  /** The index has been told of the end. */
  isTold?: boolean;
}

interface DirectEnv {
  OPERATIONS: DurableObjectNamespace<DirectOperation>;
  INDEX: DurableObjectNamespace<FloorIndex>;
}

export class Runner extends WorkerEntrypoint<DirectEnv> {
  async run(request: BenchRequest, report: (progress: number) => Promise<void>): Promise<string> {
    for (let progress = 1; progress <= (request.reports ?? 0); progress += 1) await report(progress);
    if (request.ranUrl !== undefined) await fetch(request.ranUrl, { method: "POST" });
    return JSON.stringify({ echo: request.echo });
  }
}

export class DirectOperation extends DurableObject<DirectEnv> {
  #record: DirectRecord | undefined;

  #read(): DirectRecord | undefined {
    this.#record ??= this.ctx.storage.kv.get<DirectRecord>("record");
    return this.#record;
  }

  #write(record: DirectRecord): void {
    this.#record = record;
    this.ctx.storage.kv.put("record", record);
  }

  async start(request: BenchRequest): Promise<void> {
    await this.env.INDEX.getByName("index").add(request.createTime ?? 0, this.ctx.id.toString());
    this.#claim({ request, leaseEndTime: 0, progress: 0 });
    void this.ctx.storage.setAlarm(Date.now() + LEASE_MS);
  }

  #claim(record: DirectRecord): void {
    const claimed = { ...record, leaseEndTime: Date.now() + LEASE_MS, token: crypto.randomUUID() };
    this.#write(claimed);
    this.ctx.waitUntil(this.#run(claimed));
  }

  async #run({ request, token }: DirectRecord): Promise<void> {
    const report = async (progress: number): Promise<void> => {
      const record = this.#read();
      if (record !== undefined && record.token === token) this.#write({ ...record, progress });
    };
    const { Runner: runner } = exports as unknown as { Runner: { run: Runner["run"] } };
    const result: unknown = JSON.parse(await runner.run(request, report));
    const record = this.#read();
    if (!record || record.token !== token) return;
    const done: DirectRecord = { ...record, result };
    delete done.token;
    this.#write(done);
    const text = JSON.stringify(done);
    for (const waiter of this.ctx.getWebSockets("wait")) {
      waiter.send(text);
      waiter.close(1_000, "done");
    }
    await this.#tellIndex(done);
  }

  async #tellIndex(record: DirectRecord): Promise<void> {
    const { createTime = 0 } = record.request;
    await this.env.INDEX.getByName("index").markDone([{ createTime, id: this.ctx.id.toString() }]);
    this.#write({ ...record, isTold: true });
  }

  async get(): Promise<DirectRecord | undefined> {
    return this.#read();
  }

  override async fetch(): Promise<Response> {
    const record = this.#read();
    if (!record || "result" in record) return Response.json(record ?? null);
    const { 0: client, 1: socket } = new WebSocketPair();
    this.ctx.acceptWebSocket(socket, ["wait"]);
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketClose(socket: WebSocket): void {
    socket.close(1_000);
  }

  /** Runs again what nobody has done in time, and tells the index again what it may not know. */
  override async alarm(): Promise<void> {
    const record = this.#read();
    if (!record) return;
    if ("result" in record) {
      if (record.isTold !== true) await this.#tellIndex(record);
      return;
    }
    await this.ctx.storage.setAlarm(Date.now() + LEASE_MS);
    if (record.leaseEndTime <= Date.now()) this.#claim(record);
  }
}

function operation(env: DirectEnv, id: string): DurableObjectStub<DirectOperation> {
  return env.OPERATIONS.get(env.OPERATIONS.idFromString(id));
}

async function start(request: Request, env: DirectEnv): Promise<Response> {
  const work = await request.json<BenchRequest>();
  const objectId = env.OPERATIONS.newUniqueId();
  await env.OPERATIONS.get(objectId).start({ ...work, createTime: Date.now() });
  return Response.json({ id: objectId.toString() });
}

async function wait(env: DirectEnv, id: string): Promise<Response> {
  const response = await operation(env, id).fetch("https://operation/wait", { headers: { Upgrade: "websocket" } });
  const { webSocket } = response;
  if (!webSocket) return response;
  const message = new Promise<string | undefined>((resolve) => {
    webSocket.addEventListener("message", ({ data }) => resolve(data as string), { once: true });
    webSocket.addEventListener("close", () => resolve(undefined), { once: true });
  });
  webSocket.accept();
  const text = await message;
  webSocket.close(1_000);
  return new Response(text ?? "null", { headers: { "Content-Type": "application/json" } });
}

export default {
  async fetch(request, env): Promise<Response> {
    const [, verb, id = ""] = new URL(request.url).pathname.split("/");
    switch (verb) {
      case "start":
        return start(request, env);
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
} satisfies ExportedHandler<DirectEnv>;
