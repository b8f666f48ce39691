// The runner's end of direct dispatch: its operation's object holds the call, and the runner calls the object back.
import { DIRECT_LISTEN_DELAY_MS, KEEP_ALIVES_PER_LEASE } from "../limits";
import type { DirectObject, Notice } from "../contract/direct-run";
import type { Claimed, LastWord, News, ProgressMessage } from "../contract/run-channel";
import type { Channel, RunListener, SaveMessage, Settlement } from "./channel";
import { LargeValues } from "./large-values";
import { afterMs } from "./macrotask";

type UnfencedMessage = { type: "progress"; progress: ProgressMessage } | (SaveMessage & { id: number });

export class DirectChannel implements Channel {
  readonly claimed: Claimed;
  /** The final message, which the call returns. */
  lastWord: LastWord | undefined;
  readonly #object: DirectObject;
  readonly largeValues: LargeValues;
  #listener: RunListener | undefined;
  /** Messages that came before there was a listener. */
  readonly #news: News[] = [];
  #cancelled: boolean;
  #stopped = false;
  #closed = false;
  /** When the last confirmed call to the object was sent. The object received it at that time or later. */
  #confirmedTime: number;
  #timer: ReturnType<typeof setTimeout>;
  #nextId = 1;

  /** `claimTime`: when the object sent the call, by the object's clock. */
  constructor(claimed: Claimed, object: DirectObject, claimTime: number) {
    this.claimed = claimed;
    this.#object = object;
    // A call may be late. Of two clocks, the one that is behind ends the lease earlier.
    this.#confirmedTime = Math.min(claimTime, Date.now());
    this.#cancelled = claimed.cancelRequested;
    // Most work ends before, and needs no call.
    this.#timer = setTimeout(() => void this.#hear(), DIRECT_LISTEN_DELAY_MS);
    this.largeValues = new LargeValues({
      operation: claimed.name,
      fence: claimed.fence,
      fetch: (url, init) => this.#confirmed(() => object.request(new Request(url, init))),
      isWorking: () => this.#isWorking(),
      onRefused: () => this.#stop(),
    });
  }

  listen(listener: RunListener): void {
    this.#listener = listener;
    if (this.#cancelled) listener.onCancel();
    for (const news of this.#news.splice(0)) listener.onAnswers(news);
    if (this.#stopped) listener.onStop();
  }

  sendProgress(progress: ProgressMessage): void {
    void this.#send({ type: "progress", progress });
  }

  save(message: SaveMessage): Promise<Settlement> {
    const id = this.#nextId;
    this.#nextId += 1;
    return this.#send({ ...message, id });
  }

  /** The call returns it. The object judges it by the token, as it does every message. */
  async finish(lastWord: LastWord): Promise<Settlement> {
    if (this.#isWorking()) this.lastWord = lastWord;
    this.close();
    return this.lastWord === undefined ? "stopped" : "settled";
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  holdsLease(): boolean {
    if (Date.now() >= this.#confirmedTime + this.claimed.leaseMs) this.#stop();
    return !this.#stopped;
  }

  /** In production the clock stands still while code computes, so this waits for a timer first, which sets the clock. */
  async confirmLease(): Promise<void> {
    await afterMs(0);
    this.holdsLease();
  }

  #isWorking(): boolean {
    return !this.#stopped && !this.#closed;
  }

  /** Sends a message. An answer that is not "stop" says that it is stored. */
  async #send(message: UnfencedMessage): Promise<Settlement> {
    if (!this.#isWorking()) return "stopped";
    const { fence } = this.claimed;
    // A failure is logged and has stopped the work.
    const answer = await this.#confirmed(() => this.#object.send({ ...message, fence })).catch(() => undefined);
    if (answer?.type === "stop") this.#stop();
    return this.#stopped ? "stopped" : "settled";
  }

  /** Keeps the lease, and waits for notices, until the work ends. */
  async #hear(): Promise<void> {
    this.#timer = setInterval(() => this.holdsLease(), this.claimed.leaseMs / KEEP_ALIVES_PER_LEASE);
    while (this.#isWorking()) {
      // A failure is logged and has stopped the work.
      const notice = await this.#confirmed(() => this.#object.listen()).catch(() => undefined);
      if (notice && this.#isWorking()) this.#receive(notice);
    }
  }

  #receive(notice: Notice): void {
    switch (notice.type) {
      case "cancel":
        this.#cancelled = true;
        this.#listener?.onCancel();
        return;
      case "answers":
        if (this.#listener) this.#listener.onAnswers(notice);
        else this.#news.push(notice);
        return;
      case "stop":
        return this.#stop();
      case "leaseKept":
        return;
      default:
        notice satisfies never;
    }
  }

  /** A call to the object. One that fails has ended the call that the object holds, and the work with it. */
  async #confirmed<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const sentTime = Date.now();
    try {
      const answer = await call();
      this.#confirmedTime = Math.max(this.#confirmedTime, sentTime);
      return answer;
    } catch (error) {
      if (this.#isWorking()) {
        const message = "the operation's object is out of reach; its runner stops";
        console.warn({ message, operation: this.claimed.name, error: String(error) });
      }
      this.#stop();
      throw error;
    }
  }

  #stop(): void {
    if (!this.#isWorking()) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#listener?.onStop();
  }
}
