// A client of a deployment: starts methods, finds operations by name, lists them.
import type { JsonObject } from "../rpc/any";
import { encodedName } from "./http-rule";
import {
  type MetadataOfMethod,
  MethodClient,
  type MethodBinding,
  type RequestOf,
  type ResponseOf,
  type TypedMethod,
} from "./method-client";
import { type CallOptions, OperationHandle } from "./operation-handle";
import { type OperationState, stateFromResource } from "./operation-state";
import { type Clock, type FetchLike, platformClock, platformFetch } from "./platform";
import type { CallRetry } from "./retry";
import { Transport } from "./transport";

export interface ClientOptions {
  /** Where the deployment is: `"https://operations.example.com"`; in a browser also `""`, the page's own origin. */
  baseUrl: string;
  /** Sent as `Authorization: Bearer …`. A function is asked before each try, so that it may renew the token. */
  token?: string | (() => string | Promise<string>);
  /** Sent as `x-goog-api-key`. */
  apiKey?: string;
  /** Further headers of each call. */
  headers?: Readonly<Record<string, string>>;
  /** Default: the platform's. For cookies: `(url, init) => fetch(url, { ...init, credentials: "include" })`. */
  fetch?: FetchLike;
  clock?: Clock;
  /** 0 ≤ random < 1, for the jitter of retries. Default: Math.random. */
  random?: () => number;
  retry?: CallRetry;
  /** How long one try may take, in milliseconds. Default 30,000. A wait may take as much longer as it waits. */
  callTimeoutMs?: number;
}

export interface RawCallOptions extends CallOptions {
  query?: readonly (readonly [name: string, value: string])[];
  /** The body as JSON. */
  json?: unknown;
  /** A raw body, or a function that makes it for each try. */
  input?: { body: unknown; contentType: string };
  headers?: Record<string, string>;
}

export interface ListOptions extends CallOptions {
  /** AIP-160: `'done=false AND verb="profile"'`. */
  filter?: string;
  /** 1 to 1,000. Default 100. */
  pageSize?: number;
  /** Where a part of the collection cannot be reached: the rest, and {@link ListPage.unreachable} names the part. */
  returnPartialSuccess?: boolean;
}

export interface ListPage {
  operations: OperationState[];
  /** undefined: this is the last page. */
  nextPageToken: string | undefined;
  unreachable: string[];
}

const VERSION = "v1";

export class OperationsClient {
  readonly #transport: Transport;

  /** @throws TypeError if an option is wrong. */
  constructor(options: ClientOptions) {
    const { clock = platformClock, fetch = platformFetch, random = Math.random } = options;
    const { retry = {}, callTimeoutMs = 30_000 } = options;
    const baseUrl = checkedBaseUrl(options.baseUrl);
    const headers = (): Promise<Record<string, string>> => headersOf(options);
    this.#transport = new Transport({ baseUrl, headers, fetch, clock, random, retry, callTimeoutMs });
  }

  /**
   * A method of the deployment, by itself, where it may be imported, or by its HTTP binding. Then its types come from the
   * method's type.
   *
   * @example
   * const deliver = client.method<typeof import("./methods").deliver>({
   *   http: { post: "/v1/{parent=projects/*}/messages:deliver", body: "*" },
   * });
   */
  method<M extends TypedMethod & MethodBinding>(method: M): ClientOf<M>;
  method<M extends TypedMethod>(binding: MethodBinding): ClientOf<M>;
  method<M extends TypedMethod>(binding: MethodBinding): ClientOf<M> {
    return new MethodClient(this.#transport, binding);
  }

  /**
   * An operation by its resource name, as another process has started it. Makes no call.
   * @throws TypeError if it is not the name of an operation.
   */
  operation<M extends TypedMethod>(name: string): OperationHandle<ResponseOf<M>, MetadataOfMethod<M>> {
    if (!/^(?:[^/]+\/)*operations\/[^/]+$/.test(name)) {
      const given = typeof name === "string" ? JSON.stringify(name) : typeof name;
      throw new TypeError(
        `an operation's name ends with operations/{id}, as in "projects/p/operations/7f3a"; not ${given}`,
      );
    }
    return new OperationHandle(this.#transport, { name, version: VERSION });
  }

  /** The states of an operation as they come: `for await (const state of client.watch(name))`. */
  watch<M extends TypedMethod>(
    name: string,
    options: CallOptions = {},
  ): AsyncGenerator<OperationState<ResponseOf<M>, MetadataOfMethod<M>>, void, undefined> {
    return this.operation<M>(name).watch(options);
  }

  /**
   * Any other method of the service, by its path: `client.call("GET", "/v1/projects/p/operations/7f3a:explain")`. It is tried
   * again as every call is, so a call that is not idempotent needs a `requestId`.
   * @throws CallError, or the reason of an aborted signal.
   */
  call(method: "GET" | "POST" | "DELETE", path: string, options: RawCallOptions = {}): Promise<JsonObject> {
    return this.#transport.call({ method, path, ...options });
  }

  /** The operations under a parent, newest first: `for await (const operation of client.list("projects/p"))`. */
  async *list(parent: string, options: ListOptions = {}): AsyncGenerator<OperationState, void, undefined> {
    let pageToken: string | undefined;
    do {
      const page = await this.listPage(parent, { ...options, ...(pageToken === undefined ? {} : { pageToken }) });
      yield* page.operations;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  /** One page. It may be short, even empty, and have a `nextPageToken`. The parent `""` is the service itself. */
  async listPage(parent: string, options: ListOptions & { pageToken?: string } = {}): Promise<ListPage> {
    const { signal, ...parameters } = options;
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
    const json = await this.#transport.call({
      method: "GET",
      path: `/${VERSION}/${parent === "" ? "" : `${encodedName(parent)}/`}operations`,
      query: given.map(([name, value]) => [name, String(value)] as const),
      signal,
    });
    const { operations = [], nextPageToken, unreachable = [] } = json as unknown as ListAnswer;
    return {
      operations: operations.map((resource) => stateFromResource(resource)),
      nextPageToken: nextPageToken === "" ? undefined : nextPageToken,
      unreachable,
    };
  }
}

type ClientOf<M> = MethodClient<RequestOf<M>, ResponseOf<M>, MetadataOfMethod<M>>;

interface ListAnswer {
  operations?: JsonObject[];
  nextPageToken?: string;
  unreachable?: string[];
}

function checkedBaseUrl(baseUrl: unknown): string {
  const isBase = typeof baseUrl === "string" && /^(?:https?:\/\/[^/?#\s]+)?(?:\/[^?#\s]*)?$/.test(baseUrl);
  if (isBase) return baseUrl.replace(/\/+$/, "");
  const given = typeof baseUrl === "string" ? JSON.stringify(baseUrl) : typeof baseUrl;
  throw new TypeError(`baseUrl is the address of a deployment, such as "https://operations.example.com"; not ${given}`);
}

async function headersOf({ token, apiKey, headers }: ClientOptions): Promise<Record<string, string>> {
  const bearer = typeof token === "function" ? await token() : token;
  return {
    accept: "application/json",
    ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    ...(apiKey === undefined ? {} : { "x-goog-api-key": apiKey }),
    ...headers,
  };
}
