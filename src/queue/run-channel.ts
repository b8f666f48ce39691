// The runner's end of the run channel: claims the work, keeps its lease, sends results while the lease lasts.
import {
  CHANNEL_REOPEN_DELAY_MS,
  CLAIM_TIMEOUT_MS,
  KEEP_ALIVES_PER_LEASE,
  KEEP_ALIVE_GRACE_MS,
  LOST_CHANNEL_LEASE_MS,
  MAX_CHANNEL_REOPEN_DELAY_MS,
} from "../limits";
import {
  type Claimed,
  FENCE_HEADER,
  KEEP_ALIVE_REQUEST,
  KEEP_ALIVE_RESPONSE,
  type LastWord,
  type MessageToRunner,
  type News,
  type ProgressMessage,
  RUN_PATH,
} from "../contract/run-channel";
import type { ClaimedChild, EndedChild } from "../contract/child";
import type { Channel, RunListener, SaveMessage, Settlement } from "./channel";
import { LargeValues } from "./large-values";
import { afterMs } from "./macrotask";

/** The methods of the operation's object that the channel needs. */
export type ObjectStub = Pick<Fetcher, "fetch">;

/** Saves are numbered from 1. There is one final message. */
const LAST_WORD_ID = 0;

export class RunChannel implements Channel {
  readonly claimed: Claimed;
  readonly #stub: ObjectStub;
  #socket: WebSocket;
  #listener: RunListener | undefined;
  #cancelled: boolean;
  /** Messages that came before there was a listener. */
  readonly #news: News[] = [];
  #stopped = false;
  #closed = false;
  /** When the last confirmed keep-alive was sent. The object received it no earlier, so its lease lasts longer. */
  #confirmedTime: number;
  #pingTime: number | undefined;
  /** Since when it has no channel. The object, too, shortens the lease from then on. */
  #lostTime: number | undefined;
  #isReopening = false;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Messages that were sent and not answered yet, in order. The next channel sends them again. */
  readonly #unanswered = new Map<number, { message: string; settle: (settlement: Settlement) => void }>();
  #nextId = 1;
  /** The last report. An object that was reset may have lost it. */
  #progress: string | undefined;
  readonly largeValues: LargeValues;

  /** Claims the work; undefined if there is no work to claim: it is done, claimed by another, not due, or deleted. */
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
    this.largeValues = new LargeValues({
      operation: claimed.name,
      fence: claimed.fence,
      fetch: (url, init) => stub.fetch(url, init),
      isWorking: () => !this.#stopped && !this.#closed,
      onRefused: () => this.#stop(),
    });
  }

  /** Delivers the events of the run to its listener, past ones too. */
  listen(listener: RunListener): void {
    this.#listener = listener;
    for (const news of this.#news.splice(0)) listener.onAnswers(news);
    if (this.#cancelled) listener.onCancel();
    if (this.#stopped) listener.onStop();
  }

  /** Sends progress, which may be lost with the channel: the final message carries it again. */
  sendProgress(progress: ProgressMessage): void {
    this.#progress = this.#fenced({ type: "progress", progress });
    this.#transmit(this.#progress);
  }

  /** Stores a value, over as many channels as it takes while the lease lasts. */
  save(message: SaveMessage): Promise<Settlement> {
    const id = this.#nextId;
    this.#nextId += 1;
    return this.#ask(id, this.#fenced({ ...message, id }));
  }

  /** Sends the final message, in the same way, and closes. */
  async finish(lastWord: LastWord): Promise<Settlement> {
    try {
      return await this.#ask(LAST_WORD_ID, this.#fenced(lastWord));
    } finally {
      this.close();
    }
  }

  #ask(id: number, message: string): Promise<Settlement> {
    return new Promise((settle) => {
      // A failure of what is left of a run after its end has no listener.
      if (this.#stopped || this.#closed) return settle("stopped");
      this.#unanswered.set(id, { message, settle });
      this.#transmit(message);
    });
  }

  #answered(id: number, settlement: Settlement): void {
    this.#unanswered.get(id)?.settle(settlement);
    this.#unanswered.delete(id);
  }

  #transmit(message: string): void {
    if (!this.#stopped && this.#socket.readyState === WebSocket.READY_STATE_OPEN) this.#socket.send(message);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const id of this.#unanswered.keys()) this.#answered(id, "stopped");
    if (this.#socket.readyState === WebSocket.READY_STATE_OPEN) this.#socket.close(1000, "finished");
  }

  #fenced(message: object): string {
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
      case "answers":
        return this.#newsCame(message);
      case "saved":
        this.#answered(message.id, "settled");
        return;
      case "settled":
        this.#answered(LAST_WORD_ID, "settled");
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

  #newsCame(news: News): void {
    if (this.#listener) this.#listener.onAnswers(news);
    else this.#news.push(news);
  }

  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#timer);
    for (const id of this.#unanswered.keys()) this.#answered(id, "stopped");
    this.#listener?.onStop();
  }

  #leaseEndTime(): number {
    const { leaseMs } = this.claimed;
    const leaseEndTime = this.#confirmedTime + leaseMs;
    if (this.#lostTime === undefined) return leaseEndTime;
    return Math.min(leaseEndTime, this.#lostTime + Math.min(leaseMs, LOST_CHANNEL_LEASE_MS));
  }

  holdsLease(): boolean {
    if (Date.now() >= this.#leaseEndTime()) this.#stop();
    return !this.#stopped;
  }

  /**
   * Stops the work if the lease has expired. Awaited before each part of the work. In production the clock stands still while
   * code computes, so this waits for a timer first, which sets the clock.
   */
  async confirmLease(): Promise<void> {
    await afterMs(0);
    this.holdsLease();
  }

  #keepAlive(): void {
    if (!this.holdsLease()) return;
    const socket = this.#socket;
    if (socket.readyState !== WebSocket.READY_STATE_OPEN) return;
    if (this.#pingTime === undefined) {
      this.#pingTime = Date.now();
      socket.send(KEEP_ALIVE_REQUEST);
      return;
    }
    // The answer to the last one may have come while the handler computed; it is read before this timer fires.
    const unanswered = this.#pingTime;
    setTimeout(() => {
      if (this.#pingTime === unanswered) this.#lost(socket);
    }, KEEP_ALIVE_GRACE_MS);
  }

  #lost(socket: WebSocket): void {
    if (this.#closed || this.#stopped || socket !== this.#socket) return;
    if (socket.readyState === WebSocket.READY_STATE_OPEN) socket.close(UNHEARD, "no answer");
    this.#lostTime ??= Date.now();
    this.#pingTime = undefined;
    void this.#reopen();
  }

  /** Asks for the channel again, with the token, until it is given back and stays, is rejected, or the lease has expired. */
  async #reopen(): Promise<void> {
    if (this.#isReopening) return;
    this.#isReopening = true;
    for (let turn = 0; this.#lostTime !== undefined && !this.#closed && this.holdsLease(); turn += 1) {
      await this.#reopenOnce();
      // A channel that is cut as soon as it is open must not be asked for without a pause.
      const delayMs = Math.min(MAX_CHANNEL_REOPEN_DELAY_MS, CHANNEL_REOPEN_DELAY_MS * 2 ** turn);
      await afterMs(delayMs * (0.5 + Math.random()));
    }
    this.#isReopening = false;
  }

  async #reopenOnce(): Promise<void> {
    const sentTime = Date.now();
    try {
      const opened = await open(this.#stub, this.claimed.fence);
      if (!opened) return this.#stop();
      if (this.#closed || this.#stopped) return opened.socket.close(1000, "finished");
      this.#confirmedTime = sentTime;
      this.#lostTime = undefined;
      this.#pingTime = undefined;
      this.#socket = opened.socket;
      this.#attach(opened.socket);
      if (opened.claimed.cancelRequested && !this.#cancelled) this.#receive(JSON.stringify({ type: "cancel" }));
      // Outcomes that came while there was no channel.
      const { suspensions = [], children = [] } = opened.claimed;
      this.#newsCame({ suspensions, children: endedOf(children) });
      if (this.#progress !== undefined) this.#transmit(this.#progress);
      for (const { message } of this.#unanswered.values()) this.#transmit(message);
    } catch (error) {
      console.warn({ message: "run channel not reopened yet", operation: this.claimed.name, error: String(error) });
    }
  }
}

/** Of the codes that applications may send: the channel counts as lost. */
const UNHEARD = 4_001;

function endedOf(children: readonly ClaimedChild[]): EndedChild[] {
  return children.flatMap(({ end }, place) => (end ? [{ place, ...end }] : []));
}

interface Opened {
  socket: WebSocket;
  claimed: Claimed;
}

/** Opens a channel; undefined where the object rejects it. Throws where the object does not answer in time. */
async function open(stub: ObjectStub, fence: string | undefined): Promise<Opened | undefined> {
  const { promise: isLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`the operation's object did not open the run channel within ${CLAIM_TIMEOUT_MS / 1_000} s`));
  }, CLAIM_TIMEOUT_MS);
  const opening = openWithoutLimit(stub, fence);
  try {
    return await Promise.race([opening, isLate]);
  } catch (error) {
    // A channel that opens later is closed, so that the object knows that the work has no runner.
    opening.then(
      (opened) => opened?.socket.close(UNHEARD, "too late"),
      () => {},
    );
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function openWithoutLimit(stub: ObjectStub, fence: string | undefined): Promise<Opened | undefined> {
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
    const failed = (): void => reject(new Error("the run channel closed before it was opened"));
    socket.addEventListener("close", failed, { once: true });
    socket.addEventListener("error", failed, { once: true });
  });
  socket.accept();
  return { socket, claimed: await claimed };
}
