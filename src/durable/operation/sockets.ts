// The hibernatable sockets of one operation's object: its runner's, and those of everyone who waits.
import {
  type Awaited,
  OUTPUT_HEADER,
  type OutputPart,
  OWN_RIGHT_HEADER,
  WAITERS_HEADER,
  type WaitMessage,
} from "../../contract/answer";
import type { OperationRecord, OutboxEntry } from "../../lifecycle/record";
import {
  MAX_ATTACHED_CHARACTERS,
  MAX_HELD_MS,
  MAX_HELD_WAITERS,
  MAX_PUSHED_BYTES,
  MIN_CHANGE_INTERVAL_MS,
  WATCHERS_PUSHED_PER_SECOND,
} from "../../limits";
import type { JsonObject } from "../../rpc/any";
import { utf8Length } from "../../rpc/utf8";
import { withinLimit } from "../../time-limit";
import {
  type Claimed,
  KEEP_ALIVE_REQUEST,
  KEEP_ALIVE_RESPONSE,
  type MessageToRunner,
} from "../../contract/run-channel";

type SocketState = Pick<
  DurableObjectState,
  "acceptWebSocket" | "getWebSockets" | "getWebSocketAutoResponseTimestamp" | "setWebSocketAutoResponse"
>;

/** The runtime answers keep-alives, also while the object hibernates. */
function accept(state: SocketState, tags: string[]): { client: WebSocket; server: WebSocket } {
  const { 0: client, 1: server } = new WebSocketPair();
  state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEP_ALIVE_REQUEST, KEEP_ALIVE_RESPONSE));
  state.acceptWebSocket(server, tags);
  return { client, server };
}

const RUNNER_TAG = "run";
/** Of every waiter and watcher. One that awaits changes has that for a second tag. */
const WAITER_TAG = "wait";
/** Of the codes that applications may send. */
const ASK_AGAIN = 4_000;
const COME_AND_GET: WaitMessage = { type: "done" };

/** PERSISTED CONTRACT: kept with the socket while the object hibernates. */
interface RunnerAttachment {
  fence: string;
  /** Changes that are not stored: {@link Unsaved} as JSON. */
  unsaved?: string;
}

/** The changes of a record that a runner's socket keeps. PERSISTED CONTRACT. */
interface Unsaved {
  /** The revision of the stored record that they follow. */
  base: number;
  revision: number;
  statusMessage: string;
  metadata: JsonObject;
  index?: OutboxEntry | undefined;
}

export class RunnerSockets {
  readonly #state: SocketState;
  /** Of a socket that has just closed. */
  #closed: RunnerAttachment | null = null;

  constructor(state: SocketState) {
    this.#state = state;
  }

  /** Opens the socket of the runner that holds `fence`. */
  accept(fence: string, claimed: Claimed): Response {
    this.dismiss(fence);
    const { client, server } = accept(this.#state, [RUNNER_TAG]);
    server.serializeAttachment({ fence } satisfies RunnerAttachment);
    this.send(server, claimed);
    return new Response(null, { status: 101, webSocket: client });
  }

  /**
   * Closes the sockets that are left over, because the runner that holds `fence` is the current one. Others are told to stop. Its
   * own is just closed: it has lost the channel, not the work.
   */
  dismiss(fence: string): void {
    for (const socket of this.#state.getWebSockets(RUNNER_TAG)) {
      if (attachment(socket)?.fence !== fence) this.send(socket, { type: "stop" });
      socket.close(1000);
    }
  }

  /** Keeps the changes of a record that are not stored; false where a socket has no room for them. */
  keepUnsaved(record: OperationRecord, savedRevision: number): boolean {
    const { lease, revision, statusMessage, metadata, outbox } = record;
    if (!lease) return true;
    const { index } = outbox;
    const unsaved = JSON.stringify({ base: savedRevision, revision, statusMessage, metadata, index } satisfies Unsaved);
    if (unsaved.length > MAX_ATTACHED_CHARACTERS) return false;
    for (const socket of this.#ofRunner(lease.fence)) {
      socket.serializeAttachment({ fence: lease.fence, unsaved } satisfies RunnerAttachment);
    }
    return true;
  }

  /** The stored record with the changes that its runner's socket kept while the object hibernated. */
  restored(stored: OperationRecord): OperationRecord {
    const fence = stored.lease?.fence;
    if (fence === undefined) return stored;
    const kept = [this.#closed, ...this.#state.getWebSockets(RUNNER_TAG).map(attachment)];
    const text = kept.find((one) => one?.fence === fence)?.unsaved;
    if (text === undefined) return stored;
    const { base, index, ...changes } = JSON.parse(text) as Unsaved;
    if (base !== stored.revision) return stored;
    const { index: _, ...outbox } = stored.outbox;
    return { ...stored, ...changes, outbox: { ...outbox, ...(index === undefined ? {} : { index }) } };
  }

  /** A socket that has just closed is not among the open ones, and may have changes that are not stored. */
  rememberClosed(socket: WebSocket): void {
    this.#closed = attachment(socket);
  }

  #ofRunner(fence: string): WebSocket[] {
    return this.#state.getWebSockets(RUNNER_TAG).filter((socket) => attachment(socket)?.fence === fence);
  }

  tell(message: MessageToRunner): void {
    for (const socket of this.#state.getWebSockets(RUNNER_TAG)) this.send(socket, message);
  }

  send(socket: WebSocket, message: MessageToRunner): void {
    if (socket.readyState === WebSocket.READY_STATE_OPEN) socket.send(JSON.stringify(message));
  }

  /** When the runner that holds `fence` last kept its lease (milliseconds since 1970), answered without waking the object. */
  lastKeepAliveTime(fence: string): number | undefined {
    const times = this.#ofRunner(fence).map(
      (socket) => this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0,
    );
    return times.length > 0 ? Math.max(...times) : undefined;
  }

  isRunChannel(socket: WebSocket): boolean {
    return attachment(socket) !== null;
  }

  /** Whether the channel of the runner that holds `fence` is open. */
  isConnected(fence: string): boolean {
    return this.#ofRunner(fence).some(({ readyState }) => readyState === WebSocket.READY_STATE_OPEN);
  }
}

function attachment(socket: WebSocket): RunnerAttachment | null {
  return socket.deserializeAttachment() as RunnerAttachment | null;
}

export interface Subscribed {
  first: WaitMessage | undefined;
  hasOwnRight: boolean;
  outputBytes: number;
}

export class WaiterSockets {
  readonly #state: SocketState;
  /** Ends the wait of one that has no socket yet. */
  readonly #held = new Set<() => void>();
  #nextPushTime = 0;
  #isPushDue = false;

  constructor(state: SocketState) {
    this.#state = state;
  }

  count(): number {
    return this.#state.getWebSockets(WAITER_TAG).length + this.#held.size;
  }

  /**
   * Holds a waiter without a socket until there is something to say, or {@link MAX_HELD_MS} have passed. The object stays in memory
   * meanwhile, and is billed. False: too many are held. `over`: what is over within that time, so that no timer is needed.
   */
  async hold(over?: Promise<void>): Promise<boolean> {
    if (this.#held.size >= MAX_HELD_WAITERS) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.add(resolve);
    await (over ? Promise.race([promise, over]) : withinLimit(promise, MAX_HELD_MS, resolve));
    this.#held.delete(resolve);
    return true;
  }

  /** Lets those that are held look again. */
  release(): void {
    for (const resolve of this.#held) resolve();
  }

  /** `first`: the first message to one that awaits changes. `hasOwnRight`: {@link OWN_RIGHT_HEADER}. */
  accept(
    awaited: Awaited = "end",
    { first, hasOwnRight = false, outputBytes = 0 }: Partial<Subscribed> = {},
  ): Response {
    const { client, server } = accept(this.#state, awaited === "end" ? [WAITER_TAG] : [WAITER_TAG, awaited]);
    if (first) server.send(JSON.stringify(first));
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: {
        [WAITERS_HEADER]: String(this.count()),
        [OUTPUT_HEADER]: String(outputBytes),
        ...(hasOwnRight ? { [OWN_RIGHT_HEADER]: "true" } : {}),
      },
    });
  }

  /**
   * Tells those that await changes, at most once in an interval that grows with their number. `latest` gives the message when
   * it is sent. A timer lasts as long as these sockets do: both end with the object's memory, and the watchers ask again.
   */
  changed(latest: () => WaitMessage | undefined): void {
    const watchers = (["change", "changes"] as const).flatMap((tag) => this.#state.getWebSockets(tag)).length;
    if (watchers === 0 || this.#isPushDue) return;
    const push = (): void => {
      this.#isPushDue = false;
      const message = latest();
      if (!message) return;
      const intervalMs = Math.max(MIN_CHANGE_INTERVAL_MS, (watchers / WATCHERS_PUSHED_PER_SECOND) * 1_000);
      this.#nextPushTime = Date.now() + intervalMs;
      this.#send(message, [
        { tag: "changes", closes: false },
        { tag: "change", closes: true },
      ]);
    };
    const delayMs = this.#nextPushTime - Date.now();
    if (delayMs <= 0) return push();
    this.#isPushDue = true;
    setTimeout(push, delayMs);
  }

  /** Lets everyone who waits come again. */
  cut(): void {
    this.release();
    for (const socket of this.#state.getWebSockets(WAITER_TAG)) {
      if (socket.readyState === WebSocket.READY_STATE_OPEN) socket.close(ASK_AGAIN);
    }
  }

  /** Sends watchers a part of the output. */
  written(part: OutputPart): void {
    const endOffset = part.offset + utf8Length(part.text);
    this.#send({ type: "output", ...part }, [{ tag: "changes", closes: false }], { type: "output", endOffset });
  }

  /** Answers everyone who waits or watches. */
  push(message: () => WaitMessage): void {
    this.release();
    if (this.#state.getWebSockets(WAITER_TAG).length === 0) return;
    this.#send(message(), [{ tag: WAITER_TAG, closes: true }]);
  }

  /** Those beyond {@link MAX_PUSHED_BYTES}, which stay in memory, are told to fetch. */
  #send(
    message: WaitMessage,
    to: readonly { tag: string; closes: boolean }[],
    instead: WaitMessage = COME_AND_GET,
  ): void {
    const text = JSON.stringify(message);
    const insteadText = message.type === "gone" ? text : JSON.stringify(instead);
    const size = utf8Length(text);
    let bytesLeft = MAX_PUSHED_BYTES;
    for (const { tag, closes } of to) {
      for (const socket of this.#state.getWebSockets(tag)) {
        if (socket.readyState !== WebSocket.READY_STATE_OPEN) continue;
        const fits = size <= bytesLeft;
        if (fits) bytesLeft -= size;
        socket.send(fits ? text : insteadText);
        if (closes) socket.close(1000);
      }
    }
  }
}
