// One call of the service: its headers, its time limit, its retries, and its answer or error.
import type { JsonObject } from "../rpc/any";
import { type AbortSignalLike, type Clock, type FetchLike, type ResponseLike, newAbortController } from "./platform";
import { type CallRetry, retryDelayMs } from "./retry";
import { CallError, errorFromResponse } from "./status-error";

export interface TransportOptions {
  baseUrl: string;
  /** The headers of each try: a token may have been renewed. */
  headers(this: void): Promise<Record<string, string>>;
  fetch: FetchLike;
  clock: Clock;
  /** 0 ≤ random < 1, for the jitter. */
  random(this: void): number;
  retry: CallRetry;
  /** How long one try may take, in milliseconds, beside the time that it waits for the operation. */
  callTimeoutMs: number;
}

export interface Call {
  method: "GET" | "POST" | "DELETE";
  /** Percent-encoded, from the version on. */
  path: string;
  query?: readonly (readonly [name: string, value: string])[];
  json?: unknown;
  /** A raw body, or a function that makes it for each try. */
  input?: { body: unknown; contentType: string };
  headers?: Record<string, string>;
  signal?: AbortSignalLike | undefined;
  /** How long the service may hold the call open, in milliseconds. */
  waitMs?: number;
}

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  now(): number {
    return this.#options.clock.now();
  }

  /**
   * Every call of the service may be repeated: a start by its requestId, the others by their nature.
   * @throws CallError, or the reason of an aborted signal.
   */
  async call(call: Call): Promise<JsonObject> {
    const read = async (response: ResponseLike): Promise<JsonObject | CallError> => this.#jsonOf(response);
    return this.open(call, read);
  }

  /** The same, with an answer that `read` makes of a response without an error. */
  async open<Answer extends object>(
    call: Call,
    read: (response: ResponseLike) => Promise<Answer | CallError>,
  ): Promise<Answer> {
    const { retry } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      throwIfAborted(call.signal);
      const answer = await this.#try(call, read);
      if (!(answer instanceof CallError)) return answer;
      // The service deleted the operation when it took an earlier try, whose answer was lost.
      if (call.method === "DELETE" && attempt > 1 && answer.code === "NOT_FOUND") return {} as Answer;
      const delayMs = isRepeatable(call) ? retryDelayMs(answer, { attempt, random: this.random() }, retry) : undefined;
      if (delayMs === undefined) throw answer;
      await this.pause(delayMs, call.signal);
    }
  }

  random(): number {
    return this.#options.random();
  }

  /** Resolves when the time has passed. @throws the reason of an aborted signal. */
  pause(ms: number, signal: AbortSignalLike | undefined): Promise<void> {
    return this.alarm(ms, signal).promise;
  }

  /** The same, to be cancelled. */
  alarm(ms: number, signal: AbortSignalLike | undefined): { promise: Promise<void>; cancel: () => void } {
    let cancel = doNothing;
    const promise = new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancelTimer = this.#options.clock.after(ms, () => {
        cancel();
        resolve();
      });
      cancel = () => {
        cancelTimer();
        signal?.removeEventListener("abort", stop);
      };
      signal?.addEventListener("abort", stop);
      if (signal?.aborted) stop();
    });
    return { promise, cancel };
  }

  async #try<Answer>(
    call: Call,
    read: (response: ResponseLike) => Promise<Answer | CallError>,
  ): Promise<Answer | CallError> {
    const { clock, callTimeoutMs } = this.#options;
    const timeoutMs = callTimeoutMs + (call.waitMs ?? 0);
    const headers = await this.#headers(call);
    const abort = newAbortController();
    let isLate = false;
    const stop = (): void => abort.abort(call.signal?.reason);
    const cancelTimeout = clock.after(timeoutMs, () => {
      isLate = true;
      abort.abort(new Error(`no answer within ${timeoutMs / 1_000}s`));
    });
    call.signal?.addEventListener("abort", stop);
    try {
      const response = await this.#fetch(call, headers, abort.signal);
      return response.status < 400
        ? await read(response)
        : errorFromResponse(response, await response.text(), this.now());
    } catch (error) {
      throwIfAborted(call.signal);
      const message = isLate
        ? `The service did not answer within ${timeoutMs / 1_000} s.`
        : `The service could not be reached at ${this.#options.baseUrl || "this origin"}: ${String(error)}`;
      return new CallError("UNAVAILABLE", message, { reason: isLate ? "CALL_TIMEOUT" : "NETWORK", cause: error });
    } finally {
      cancelTimeout();
      call.signal?.removeEventListener("abort", stop);
    }
  }

  #fetch(call: Call, headers: Record<string, string>, signal: AbortSignalLike): Promise<ResponseLike> {
    const { baseUrl, fetch } = this.#options;
    return fetch(baseUrl + call.path + queryText(call.query), {
      method: call.method,
      headers,
      signal,
      ...bodyOf(call),
    } as Parameters<FetchLike>[1]);
  }

  async #jsonOf(response: ResponseLike): Promise<JsonObject | CallError> {
    const text = await response.text();
    try {
      const json = JSON.parse(text) as unknown;
      if (typeof json === "object" && json !== null) return json as JsonObject;
    } catch {
      // Told below, with what else is no JSON object.
    }
    return errorFromResponse(response, text, this.now());
  }

  async #headers({ json, input, headers }: Call): Promise<Record<string, string>> {
    const contentType = input?.contentType ?? (json === undefined ? undefined : "application/json");
    return {
      ...(await this.#options.headers()),
      ...headers,
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    };
  }
}

function doNothing(): void {}

function throwIfAborted(signal: AbortSignalLike | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

function queryText(query: Call["query"] = []): string {
  const pairs = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function bodyOf({ json, input }: Call): { body?: unknown; duplex?: "half" } {
  if (json !== undefined) return { body: JSON.stringify(json) };
  if (input === undefined) return {};
  const body = typeof input.body === "function" ? (input.body as () => unknown)() : input.body;
  // Streams of Node and browsers ask for it; with other bodies it has no effect.
  return { body, duplex: "half" };
}

/** A stream can be sent once. */
function isRepeatable({ input }: Call): boolean {
  const body = input?.body;
  return typeof body !== "object" || body === null || !("getReader" in body || Symbol.asyncIterator in body);
}
