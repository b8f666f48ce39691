// Runs one attempt of a method's function for a claimed operation, within the limits of an invocation.
import { INVOCATION_GRACE_MS, MAX_INLINE_RESULT_CHARACTERS, YIELD_AFTER_PART } from "../limits";
import type { Method } from "../method/define-method";
import type { Claimed, LastWord } from "../contract/run-channel";
import { undeployedMessage } from "../lifecycle/undeployed";
import { RpcError } from "../rpc/error";
import { Attempt } from "./attempt";
import { InvocationLimitReached } from "./invocation-limit";
import type { RunPorts } from "./run-ports";
import type { ChildStarts } from "./child-starts";
import type { Channel } from "./channel";
import type { RunPlatform, SpanAttributes } from "./run-platform";

export interface RunOptions {
  methods: ReadonlyMap<string, Method>;
  /** Open mode: the inner text of an unclassified error may be shown to clients. */
  showInnerErrors: boolean;
  /** How long one invocation works, in milliseconds, before it yields to another. */
  invocationMs: number;
  platform: RunPlatform;
  children: ChildStarts;
}

/** Does the work behind a channel to its end. Never throws: whatever happens becomes the last word. */
export async function runOperation(channel: Channel, options: RunOptions): Promise<void> {
  const { claimed } = channel;
  const method = options.methods.get(claimed.method);
  if (!method || method.version !== claimed.methodVersion) {
    const { name: operation, method: methodId, methodVersion } = claimed;
    const statusMessage = undeployedMessage(claimed);
    options.platform.log("error", {
      message: "no such method or version is deployed",
      operation,
      method: methodId,
      methodVersion,
    });
    await channel.finish({ type: "release", statusMessage });
    return;
  }
  const lastWord = channel.holdsLease() ? await runWithinLimits(channel, method, options) : undefined;
  // A stopped runner sends no result.
  if (lastWord) await channel.finish(lastWord);
  else channel.close();
}

/** Runs the handler until it ends, is stopped, or has used up the invocation; undefined where it was stopped. */
async function runWithinLimits(channel: Channel, method: Method, options: RunOptions): Promise<LastWord | undefined> {
  const { invocationMs, platform } = options;
  const abort = new AbortController();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
  channel.listen({
    onCancel: () => abort.abort(new RpcError("CANCELLED", "The operation was cancelled.")),
    onAnswers: (news) => attempt.receive(news),
    onStop: () => {
      abort.abort(new RpcError("ABORTED", "The runner has lost the work.", { reason: "LEASE_LOST" }));
      stop(undefined);
    },
  });
  const { signal } = abort;
  const attempt = new Attempt(channel, method, {
    ...options,
    signal,
    ports: (input) => runPorts(channel, method, { ...options, signal, input }),
    span: (work) => platform.span("operation.attempt", spanAttributes(channel.claimed, method), work),
    log: platform.log,
  });
  const { promise: limit, resolve: giveUp } = Promise.withResolvers<LastWord>();
  let cancelLimit = platform.atLimit(invocationMs, () => {
    abort.abort(new InvocationLimitReached("the invocation has ended"));
    cancelLimit = platform.atLimit(Math.min(INVOCATION_GRACE_MS, invocationMs), () => giveUp(attempt.atLimit()));
  });
  const lastWord = await Promise.race([attempt.run(), stopped, limit]);
  cancelLimit();
  // The signal ignores events of the channel after the handler's end, because "stop" follows every final message.
  channel.listen({ onCancel: () => {}, onAnswers: () => {}, onStop: () => {} });
  if (attempt.isWorking)
    abort.abort(new RpcError("ABORTED", "The operation's function has ended.", { reason: "HANDLER_ENDED" }));
  return lastWord;
}

function runPorts(
  channel: Channel,
  method: Method,
  {
    signal,
    input,
    invocationMs,
    platform,
    children,
  }: Pick<RunPorts, "signal" | "input"> & Pick<RunOptions, "invocationMs" | "platform" | "children">,
): RunPorts {
  return {
    now: platform.now,
    turn: platform.turn,
    after: platform.after,
    sendProgress: (progress) => channel.sendProgress(progress),
    saveStep: (step, memory) =>
      step.result.length <= MAX_INLINE_RESULT_CHARACTERS
        ? channel.save({ type: "saveStep", ...step, ...memory })
        : channel.largeValues.saveStep(step, memory),
    saveCheckpoint: (cursor, memory) => channel.save({ type: "saveCheckpoint", cursor, ...memory }),
    saveSleeps: (memory) => channel.save({ type: "saveSleeps", ...memory }),
    saveSuspensions: (memory) => channel.save({ type: "saveSuspensions", ...memory }),
    saveChildren: (reserved, memory) => channel.save({ type: "saveChildren", children: reserved, ...memory }),
    childEnds: (places) => channel.largeValues.childEnds(places),
    children,
    saveOutput: (part) => channel.save({ type: "saveOutput", ...part }),
    answer: (id) => channel.largeValues.answer(id),
    newSecret: () => secret(),
    random: platform.random,
    stepResult: (place) => channel.largeValues.stepResult(place),
    checkLease: () => channel.confirmLease(),
    stepSpan: (step, work, stepSignal) =>
      platform.span(
        "operation.step",
        { ...spanAttributes(channel.claimed, method), "operation.step": step },
        work,
        stepSignal,
      ),
    log: (fields) => platform.log("log", { ...fields, method: method.id }),
    signal,
    input,
    hasDefaultMetadata: method.metadataType === undefined,
    yieldTime: platform.now() + invocationMs * YIELD_AFTER_PART,
  };
}

/** 256 bits, as base64url. */
function secret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function spanAttributes({ name, attempt: number, traceparent }: Claimed, { id }: Method): SpanAttributes {
  return {
    "operation.name": name,
    "operation.method": id,
    "operation.attempt": number,
    "operation.traceparent": traceparent,
  };
}
