// The way from a run to its operation in memory. A runner that has died sends nothing, and receives nothing.
import type { Claimed, LastWord, MessageToObject, ProgressMessage } from "../contract/run-channel";
import type { Channel, LargeValueStore, RunListener, SaveMessage, Settlement } from "../queue/channel";
import { utf8Length } from "../rpc/utf8";
import type { MemoryOperation, RunnerNotice } from "./memory-operation";

/** The moments of a message at which its runner may die. */
export interface MessageMoments {
  /** Before the operation has received it; whether the runner dies. */
  sending(this: void, message: SaveMessage | LastWord): boolean;
  /** After it is stored, before the runner learns that. */
  stored(this: void, message: SaveMessage | LastWord): boolean;
}

export class MemoryChannel implements Channel {
  readonly claimed: Claimed;
  isAlive = true;
  readonly #operation: MemoryOperation;
  readonly #moments: MessageMoments;
  #listener: RunListener | undefined;
  #isStopped = false;
  #isCancelled: boolean;
  #id = 0;

  constructor(operation: MemoryOperation, claimed: Claimed, moments: MessageMoments) {
    this.claimed = claimed;
    this.#operation = operation;
    this.#moments = moments;
    this.#isCancelled = claimed.cancelRequested;
  }

  /** The runner dies: to its operation it is silent from now on. */
  die(): void {
    this.isAlive = false;
  }

  notify(notice: RunnerNotice): void {
    if (!this.isAlive) return;
    if (typeof notice === "object") {
      this.#listener?.onAnswers(notice);
    } else if (notice === "cancel") {
      this.#isCancelled = true;
      this.#listener?.onCancel();
    } else if (!this.#isStopped) {
      this.#isStopped = true;
      this.#listener?.onStop();
    }
  }

  listen(listener: RunListener): void {
    this.#listener = listener;
    if (this.#isCancelled) listener.onCancel();
    if (this.#isStopped) listener.onStop();
  }

  sendProgress(progress: ProgressMessage): void {
    if (this.isAlive) this.#take({ type: "progress", progress });
  }

  save(message: SaveMessage): Promise<Settlement> {
    this.#id += 1;
    return this.#send(message, { ...message, id: this.#id });
  }

  finish(lastWord: LastWord): Promise<Settlement> {
    return this.#send(lastWord, lastWord);
  }

  #send(message: SaveMessage | LastWord, fields: object): Promise<Settlement> {
    if (this.#diesIf(() => this.#moments.sending(message))) return never();
    const isTaken = this.#take(fields);
    if (isTaken && this.#diesIf(() => this.#moments.stored(message))) return never();
    if (!isTaken) this.notify("stop");
    return Promise.resolve(isTaken ? "settled" : "stopped");
  }

  #diesIf(decide: () => boolean): boolean {
    if (this.isAlive && decide()) this.die();
    return !this.isAlive;
  }

  #take(fields: object): boolean {
    return this.#operation.take({ ...fields, fence: this.claimed.fence } as MessageToObject);
  }

  readonly largeValues: LargeValueStore = {
    input: async () => new Blob([this.#operation.input ?? ""]).stream(),
    stepResult: async (place) => (this.isAlive ? this.#operation.result(place) : never()),
    childEnds: async (places) => (this.isAlive ? this.#operation.children.endsAt(places) : never()),
    answer: async (id) => (this.isAlive ? this.#operation.answer(id) : never()),
    saveStep: (step) => this.save(step),
    saveResponse: async (response) => {
      if (!this.isAlive) return never();
      this.#operation.largeResponse = response;
      return { responseChunks: 1, responseBytes: utf8Length(response) };
    },
  };

  /** Its lease lasts until it dies. */
  keepLease(): void {}

  holdsLease(): boolean {
    return !this.#isStopped;
  }

  async confirmLease(): Promise<void> {
    if (!this.isAlive) await never();
  }

  close(): void {}
}

/** An answer that a dead runner waits for. */
export function never(): Promise<never> {
  return new Promise<never>(() => {});
}
