// The object's end of runs by call. Direct dispatch: the object calls the runner of its own Worker, and holds the call. The
// queue: a runner claims the work by a call, whose session holds until its socket is open. Either calls the object back.
// https://developers.cloudflare.com/workers/runtime-apis/context/#exports
// https://developers.cloudflare.com/workers/runtime-apis/rpc/lifecycle/
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
  /** The call, or the session, has ended without a result. */
  lost(this: void): Promise<void>;
}

/** The runs by call that are under way in this object: one of the current token, and earlier ones that end soon. */
export class DirectRuns {
  #current: DirectRun | undefined;

  /** Whether the call, or the session, of the runner that holds `fence` is under way. */
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
    const run = this.#begin(claimed);
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

  /** Takes the calls of a runner that has claimed the work, until its session ends or its socket opens. */
  open(claimed: Claimed, port: DirectRunPort): SessionCalls {
    const run = this.#begin(claimed);
    return new SessionCalls(run, port, () => {
      if (this.#current !== run) return;
      this.#current = undefined;
      void port.lost();
    });
  }

  /** The runner that holds `fence` has opened its socket, over which it repeats the messages that have no answer yet. */
  supersede(fence: string): void {
    if (this.#current?.fence !== fence) return;
    this.#current.isSuperseded = true;
    this.#current = undefined;
  }

  #begin(claimed: Claimed): DirectRun {
    this.#current?.tell({ type: "stop" });
    return (this.#current = new DirectRun(claimed));
  }
}

type ToldNotice = Exclude<Notice, { type: "leaseKept" }>;

/** One run by call. */
class DirectRun {
  readonly fence: string;
  isSuperseded = false;
  /** When the runner last called; at first, when the run began. */
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

  async send(message: MessageToObject): Promise<MessageToRunner | undefined> {
    this.#run.heardTime = Date.now();
    // A message that the socket has overtaken must not undo a later one.
    return this.#run.isSuperseded ? undefined : this.#port.hear(message);
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

/** The same for a session, whose end is an event of its own. */
class SessionCalls extends RunnerCalls {
  readonly #ended: () => void;

  constructor(run: DirectRun, port: DirectRunPort, ended: () => void) {
    super(run, port);
    this.#ended = ended;
  }

  /** The platform calls it when the runner has disposed of its stub, or is gone. */
  [Symbol.dispose](): void {
    this.#ended();
  }
}
