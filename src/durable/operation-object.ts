// OperationObject: one operation, the truth about it. It loads, lets the pure core decide, saves, then acts.
// It holds no rule of its own: what may happen stands in operation/.
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env";
import { MAX_EFFECT_RETRY_MS, MAX_WAITERS, UPLOAD_TIMEOUT_MS } from "../limits";
import {
  NAME_HEADER,
  type OperationAnswer,
  type StartAnswer,
  type StreamedInput,
  WAIT_PATH,
  answerFromRecord,
} from "../operation/answer";
import { type NewOperation, createRecord } from "../operation/create-record";
import { dueTransition, nextDueTime } from "../operation/due";
import type { Effect, OperationEvent } from "../operation/event";
import { type IndexRow, indexRowFromRecord, startingRow } from "../operation/index-row";
import type { OperationRecord } from "../operation/record";
import { isVisible } from "../operation/resource";
import {
  FENCE_HEADER,
  INPUT_PATH,
  KEEP_ALIVE_REQUEST,
  KEEP_ALIVE_RESPONSE,
  RUN_PATH,
  decodeMessageToObject,
} from "../operation/run-channel";
import { type Step, step } from "../operation/step";
import { Alarm } from "./alarm";
import { inputStream, storeInput } from "./input";
import { operationIndexStub } from "./operation-index-name";
import { OperationStorage } from "./operation-storage";
import { Outbox } from "./outbox";
import { claimedFromRecord, eventFromMessage } from "./run-messages";
import { RunnerSockets, WaiterSockets } from "./sockets";

/** What follows a start: the work is queued; where the result was known at once, the world is told of it. */
function startEffects(record: OperationRecord): Effect[] {
  if (!record.outcome) return [{ type: "send" }];
  return record.policy.snapshot ? [{ type: "index" }, { type: "snapshot" }] : [{ type: "index" }];
}

export class OperationObject extends DurableObject<Env> {
  readonly #store: OperationStorage;
  readonly #alarm: Alarm;
  readonly #runner: RunnerSockets;
  readonly #waiters: WaiterSockets;
  readonly #outbox: Outbox;
  #starting: Promise<StartAnswer> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new OperationStorage(ctx.storage);
    this.#alarm = new Alarm(ctx.storage);
    this.#runner = new RunnerSockets(ctx);
    this.#waiters = new WaiterSockets(ctx);
    this.#outbox = new Outbox(env, {
      record: () => this.#store.record,
      response: () => this.#store.response(),
      report: (event) => this.#apply(event),
    });
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEP_ALIVE_REQUEST, KEEP_ALIVE_RESPONSE));
  }

  // ── RPC: from the Worker ──────────────────────────────────────────────────────────────────────────────────────────

  /** Commits a new operation, its index row first. Repeating it with the same operation gives the one that is there. */
  async start(operation: NewOperation, request: string, input?: StreamedInput): Promise<StartAnswer> {
    this.#starting ??= this.#start(operation, request, input).finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(operation: NewOperation, request: string, input: StreamedInput | undefined): Promise<StartAnswer> {
    await this.#alarm.read();
    const existing = this.#store.record;
    if (existing) return { ok: true, answer: this.#answer(existing) };
    let inputBytes: number | undefined;
    if (input) {
      const stored = await storeInput(input, this.#store, () => this.#alarm.arm(Date.now() + UPLOAD_TIMEOUT_MS));
      if (!stored.ok) {
        await this.#store.eraseAll();
        return stored;
      }
      inputBytes = stored.bytes;
    }
    const record = createRecord({ ...operation, ...(inputBytes === undefined ? {} : { inputBytes }) });
    const response = operation.outcome && "response" in operation.outcome ? operation.outcome.response : undefined;
    const index = operationIndexStub(this.env.INDEX, record.parent);
    try {
      // Index first: every stored operation has a row by construction.
      await index.upsert(startingRow(record, response));
    } catch (error) {
      console.error({
        message: "index row not written; nothing was started",
        operation: record.name,
        error: String(error),
      });
      if (input) await this.#store.eraseAll();
      return { ok: false, refusal: "INDEX_UNAVAILABLE" };
    }
    this.#commit(record, startEffects(record), request);
    return { ok: true, answer: this.#answer(record) };
  }

  /** The operation as it stands, or undefined where none of this name is to be seen. */
  async get(name: string): Promise<OperationAnswer | undefined> {
    const record = await this.#visible(name);
    return record && this.#answer(record);
  }

  /** Asks the work to stop (AIP-151). False where no operation of this name is to be seen. */
  async cancel(name: string): Promise<boolean> {
    if (!(await this.#visible(name))) return false;
    // Refused where it is done: then nothing changes, and that is an answer too.
    this.#apply({ type: "cancel" });
    return true;
  }

  /** Forgets the operation; work under way goes on unseen. False where no operation of this name is to be seen. */
  async delete(name: string): Promise<boolean> {
    if (!(await this.#visible(name))) return false;
    this.#apply({ type: "delete" });
    return true;
  }

  /** For the index's alarm and the sweep: settles what is due, and gives the row as it should be, or undefined for none. */
  async reconcile(): Promise<IndexRow | undefined> {
    await this.#settle();
    const record = this.#store.record;
    if (!record || record.deleteTime !== undefined) return undefined;
    return indexRowFromRecord(record, this.#store.response());
  }

  async #visible(name: string): Promise<OperationRecord | undefined> {
    await this.#settle();
    const record = this.#store.record;
    return record && record.name === name && isVisible(record, Date.now()) ? record : undefined;
  }

  #answer(record: OperationRecord): OperationAnswer {
    return answerFromRecord(record, this.#store.response());
  }

  // ── fetch: sockets and streams ────────────────────────────────────────────────────────────────────────────────────

  override async fetch(request: Request): Promise<Response> {
    switch (new URL(request.url).pathname) {
      case WAIT_PATH:
        return this.#wait(decodeURIComponent(request.headers.get(NAME_HEADER) ?? ""));
      case RUN_PATH:
        return this.#run(request.headers.get(FENCE_HEADER));
      case INPUT_PATH:
        return this.#input(request.headers.get(FENCE_HEADER));
      default:
        return new Response(null, { status: 404 });
    }
  }

  /** Hangs a waiter on a hibernatable socket, unless there is nothing to wait for. Accepting and testing are one event. */
  async #wait(name: string): Promise<Response> {
    const record = await this.#visible(name);
    if (!record) return new Response(null, { status: 404 });
    const answer = this.#answer(record);
    if (answer.done) return Response.json(answer);
    if (this.#waiters.count() >= MAX_WAITERS) return new Response(null, { status: 503 });
    return this.#waiters.accept();
  }

  /** Claims the work for a runner, or gives it back the channel that it lost. */
  async #run(fence: string | null): Promise<Response> {
    await this.#settle();
    const event: OperationEvent =
      fence === null
        ? { type: "claim", fence: crypto.randomUUID() }
        : { type: "keepAlive", fence, receivedTime: Date.now() };
    if (!this.#apply(event).ok) return new Response(null, { status: 409 });
    const record = this.#mustHaveRecord();
    return this.#runner.accept(event.fence, claimedFromRecord(record, event.fence, this.#store.request()));
  }

  async #input(fence: string | null): Promise<Response> {
    await this.#settle();
    const record = this.#store.record;
    if (!record || record.fence !== fence) return new Response(null, { status: 409 });
    return new Response(inputStream(this.#store));
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const message = decodeMessageToObject(data);
    if (!message) return socket.close(1003, "not a message of the run channel");
    await this.#settle();
    const result = this.#apply(eventFromMessage(message, Math.random()));
    if (!result.ok) return this.#runner.send(socket, { type: "stop" });
    if (message.type !== "progress") this.#runner.send(socket, { type: "settled" });
  }

  // A closed run channel ends nothing: its runner may come back with its token while the lease lasts.
  override webSocketClose(socket: WebSocket, code: number): void {
    // 1005 and 1006 may not be sent; the peer is gone then in any case.
    socket.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  override webSocketError(_socket: WebSocket, error: unknown): void {
    console.warn({ message: "socket failed", operation: this.#store.record?.name, error: String(error) });
  }

  // ── alarm ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Settles what is due and arms the next. It never throws: the platform drops an alarm that keeps failing. */
  override async alarm(): Promise<void> {
    this.#alarm.fired();
    try {
      if (!this.#store.record) return await this.#eraseAbandonedUpload();
      this.#extendLease();
      this.#apply({ type: "timePasses", random: Math.random() });
      await this.#alarm.arm(this.#store.record && nextDueTime(this.#store.record));
    } catch (error) {
      console.error({ message: "alarm failed", operation: this.#store.record?.name, error: String(error) });
      await this.#alarm.arm(Date.now() + MAX_EFFECT_RETRY_MS);
    }
  }

  async #eraseAbandonedUpload(): Promise<void> {
    if (this.#starting) await this.#alarm.arm(Date.now() + UPLOAD_TIMEOUT_MS);
    else if (this.#store.hasInput()) await this.#store.eraseAll();
  }

  // ── load, step, save, act ─────────────────────────────────────────────────────────────────────────────────────────

  /** Deadlines, leases and wake-ups hold on every read, not only when their alarm comes. */
  async #settle(): Promise<void> {
    await this.#alarm.read();
    const record = this.#store.record;
    const now = Date.now();
    if (!record) return;
    const expired = record.expireTime !== undefined && record.expireTime <= now;
    if (!expired && dueTransition(record, now) === undefined) return;
    this.#extendLease();
    this.#apply({ type: "timePasses", random: Math.random() });
  }

  /** The runtime answers keep-alives by itself and keeps the time of the last: it is looked at when the lease is due. */
  #extendLease(): void {
    const record = this.#store.record;
    if (record?.fence === undefined || (record.leaseEndTime ?? 0) > Date.now()) return;
    const receivedTime = this.#runner.lastKeepAliveTime(record.fence);
    if (receivedTime !== undefined) this.#apply({ type: "keepAlive", fence: record.fence, receivedTime });
  }

  #apply(event: OperationEvent): Step {
    const record = this.#store.record;
    if (!record) return { ok: false, refusal: "GONE" };
    const result = step(record, event, Date.now());
    if (result.ok) this.#commit(result.record, result.effects);
    return result;
  }

  /** Saves record, input and alarm in one transaction: nothing is awaited between their writes. Then acts. */
  #commit(record: OperationRecord, effects: Effect[], request?: string): void {
    if (effects.some(({ type }) => type === "erase")) {
      this.#waiters.push({ type: "gone" });
      this.ctx.waitUntil(this.#store.eraseAll());
      return;
    }
    this.ctx.storage.transactionSync(() => {
      this.#store.saveRecord(record);
      if (request !== undefined && record.outcome === undefined) this.#store.saveRequest(request);
      if (effects.some(({ type }) => type === "eraseInput")) this.#store.eraseInput();
    });
    const armed = this.#alarm.arm(nextDueTime(record));
    if (armed) this.ctx.waitUntil(armed);
    for (const effect of effects) this.#act(effect, record);
  }

  #act(effect: Effect, record: OperationRecord): void {
    switch (effect.type) {
      case "send":
      case "index":
      case "snapshot":
        this.ctx.waitUntil(this.#outbox.perform(effect.type));
        return;
      case "notifyWaiters":
        this.#waiters.push(
          isVisible(record, Date.now()) ? { type: "operation", answer: this.#answer(record) } : { type: "gone" },
        );
        return;
      case "tellRunner":
        this.#runner.tell(effect.message);
        return;
      case "eraseInput":
      case "erase":
        // Done with the record, in its transaction.
        return;
      default:
        effect satisfies never;
    }
  }

  #mustHaveRecord(): OperationRecord {
    const { record } = this.#store;
    if (!record) throw new Error("an operation that was just stepped has no record");
    return record;
  }
}
