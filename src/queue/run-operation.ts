// Runs one attempt of a method's function for a claimed operation, and says the last word about it.
import { INVOCATION_GRACE_MS, MAX_INLINE_RESULT_CHARACTERS, MAX_RESPONSE_BYTES, YIELD_AFTER_PART } from "../limits";
import type { Method } from "../operation/define-method";
import { boundedStatus } from "../operation/bounded-status";
import { isMisuse } from "../operation/misuse";
import { responseJson } from "../operation/response-json";
import type { Claimed, LastWord } from "../operation/run-channel";
import { undeployedMessage } from "../operation/undeployed";
import type { JsonObject } from "../rpc/any";
import { Code, codeNameFromNumber } from "../rpc/code";
import { RpcError } from "../rpc/error";
import { fitsUtf8 } from "../rpc/utf8";
import type { Status } from "../rpc/status";
import { emulatedOutcome } from "./emulated-work";
import { InvocationLimitReached } from "./invocation-limit";
import { macrotask } from "./macrotask";
import { type Ending, RunContext, type RunPorts } from "./operation-context";
import type { RunChannel } from "./run-channel";
import { type SpanAttributes, inSpan } from "./spans";
import { thrownFields, thrownText } from "./thrown";

/** What running needs to know of the deployment. */
export interface RunOptions {
  methods: ReadonlyMap<string, Method>;
  /** Open mode: the inner text of an unclassified error may be shown to clients. */
  showInnerErrors: boolean;
  /** How long one invocation works, in milliseconds, before it gives way to another. */
  invocationMs: number;
}

/** Does the work behind a channel to its end. Never throws: whatever happens becomes the last word. */
export async function runOperation(channel: RunChannel, options: RunOptions): Promise<void> {
  const { claimed } = channel;
  const method = options.methods.get(claimed.method);
  if (!method || method.version !== claimed.methodVersion) {
    const { name: operation, method: methodId, methodVersion } = claimed;
    const statusMessage = undeployedMessage(claimed);
    console.error({ message: "no such method or version is deployed", operation, method: methodId, methodVersion });
    await channel.finish({ type: "release", statusMessage });
    return;
  }
  const lastWord = channel.holdsLease() ? await runWithinLimits(channel, method, options) : undefined;
  // Who was stopped has nothing to say any more.
  if (lastWord) await channel.finish(lastWord);
  else channel.close();
}

/** Runs the handler until it ends, is stopped, or has used up the invocation; undefined where it was stopped. */
async function runWithinLimits(
  channel: RunChannel,
  method: Method,
  options: RunOptions,
): Promise<LastWord | undefined> {
  const { invocationMs } = options;
  const abort = new AbortController();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
  channel.listen({
    onCancel: () => abort.abort(new RpcError("CANCELLED", "The operation was cancelled.")),
    onStop: () => {
      abort.abort(new RpcError("ABORTED", "The work belongs to this runner no longer.", { reason: "LEASE_LOST" }));
      stop(undefined);
    },
  });
  const attempt = new Attempt(channel, method, { ...options, signal: abort.signal });
  const { promise: limit, resolve: giveUp } = Promise.withResolvers<LastWord>();
  let timer = setTimeout(() => {
    abort.abort(new InvocationLimitReached("the invocation has ended"));
    timer = setTimeout(() => giveUp(attempt.atLimit()), Math.min(INVOCATION_GRACE_MS, invocationMs));
  }, invocationMs);
  const lastWord = await Promise.race([attempt.run(), stopped, limit]);
  clearTimeout(timer);
  // What befalls the channel after the handler's end is nothing to its signal: "stop" comes with every last word.
  channel.listen({ onCancel: () => {}, onStop: () => {} });
  if (attempt.isWorking)
    abort.abort(new RpcError("ABORTED", "The operation's function has ended.", { reason: "HANDLER_ENDED" }));
  return lastWord;
}

/** How a handler's call ended. */
type HandlerEnd = { type: "returned"; response: unknown } | { type: "threw"; error: unknown };

/** One call of a method's handler, and the last word about it. */
class Attempt {
  readonly #channel: RunChannel;
  readonly #method: Method;
  readonly #options: RunOptions & { signal: AbortSignal };
  #context: RunContext | undefined;
  /** Set where the handler has failed, while its other steps come to their ends. */
  #failure: LastWord | undefined;

  constructor(channel: RunChannel, method: Method, options: RunOptions & { signal: AbortSignal }) {
    this.#channel = channel;
    this.#method = method;
    this.#options = options;
  }

  get isWorking(): boolean {
    return this.#context?.isWorking ?? false;
  }

  /** What is said where the invocation must end now. */
  atLimit(): LastWord {
    this.#context?.close();
    return this.#withProgress(this.#failure ?? this.#yield());
  }

  /** Never throws: whatever happens becomes the last word. */
  async run(): Promise<LastWord> {
    try {
      const { claimed } = this.#channel;
      const { signal, invocationMs } = this.#options;
      const input = claimed.inputBytes === undefined ? undefined : await this.#channel.input();
      const context = new RunContext(claimed, runPorts(this.#channel, this.#method, { signal, input, invocationMs }));
      this.#context = context;
      const ending = await inSpan("operation.attempt", spanAttributes(claimed, this.#method), () =>
        Promise.race([this.#call(context), context.ended]),
      );
      context.close();
      return this.#withProgress(await this.#lastWord(ending));
    } catch (error) {
      this.#context?.close();
      return this.#withProgress(this.#failed(error));
    }
  }

  async #call(context: RunContext): Promise<HandlerEnd | { type: "emulated"; error: Status }> {
    const { request, emulation } = this.#channel.claimed;
    try {
      if (!emulation) {
        return { type: "returned", response: await this.#method.run(JSON.parse(request) as JsonObject, context) };
      }
      const outcome = await emulatedOutcome(emulation, context, () => Date.now());
      return "error" in outcome ? { type: "emulated", ...outcome } : { type: "returned", ...outcome };
    } catch (error) {
      return { type: "threw", error };
    }
  }

  async #lastWord(ending: HandlerEnd | { type: "emulated"; error: Status } | Ending): Promise<LastWord> {
    // What a handler makes of it once its signal says that the invocation is over may be half of what it was to do.
    const isOver = this.#options.signal.reason instanceof InvocationLimitReached;
    switch (ending.type) {
      case "returned":
        return isOver ? this.#yield() : succeeded(this.#channel, this.#method, ending.response);
      case "threw":
        return isOver ? this.#yield() : this.#afterSiblings(this.#failed(ending.error));
      case "emulated":
        return { type: "fail", error: ending.error, retryable: false };
      case "failed":
        return this.#failed(ending.error);
      case "sleep":
        return ending;
      case "yield":
        return { ...ending, invocationMs: this.#options.invocationMs };
      default:
        return ending satisfies never;
    }
  }

  #yield(): LastWord {
    return { type: "yield", invocationMs: this.#options.invocationMs, ...this.#context?.memory() };
  }

  /** What is retried is retried once the steps beside it have ended: their results are stored, and they are not run again. */
  async #afterSiblings(lastWord: LastWord & { type: "fail" }): Promise<LastWord> {
    if (!lastWord.retryable) return lastWord;
    this.#failure = lastWord;
    await this.#context?.stepsSettled();
    return lastWord;
  }

  #failed(error: unknown): LastWord & { type: "fail" } {
    const { showInnerErrors } = this.#options;
    return failure(error, { channel: this.#channel, method: this.#method, showInnerErrors });
  }

  #withProgress(lastWord: LastWord): LastWord {
    const progress = this.#context?.takeProgress();
    return progress ? { ...lastWord, progress } : lastWord;
  }
}

function runPorts(
  channel: RunChannel,
  method: Method,
  { signal, input, invocationMs }: Pick<RunPorts, "signal" | "input"> & Pick<RunOptions, "invocationMs">,
): RunPorts {
  return {
    now: () => Date.now(),
    turn: macrotask,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    sendProgress: (progress) => channel.sendProgress(progress),
    saveStep: (step, memory) =>
      step.result.length <= MAX_INLINE_RESULT_CHARACTERS
        ? channel.save({ type: "saveStep", ...step, ...memory })
        : channel.saveLargeStep(step, memory),
    saveCheckpoint: (cursor, memory) => channel.save({ type: "saveCheckpoint", cursor, ...memory }),
    stepResult: (place) => channel.stepResult(place),
    checkLease: () => channel.confirmLease(),
    stepSpan: (step, work) =>
      inSpan("operation.step", { ...spanAttributes(channel.claimed, method), "operation.step": step }, work),
    log: (fields) => console.log({ ...fields, method: method.id }),
    signal,
    input,
    hasDefaultMetadata: method.metadataType === undefined,
    yieldTime: Date.now() + invocationMs * YIELD_AFTER_PART,
  };
}

function spanAttributes({ name, attempt: number, traceparent }: Claimed, { id }: Method): SpanAttributes {
  return {
    "operation.name": name,
    "operation.method": id,
    "operation.attempt": number,
    "operation.traceparent": traceparent,
  };
}

async function succeeded(channel: RunChannel, method: Method, response: unknown): Promise<LastWord> {
  const json = responseJson(method.responseType, response);
  if (json.length <= MAX_INLINE_RESULT_CHARACTERS) return { type: "succeed", outcome: { response: json } };
  const { maxResultBytes = MAX_RESPONSE_BYTES } = channel.claimed;
  if (!fitsUtf8(json, maxResultBytes)) {
    const message =
      `The response of ${method.id} is larger than ${maxResultBytes} bytes of JSON: store it elsewhere and return ` +
      "where it is, or declare a larger maxResultBytes.";
    throw new RpcError("RESOURCE_EXHAUSTED", message, { reason: "RESPONSE_TOO_LARGE" });
  }
  const outcome = await channel.saveLargeResponse(json);
  // Refused: the work is another's, and this last word will be told so too.
  return { type: "succeed", outcome: outcome ?? { response: "{}" } };
}

interface Failure {
  channel: RunChannel;
  method: Method;
  showInnerErrors: boolean;
}

/** AIP-194: of the errors that a handler declares, only UNAVAILABLE is retried. Any other thrown value is retried too. Never throws. */
function failure(error: unknown, { channel, method, showInnerErrors }: Failure): LastWord & { type: "fail" } {
  const declared = declaredStatus(error);
  if (declared && !isMisuse(error)) {
    return { type: "fail", error: boundedStatus(declared), retryable: declared.code === Code.UNAVAILABLE };
  }
  const { name, attempt: number, cancelRequested } = channel.claimed;
  console.error({
    message: "attempt failed",
    operation: name,
    method: method.id,
    attempt: number,
    cancelRequested,
    ...thrownFields(error),
  });
  if (declared) return { type: "fail", error: boundedStatus(declared), retryable: false };
  const inner = showInnerErrors ? ` (${thrownText(error)})` : "";
  const message = `The method ${method.id} failed unexpectedly. Its log has the details.${inner}`;
  return { type: "fail", error: boundedStatus({ code: Code.UNKNOWN, message, details: [] }), retryable: true };
}

/** The Status of an RpcError, however a handler has changed it since; undefined: it is none, or cannot be read. */
function declaredStatus(error: unknown): Status | undefined {
  try {
    if (!(error instanceof RpcError)) return undefined;
    const { code, message, details = [] } = error.toStatus();
    return codeNameFromNumber(code) === undefined ? undefined : { code, message, details };
  } catch {
    // A Proxy whose traps throw: it is logged as what it is, and retried.
    return undefined;
  }
}
