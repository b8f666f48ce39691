// The runner's end of direct dispatch: its operation's object holds the call, and the runner calls the object back.
import { KEEP_ALIVES_PER_LEASE } from "../limits";
import type { DirectObject } from "../contract/direct-run";
import type { Claimed, LastWord, MessageToObject } from "../contract/run-channel";
import type { Channel, Settlement } from "./channel";
import { LeasedChannel } from "./leased-channel";

export class DirectChannel extends LeasedChannel implements Channel {
  /** The final message, which the call returns. */
  lastWord: LastWord | undefined;
  readonly #object: DirectObject;

  /** `claimTime`: when the object sent the call, by the object's clock. */
  constructor(claimed: Claimed, object: DirectObject, claimTime: number) {
    // A call may be late. Of two clocks, the one that is behind ends the lease earlier.
    super(claimed, Math.min(claimTime, Date.now()), (url, init) =>
      this.#call(() => object.request(new Request(url, init))),
    );
    this.#object = object;
  }

  protected override lasts(): void {
    void this.#hear();
  }

  protected report(message: MessageToObject): void {
    void this.#send(message);
  }

  protected ask(_id: number, message: MessageToObject): Promise<Settlement> {
    return this.#send(message);
  }

  /** The call returns it. The object judges it by the token, as it does every message. */
  async finish(lastWord: LastWord): Promise<Settlement> {
    if (this.isWorking) this.lastWord = lastWord;
    this.close();
    return this.lastWord === undefined ? "stopped" : "settled";
  }

  /** Sends a message. An answer that is not "stop" says that it is stored. */
  async #send(message: MessageToObject): Promise<Settlement> {
    if (!this.isWorking) return "stopped";
    // A failure is logged and has stopped the work.
    const answer = await this.#call(() => this.#object.send(message)).catch(() => undefined);
    if (answer?.type === "stop") this.stop();
    return this.isStopped ? "stopped" : "settled";
  }

  /** Keeps the lease, and waits for notices, until the work ends. */
  async #hear(): Promise<void> {
    this.timer = setInterval(() => this.holdsLease(), this.claimed.leaseMs / KEEP_ALIVES_PER_LEASE);
    while (this.isWorking) {
      // A failure is logged and has stopped the work.
      const notice = await this.#call(() => this.#object.listen()).catch(() => undefined);
      if (notice && this.isWorking) this.receive(notice);
    }
  }

  /** A call that fails has ended the call that the object holds, and the work with it. */
  async #call<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await this.confirmed(call);
    } catch (error) {
      if (this.isWorking) {
        const message = "the operation's object is out of reach; its runner stops";
        console.warn({ message, operation: this.claimed.name, error: String(error) });
      }
      this.stop();
      throw error;
    }
  }
}
