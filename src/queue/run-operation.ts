// Runs one attempt of a method's function for a claimed operation, and says the last word about it.
import { MAX_RESPONSE_BYTES, MAX_STATUS_DETAILS_BYTES, MAX_STATUS_MESSAGE_CHARACTERS } from "../limits";
import type { Method } from "../operation/define-method";
import { anyFromMessage, type JsonObject } from "../rpc/any";
import { Code } from "../rpc/code";
import { RpcError } from "../rpc/error";
import type { Status } from "../rpc/status";
import { RunContext } from "./operation-context";
import type { RunChannel, RunnerMessage } from "./run-channel";

/** What running needs to know of the deployment. */
export interface RunOptions {
  methods: ReadonlyMap<string, Method>;
  /** Open mode: the inner text of an unclassified error may be shown to clients. */
  showInnerErrors: boolean;
}

/** Does the work behind a channel to its end. Never throws: whatever happens becomes the last word. */
export async function runOperation(channel: RunChannel, { methods, showInnerErrors }: RunOptions): Promise<void> {
  const { claimed } = channel;
  const method = methods.get(claimed.method);
  if (!method || method.version !== claimed.methodVersion) {
    const statusMessage = `Waiting for a deployment that has the method ${claimed.method}, version ${claimed.methodVersion}.`;
    console.error({
      message: "no such method or version is deployed",
      operation: claimed.name,
      method: claimed.method,
    });
    await channel.finish({ type: "release", statusMessage });
    return;
  }
  const abort = new AbortController();
  const stopped = Promise.withResolvers<undefined>();
  channel.listen({
    onCancel: () => abort.abort(new RpcError("CANCELLED", "The operation was cancelled.")),
    onStop: () => {
      abort.abort(new RpcError("ABORTED", "The work belongs to this runner no longer.", { reason: "LEASE_LOST" }));
      stopped.resolve(undefined);
    },
  });
  const lastWord = await Promise.race([attempt(channel, method, abort.signal, showInnerErrors), stopped.promise]);
  // Who was stopped has nothing to say any more.
  if (lastWord) await channel.finish(lastWord);
  else channel.close();
}

async function attempt(
  channel: RunChannel,
  method: Method,
  signal: AbortSignal,
  showInnerErrors: boolean,
): Promise<RunnerMessage> {
  const { claimed } = channel;
  let context: RunContext | undefined;
  try {
    context = new RunContext(claimed, {
      now: () => Date.now(),
      sendProgress: (progress) => channel.send({ type: "progress", progress }),
      signal,
      input: claimed.inputBytes === undefined ? emptyStream() : await channel.input(),
    });
    const response = await method.run(JSON.parse(claimed.request) as JsonObject, context);
    if (context.unwinding) return sleepMessage(context);
    const json = responseJson(method, response);
    return withProgress({ type: "succeed", response: json }, context);
  } catch (error) {
    if (context?.unwinding) return sleepMessage(context);
    return withProgress(failMessage(error, { channel, method, showInnerErrors }), context);
  }
}

function sleepMessage(context: RunContext): RunnerMessage {
  const { ordinal, wakeTime } = context.unwinding!;
  return withProgress({ type: "sleep", ordinal, wakeTime }, context);
}

function withProgress(message: RunnerMessage, context: RunContext | undefined): RunnerMessage {
  const progress = context?.takeProgress();
  return progress ? { ...message, progress } : message;
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
}

const encoder = new TextEncoder();

function responseJson(method: Method, response: object): string {
  const json = JSON.stringify(anyFromMessage(method.responseType, response as JsonObject));
  if (json.length > MAX_RESPONSE_BYTES || encoder.encode(json).length > MAX_RESPONSE_BYTES) {
    throw new RpcError(
      "RESOURCE_EXHAUSTED",
      `The response of ${method.id} is larger than ${MAX_RESPONSE_BYTES} bytes of JSON: store it elsewhere and return where it is.`,
      { reason: "RESPONSE_TOO_LARGE" },
    );
  }
  return json;
}

interface Failure {
  channel: RunChannel;
  method: Method;
  showInnerErrors: boolean;
}

/** AIP-194: of what a handler declares, UNAVAILABLE alone is tried again; what it did not declare may be anything, and is. */
function failMessage(error: unknown, { channel, method, showInnerErrors }: Failure): RunnerMessage {
  if (error instanceof RpcError) {
    return { type: "fail", error: boundedStatus(error.toStatus()), retryable: error.code === "UNAVAILABLE" };
  }
  const { name, attempt: number, cancelRequested } = channel.claimed;
  console.error({
    message: "attempt failed",
    operation: name,
    method: method.id,
    attempt: number,
    cancelRequested,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  const inner = showInnerErrors ? ` (${String(error)})` : "";
  const message = `The method ${method.id} failed unexpectedly. Its log has the details.${inner}`;
  return { type: "fail", error: boundedStatus({ code: Code.UNKNOWN, message, details: [] }), retryable: true };
}

/** A Status within the bounds of what is stored: a long message is cut, details that are too large are dropped, and it says so. */
function boundedStatus({ code, message, details }: Status): Status {
  const cut =
    message.length > MAX_STATUS_MESSAGE_CHARACTERS
      ? `${message.slice(0, MAX_STATUS_MESSAGE_CHARACTERS - 1)}…`
      : message;
  if (JSON.stringify(details).length <= MAX_STATUS_DETAILS_BYTES) return { code, message: cut, details };
  return {
    code,
    message: `${cut} (Details of more than ${MAX_STATUS_DETAILS_BYTES} bytes were dropped.)`,
    details: [],
  };
}
