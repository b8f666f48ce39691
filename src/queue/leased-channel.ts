// Both transports' end of a run: hands the events of the run to its listener, and keeps the lease by the object's answers.
import { DEFAULT_LEASE_MS, LEASE_SLACK_MS, LISTEN_DELAY_MS } from "../limits";
import type { Claimed, MessageToObject, News, ProgressMessage } from "../contract/run-channel";
import type { Notice } from "../contract/direct-run";
import type { RunListener, SaveMessage, Settlement } from "./channel";
import { LargeValues } from "./large-values";
import { afterMs } from "./macrotask";

export abstract class LeasedChannel {
  readonly claimed: Claimed;
  readonly largeValues: LargeValues;
  /** When the last confirmed message to the object was sent. The object received it no earlier, so its lease lasts longer. */
  protected confirmedTime: number;
  /** Runs once the work has waited for something. */
  protected timer: ReturnType<typeof setTimeout> | undefined;
  #listener: RunListener | undefined;
  /** Messages that came before there was a listener. */
  readonly #news: News[] = [];
  #cancelled: boolean;
  protected isStopped = false;
  #closed = false;
  #nextId = 1;

  constructor(claimed: Claimed, confirmedTime: number, fetch: (url: string, init: RequestInit) => Promise<Response>) {
    this.claimed = claimed;
    this.confirmedTime = confirmedTime;
    this.#cancelled = claimed.cancelRequested;
    this.largeValues = new LargeValues({
      operation: claimed.name,
      fence: claimed.fence,
      fetch,
      isWorking: () => this.isWorking,
      onRefused: () => this.stop(),
    });
  }

  get isWorking(): boolean {
    return !this.isStopped && !this.#closed;
  }

  /** Delivers the events of the run to its listener, past ones too. */
  listen(listener: RunListener): void {
    this.#listener = listener;
    for (const news of this.#news.splice(0)) listener.onAnswers(news);
    if (this.#cancelled) listener.onCancel();
    if (this.isStopped) listener.onStop();
  }

  /** The work waits for something, also for its end to be stored. Most waits are over before the channel needs more than calls. */
  keepLease(): void {
    if (this.isWorking) this.timer ??= setTimeout(() => this.lasts(), LISTEN_DELAY_MS);
  }

  protected abstract lasts(): void;

  /** Stores a value. */
  save(message: SaveMessage): Promise<Settlement> {
    const id = this.#nextId;
    this.#nextId += 1;
    return this.ask(id, { ...message, id, fence: this.claimed.fence });
  }

  protected abstract ask(id: number, message: MessageToObject): Promise<Settlement>;

  /** Sends progress, which may be lost: the final message carries it again. */
  sendProgress(progress: ProgressMessage): void {
    this.report({ type: "progress", progress, fence: this.claimed.fence });
  }

  protected abstract report(message: MessageToObject): void;

  protected receive(notice: Notice): void {
    switch (notice.type) {
      case "cancel":
        if (this.#cancelled) return;
        this.#cancelled = true;
        this.#listener?.onCancel();
        return;
      case "answers":
        if (this.#listener) this.#listener.onAnswers(notice);
        else this.#news.push(notice);
        return;
      case "stop":
        return this.stop();
      case "leaseKept":
        return;
      default:
        notice satisfies never;
    }
  }

  /** Stops the work. A stopped runner sends no result. */
  protected stop(): void {
    if (!this.isWorking) return;
    this.isStopped = true;
    this.end();
    this.#listener?.onStop();
  }

  close(): void {
    this.#closed = true;
    this.end();
  }

  /** Ends what the channel has under way. */
  protected end(): void {
    clearTimeout(this.timer);
  }

  protected leaseEndTime(): number {
    return this.confirmedTime + this.claimed.leaseMs;
  }

  holdsLease(): boolean {
    if (Date.now() >= this.leaseEndTime()) this.stop();
    return !this.isStopped;
  }

  /**
   * Stops the work if the lease has expired. Awaited before each part of the work. In production the clock stands still while
   * code computes. Where the lease may not outlast that, this waits for a timer first, which sets the clock and takes a millisecond.
   */
  async confirmLease(): Promise<void> {
    const longestMs = Math.max(this.claimed.leaseMs, DEFAULT_LEASE_MS) - LEASE_SLACK_MS;
    if (this.leaseEndTime() - Date.now() < longestMs) await afterMs(0);
    this.holdsLease();
  }

  /** Calls the object. Its answer confirms the lease. */
  protected async confirmed<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const sentTime = Date.now();
    const answer = await call();
    this.confirmedTime = Math.max(this.confirmedTime, sentTime);
    return answer;
  }
}
