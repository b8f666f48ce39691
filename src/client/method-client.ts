// Starts of one method.
import type { JsonObject } from "../rpc/any";
import { type HttpBinding, bindRequest } from "./http-rule";
import { type CallOptions, OperationHandle, type WaitOptions } from "./operation-handle";
import { randomId } from "./platform";
import type { Call, Transport } from "./transport";

/** The types that a method carries, as `defineMethod` infers them. */
export interface TypedMethod {
  readonly "~types"?: MethodTypes | undefined;
}

export interface MethodTypes {
  readonly request: unknown;
  readonly response: unknown;
  readonly metadata: unknown;
}

type TypesOf<M> = M extends { readonly "~types"?: infer T } ? Exclude<T, undefined> : never;
type OrJson<T> = unknown extends T ? JsonObject : T;

/** The request that a method's clients send, in JSON. */
export type RequestOf<M> = TypesOf<M> extends { readonly request: infer T } ? OrJson<T> : JsonObject;
/** The response that a method's clients receive, in JSON. */
export type ResponseOf<M> = TypesOf<M> extends { readonly response: infer T } ? OrJson<T> : JsonObject;
/** The metadata that a method reports. */
export type MetadataOfMethod<M> = TypesOf<M> extends { readonly metadata: infer T } ? OrJson<T> : JsonObject;

/** A method's binding. A method that `defineMethod` made is one too. */
export interface MethodBinding {
  readonly http: HttpBinding;
  /** Where the method takes a raw body: its media types. */
  readonly input?: { readonly contentTypes: readonly string[] } | undefined;
}

export interface StartOptions extends CallOptions {
  /**
   * Repeated starts with the same id start one operation: 1 to 64 characters of `[A-Za-z0-9_-]`. Default: a random one, so
   * that a retry is safe. Pass your own, such as an order's number, if your process may die and start again.
   */
  requestId?: string | undefined;
  /** Labels, for filters such as `labels.env=prod`: at most 64. */
  labels?: Readonly<Record<string, string>> | undefined;
  /** When the work begins, at most 366 days ahead. The deadline counts from it. */
  scheduleTime?: Date | undefined;
  /** The order among operations that wait for the same slot: the lower ones first. Default: 0. */
  priority?: number | undefined;
  /** The raw body: a string, bytes, a Blob or a stream; or a function that makes it for each try. A stream is not retried. */
  body?: string | object | undefined;
  /** The media type of `body`. Default: the first that the method takes. */
  contentType?: string | undefined;
}

export class MethodClient<Request, Response, Metadata> {
  readonly #transport: Transport;
  readonly #binding: MethodBinding;

  constructor(transport: Transport, binding: MethodBinding) {
    this.#transport = transport;
    this.#binding = binding;
  }

  /**
   * Starts an operation. It is durable when the promise resolves.
   * @throws CallError if the service rejects the request: `fieldViolations` names the fields.
   */
  async start(request: Request, options: StartOptions = {}): Promise<OperationHandle<Response, Metadata>> {
    const { requestId = randomId() } = options;
    const resource = await this.#transport.call(this.#call(request, options, ["requestId", requestId]));
    const version = this.#binding.http.post.split("/")[1] ?? "v1";
    return new OperationHandle(this.#transport, { name: resource["name"] as string, version }, resource);
  }

  /** Starts an operation and waits for its response. */
  async run(request: Request, options: StartOptions & WaitOptions<Metadata> = {}): Promise<Response> {
    return (await this.start(request, options)).result(options);
  }

  /**
   * Checks a request, as a start does, and starts nothing.
   * @throws CallError if the service rejects it.
   */
  async validate(request: Request, options: CallOptions = {}): Promise<void> {
    // The service reads no raw body then.
    const { contentTypes: [contentType = OCTETS] = [] } = this.#binding.input ?? {};
    const body = this.#binding.input ? { body: "", contentType } : {};
    await this.#transport.call(this.#call(request, { ...options, ...body }, ["validateOnly", "true"]));
  }

  #call(request: Request, options: StartOptions, parameter: [string, string]): Call {
    const { signal, body, contentType } = options;
    const { http, input } = this.#binding;
    const { path, query, json } = bindRequest(http, jsonOf(request));
    const call: Call = { method: "POST", path, query: [...query, parameter, ...operationOptions(options)], signal };
    if (body !== undefined) {
      return { ...call, input: { body, contentType: contentType ?? input?.contentTypes[0] ?? OCTETS } };
    }
    return json === undefined ? call : { ...call, json };
  }
}

const OCTETS = "application/octet-stream";

/** As query parameters, which methods with a raw body take too. */
function operationOptions({ labels = {}, scheduleTime, priority }: StartOptions): [string, string][] {
  const fields = Object.entries({
    ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`labels.${key}`, value])),
    ...(scheduleTime === undefined ? {} : { scheduleTime: scheduleTime.toISOString() }),
    ...(priority === undefined ? {} : { priority: String(priority) }),
  });
  return fields.map(([name, value]) => [`operationOptions.${name}`, value]);
}

/** A Date becomes text, and undefined fields go. */
function jsonOf(request: unknown): JsonObject {
  if (typeof request !== "object" || request === null || Array.isArray(request))
    throw new TypeError(`a request is an object of its fields, not ${JSON.stringify(request)}`);
  return JSON.parse(JSON.stringify(request)) as JsonObject;
}
