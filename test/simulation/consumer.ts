// One invocation of the queue consumer, as the simulation knows it: a process with a clock of its own that may die.
import { Actor } from "./scheduler";
import type { ClaimSession } from "./runners";
import type { SimulatedSocket } from "./sockets";

export class Consumer extends Actor {
  readonly sockets = new Set<SimulatedSocket>();
  /** Of its claims. */
  readonly sessions = new Set<ClaimSession>();
  /** When the last keep-alive that was answered was sent, by the true time. */
  confirmedTime: number;
  pingTime: number | undefined;
  /** When it heard that its channel is lost, until it has another. */
  lostTime: number | undefined;
  /** When it last asked its object for anything: a channel among them. */
  askedTime: number;
  isStopped = false;
  cpuMs = 0;
  /** Whether its handler has begun and not ended. */
  isHandling = false;
  /** Has the platform notice that it is gone, within so many milliseconds. */
  died: (noticedWithinMs: number) => void = () => {};
  /** The attempt whose handler it runs; undefined where it has lost the work by then. */
  attempt: number | undefined;
  /** The token it was given. */
  fence: string | undefined;

  constructor(name: string, now: number) {
    super(name);
    this.confirmedTime = now;
    this.askedTime = now;
  }
}
