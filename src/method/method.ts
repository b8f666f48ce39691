// The declaration of a method that starts operations, by the API's owner, and the argument of its function.
import type { DurationText } from "../aip/duration";
import type { Json, JsonObject } from "../rpc/any";
import type { Message } from "../protobuf/declaration";
import type { RpcError } from "../rpc/error";
import type { ChildCalls } from "./child";
import type { JsonOf } from "./json-of";
import type { RequestSchema } from "./request-schema";
import type { Suspension, SuspensionOptions } from "./suspension";

// The HTTP binding (google.api.http): { post: "/v1/{parent=projects/*/locations/*}/tables:profile" }.
export interface HttpRule {
  post: string;
  /**
   * `"*"`: the body holds the fields that the path does not bind. A field's name: the body is that field, the others
   * come from the query. Absent: no JSON body is taken, the fields come from the query.
   */
  body?: string;
}

/** A streamed body (google.api.HttpBody): stored as it comes and read from `op.input`. */
export interface InputRule {
  /** Media types taken, without parameters: `["text/csv"]`. */
  contentTypes: readonly string[];
  maxBytes: number;
}

/** When and how often a failed attempt, or step, is retried (AIP-194): exponential backoff with full jitter. */
export interface RetryPolicy {
  maxAttempts?: number;
  initialBackoff?: DurationText;
  maxBackoff?: DurationText;
  backoffMultiplier?: number;
}

/** How often a step is tried, and for how long. */
export interface StepOptions {
  /**
   * When and how often a failed step is retried, before the failure reaches the handler. As for a method, of the RpcErrors
   * only UNAVAILABLE is retried. Default: never.
   */
  retry?: RetryPolicy;
  /** From a try's beginning to its failure, with DEADLINE_EXCEEDED, which is retried. Default: none. */
  timeout?: DurationText;
}

/** How the items of `op.map` become steps. */
export interface MapOptions<Item> extends StepOptions {
  /** Steps that run at the same time. Default 6, the connections that an invocation may open at a time. */
  concurrency?: number;
  /** The name of an item's step, unique within the operation. Default: the item's index. */
  key?: (item: Item, index: number) => string;
}

/** The argument of a step's function. */
export interface StepContext {
  /** Of the step, 1 for its first try. */
  readonly attempt: number;
  /** Aborted by the step's `timeout`, and whenever `op.signal` is. */
  readonly signal: AbortSignal;
}

/** Where an operation's facts are needed before its work runs. */
export interface StartContext {
  createTime: Date;
}

/** A result that was known at once: the operation is created done (AIP-151). */
export type ImmediateResult<Response> = { response: Response } | { error: RpcError };

/** The caller that started an operation. A retry has the caller of the operation that failed. */
export interface OperationCaller {
  /** The same for the same caller for ever: `principal://…`, or the `id` that `authenticate` returned. */
  readonly id: string;
  /**
   * The other members of policies that the caller was at the start, such as `user:ada@example.com`, in the order of its
   * credentials: those that have room in 8 Ki characters.
   */
  readonly members: readonly string[];
}

/** The second argument of a method's function, beside the request. */
export interface OperationContext<Metadata extends object = JsonObject> extends ChildCalls {
  /** The operation's full resource name. */
  readonly name: string;
  readonly createTime: Date;
  /** When the operation ends with DEADLINE_EXCEEDED. */
  readonly deadline: Date;
  /** 1 for the first attempt; what resumes after a sleep belongs to the attempt before it. */
  readonly attempt: number;
  /** The caller that started the operation; undefined: an anonymous caller, or one of an open deployment without `authenticate`. */
  readonly caller: OperationCaller | undefined;
  /**
   * The trace of the request that started the operation (the header of W3C Trace Context, version 00): send it with calls
   * that the work makes. undefined where the request had none.
   */
  readonly traceparent: string | undefined;
  /** Aborted by a cancel request, the deadline, or the loss of the lease. */
  readonly signal: AbortSignal;
  /** The streamed body, from its beginning in every attempt; empty where the method takes none. */
  readonly input: ReadableStream<Uint8Array>;
  /** The size of `input`, in bytes. */
  readonly inputBytes: number;
  /** Reports progress: fields of the metadata, merged into what was reported before. May be called often; it is coalesced. */
  progress(metadata: Partial<Metadata> & { statusMessage?: string }): void;
  /**
   * Appends text to the operation's output, which clients watch as it grows and read at `/output`. The latest 1 MiB is kept.
   * Called again after a sleep, a suspension or a failure, the function does not write again what it wrote before the last
   * step, sleep, suspension or start of a child that it had reached. It may write again what it wrote since.
   */
  write(text: string): void;
  /** The cursor of the last checkpoint, of whichever attempt; undefined where none was saved. */
  readonly resumeFrom: Json | undefined;
  /**
   * Runs a part of the work whose result is stored: called again, by a later attempt or invocation, it is given the
   * result and not run again. One that was interrupted before its result was stored is run again. Names are unique
   * within an operation. Results are JSON of at most `maxResultBytes`: a Date comes back as text, `undefined` as null. A
   * failure that the handler catches stays one for the rest of the attempt. `retry` gives the step tries of its own.
   */
  step<T>(name: string, run: (step: StepContext) => T | Promise<T>, options?: StepOptions): Promise<JsonOf<T>>;
  /**
   * Runs a step for each item, a bounded number at a time, and gives their results in the order of the items. After the first
   * failure no other step begins; those under way run to their ends and are stored, and then it rejects with that failure.
   */
  map<Item, T>(
    items: readonly Item[],
    run: (item: Item, step: StepContext) => T | Promise<T>,
    options?: MapOptions<Item>,
  ): Promise<JsonOf<T>[]>;
  /** Saves where the work is, to continue from there as `resumeFrom`: JSON of at most 64 Ki characters. */
  checkpoint(cursor: Json): Promise<void>;
  /** Writes a structured line to the log, with the operation's name and attempt. */
  log(message: string, fields?: JsonObject): void;
  /**
   * A durable timer. Where the function can do nothing else, its invocation ends, nothing is held while time passes, and the
   * function is called again. The promise stays pending in the invocation that ends: no `catch` or `finally` sees it. Sleeps
   * are told apart by a name, unique among the operation's sleeps, or else by their order.
   */
  sleep(duration: DurationText): Promise<void>;
  sleep(name: string, duration: DurationText): Promise<void>;
  sleepUntil(time: Date): Promise<void>;
  sleepUntil(name: string, time: Date): Promise<void>;

  /**
   * Waits for an answer from outside: an approval, a callback. Where the function can do nothing else, its invocation ends,
   * and nothing is held until somebody answers. Names are unique within an operation. An answer that came before is given at
   * once. Several may be awaited together, by `Promise.all` and `Promise.race`.
   * @throws SuspensionExpired if nobody answers in time.
   */
  suspend<T = Json>(name: string, options?: SuspensionOptions<T>): Promise<T>;
  /** The same in two halves, for work that first sends somebody a link: `resolveUri`. */
  suspension<T = Json>(name: string, options?: SuspensionOptions<T>): Promise<Suspension<T>>;
}

/** The same type, inferred from here only where no declared message says it. */
type Same<T> = { [Key in keyof T]: T[Key] };

/**
 * The function that does the work. A conditional type only so that the compiler looks up what the declared message says
 * before it looks at the function: a response's `"CSV"` is then one of an enum's names, and no mere string.
 */
type Run<Request, Response, Metadata extends object> = [Response] extends [object]
  ? (request: Request, operation: OperationContext<Metadata>) => Promise<Response>
  : never;

/** The hints of a tool (MCP, ToolAnnotations). Clients must not rely on them. */
export interface ToolHints {
  /** It changes nothing. Default false. */
  readOnlyHint?: boolean;
  /** It may destroy something. Default true, unless it changes nothing. */
  destructiveHint?: boolean;
  /** Repeating a call changes nothing more. Then `requestId` is a required argument, so that it holds of a start too. */
  idempotentHint?: boolean;
  /** It acts on things outside of this service. Default true. */
  openWorldHint?: boolean;
}

/** How a method is shown to agents (`edge-operations/mcp`). */
export interface ToolOptions {
  /** Default: the method's id with `.` for each character that a tool's name cannot have. */
  name?: string;
  /** For people. */
  title?: string;
  /** For models. Default: the description of the request's message. */
  description?: string;
  annotations?: ToolHints;
}

/**
 * A method as it is declared. `Request` is what `request` makes of the JSON, `Input`; `Response` what `run` resolves to.
 */
export interface MethodDeclaration<
  Request,
  Response extends object = JsonObject,
  Metadata extends object = JsonObject,
  Input = unknown,
> {
  /** The name under which its operations find it again; default: the binding's literal path, `tables:profile`. */
  id?: string;
  /** Changed where stored operations of an older version cannot be run by the new code. Default `"1"`. */
  version?: string;
  http: HttpRule;
  input?: InputRule;
  /**
   * Makes the request from JSON: a declared message, any Standard Schema (zod, valibot, …), or a function that throws
   * `invalidArgument([...])`, whose parameter has its type written out: `(json: JsonObject) => …`. Applied when the request arrives, and again by every invocation.
   */
  request: RequestSchema<Request, Input>;
  /**
   * The type of the result of `run`: a declared message, which checks and encodes it, or a full message name. Default:
   * `google.protobuf.Struct`.
   */
  responseType?: Message<Response> | string;
  /**
   * The type of the reports of `progress`, in the same way. Default: `google.protobuf.Struct`, with the default fields
   * beside the method's own.
   */
  metadataType?: Message<Metadata> | string;
  /** The metadata of the first answer. */
  initialMetadata?: (request: Request, context: StartContext) => Same<Metadata>;
  /** The result, where it is known without any work; undefined queues the operation. */
  immediate?: (request: Request, context: StartContext) => ImmediateResult<Same<Response>> | undefined;
  /** From createTime to the deadline, queueing and sleeping included. Default 1 h. */
  timeout?: DurationText;
  /**
   * How long such an operation usually takes, from its creation on: `Retry-After` follows it. Default: what the method's
   * operations have been seen to take lately.
   */
  usualDuration?: DurationText | ((request: Request, context: StartContext) => DurationText);
  /** From an attempt's first claim to its end, durable sleeps not counted; the attempt fails then. Default: none. */
  attemptTimeout?: DurationText;
  retry?: RetryPolicy;
  /** Operations of this method under one parent that run at the same time; more wait for a slot. Default: no bound. */
  maxConcurrent?: number;
  /**
   * How the work comes to a runner. `"queue"`: through the Queue; for work of any length. `"direct"`: the operation's object
   * calls the runner and holds the call, without a queue's delay or limit on how much runs at once; for work of seconds. The
   * queue carries the work of a direct run that was lost. Default `"queue"`.
   */
  dispatch?: "queue" | "direct";
  /**
   * The queue binding that carries the work of this method, such as `"TRANSCODE"`: its operations then wait behind none of
   * another method's. This Worker must consume the queue as well. Default: the lanes, `QUEUE`, `QUEUE_2`, …
   */
  queue?: string;
  /**
   * How large a response, and each step's result, may be, in bytes of JSON: up to 24 MiB. Default 4 MiB. A large value and
   * its text are in memory together, in an isolate whose 128 MB all that runs in it shares.
   */
  maxResultBytes?: number;
  /** From a cancel request to giving the handler up. Default 30 s. */
  gracePeriod?: DurationText;
  /** How long the finished operation can be read. Default 30 d. */
  retention?: DurationText;
  /** The tool that agents call, where the deployment serves them (docs/agents.md). `false` hides the method from them. */
  mcp?: false | ToolOptions;
  run: Run<Request, Response, Metadata>;
}
