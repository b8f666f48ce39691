// One operation by its name: get, wait, result, cancel, delete.
import type { JsonObject } from "../rpc/any";
import { encodedName } from "./http-rule";
import { type MetadataOf, type OperationState, stateFromResource } from "./operation-state";
import type { AbortSignalLike } from "./platform";
import type { Transport } from "./transport";
import { watchedStates } from "./watch";

export interface CallOptions {
  /** Ends the call, its retries and its waiting. The promise rejects with the signal's reason. */
  signal?: AbortSignalLike | undefined;
}

export interface WaitOptions<Metadata = JsonObject> extends CallOptions {
  /** Called with the metadata, and each time that they have changed. */
  onProgress?: ((metadata: MetadataOf<Metadata>) => void) | undefined;
  /** How often the metadata are asked for, in milliseconds. Default 2,000. Without `onProgress` it has no effect. */
  progressIntervalMs?: number | undefined;
}

/** The service holds a call of `:wait` open for this long: below the time limits of proxies. */
const WAIT_MS = 30_000;
const PROGRESS_INTERVAL_MS = 2_000;
/** Between two calls of `:wait` of which the first was answered early, which a deploy causes. */
const MIN_WAIT_PAUSE_MS = 1_000;

export class OperationHandle<Response = JsonObject, Metadata = JsonObject> {
  /** The operation's resource name. It is all that another process needs: `client.operation(name)`. */
  readonly name: string;
  readonly #transport: Transport;
  readonly #path: string;
  #latest: OperationState<Response, Metadata> | undefined;

  constructor(transport: Transport, { name, version }: { name: string; version: string }, resource?: JsonObject) {
    this.name = name;
    this.#transport = transport;
    this.#path = `/${version}/${encodedName(name)}`;
    this.#latest = resource && stateFromResource(resource);
  }

  /** The operation as the latest answer had it; undefined before the first answer. */
  get latest(): OperationState<Response, Metadata> | undefined {
    return this.#latest;
  }

  /** GetOperation. A failed operation is no error here: its state has `error`. */
  async get({ signal }: CallOptions = {}): Promise<OperationState<Response, Metadata>> {
    return this.#seen(await this.#transport.call({ method: "GET", path: this.#path, signal }));
  }

  /**
   * WaitOperation, again and again until the operation is done. For a time limit, pass `signal: AbortSignal.timeout(60_000)`.
   * @throws CallError, or the signal's reason. The operation continues in both cases.
   */
  async wait(options: WaitOptions<Metadata> = {}): Promise<OperationState<Response, Metadata>> {
    const { signal, onProgress, progressIntervalMs = PROGRESS_INTERVAL_MS } = options;
    const waitMs = onProgress ? Math.min(WAIT_MS, Math.max(100, progressIntervalMs)) : WAIT_MS;
    let told: string | undefined;
    let state = this.#latest;
    for (;;) {
      if (state && onProgress) {
        const text = JSON.stringify(state.metadata);
        if (text !== told) onProgress(state.metadata);
        told = text;
      }
      if (state?.done) return state;
      state = await this.#waitOnce(waitMs, signal);
    }
  }

  async #waitOnce(waitMs: number, signal: AbortSignalLike | undefined): Promise<OperationState<Response, Metadata>> {
    const startTime = this.#transport.now();
    const call = { method: "POST", path: `${this.#path}:wait`, json: { timeout: `${waitMs / 1_000}s` } } as const;
    const state = this.#seen(await this.#transport.call({ ...call, waitMs, signal }));
    const leftMs = startTime + waitMs - this.#transport.now();
    if (!state.done && leftMs > 0) await this.#transport.pause(Math.min(leftMs, MIN_WAIT_PAUSE_MS), signal);
    return state;
  }

  /**
   * The states of the operation as they come, the present one first; the last is done. The service sends them. Where the
   * platform or a proxy passes no stream on, it is asked to answer when the state changes.
   * @throws CallError, NOT_FOUND if the operation is deleted meanwhile, or the signal's reason.
   */
  async *watch({ signal }: CallOptions = {}): AsyncGenerator<OperationState<Response, Metadata>, void, undefined> {
    for await (const resource of watchedStates(this.#transport, this.#path, signal)) yield this.#seen(resource);
  }

  /**
   * Waits for the response.
   * @throws OperationError if the operation ended with an error, and what {@link wait} throws.
   */
  async result(options: WaitOptions<Metadata> = {}): Promise<Response> {
    const { error, response } = await this.wait(options);
    if (error) throw error;
    return response as Response;
  }

  /** CancelOperation: asks the work to stop. {@link wait} tells how it ended. */
  async cancel({ signal }: CallOptions = {}): Promise<void> {
    await this.#transport.call({ method: "POST", path: `${this.#path}:cancel`, json: {}, signal });
  }

  /**
   * ResolveSuspension: answers a suspension of the operation, by its id. The first answer wins; the same one again does no harm.
   * @throws CallError if the payload is not one that the method takes.
   */
  async resolve(suspension: string, payload: unknown, { signal }: CallOptions = {}): Promise<void> {
    const path = `${this.#path}/suspensions/${encodeURIComponent(suspension)}:resolve`;
    await this.#transport.call({ method: "POST", path, json: { payload }, signal });
  }

  /** DeleteOperation: the service forgets the operation. It does not stop its work. */
  async delete({ signal }: CallOptions = {}): Promise<void> {
    await this.#transport.call({ method: "DELETE", path: this.#path, signal });
  }

  #seen(resource: JsonObject): OperationState<Response, Metadata> {
    this.#latest = stateFromResource(resource);
    return this.#latest;
  }
}
