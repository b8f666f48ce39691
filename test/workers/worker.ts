// The worker under test: the service as it is deployed, with methods that do what a test tells them, and with the world
// around its objects in the tests' hands (controls.ts).
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
import { conditions } from "../../src/conditions";
import type { Env } from "../../src/env";
import {
  DirectoryObject,
  KeyObject,
  OperationIndex as DeployedOperationIndex,
  OperationObject as DeployedOperationObject,
  OperationRunner as DeployedOperationRunner,
  PolicyObject,
  RequestObject,
  SlotsObject,
  type MethodDeclaration,
  type OperationContext,
  defineMethod,
  operations,
} from "../../src/index";
import { MAX_RESPONSE_BYTES } from "../../src/limits";
import { echoWait } from "../../src/worker/echo-wait";
import { tablesProfile } from "../../src/worker/tables-profile";
import type { ClaimAnswer, DirectObject } from "../../src/contract/direct-run";
import type { MessageToObject, MessageToRunner } from "../../src/contract/run-channel";
import type { BeginAnswer } from "../../src/contract/index-start";
import type { JsonObject } from "../../src/rpc/any";
import { clock } from "./clock";
import { claimOf } from "./claim-of";
import { controls } from "./controls";
import { countClass, ledger, within } from "./ledger";

export { DirectoryObject, KeyObject, PolicyObject, RequestObject, SlotsObject };

countClass(DeployedOperationObject, "operation");
countClass(DeployedOperationIndex, "index");
countClass(RequestObject, "request");
countClass(PolicyObject, "policy");
countClass(SlotsObject, "slots");
countClass(DirectoryObject, "directory");
countClass(KeyObject, "key");

function scripted(verb: string, options: Partial<MethodDeclaration<JsonObject>> = {}) {
  return defineMethod({
    http: { post: `/v1/{parent=projects/*}/scripts/{script=*}:${verb}`, body: "*" },
    id: `scripts:${verb}`,
    request: (json) => json,
    retry: { maxAttempts: 3, initialBackoff: "10s", maxBackoff: "1m", backoffMultiplier: 2 },
    maxResultBytes: MAX_RESPONSE_BYTES,
    ...options,
    async run(request, operation: OperationContext) {
      const script = controls.scripts.get(request["script"] as string);
      if (!script) throw new Error(`no test has the script ${JSON.stringify(request["script"])}`);
      return script(operation, request) as Promise<JsonObject>;
    },
  });
}

/** A streamed body of several chunks. */
export const MAX_UPLOAD_BYTES = 3 * 1_048_576;

const worker = operations({
  conditions: conditions(),
  methods: [
    // Through the queue, which a test delivers by hand.
    { ...echoWait, dispatch: undefined },
    tablesProfile,
    scripted("run"),
    /** Ends ten seconds after its creation. */
    scripted("hurry", { timeout: "10s" }),
    /** Its finished operations are forgotten after a minute. */
    scripted("forget", { retention: "1m" }),
    scripted("upload", {
      http: { post: "/v1/{parent=projects/*}/scripts/{script=*}:upload" },
      input: { contentTypes: ["text/csv"], maxBytes: MAX_UPLOAD_BYTES },
    }),
    scripted("broken", {
      initialMetadata: () => {
        throw new Error("the secret of the house");
      },
    }),
    /** Called by its object. */
    scripted("direct", { dispatch: "direct" }),
    scripted("knownAtOnce", { immediate: (request) => ({ response: { answer: request["answer"] ?? 42 } }) }),
  ],
});

export default worker;

/** Counters, as a test finds them. */
const metrics: AnalyticsEngineDataset = {
  writeDataPoint: (point = {}) => {
    controls.dataPoints.push(point);
  },
};

/** The calls of a session, which are no requests, and are cut where a test says so. */
class WatchedCalls extends RpcTarget implements ReturnedCalls {
  readonly #calls: ReturnedCalls;

  constructor(calls: ReturnedCalls) {
    super();
    this.#calls = calls;
  }

  async send(message: MessageToObject): Promise<MessageToRunner | undefined> {
    const cut = controls.takeCut(message.type);
    if (cut === "lost") throw new Error("the call is lost");
    const answer = await within("operation", () => this.#calls.send(message));
    if (cut === "unanswered") throw new Error("the answer to the call is lost");
    return answer;
  }

  [Symbol.dispose](): void {
    this.#calls[Symbol.dispose]();
  }
}

type ReturnedCalls = ClaimAnswer["calls"];

/** A consumer whose invocation ends as soon as it has claimed the work. */
export class DyingConsumer extends WorkerEntrypoint<Env> {
  async claim(id: string): Promise<void> {
    const { OPERATIONS } = this.env;
    await claimOf(OPERATIONS.get(OPERATIONS.idFromString(id)));
  }
}

export class OperationObject extends DeployedOperationObject {
  constructor(ctx: DurableObjectState, env: Env) {
    const getTimestamp = ctx.getWebSocketAutoResponseTimestamp.bind(ctx);
    ctx.getWebSocketAutoResponseTimestamp = (socket) => {
      const time = getTimestamp(socket)?.getTime();
      return time === undefined ? null : new Date(clock.timeAt(time));
    };
    super(ctx, { ...env, ...heldQueues(env), SNAPSHOTS: watchedSnapshots(env.SNAPSHOTS), METRICS: metrics });
  }

  #called(call: string): void {
    controls.calls.push({ id: this.ctx.id.toString(), call });
  }

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.#called(pathname);
    return super.fetch(request);
  }

  override async claim(): Promise<ClaimAnswer | undefined> {
    this.#called("claim");
    const cut = controls.takeCut("claim");
    if (cut === "lost") throw new Error("the claim is lost");
    const answer = await super.claim();
    if (cut === "unanswered") {
      answer?.calls[Symbol.dispose]();
      throw new Error("the answer to the claim is lost");
    }
    return answer && { ...answer, calls: new WatchedCalls(answer.calls) };
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const cut = controls.cuts.size > 0 ? controls.takeCut(typeOf(data)) : undefined;
    // With the socket closed, nothing that the object says reaches its runner any more.
    if (cut) socket.close(CUT, "cut");
    if (cut !== "lost") await super.webSocketMessage(socket, data);
  }

  override async start(...parameters: Parameters<DeployedOperationObject["start"]>) {
    this.#called("start");
    await controls.start.pass();
    return super.start(...parameters);
  }

  override async get(...parameters: Parameters<DeployedOperationObject["get"]>) {
    this.#called("get");
    return super.get(...parameters);
  }

  override async endSoon(...parameters: Parameters<DeployedOperationObject["endSoon"]>) {
    this.#called("endSoon");
    return super.endSoon(...parameters);
  }

  override async poll(...parameters: Parameters<DeployedOperationObject["poll"]>) {
    this.#called("poll");
    return super.poll(...parameters);
  }

  override async cancel(...parameters: Parameters<DeployedOperationObject["cancel"]>) {
    this.#called("cancel");
    return super.cancel(...parameters);
  }

  override async delete(...parameters: Parameters<DeployedOperationObject["delete"]>) {
    this.#called("delete");
    return super.delete(...parameters);
  }

  override async cancelChild(id: string) {
    await controls.cancelChild.pass();
    return super.cancelChild(id);
  }

  override async childEnded(...parameters: Parameters<DeployedOperationObject["childEnded"]>) {
    await controls.childEnded.pass();
    return super.childEnded(...parameters);
  }

  override async reconcile() {
    this.#called("reconcile");
    const row = await super.reconcile();
    await controls.reconcile.pass();
    return row;
  }
}

/** Of the codes that applications may send. */
const CUT = 4_999;

function typeOf(data: string | ArrayBuffer): string {
  return typeof data === "string" ? String((JSON.parse(data) as { type?: unknown }).type) : "";
}

/** Messages are kept for the test to deliver, through whichever queue they go. */
function heldQueues(env: Env): Pick<Env, "QUEUE"> {
  const bound = Object.entries(env).flatMap(([name, binding]) => (isQueue(binding) ? [name] : []));
  // One that a method of a test names.
  const names = [...bound, "TRANSCODE"];
  return Object.fromEntries(names.map((name) => [name, heldQueue(name)])) as unknown as Pick<Env, "QUEUE">;
}

function isQueue(binding: unknown): boolean {
  return typeof binding === "object" && binding !== null && "sendBatch" in binding;
}

function heldQueue(name: string): object {
  return {
    send: async (message: { id: string }): Promise<void> => {
      await controls.queueSend.pass();
      ledger.addQueueMessage();
      controls.sent.push(message);
      controls.sentThrough.push(name);
    },
  };
}

function watchedSnapshots(kv: KVNamespace): KVNamespace {
  return new Proxy(kv, {
    get(target, property) {
      if (property === "put") {
        return async (key: string, value: string, options?: KVNamespacePutOptions): Promise<void> => {
          await controls.snapshotWrite.pass();
          await target.put(key, value, options);
          ledger.addKvWrite();
          controls.snapshotWrites.push({ write: "put", key, expirationTtl: options?.expirationTtl });
        };
      }
      if (property === "delete") {
        return async (key: string): Promise<void> => {
          await controls.snapshotWrite.pass();
          await target.delete(key);
          ledger.addKvWrite();
          controls.snapshotWrites.push({ write: "delete", key });
        };
      }
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export class OperationRunner extends DeployedOperationRunner {
  override async run(...[claimed, object, claimTime]: Parameters<DeployedOperationRunner["run"]>) {
    controls.directRuns += 1;
    await controls.directRun.pass();
    const counted: DirectObject = {
      send: (message) => object.send(message),
      request: (request) => object.request(request),
      listen: () => {
        controls.listens += 1;
        return object.listen();
      },
    };
    const lastWord = await super.run(claimed, counted, claimTime);
    await controls.directAnswer.pass();
    return lastWord;
  }
}

export class OperationIndex extends DeployedOperationIndex {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, METRICS: metrics });
    // As a test finds it at each call.
    Object.defineProperty(this, "maxBytes", { get: () => controls.maxShardBytes });
  }

  override async begin(...parameters: Parameters<DeployedOperationIndex["begin"]>): Promise<BeginAnswer> {
    await controls.indexWrite.pass();
    const answer = await super.begin(...parameters);
    await controls.indexWritten.pass();
    return answer;
  }

  override async upsert(...parameters: Parameters<DeployedOperationIndex["upsert"]>): Promise<boolean> {
    await controls.indexWrite.pass();
    const isDeleted = await super.upsert(...parameters);
    await controls.indexWritten.pass();
    return isDeleted;
  }

  override async remove(...parameters: Parameters<DeployedOperationIndex["remove"]>): Promise<void> {
    await controls.indexWrite.pass();
    await super.remove(...parameters);
    await controls.indexWritten.pass();
  }
}
