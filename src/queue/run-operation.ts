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
import { RunContext, type RunPorts } from "./operation-context";
import type { RunChannel, Settlement } from "./run-channel";
import { type SpanAttributes, inSpan } from "./spans";
import { thrownFields, thrownText } from "./thrown";
import { InvocationLimitReached, type Unwinding } from "./unwinding";

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
  const { promise: limit, resolve: giveUp } = Promise.withResolvers<LastWord>();
  let timer = setTimeout(() => {
    abort.abort(new InvocationLimitReached("the invocation has ended"));
    timer = setTimeout(() => giveUp({ type: "yield", invocationMs }), Math.min(INVOCATION_GRACE_MS, invocationMs));
  }, invocationMs);
  const lastWord = await Promise.race([attempt(channel, method, { ...options, signal: abort.signal }), stopped, limit]);
  clearTimeout(timer);
  // What befalls the channel after the handler's end is nothing to its signal: "stop" comes with every last word.
  channel.listen({ onCancel: () => {}, onStop: () => {} });
  return lastWord;
}

async function attempt(
  channel: RunChannel,
  method: Method,
  options: RunOptions & { signal: AbortSignal },
): Promise<LastWord> {
  const { claimed } = channel;
  const { signal, invocationMs } = options;
  let context: RunContext | undefined;
  try {
    const input = claimed.inputBytes === undefined ? undefined : await channel.input();
    const run = new RunContext(claimed, runPorts(channel, method, { signal, input, invocationMs }));
    context = run;
    const emulated = claimed.emulation && (await emulatedOutcome(claimed.emulation, context, () => Date.now()));
    if (emulated && "error" in emulated) {
      return withProgress({ type: "fail", error: emulated.error, retryable: false }, context);
    }
    const response = emulated
      ? emulated.response
      : await inSpan("operation.attempt", spanAttributes(claimed, method), () =>
          method.run(JSON.parse(claimed.request) as JsonObject, run),
        );
    if (context.unwinding) return await unwound(context, context.unwinding, invocationMs);
    // What a handler returns once it was told to stop may be half of what it was to do.
    if (signal.reason instanceof InvocationLimitReached) return withProgress({ type: "yield", invocationMs }, context);
    return await succeeded(channel, method, context, response);
  } catch (error) {
    if (context?.unwinding) return unwound(context, context.unwinding, invocationMs);
    // Whatever a handler throws once its signal says that the invocation is over, it is because of that.
    const lastWord: LastWord =
      signal.reason instanceof InvocationLimitReached
        ? { type: "yield", invocationMs }
        : failure(error, { channel, method, showInnerErrors: options.showInnerErrors });
    return withProgress(lastWord, context);
  }
}

function runPorts(
  channel: RunChannel,
  method: Method,
  { signal, input, invocationMs }: Pick<RunPorts, "signal" | "input"> & Pick<RunOptions, "invocationMs">,
): RunPorts {
  return {
    now: () => Date.now(),
    sendProgress: (progress) => channel.sendProgress(progress),
    saveStep: async (name, result) => {
      const isSmall = result.length <= MAX_INLINE_RESULT_CHARACTERS;
      stillOurs(
        await (isSmall ? channel.save({ type: "saveStep", name, result }) : channel.saveLargeStep(name, result)),
      );
    },
    saveCheckpoint: async (cursor) => stillOurs(await channel.save({ type: "saveCheckpoint", cursor })),
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

/** What could not be stored was refused: the work has gone to another, or ended. */
function stillOurs(settlement: Settlement): void {
  if (settlement === "settled") return;
  throw new RpcError("ABORTED", "The work belongs to this runner no longer.", { reason: "LEASE_LOST" });
}

async function unwound(context: RunContext, { reason }: Unwinding, invocationMs: number): Promise<LastWord> {
  await context.stepsSettled();
  const lastWord: LastWord = reason.type === "yield" ? { type: "yield", invocationMs } : reason;
  return withProgress(lastWord, context);
}

function withProgress(lastWord: LastWord, context: RunContext | undefined): LastWord {
  const progress = context?.takeProgress();
  return progress ? { ...lastWord, progress } : lastWord;
}

async function succeeded(
  channel: RunChannel,
  method: Method,
  context: RunContext,
  response: object | undefined,
): Promise<LastWord> {
  const json = responseJson(method.responseType, response);
  if (json.length <= MAX_INLINE_RESULT_CHARACTERS) {
    return withProgress({ type: "succeed", outcome: { response: json } }, context);
  }
  const { maxResultBytes = MAX_RESPONSE_BYTES } = channel.claimed;
  if (!fitsUtf8(json, maxResultBytes)) {
    const message =
      `The response of ${method.id} is larger than ${maxResultBytes} bytes of JSON: store it elsewhere and return ` +
      "where it is, or declare a larger maxResultBytes.";
    throw new RpcError("RESOURCE_EXHAUSTED", message, { reason: "RESPONSE_TOO_LARGE" });
  }
  const outcome = await channel.saveLargeResponse(json);
  // Refused: the work is another's, and this last word will be told so too.
  return withProgress({ type: "succeed", outcome: outcome ?? { response: "{}" } }, context);
}

interface Failure {
  channel: RunChannel;
  method: Method;
  showInnerErrors: boolean;
}

/** AIP-194: of the errors that a handler declares, only UNAVAILABLE is retried. Any other thrown value is retried too. Never throws. */
function failure(error: unknown, { channel, method, showInnerErrors }: Failure): LastWord {
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
    const { code, message, details } = error.toStatus();
    return codeNameFromNumber(code) === undefined ? undefined : { code, message, details };
  } catch {
    // A Proxy whose traps throw: it is logged as what it is, and retried.
    return undefined;
  }
}
