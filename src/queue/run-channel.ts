// The runner's end of the run channel: claims the work, keeps its lease, sends results while the lease lasts. The messages go by
// calls in the session of the claim at first, and over a socket once the work has taken a while.
import {
  CHANNEL_REOPEN_DELAY_MS,
  CLAIM_TIMEOUT_MS,
  KEEP_ALIVES_PER_LEASE,
  KEEP_ALIVE_GRACE_MS,
  LOST_CHANNEL_LEASE_MS,
  MAX_CHANNEL_REOPEN_DELAY_MS,
} from "../limits";
import type { ClaimedChild, EndedChild } from "../contract/child";
import type { ClaimAnswer } from "../contract/direct-run";
import {
  type Claimed,
  FENCE_HEADER,
  KEEP_ALIVE_REQUEST,
  KEEP_ALIVE_RESPONSE,
  type LastWord,
  type MessageToObject,
  type MessageToRunner,
  RUN_PATH,
} from "../contract/run-channel";
import { CallTimedOut, orEarlier } from "../durable/object-call";
import { withinLimit } from "../time-limit";
import type { Channel, Settlement } from "./channel";
import { LeasedChannel } from "./leased-channel";
import { afterMs } from "./macrotask";

/** The methods of the operation's object that the channel needs. */
export interface ObjectStub extends Pick<Fetcher, "fetch"> {
  claim(): Promise<Session | undefined>;
}

/** The session of a claim. The object learns when its answer is disposed of, and when the runner is gone. */
type Session = ClaimAnswer & Disposable;

interface OpenSocket {
  claimed: Claimed;
  socket: WebSocket;
}

/** Saves are numbered from 1. There is one final message. */
const LAST_WORD_ID = 0;

export class RunChannel extends LeasedChannel implements Channel {
  readonly #stub: ObjectStub;
  #link: Session | OpenSocket;
  #pingTime: number | undefined;
  /** Since when it has no link. The object, too, shortens the lease from then on. */
  #lostTime: number | undefined;
  #isReopening = false;
  /** Messages that were sent and not answered yet, in order. The next socket sends them again. */
  readonly #unanswered = new Map<number, { message: MessageToObject; settle: (settlement: Settlement) => void }>();
  /** The last report. An object that was reset may have lost it. */
  #progress: MessageToObject | undefined;

  /** Claims the work; undefined if there is no work to claim: it is done, claimed by another, not due, or deleted. */
  static async claim(stub: ObjectStub): Promise<RunChannel | undefined> {
    const sentTime = Date.now();
    const link = await inTime(claim(stub));
    return link && new RunChannel(stub, link, sentTime);
  }

  private constructor(stub: ObjectStub, link: Session | OpenSocket, sentTime: number) {
    super(link.claimed, sentTime, (url, init) => stub.fetch(url, init));
    this.#stub = stub;
    this.#link = link;
    if ("socket" in link) this.#attach(link);
  }

  protected override lasts(): void {
    void this.#reopen();
  }

  protected report(message: MessageToObject): void {
    this.#progress = message;
    this.#transmit(message);
  }

  /** Sends the final message and closes. */
  async finish(lastWord: LastWord): Promise<Settlement> {
    this.keepLease();
    try {
      return await this.ask(LAST_WORD_ID, { ...lastWord, fence: this.claimed.fence });
    } finally {
      this.close();
    }
  }

  /** Sends a message, over as many links as it takes while the lease lasts. */
  protected ask(id: number, message: MessageToObject): Promise<Settlement> {
    return new Promise((settle) => {
      // A failure of what is left of a run after its end has no listener.
      if (!this.isWorking) return settle("stopped");
      this.#unanswered.set(id, { message, settle });
      this.#transmit(message);
    });
  }

  #answered(id: number, settlement: Settlement): void {
    this.#unanswered.get(id)?.settle(settlement);
    this.#unanswered.delete(id);
  }

  #transmit(message: MessageToObject): void {
    if (!this.isWorking || this.#lostTime !== undefined) return;
    const link = this.#link;
    if ("socket" in link) return sendOver(link, JSON.stringify(message));
    this.confirmed(() => link.calls.send(message)).then(
      (answer) => answer && this.#hear(answer),
      () => this.#lost(link),
    );
  }

  override close(): void {
    super.close();
    dismiss(this.#link);
  }

  protected override end(): void {
    super.end();
    for (const id of this.#unanswered.keys()) this.#answered(id, "stopped");
  }

  #attach(link: OpenSocket): void {
    const { socket } = link;
    socket.addEventListener("message", ({ data }) => {
      if (data !== KEEP_ALIVE_RESPONSE) return this.#hear(JSON.parse(data as string) as MessageToRunner);
      if (this.#pingTime !== undefined) this.confirmedTime = this.#pingTime;
      this.#pingTime = undefined;
    });
    socket.addEventListener("close", () => this.#lost(link));
    socket.addEventListener("error", () => this.#lost(link));
    clearTimeout(this.timer);
    this.timer = setInterval(() => this.#keepAlive(link), this.claimed.leaseMs / KEEP_ALIVES_PER_LEASE);
  }

  #hear(message: MessageToRunner): void {
    switch (message.type) {
      case "saved":
        return this.#answered(message.id, "settled");
      case "settled":
        return this.#answered(LAST_WORD_ID, "settled");
      case "claimed":
        // The answer to opening; it is read there.
        return;
      default:
        this.receive(message);
    }
  }

  protected override leaseEndTime(): number {
    const leaseEndTime = super.leaseEndTime();
    if (this.#lostTime === undefined) return leaseEndTime;
    return Math.min(leaseEndTime, this.#lostTime + Math.min(this.claimed.leaseMs, LOST_CHANNEL_LEASE_MS));
  }

  #keepAlive(link: OpenSocket): void {
    if (!this.holdsLease() || link.socket.readyState !== WebSocket.READY_STATE_OPEN) return;
    if (this.#pingTime === undefined) {
      this.#pingTime = Date.now();
      link.socket.send(KEEP_ALIVE_REQUEST);
      return;
    }
    // The answer to the last one may have come while the handler computed; it is read before this timer fires.
    const unanswered = this.#pingTime;
    setTimeout(() => {
      if (this.#pingTime === unanswered) this.#lost(link);
    }, KEEP_ALIVE_GRACE_MS);
  }

  #lost(link: Session | OpenSocket): void {
    if (!this.isWorking || link !== this.#link) return;
    dismiss(link);
    this.#lostTime ??= Date.now();
    this.#pingTime = undefined;
    void this.#reopen();
  }

  /** Asks for a socket with the token, until it is given and stays, is rejected, or the lease has expired. */
  async #reopen(): Promise<void> {
    if (this.#isReopening) return;
    this.#isReopening = true;
    for (let turn = 0; (turn === 0 || this.#lostTime !== undefined) && this.isWorking && this.holdsLease(); turn += 1) {
      await this.#reopenOnce();
      // A socket that is cut as soon as it is open must not be asked for without a pause.
      const delayMs = Math.min(MAX_CHANNEL_REOPEN_DELAY_MS, CHANNEL_REOPEN_DELAY_MS * 2 ** turn);
      await afterMs(delayMs * (0.5 + Math.random()));
    }
    this.#isReopening = false;
  }

  async #reopenOnce(): Promise<void> {
    const sentTime = Date.now();
    const before = this.#link;
    try {
      const link = await inTime(openSocket(this.#stub, this.claimed.fence));
      if (!link) return this.stop();
      if (!this.isWorking) return dismiss(link);
      this.confirmedTime = sentTime;
      this.#lostTime = undefined;
      this.#pingTime = undefined;
      this.#link = link;
      this.#attach(link);
      dismiss(before);
      const { cancelRequested, suspensions = [], children = [] } = link.claimed;
      if (cancelRequested) this.receive({ type: "cancel" });
      // Outcomes that came while there was no socket.
      this.receive({ type: "answers", suspensions, children: endedOf(children) });
      if (this.#progress !== undefined) this.#transmit(this.#progress);
      for (const { message } of this.#unanswered.values()) this.#transmit(message);
    } catch (error) {
      console.warn({ message: "run channel not open yet", operation: this.claimed.name, error: String(error) });
      this.#lost(this.#link);
    }
  }
}

function sendOver({ socket }: OpenSocket, text: string): void {
  if (socket.readyState === WebSocket.READY_STATE_OPEN) socket.send(text);
}

/** The runner has no more use for a link. The object learns it. */
function dismiss(link: Session | OpenSocket): void {
  if (!("socket" in link)) link[Symbol.dispose]();
  else if (link.socket.readyState === WebSocket.READY_STATE_OPEN) link.socket.close(1000);
}

function endedOf(children: readonly ClaimedChild[]): EndedChild[] {
  return children.flatMap(({ end }, place) => (end ? [{ place, ...end }] : []));
}

/** A link; throws where the object does not answer in time. A link that comes later ends, so that the object knows it. */
function inTime<Link extends Session | OpenSocket>(opening: Promise<Link | undefined>): Promise<Link | undefined> {
  return withinLimit(opening, CLAIM_TIMEOUT_MS, () => {
    opening.then(
      (link) => link && dismiss(link),
      () => {},
    );
    throw new CallTimedOut(CLAIM_TIMEOUT_MS);
  });
}

/** An object of an earlier version is claimed over a socket. */
function claim(stub: ObjectStub): Promise<Session | OpenSocket | undefined> {
  return orEarlier<Session | OpenSocket | undefined>(
    "claim",
    () => stub.claim(),
    () => openSocket(stub, undefined),
  );
}

/** undefined where the object rejects it. */
async function openSocket(stub: ObjectStub, fence: string | undefined): Promise<OpenSocket | undefined> {
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
    const failed = (): void => reject(new Error("the run channel closed early"));
    socket.addEventListener("close", failed, { once: true });
    socket.addEventListener("error", failed, { once: true });
  });
  socket.accept();
  return { socket, claimed: await claimed };
}
