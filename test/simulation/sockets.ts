// Simulated WebSockets: pairs whose messages arrive in order, or not at all; an object's end hibernates with it.
import type { Actor } from "./scheduler";
import type { World } from "./world";

const OPEN = 1;
const CLOSING = 2;
export const CLOSED = 3;

/** The events of a socket for the object that accepted it. */
export interface SocketHost {
  socketMessage(socket: SimulatedSocket, data: string): void;
  socketClose(socket: SimulatedSocket, code: number): void;
  socketError(socket: SimulatedSocket): void;
  /** The time by the host's clock: it answers keep-alives without waking up. */
  autoResponseTime(): number;
}

type Listener = (event: { data?: string; code?: number }) => void;

export class SimulatedSocket {
  static readonly READY_STATE_OPEN = OPEN;
  static readonly OPEN = OPEN;
  readonly world: World;
  peer!: SimulatedSocket;
  readyState = OPEN;
  /** Set at an object's end. */
  host: SocketHost | undefined;
  tags: readonly string[] = [];
  /** Set at the other end: who got it with an answer. */
  owner: Actor | undefined;
  autoResponseTimestamp: Date | null = null;
  /** Nothing comes through any more, whatever either end believes. */
  isBroken = false;
  #attachment: unknown = null;
  #isAccepted = false;
  readonly #waiting: (() => void)[] = [];
  readonly #listeners: { type: string; listener: Listener; once: boolean }[] = [];
  #lastDelivery = 0;

  constructor(world: World) {
    this.world = world;
  }

  // ── As the runtime has it ─────────────────────────────────────────────────────────────────────────────────────────

  accept(): void {
    this.#isAccepted = true;
    for (let count = this.#waiting.length; count > 0; count -= 1) this.#deliverNext();
  }

  send(data: string): void {
    if (this.readyState !== OPEN) throw new TypeError("Can't call WebSocket send() after close().");
    const { current } = this.world.scheduler;
    this.world.observer.sent(this, data);
    current.output(() => this.peer.#arrive(() => this.peer.#receive(data)));
  }

  close(code = 1000): void {
    if (this.readyState >= CLOSING) return;
    this.readyState = CLOSING;
    const { current } = this.world.scheduler;
    current.output(() => {
      this.peer.#arrive(() => {
        this.readyState = CLOSED;
        this.peer.closed(code);
      });
    });
  }

  addEventListener(type: string, listener: Listener, { once = false } = {}): void {
    this.#listeners.push({ type, listener, once });
  }

  serializeAttachment(attachment: unknown): void {
    this.#attachment = attachment;
  }

  deserializeAttachment(): unknown {
    return this.#attachment;
  }

  // ── Events of a socket ────────────────────────────────────────────────────────────────────────────────────────────

  /** In order behind what is under way already. Messages that arrive before this end is accepted wait for it. */
  #arrive(deliver: () => void): void {
    const { scheduler, network, nature } = this.world;
    const time = Math.max(this.#lastDelivery, scheduler.now + network.latency());
    this.#lastDelivery = time;
    scheduler.at(time, nature, () => {
      if (this.isBroken) return;
      if (this.host) return deliver();
      this.#waiting.push(deliver);
      if (this.#isAccepted) this.#deliverNext();
    });
  }

  /** Each message is an event of its own. */
  #deliverNext(): void {
    this.world.scheduler.after(0, this.owner!, () => this.#waiting.shift()?.());
  }

  #receive(data: string): void {
    if (this.readyState !== OPEN) return;
    const { world, host } = this;
    if (!host) {
      this.world.observer.received(this, data);
      return this.#emit("message", { data });
    }
    if (data !== world.autoResponse.request) return host.socketMessage(this, data);
    this.autoResponseTimestamp = new Date(host.autoResponseTime());
    this.peer.#arrive(() => this.peer.#receive(world.autoResponse.response));
  }

  /** The other end has closed, or the connection is gone and this end notices. */
  closed(code: number): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    if (this.host) this.host.socketClose(this, code);
    else {
      this.world.observer.lost(this);
      this.#emit("close", { code });
    }
  }

  #emit(type: string, event: { data?: string; code?: number }): void {
    for (const entry of this.#listeners.slice()) {
      if (entry.type !== type) continue;
      if (entry.once) this.#listeners.splice(this.#listeners.indexOf(entry), 1);
      entry.listener(event);
    }
  }

  /** The connection failed: an error is all that this end hears. */
  #failed(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    if (this.host) this.host.socketError(this);
    else {
      this.world.observer.lost(this);
      this.#emit("error", {});
    }
  }

  /** Its owner is gone and has not closed it: the other end hears so. */
  abandon(): void {
    if (this.readyState < CLOSING) this.sever({ hears: false, peerHears: true });
  }

  /** The connection is gone. An end that does not notice keeps the socket open. */
  sever({ hears, peerHears }: { hears: boolean; peerHears: boolean }): void {
    for (const [end, told] of [
      [this, hears],
      [this.peer, peerHears],
    ] as const) {
      end.isBroken = true;
      const receiver = end.host ? this.world.nature : end.owner;
      if (!told || !receiver) continue;
      const { scheduler, network, faults } = this.world;
      const isError = faults.strikes("a socket fails with an error, and no close");
      scheduler.after(network.latency(), receiver, () => (isError ? end.#failed() : end.closed(1006)));
    }
  }
}

export function socketPair(world: World): { 0: SimulatedSocket; 1: SimulatedSocket } {
  const client = new SimulatedSocket(world);
  const server = new SimulatedSocket(world);
  client.peer = server;
  server.peer = client;
  return { 0: client, 1: server };
}
