// A watch of an operation: its states over one socket, four a second at most, each once and in order.
import {
  MAX_CALL_MS,
  MAX_WATCH_CALLS,
  MAX_WATCH_EVENTS,
  MIN_CHANGE_INTERVAL_MS,
  UNAVAILABLE_RETRY_SECONDS,
} from "../../limits";
import type { Absence, ReadAnswer } from "../../contract/answer";
import { revisionFromEtag } from "../../contract/resource";
import { unavailable } from "../../rpc/error";
import type { WatchEvent, Watching } from "../../service/ports";
import { pause } from "../object-call";
import { type Subscription, Waiting, resubscribeDelayMs } from "./wait";

/** Subscribes; where there is nothing to wait for, the answer. `known`: the tag of the state that the client has. */
export async function watch(asked: Subscription, known: string | undefined): Promise<Watching | ReadAnswer | Absence> {
  const waiting = new Waiting(asked, { awaited: "changes", known, endTime: Date.now() + MAX_CALL_MS });
  const first = await waiting.next();
  if (first === undefined)
    throw unavailable("The operation could not be reached. Try again.", UNAVAILABLE_RETRY_SECONDS);
  if (typeof first === "object" && first.done) return first;
  if (first === "DENIED" || first === "NOT_FOUND") return first;
  waiting.endTime = Infinity;
  return new SocketWatch(waiting, first === "known" ? undefined : first);
}

class SocketWatch implements Watching {
  readonly retryMs: number;
  readonly #waiting: Waiting;
  #first: ReadAnswer | undefined;
  #revision = -1;
  #eventTime = 0;
  #events = 0;

  constructor(waiting: Waiting, first: ReadAnswer | undefined) {
    this.#waiting = waiting;
    this.#first = first;
    // A crowd of clients that a deploy has cut does not return in one moment.
    this.retryMs = Math.round(resubscribeDelayMs(waiting.crowd, Math.random()));
  }

  async next(): Promise<WatchEvent> {
    for (;;) {
      const heard = await this.#hear();
      if (heard === undefined || heard === "DENIED") return "END";
      if (heard === "NOT_FOUND") return "GONE";
      if (heard === "known" || this.#isKnown(heard)) continue;
      this.#events += 1;
      this.#eventTime = Date.now();
      return heard;
    }
  }

  async #hear(): Promise<ReadAnswer | Absence | "known" | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first) return first;
    if (this.#waiting.calls >= MAX_WATCH_CALLS || this.#events >= MAX_WATCH_EVENTS) return undefined;
    // States that come meanwhile replace one another.
    const earlyMs = this.#eventTime + MIN_CHANGE_INTERVAL_MS - Date.now();
    if (earlyMs > 0) await pause(earlyMs);
    return this.#waiting.next();
  }

  /** Whether the client has this state, or a later one: a state that was fetched may overtake one that is on its way. */
  #isKnown({ etag }: ReadAnswer): boolean {
    if (etag === undefined) return false;
    const revision = revisionFromEtag(etag) ?? 0;
    if (revision <= this.#revision) return true;
    this.#revision = revision;
    // Should the socket be cut, the next one goes on from here.
    this.#waiting.known = etag;
    return false;
  }

  probe(): void {
    this.#waiting.probe();
  }

  close(): void {
    this.#waiting.endTime = 0;
    this.#waiting.close();
  }
}
