// The object's end of direct dispatch: calls the runner of its own Worker, holds the call, and answers what the runner calls
// back. https://developers.cloudflare.com/workers/runtime-apis/context/#exports
import { RpcTarget } from "cloudflare:workers";
import { KEEP_ALIVES_PER_LEASE } from "../../limits";
import { type DirectObject, type Notice, RUNNER_EXPORT } from "../../contract/direct-run";
import type { Claimed, MessageToObject, MessageToRunner } from "../../contract/run-channel";
import { exportedRunner } from "./exported-runner";

/** The ports that a run needs from its object. */
export interface DirectRunPort {
  /** Takes a message; gives the answer of the run channel. */
  hear(this: void, message: MessageToObject): Promise<MessageToRunner | undefined>;
  request(this: void, request: Request): Promise<Response>;
  /** The call has ended without a result. */
  lost(this: void): Promise<void>;
}

/** The calls to runners that are under way in this object: one of the current token, and earlier ones that end soon. */
export class DirectRuns {
  #current: DirectRun | undefined;

  /** Whether the call of the runner that holds `fence` is under way. */
  isConnected(fence: string): boolean {
    return this.#current?.fence === fence;
  }

  /** When the runner that holds `fence` last called the object (milliseconds since 1970). */
  lastKeepAliveTime(fence: string): number | undefined {
    return this.#current?.fence === fence ? this.#current.heardTime : undefined;
  }

  tell(message: ToldNotice): void {
    this.#current?.tell(message);
  }

  /** Calls the runner and holds the call. Never throws: work that is lost here is sent through the queue after its lease. */
  async run(claimed: Claimed, port: DirectRunPort): Promise<void> {
    const { fence, name: operation } = claimed;
    this.#current?.tell({ type: "stop" });
    const run = new DirectRun(claimed);
    this.#current = run;
    let settled: MessageToRunner | undefined;
    try {
      const runner = exportedRunner();
      if (!runner) throw new Error(`the Worker does not export ${RUNNER_EXPORT}`);
      const lastWord = await runner.run(claimed, new RunnerCalls(run, port), Date.now());
      if (lastWord) settled = await port.hear({ ...lastWord, fence });
    } catch (error) {
      console.warn({ message: "direct run lost; it is sent through the queue", operation, error: String(error) });
    }
    run.end();
    if (this.#current === run) this.#current = undefined;
    if (!settled) await port.lost();
  }
}

type ToldNotice = Exclude<Notice, { type: "leaseKept" }>;

/** One call to a runner. */
class DirectRun {
  readonly fence: string;
  /** When the runner last called back; at first, when it was called. */
  heardTime = Date.now();
  readonly #listenMs: number;
  /** Messages that the runner has not asked for yet. */
  readonly #notices: ToldNotice[] = [];
  #listener: ((notice: Notice) => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ fence, leaseMs }: Claimed) {
    this.fence = fence;
    this.#listenMs = leaseMs / KEEP_ALIVES_PER_LEASE;
  }

  tell(notice: ToldNotice): void {
    if (this.#listener) this.#answer(notice);
    else this.#notices.push(notice);
  }

  listen(): Promise<Notice> {
    const notice = this.#notices.shift();
    if (notice) return Promise.resolve(notice);
    return new Promise((resolve) => {
      this.#listener = resolve;
      this.#timer = setTimeout(() => this.#answer({ type: "leaseKept" }), this.#listenMs);
    });
  }

  end(): void {
    this.#answer({ type: "stop" });
  }

  #answer(notice: Notice): void {
    clearTimeout(this.#timer);
    this.#listener?.(notice);
    this.#listener = undefined;
  }
}

/** The methods of the object that its runner may call. */
class RunnerCalls extends RpcTarget implements DirectObject {
  readonly #run: DirectRun;
  readonly #port: DirectRunPort;

  constructor(run: DirectRun, port: DirectRunPort) {
    super();
    this.#run = run;
    this.#port = port;
  }

  send(message: MessageToObject): Promise<MessageToRunner | undefined> {
    this.#run.heardTime = Date.now();
    return this.#port.hear(message);
  }

  listen(): Promise<Notice> {
    this.#run.heardTime = Date.now();
    return this.#run.listen();
  }

  request(request: Request): Promise<Response> {
    this.#run.heardTime = Date.now();
    return this.#port.request(request);
  }
}
