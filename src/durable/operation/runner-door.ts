// The requests of a runner to an operation's object: claim, input, steps, a place for a large result, messages.
import { MAX_RESPONSE_BYTES } from "../../limits";
import type { ClaimAnswer } from "../../contract/direct-run";
import type { OperationEvent, SuccessfulOutcome } from "../../lifecycle/event";
import type { AttemptMemory, JoinCondition } from "../../lifecycle/record";
import type { Advance } from "../../lifecycle/advance";
import { stepNames } from "../../lifecycle/runner-events";
import { isClaimable } from "../../lifecycle/slots";
import {
  ANSWER_PATH,
  CHILDREN_PATH,
  type Claimed,
  FENCE_HEADER,
  INPUT_PATH,
  MEMORY_HEADER,
  type MessageToObject,
  type MessageToRunner,
  RESPONSE_PATH,
  STEP_PATH,
  decodeMessageToObject,
} from "../../contract/run-channel";
import { type Chunks, type StoredStream, storeStream } from "./chunks";
import type { DirectRunPort } from "./direct-runs";
import type { OperationLife } from "./operation-life";
import { claimedFromRecord, eventFromMessage } from "./run-messages";

export class RunnerDoor {
  readonly #life: OperationLife;
  readonly #storing = new Set<number>();
  /** For runs by call. */
  readonly #port: DirectRunPort = {
    hear: (message) => this.#hear(message),
    request: (request) => this.values(request),
    lost: async () => {
      this.#life.waiters.release();
      await this.#life.settle();
    },
  };

  constructor(life: OperationLife) {
    this.#life = life;
  }

  /** Claims the work for a runner that sends its messages by calls at first. undefined: there is no work to claim. */
  async claim(): Promise<ClaimAnswer | undefined> {
    const fence = await this.#claim();
    if (fence === undefined) return undefined;
    this.#life.runner.dismiss(fence);
    const claimed = this.#claimed(fence);
    return { claimed, calls: this.#life.direct.open(claimed, this.#port) };
  }

  /** Opens the socket of a runner: of one that shows its token, or, of an earlier version, of one that claims the work. */
  async open(request: Request): Promise<Response> {
    // The work lasts.
    if (this.#life.alarm.deferral) this.#life.armDeferred();
    const token = request.headers.get(FENCE_HEADER);
    const fence = token === null ? await this.#claim() : await this.#reclaim(token);
    if (fence === undefined) return fenced();
    const opened = this.#life.runner.accept(fence, this.#claimed(fence));
    this.#life.direct.supersede(fence);
    if (token !== null) this.#life.channelOpened();
    this.#life.waiters.release();
    return opened;
  }

  #claimed(fence: string): Claimed {
    return claimedFromRecord(this.#life.mustHaveRecord(), fence, this.#life.store);
  }

  /** The token of a runner that has claimed the work; undefined: there is no work to claim. */
  async #claim(): Promise<string | undefined> {
    await this.#life.settle({ sends: false });
    if (!(await this.#mayRun())) return undefined;
    const fence = crypto.randomUUID();
    if (this.#life.apply({ type: "claim", fence }).ok) return fence;
    // Cancelled, or claimed by another, while the slot was asked for.
    if (!this.#life.record?.lease) await this.#life.releaseRunSlot();
    return undefined;
  }

  /** The same token, if it is still the current one. */
  async #reclaim(fence: string): Promise<string | undefined> {
    await this.#life.settle();
    return this.#life.apply({ type: "keepAlive", fence, receivedTime: Date.now() }).ok ? fence : undefined;
  }

  /** Whether there is work to claim, and a slot to do it in; if only that is missing, the operation waits for it. */
  async #mayRun(): Promise<boolean> {
    const { record } = this.#life;
    if (!record || !isClaimable(record)) return false;
    if (await this.#life.acquireRunSlot()) return true;
    this.#life.apply({ type: "hold" });
    return false;
  }

  #step(place: number): Response {
    const step = this.#life.record?.work?.steps?.find((stored) => stored.place === place);
    if (!step) return new Response(null, { status: 404 });
    return new Response(this.#life.store.step(place).stream({ count: step.chunks }));
  }

  /** The large answer of a suspension. */
  #answer(id: string | null): Response {
    const suspension = this.#life.record?.suspensions?.find((one) => one.id === id);
    const json = suspension && this.#life.store.suspensionText(suspension, "answer");
    return json === undefined ? new Response(null, { status: 404 }) : new Response(json);
  }

  /** Stores a step's large result. The rows count once the record names them. */
  async #saveStep(request: Request, fence: string, searchParams: URLSearchParams): Promise<Response> {
    const place = this.#freePlace();
    this.#storing.add(place);
    try {
      const stored = await this.#stored(this.#life.store.step(place), request);
      if (!stored.ok) return new Response(null, { status: 413 });
      // An earlier version's runner says neither order nor memory.
      const order = searchParams.get("order");
      const step = {
        name: searchParams.get("name") ?? "",
        place,
        bytes: stored.bytes,
        chunks: stored.chunks,
        ...(order === null ? {} : { order: Number(order) }),
      };
      const isStored = this.#life.apply({ ...memoryOf(request), type: "saveStep", fence, step }).ok;
      return isStored ? new Response(null, { status: 204 }) : fenced();
    } finally {
      this.#storing.delete(place);
    }
  }

  /** Behind all places that are taken, or in which a result is being stored. */
  #freePlace(): number {
    let last = Math.max(-1, ...this.#storing);
    for (const { place } of this.#life.record?.work?.steps ?? []) last = Math.max(last, place);
    return last + 1;
  }

  /** Stores a large response. It becomes the operation's with the last word that names it. */
  async #saveResponse(request: Request): Promise<Response> {
    const stored = await this.#stored(this.#life.store.response, request);
    if (!stored.ok) return new Response(null, { status: 413 });
    const outcome: SuccessfulOutcome = { responseChunks: stored.chunks, responseBytes: stored.bytes };
    return Response.json(outcome);
  }

  #stored(chunks: Chunks, { body }: Request): Promise<StoredStream> {
    if (!body) throw new TypeError("no body");
    return storeStream(chunks, body, { maxBytes: this.#life.record?.policy.maxResultBytes ?? MAX_RESPONSE_BYTES });
  }

  async message(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const message = decodeMessageToObject(data);
    if (!message) return socket.close(1003);
    const answer = await this.#hear(message);
    if (answer) this.#life.runner.send(socket, answer);
  }

  /** Calls the runner for the lease that the record holds. */
  async runDirectly(): Promise<void> {
    const record = this.#life.mustHaveRecord();
    if (!record.lease) return;
    await this.#life.direct.run(this.#claimed(record.lease.fence), this.#port);
    // No call keeps the object in memory any more.
    this.#life.waiters.release();
  }

  /** Serves the requests for large values of the runner that has the current token. */
  async values(request: Request): Promise<Response> {
    await this.#life.settle();
    const fence = request.headers.get(FENCE_HEADER);
    if (fence === null || this.#life.record?.lease?.fence !== fence) return fenced();
    const { pathname, searchParams } = new URL(request.url);
    const { input, children } = this.#life.store;
    switch (`${request.method} ${pathname}`) {
      case `GET ${INPUT_PATH}`:
        return new Response(input.stream());
      case `GET ${STEP_PATH}`:
        return this.#step(Number(searchParams.get("place")));
      case `GET ${ANSWER_PATH}`:
        return this.#answer(searchParams.get("id"));
      case `GET ${CHILDREN_PATH}`:
        return Response.json(
          children.endsAt(JSON.parse(searchParams.get("places") ?? "[]") as JoinCondition["places"]),
        );
      case `POST ${STEP_PATH}`:
        return this.#saveStep(request, fence, searchParams);
      case `POST ${RESPONSE_PATH}`:
        return this.#saveResponse(request);
      default:
        return new Response(null, { status: 404 });
    }
  }

  async #hear(message: MessageToObject): Promise<MessageToRunner | undefined> {
    await this.#life.settle();
    const isAccepted =
      message.type === "saveStep"
        ? this.#saveSmallStep(message)
        : message.type === "saveChildren"
          ? this.#saveChildren(message)
          : message.type === "saveOutput"
            ? this.#saveOutput(message)
            : (await this.#apply(eventFromMessage(message, Math.random()))).ok;
    if (!isAccepted) return { type: "stop" };
    if (message.type === "progress") return undefined;
    return "id" in message ? { type: "saved", id: message.id } : { type: "settled" };
  }

  async #apply(event: OperationEvent): Promise<Advance> {
    return event.type === "sleep" || event.type === "suspend" ? this.#life.rest(event) : this.#life.apply(event);
  }

  /** Writes children down that are about to be started, with the record. */
  #saveChildren({ id: _id, children, ...message }: Extract<MessageToObject, { type: "saveChildren" }>): boolean {
    const { record, store } = this.#life;
    if (record?.lease?.fence !== message.fence) return false;
    store.children.reserve(children);
    return this.#life.apply({ ...message, count: store.children.children.length }).ok;
  }

  #saveOutput({ fence, offset, text }: Extract<MessageToObject, { type: "saveOutput" }>): boolean {
    const { record, store, waiters } = this.#life;
    if (record?.lease?.fence !== fence) return false;
    if (record.deleteTime === undefined && store.output.append({ offset, text })) waiters.written({ offset, text });
    return true;
  }

  /** Stores a result that came in a message. Nothing is awaited between its rows and the record: both are committed at once. */
  #saveSmallStep(message: Extract<MessageToObject, { type: "saveStep" }>): boolean {
    const { id: _id, type, fence, name, result, order, ...memory } = message;
    const { record, store } = this.#life;
    if (record?.lease?.fence !== fence) return false;
    const place = this.#freePlace();
    const bytes = new TextEncoder().encode(result);
    const isNew = !stepNames(record.work?.steps ?? []).has(name);
    const chunks = isNew ? store.step(place).putAll(bytes) : 0;
    const step = { name, place, bytes: bytes.length, chunks, ...(order === undefined ? {} : { order }) };
    return this.#life.apply({ ...memory, type, fence, step }).ok;
  }
}

function memoryOf(request: Request): AttemptMemory {
  return JSON.parse(decodeURIComponent(request.headers.get(MEMORY_HEADER) ?? "%7B%7D")) as AttemptMemory;
}

/** The runner's token is not the current one, or there is nothing to claim: it must stop. */
function fenced(): Response {
  return new Response(null, { status: 409 });
}
