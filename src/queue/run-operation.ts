// Runs one attempt of a method's function for a claimed operation, within the limits of an invocation.
import { INVOCATION_GRACE_MS, MAX_INLINE_RESULT_CHARACTERS, MAX_TURNS_AT_ONCE, YIELD_AFTER_PART } from "../limits";
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
import { RunSignal } from "./run-signal";

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
  const signal = new RunSignal();
  const { promise: stopped, resolve: stop } = Promise.withResolvers<undefined>();
  channel.listen({
    onCancel: () => signal.abort(new RpcError("CANCELLED", "The operation was cancelled.")),
    onAnswers: (news) => attempt.receive(news),
    onStop: () => {
      signal.abort(new RpcError("ABORTED", "The runner has lost the work.", { reason: "LEASE_LOST" }));
      stop(undefined);
    },
  });
  const attempt = new Attempt(channel, method, {
    ...options,
    signal,
    ports: (input) => runPorts(channel, method, { ...options, signal, input }),
    span: (work) => platform.span("operation.attempt", spanAttributes(channel.claimed, method), work),
    log: platform.log,
  });
  const { promise: limit, resolve: giveUp } = Promise.withResolvers<LastWord>();
  const run = attempt.run();
  let cancelLimit: (() => void) | undefined;
  if (!(await endsAtOnce(run))) {
    channel.keepLease();
    cancelLimit = platform.atLimit(invocationMs, () => {
      signal.abort(new InvocationLimitReached("the invocation has ended"));
      cancelLimit = platform.atLimit(Math.min(INVOCATION_GRACE_MS, invocationMs), () => giveUp(attempt.atLimit()));
    });
  }
  const lastWord = await Promise.race([run, stopped, limit]);
  cancelLimit?.();
  // The signal ignores events of the channel after the handler's end, because "stop" follows every final message.
  channel.listen({ onCancel: () => {}, onAnswers: () => {}, onStop: () => {} });
  if (attempt.isWorking)
    signal.abort(new RpcError("ABORTED", "The operation's function has ended.", { reason: "HANDLER_ENDED" }));
  return lastWord;
}

/** Whether work ends without waiting for anything outside, so that it needs no timer. */
async function endsAtOnce(work: Promise<unknown>): Promise<boolean> {
  const ended: unknown[] = [];
  void work.then((outcome) => ended.push(outcome));
  for (let turns = 0; turns < MAX_TURNS_AT_ONCE && ended.length === 0; turns += 1) await Promise.resolve();
  return ended.length > 0;
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
    save: (message) =>
      message.type === "saveStep" && message.result.length > MAX_INLINE_RESULT_CHARACTERS
        ? channel.largeValues.saveStep(message)
        : channel.save(message),
    largeValues: channel.largeValues,
    children,
    newSecret: () => secret(),
    random: platform.random,
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
