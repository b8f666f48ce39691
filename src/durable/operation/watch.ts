// A watch of an operation: its states over one socket, four a second at most, each once and in order.
import {
  MAX_CALL_MS,
  MAX_WATCH_CALLS,
  MAX_WATCH_EVENTS,
  MIN_CHANGE_INTERVAL_MS,
  UNAVAILABLE_RETRY_SECONDS,
} from "../../limits";
import type { Absence, OutputPart, ReadAnswer } from "../../contract/answer";
import { revisionFromEtag } from "../../contract/resource";
import { unavailable } from "../../rpc/error";
import { utf8Length } from "../../rpc/utf8";
import { idOfEvent } from "../../service/watch-id";
import type { WatchEvent, WatchOptions, Watching } from "../../service/ports";
import { pause } from "../object-call";
import { resubscribeDelayMs } from "./return-delay";
import { type Subscription, Waiting } from "./wait";

/** Subscribes; where there is nothing to wait for, the answer. `known` and `outputOffset`: the state and the output that the client has. */
export async function watch(
  asked: Subscription,
  { known, outputOffset = 0 }: Pick<WatchOptions, "known" | "outputOffset">,
): Promise<Watching | ReadAnswer | Absence> {
  const waiting = new Waiting(asked, { awaited: "changes", known, endTime: Date.now() + MAX_CALL_MS });
  let first = await waiting.next();
  while (first === "output") first = await waiting.next();
  if (first === undefined)
    throw unavailable("The operation could not be reached. Try again.", UNAVAILABLE_RETRY_SECONDS);
  if (first === "DENIED" || first === "NOT_FOUND") return first;
  if (first !== "known" && first.done && waiting.output.end <= outputOffset) return first;
  waiting.endTime = Infinity;
  // A client that has more than there is has it from somewhere else.
  const offset = outputOffset > waiting.output.end ? 0 : outputOffset;
  const isKnown = first === "known";
  return new SocketWatch(waiting, {
    first: typeof first === "object" ? first : undefined,
    known: isKnown ? known : undefined,
    outputOffset: offset,
  });
}

class SocketWatch implements Watching {
  readonly retryMs: number;
  readonly #waiting: Waiting;
  /** A state that came and was not given yet. */
  #state: ReadAnswer | undefined;
  #tag: string | undefined;
  #outputOffset: number;
  #eventTime = 0;
  #events = 0;

  constructor(waiting: Waiting, { first, known, outputOffset }: { first: ReadAnswer | undefined } & Known) {
    this.#waiting = waiting;
    this.#state = first;
    this.#tag = known;
    this.#outputOffset = outputOffset;
    // A crowd of clients that a deploy has cut does not return in one moment.
    this.retryMs = Math.round(resubscribeDelayMs(waiting.crowd, Math.random()));
  }

  get id(): string {
    return idOfEvent(this.#tag, this.#outputOffset);
  }

  async next(): Promise<WatchEvent> {
    const { output } = this.#waiting;
    for (;;) {
      const hasOutput = output.end > this.#outputOffset;
      const state = this.#state;
      // All output comes before the last state.
      if (state && !(state.done && hasOutput)) {
        this.#state = undefined;
        if (!this.#isKnown(state)) return this.#event(state);
        continue;
      }
      // States that come meanwhile replace one another.
      const earlyMs = this.#eventTime + MIN_CHANGE_INTERVAL_MS - Date.now();
      if (earlyMs > 0) await pause(earlyMs);
      if (this.#waiting.calls >= MAX_WATCH_CALLS || this.#events >= MAX_WATCH_EVENTS) return "END";
      const heard = hasOutput ? await this.#takeOutput() : await this.#waiting.next();
      if (heard === undefined || heard === "DENIED") return "END";
      if (heard === "NOT_FOUND") return "GONE";
      if (heard === "known" || heard === "output") continue;
      if ("text" in heard) return this.#event(heard);
      this.#state = heard;
    }
  }

  #event<Event extends WatchEvent>(event: Event): Event {
    this.#events += 1;
    this.#eventTime = Date.now();
    return event;
  }

  /** The output that came, or, where some of it was missed, what the object has. */
  async #takeOutput(): Promise<OutputPart | Absence | "output"> {
    const { output } = this.#waiting;
    const offset = this.#outputOffset;
    const text = output.take(offset);
    if (text !== undefined) {
      this.#outputOffset += utf8Length(text);
      return { offset, text };
    }
    const answer = await this.#waiting.readOutput(offset);
    if (typeof answer === "string") return answer;
    this.#outputOffset = Math.max(offset, answer.nextOffset);
    if (answer.text !== "") return { offset: answer.offset, text: answer.text };
    // Only an object that has lost its storage says less than before.
    this.#outputOffset = output.end;
    return "output";
  }

  /** Whether the client has this state, or a later one: a state that was fetched may overtake one that is on its way. */
  #isKnown({ etag }: ReadAnswer): boolean {
    if (etag === undefined) return false;
    const isLater = (revisionFromEtag(etag) ?? 0) > (revisionFromEtag(this.#tag ?? "") ?? -1);
    if (!isLater) return true;
    this.#tag = etag;
    // Should the socket be cut, the next one continues from here.
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

interface Known {
  known: string | undefined;
  outputOffset: number;
}
