// One call of a method's handler, and its final message: its outcome, or the reason why the invocation ends.
import { MAX_INLINE_RESULT_CHARACTERS, MAX_RESPONSE_BYTES } from "../limits";
import { boundedStatus } from "../method/bounded-status";
import type { Method } from "../method/define-method";
import { isMisuse } from "../method/misuse";
import { responseJson } from "../method/response-json";
import type { LastWord, News } from "../contract/run-channel";
import type { JsonObject } from "../rpc/any";
import { Code } from "../rpc/code";
import { RpcError } from "../rpc/error";
import type { Status } from "../rpc/status";
import { fitsUtf8 } from "../rpc/utf8";
import { declaredStatus, isRetried } from "./declared-status";
import { emulatedOutcome } from "./emulated-work";
import { InvocationLimitReached } from "./invocation-limit";
import type { Ending } from "./invocation";
import { RunContext } from "./operation-context";
import type { RunPorts } from "./run-ports";
import type { Channel } from "./channel";
import type { RunPlatform } from "./run-platform";
import type { RunSignal } from "./run-signal";
import { thrownFields, thrownText } from "./thrown";

type HandlerEnd = { type: "returned"; response: unknown } | { type: "threw"; error: unknown };

/** The parts of the run channel that a call of a handler needs. */
export type AttemptChannel = Pick<Channel, "claimed" | "largeValues">;

export interface AttemptOptions {
  ports(this: void, input: RunPorts["input"]): RunPorts;
  /** Runs the handler within a span of the platform's traces. */
  span<T>(this: void, work: () => Promise<T>): Promise<T>;
  log: RunPlatform["log"];
  signal: RunSignal;
  invocationMs: number;
  /** Open mode: the inner text of an unclassified error may be shown to clients. */
  showInnerErrors: boolean;
}

/** One call of a method's handler, and its final message. */
export class Attempt {
  readonly #channel: AttemptChannel;
  readonly #method: Method;
  readonly #options: AttemptOptions;
  #context: RunContext | undefined;
  /** Before the handler is called. */
  readonly #received: News[] = [];
  /** Set if the handler has failed, while its other steps run to their ends. */
  #failure: LastWord | undefined;

  constructor(channel: AttemptChannel, method: Method, options: AttemptOptions) {
    this.#channel = channel;
    this.#method = method;
    this.#options = options;
  }

  /** Suspensions were answered or have expired, and children have ended, since the claim. */
  receive(news: News): void {
    if (this.#context) this.#context.receive(news);
    else this.#received.push(news);
  }

  get isWorking(): boolean {
    return this.#context?.isWorking ?? false;
  }

  /** The final message if the invocation must end now. */
  atLimit(): LastWord {
    this.#context?.close();
    // Sent before the final message, which does not wait for its answer.
    void this.#context?.outputFinished();
    return this.#withProgress(this.#failure ?? this.#yield());
  }

  /** Never throws: every outcome becomes the final message. */
  async run(): Promise<LastWord> {
    try {
      const { claimed } = this.#channel;
      const input = claimed.inputBytes === undefined ? undefined : await this.#channel.largeValues.input();
      const context = new RunContext(claimed, this.#options.ports(input));
      this.#context = context;
      for (const news of this.#received) context.receive(news);
      const ending = await this.#options.span(() => Promise.race([this.#call(context), context.ended]));
      context.close();
      const lastWord = await this.#lastWord(ending);
      this.#logStepFailures(ending.type === "threw" ? ending.error : undefined);
      await context.outputFinished();
      return this.#withProgress(lastWord);
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
    // A handler whose signal says that the invocation is over may return a part of its work, so its result is ignored.
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
      case "suspend":
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

  /** A retry waits until the steps beside the failed one have ended: their results are stored, and do not run again. */
  async #afterSiblings(lastWord: LastWord & { type: "fail" }): Promise<LastWord> {
    if (!lastWord.retryable) return lastWord;
    this.#failure = lastWord;
    await this.#context?.stepsSettled();
    return lastWord;
  }

  /** The handler has caught these failures, or did not await their steps. `thrown` has a line of its own. */
  #logStepFailures(thrown: unknown): void {
    const { name: operation, attempt } = this.#channel.claimed;
    const { signal, log } = this.#options;
    for (const { name: step, thrown: error } of this.#context?.takeUnloggedFailures() ?? []) {
      if (error === thrown || error === signal.reason) continue;
      log("warn", {
        message: "step failed",
        operation,
        method: this.#method.id,
        attempt,
        step,
        ...thrownFields(error),
      });
    }
  }

  #failed(error: unknown): LastWord & { type: "fail" } {
    const { showInnerErrors, log } = this.#options;
    return failure(error, { channel: this.#channel, method: this.#method, showInnerErrors, log });
  }

  #withProgress(lastWord: LastWord): LastWord {
    const progress = this.#context?.takeProgress();
    return progress ? { ...lastWord, progress } : lastWord;
  }
}

async function succeeded(channel: AttemptChannel, method: Method, response: unknown): Promise<LastWord> {
  const json = responseJson(method.responseType, response);
  if (json.length <= MAX_INLINE_RESULT_CHARACTERS) return { type: "succeed", outcome: { response: json } };
  const { maxResultBytes = MAX_RESPONSE_BYTES } = channel.claimed;
  if (!fitsUtf8(json, maxResultBytes)) {
    const message =
      `The response of ${method.id} is larger than ${maxResultBytes} bytes of JSON: store it elsewhere and return ` +
      "where it is, or declare a larger maxResultBytes.";
    throw new RpcError("RESOURCE_EXHAUSTED", message, { reason: "RESPONSE_TOO_LARGE" });
  }
  const outcome = await channel.largeValues.saveResponse(json);
  // Refused: another runner has the work, and the object also tells that to this final message.
  return { type: "succeed", outcome: outcome ?? { response: "{}" } };
}

interface Failure {
  channel: AttemptChannel;
  method: Method;
  showInnerErrors: boolean;
  log: RunPlatform["log"];
}

/** The final message of an attempt that failed. Never throws. */
function failure(error: unknown, { channel, method, showInnerErrors, log }: Failure): LastWord & { type: "fail" } {
  const declared = declaredStatus(error);
  if (declared && !isMisuse(error)) {
    return { type: "fail", error: boundedStatus(declared), retryable: isRetried(error) };
  }
  const { name, attempt: number, cancelRequested } = channel.claimed;
  log("error", {
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
