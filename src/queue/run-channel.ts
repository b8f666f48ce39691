// The runner's end of the run channel: claims the work, keeps the lease, and is believed by nobody once that has run out.
import { CHANNEL_REOPEN_DELAY_MS, KEEP_ALIVES_PER_LEASE } from "../limits";
import {
  type Claimed,
  FENCE_HEADER,
  INPUT_PATH,
  KEEP_ALIVE_REQUEST,
  KEEP_ALIVE_RESPONSE,
  type MessageToObject,
  type MessageToRunner,
  RUN_PATH,
} from "../operation/run-channel";

/** What the channel needs of the operation's object. */
export type ObjectStub = Pick<Fetcher, "fetch">;

/** A message as the work sends it: the channel adds the token. */
export type Unfenced<T> = T extends unknown ? Omit<T, "fence"> : never;
export type RunnerMessage = Unfenced<MessageToObject>;

/** How a runner's last word went: recorded, or void because the work is no longer its own. */
export type Settlement = "settled" | "stopped";

/** What may befall a run from outside. */
export interface RunListener {
  /** A client asked to stop. */
  onCancel(): void;
  /** The work is lost: to a deadline, another runner, or silence longer than the lease. */
  onStop(): void;
}

export class RunChannel {
  readonly claimed: Claimed;
  readonly #stub: ObjectStub;
  #socket: WebSocket;
  #listener: RunListener | undefined;
  #cancelled: boolean;
  #stopped = false;
  #closed = false;
  /** When the last confirmed keep-alive was sent: the object has it at that time or later, so the lease lasts longer there. */
  #confirmedTime: number;
  #pingTime: number | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  #lastWord: { message: string; settle: (settlement: Settlement) => void } | undefined;

  /** Claims the work; undefined where there is none to claim: done, claimed by another, not due, forgotten. */
  static async claim(stub: ObjectStub): Promise<RunChannel | undefined> {
    const sentTime = Date.now();
    const opened = await open(stub, undefined);
    return opened && new RunChannel(stub, opened, sentTime);
  }

  private constructor(stub: ObjectStub, { socket, claimed }: Opened, sentTime: number) {
    this.#stub = stub;
    this.claimed = claimed;
    this.#confirmedTime = sentTime;
    this.#cancelled = claimed.cancelRequested;
    this.#socket = socket;
    this.#attach(socket);
    this.#timer = setInterval(() => this.#keepAlive(), claimed.leaseMs / KEEP_ALIVES_PER_LEASE);
  }

  /** Whoever does the work hears here what befell it, also what already has. */
  listen(listener: RunListener): void {
    this.#listener = listener;
    if (this.#cancelled) listener.onCancel();
    if (this.#stopped) listener.onStop();
  }

  /** Sends progress, which may be lost with the channel: the last word carries it again. */
  send(message: RunnerMessage): void {
    if (this.#stopped || this.#socket.readyState !== WebSocket.READY_STATE_OPEN) return;
    this.#socket.send(this.#fenced(message));
  }

  /** Says the last word, over as many channels as it takes while the lease lasts, and closes. */
  async finish(message: RunnerMessage): Promise<Settlement> {
    try {
      if (this.#stopped) return "stopped";
      return await new Promise<Settlement>((settle) => {
        this.#lastWord = { message: this.#fenced(message), settle };
        if (this.#socket.readyState === WebSocket.READY_STATE_OPEN) this.#socket.send(this.#lastWord.message);
      });
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    if (this.#socket.readyState === WebSocket.READY_STATE_OPEN) this.#socket.close(1000, "finished");
  }

  /** The streamed input from its beginning. */
  async input(): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#stub.fetch(`https://operation${INPUT_PATH}`, {
      headers: { [FENCE_HEADER]: this.claimed.fence },
    });
    if (!response.ok || !response.body) throw new Error(`the input could not be read (${response.status})`);
    return response.body;
  }

  #fenced(message: RunnerMessage): string {
    return JSON.stringify({ ...message, fence: this.claimed.fence });
  }

  #attach(socket: WebSocket): void {
    socket.addEventListener("message", ({ data }) => this.#receive(data));
    socket.addEventListener("close", () => this.#lost(socket));
    socket.addEventListener("error", () => this.#lost(socket));
  }

  #receive(data: string | ArrayBuffer): void {
    if (data === KEEP_ALIVE_RESPONSE) {
      if (this.#pingTime !== undefined) this.#confirmedTime = this.#pingTime;
      this.#pingTime = undefined;
      return;
    }
    const message = JSON.parse(data as string) as MessageToRunner;
    switch (message.type) {
      case "cancel":
        this.#cancelled = true;
        this.#listener?.onCancel();
        return;
      case "settled":
        this.#lastWord?.settle("settled");
        return;
      case "stop":
        this.#stop();
        return;
      case "claimed":
        // The answer to opening; it is read there.
        return;
      default:
        message satisfies never;
    }
  }

  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    this.#lastWord?.settle("stopped");
    this.#listener?.onStop();
  }

  #leaseEndTime(): number {
    return this.#confirmedTime + this.claimed.leaseMs;
  }

  #keepAlive(): void {
    if (Date.now() >= this.#leaseEndTime()) return this.#stop();
    if (this.#socket.readyState !== WebSocket.READY_STATE_OPEN) return;
    this.#pingTime ??= Date.now();
    this.#socket.send(KEEP_ALIVE_REQUEST);
  }

  #lost(socket: WebSocket): void {
    if (this.#closed || this.#stopped || socket !== this.#socket) return;
    void this.#reopen(socket);
  }

  /** Asks for the channel again, with the token, until it is given, refused, or the lease has run out. */
  async #reopen(lost: WebSocket): Promise<void> {
    while (!this.#closed && !this.#stopped && this.#socket === lost) {
      if (Date.now() >= this.#leaseEndTime()) return this.#stop();
      const sentTime = Date.now();
      try {
        const opened = await open(this.#stub, this.claimed.fence);
        if (!opened) return this.#stop();
        this.#confirmedTime = sentTime;
        this.#pingTime = undefined;
        this.#socket = opened.socket;
        this.#attach(opened.socket);
        if (opened.claimed.cancelRequested && !this.#cancelled) this.#receive(JSON.stringify({ type: "cancel" }));
        if (this.#lastWord) opened.socket.send(this.#lastWord.message);
      } catch (error) {
        console.warn({ message: "run channel not reopened yet", operation: this.claimed.name, error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, CHANNEL_REOPEN_DELAY_MS));
      }
    }
  }
}

interface Opened {
  socket: WebSocket;
  claimed: Claimed;
}

/** Opens a channel; undefined where the object refuses it. Throws where the object cannot be reached. */
async function open(stub: ObjectStub, fence: string | undefined): Promise<Opened | undefined> {
  const response = await stub.fetch(`https://operation${RUN_PATH}`, {
    headers: { Upgrade: "websocket", ...(fence === undefined ? {} : { [FENCE_HEADER]: fence }) },
  });
  const socket = response.webSocket;
  if (!socket) {
    if (response.status === 409) return undefined;
    throw new Error(`the operation's object answered ${response.status} to a claim`);
  }
  const claimed = new Promise<Claimed>((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => resolve(JSON.parse(data as string) as Claimed), { once: true });
    socket.addEventListener("close", () => reject(new Error("the run channel closed before it was opened")), {
      once: true,
    });
  });
  socket.accept();
  return { socket, claimed: await claimed };
}
