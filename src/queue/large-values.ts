// Values too large for a message: a runner fetches and stores them as byte streams.
import type { StoredEnd } from "../contract/child";
import type { SuccessfulOutcome } from "../lifecycle/event";
import type { JoinCondition } from "../lifecycle/record";
import { CHANNEL_REOPEN_DELAY_MS, MAX_LARGE_RESULT_TRIES } from "../limits";
import {
  ANSWER_PATH,
  CHILDREN_PATH,
  FENCE_HEADER,
  INPUT_PATH,
  MEMORY_HEADER,
  RESPONSE_PATH,
  STEP_PATH,
} from "../contract/run-channel";
import { streamFromText } from "../rpc/utf8";
import type { LargeValueStore, Settlement, SaveStep } from "./channel";
import { afterMs } from "./macrotask";

/** The runner's claim, and its way to the operation's object. */
export interface LargeValuesPort {
  operation: string;
  fence: string;
  fetch(this: void, url: string, init: RequestInit): Promise<Response>;
  /** Whether the work is still the runner's. */
  isWorking(this: void): boolean;
  /** The object has refused the token. */
  onRefused(this: void): void;
}

export class LargeValues implements LargeValueStore {
  readonly #port: LargeValuesPort;
  /** Large results go one after another, because each may fill a good part of the memory. */
  #stored: Promise<unknown> = Promise.resolve();

  constructor(port: LargeValuesPort) {
    this.#port = port;
  }

  async input(): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#fetch(INPUT_PATH);
    if (!response.ok || !response.body) throw new Error(`the input could not be read (${response.status})`);
    return response.body;
  }

  async stepResult(place: number): Promise<string> {
    const response = await this.#fetch(`${STEP_PATH}?place=${place}`);
    if (!response.ok) throw new Error(`a step's result could not be read (${response.status})`);
    return response.text();
  }

  async answer(id: string): Promise<string> {
    const response = await this.#fetch(`${ANSWER_PATH}?id=${id}`);
    if (!response.ok) throw new Error(`an answer could not be read (${response.status})`);
    return response.text();
  }

  async childEnds(places: JoinCondition["places"]): Promise<StoredEnd[]> {
    const response = await this.#fetch(`${CHILDREN_PATH}?places=${encodeURIComponent(JSON.stringify(places))}`);
    if (!response.ok) throw new Error(`the ends of children could not be read (${response.status})`);
    return response.json();
  }

  async saveStep({ type: _type, name, result, order, ...memory }: SaveStep): Promise<Settlement> {
    const path = `${STEP_PATH}?name=${encodeURIComponent(name)}&order=${order}`;
    const response = await this.#store(path, result, { [MEMORY_HEADER]: encodeURIComponent(JSON.stringify(memory)) });
    return response ? "settled" : "stopped";
  }

  async saveResponse(text: string): Promise<SuccessfulOutcome | undefined> {
    const response = await this.#store(RESPONSE_PATH, text);
    return response?.json<SuccessfulOutcome>();
  }

  /** Stores, and retries if the object could not be reached, while the lease lasts; undefined after the work is lost. */
  #store(path: string, body: string, headers?: Record<string, string>): Promise<Response | undefined> {
    const stored = this.#stored.then(() => this.#storeOne(path, body, headers));
    this.#stored = stored.catch(() => undefined);
    return stored;
  }

  async #storeOne(path: string, body: string, headers?: Record<string, string>): Promise<Response | undefined> {
    const { operation, isWorking, onRefused } = this.#port;
    for (let failures = 1; isWorking(); failures += 1) {
      try {
        const response = await this.#fetch(path, body, headers);
        if (response.ok) return response;
        if (response.status !== 409) throw new Error(`a large result could not be stored (${response.status})`);
        onRefused();
      } catch (error) {
        if (failures >= MAX_LARGE_RESULT_TRIES) throw error;
        console.warn({ message: "large result not stored yet", operation, error: String(error) });
        await afterMs(CHANNEL_REOPEN_DELAY_MS);
      }
    }
    return undefined;
  }

  #fetch(path: string, body?: string, more?: Record<string, string>): Promise<Response> {
    const headers = { ...more, [FENCE_HEADER]: this.#port.fence };
    // A stream of its own for each try.
    const init = body === undefined ? { headers } : { headers, method: "POST", body: streamFromText(body) };
    return this.#port.fetch(`https://operation${path}`, init);
  }
}
