// WaitOperation's way to the operation's object: a hibernatable socket, subscribed to anew after a cut or a failure, until
// the wait's time is over. Deploys and crashes of the object interrupt a wait and never end it.
import type { Access } from "../../iam/access";
import {
  MAX_CALL_MS,
  MAX_WAIT_RETURN_MS,
  MIN_WAIT_RETURN_MS,
  UNAVAILABLE_RETRY_SECONDS,
  WAITERS_RETURNING_PER_SECOND,
} from "../../limits";
import {
  ACCESS_HEADER,
  type Absence,
  NAME_HEADER,
  type OperationAnswer,
  type ReadAnswer,
  WAITERS_HEADER,
  WAIT_PATH,
  type WaitMessage,
} from "../../contract/answer";
import { RpcError, unavailable } from "../../rpc/error";
import {
  CallTimedOut,
  type ObjectAddress,
  callObject,
  isOverloaded,
  isRetryable,
  overloadedRetrySeconds,
  pause,
  withinLimit,
} from "../object-call";
import type { OperationObject } from "./operation-object";

/** The caller's access, and the time (milliseconds since 1970) until which a wait may rely on it. */
export interface Judgement {
  access: Access;
  endTime: number;
}

export interface Wait {
  address: ObjectAddress<OperationObject>;
  name: string;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  judgement: Judgement;
  /** Judges the caller anew, each time a judgement has run out. Throws UNAVAILABLE where that is not possible now. */
  judge(this: void): Promise<Judgement>;
  /** An answer from elsewhere, asked for once if the first subscription fails. */
  readInstead?: (() => Promise<ReadAnswer | undefined>) | undefined;
}

/** The operation once it is done, or its latest state after `timeoutMs`. */
export function wait(asked: Wait): Promise<ReadAnswer | Absence> {
  return new Waiting(asked).run();
}

/** How one subscription ended, where it did not answer the wait. */
type Interruption = "cut" | "full" | "comeAndGet" | "judgeAnew" | "timeIsUp";

class Waiting {
  readonly #asked: Wait;
  readonly #endTime: number;
  #judgement: Judgement;
  /** Waiters on the operation when this one subscribed; undefined: it never has. */
  #waiters: number | undefined;
  #failures = 0;
  /** Its timer rang. By then the clock may show less: it stands still between I/O. */
  #isTimeUp = false;

  constructor(asked: Wait) {
    this.#asked = asked;
    this.#endTime = Date.now() + asked.timeoutMs;
    this.#judgement = asked.judgement;
  }

  async run(): Promise<ReadAnswer | Absence> {
    while (this.#remainingMs() > 0) {
      const heard = await this.#hearOnce().catch((error: unknown) => this.#recover(error));
      switch (heard) {
        case "judgeAnew":
        case "recovered":
          continue;
        case "timeIsUp":
          return this.#latest();
        case "full":
          if (this.#waiters === undefined) throw tooManyWaiters();
          this.#failures += 1;
          await this.#pause(resubscribeDelayMs(this.#crowd(), Math.random()));
          continue;
        case "cut":
          await this.#pause(resubscribeDelayMs(this.#crowd(), Math.random()));
          continue;
        default:
          return heard;
      }
    }
    return this.#latest();
  }

  /** One subscription, and the answer that it says is there. */
  async #hearOnce(): Promise<OperationAnswer | Absence | Exclude<Interruption, "comeAndGet">> {
    const heard = await this.#subscribe();
    if (heard !== "comeAndGet") return heard;
    // The crowd is told in one moment and does not come in one.
    await this.#pause(returnDelayMs(this.#waiters ?? 0, Math.random()));
    return this.#latest();
  }

  /** After a subscription failed: an answer from elsewhere, or a pause. */
  async #recover(error: unknown): Promise<ReadAnswer | "recovered"> {
    if (!isPassing(error)) throw error;
    const isFirst = this.#waiters === undefined && this.#failures === 0;
    const instead = isFirst ? await this.#asked.readInstead?.() : undefined;
    if (instead) return instead;
    this.#failures += 1;
    const delayMs = isOverloaded(error)
      ? overloadedRetrySeconds(Math.random()) * 1_000
      : resubscribeDelayMs(this.#crowd(), Math.random());
    await this.#pause(delayMs);
    return "recovered";
  }

  /** The last look. */
  async #latest(): Promise<OperationAnswer | Absence> {
    const { address, name } = this.#asked;
    const { access } = await this.#validJudgement();
    return callObject(address, async (stub): Promise<OperationAnswer | Absence> => stub.get(name, access));
  }

  /** 0 once the client has gone, too. */
  #remainingMs(): number {
    return this.#isTimeUp || this.#asked.signal?.aborted ? 0 : this.#endTime - Date.now();
  }

  #crowd(): Crowd {
    return { waiters: this.#waiters ?? 0, failures: this.#failures };
  }

  /** Not beyond the end of the wait: a wait that is cut near its end is answered by the last look. */
  async #pause(ms: number): Promise<void> {
    const remainingMs = this.#remainingMs();
    if (remainingMs <= 0 || ms <= 0) return;
    await pause(Math.min(ms, remainingMs));
    this.#isTimeUp = ms >= remainingMs;
  }

  async #validJudgement(): Promise<Judgement> {
    if (this.#judgement.endTime <= Date.now()) this.#judgement = await this.#asked.judge();
    return this.#judgement;
  }

  /** Hangs on one socket for as long as that lasts. */
  async #subscribe(): Promise<OperationAnswer | Absence | Interruption> {
    const { access } = await this.#validJudgement();
    const response = await this.#open(access);
    if (response.status === 403) return "DENIED";
    if (response.status === 404) return "NOT_FOUND";
    const socket = response.webSocket;
    if (!socket) return response.status === 200 ? answerFrom(await response.json<WaitMessage>()) : "full";
    this.#waiters = Number(response.headers.get(WAITERS_HEADER) ?? 0);
    this.#failures = 0;
    const message = hear(socket, this.#asked.signal);
    try {
      for (;;) {
        const heard = await heardBy(message, Math.min(this.#endTime, this.#judgement.endTime));
        if (heard !== undefined) return heard;
        this.#isTimeUp = this.#endTime <= this.#judgement.endTime;
        if (this.#isTimeUp) return "timeIsUp";
        const wasGranted = this.#judgement.access.isGranted;
        this.#judgement = await this.#asked.judge();
        // A right from above still holds the socket; the operation's own rights are judged by its object alone.
        if (!this.#judgement.access.isGranted || !wasGranted) return "judgeAnew";
      }
    } finally {
      if (socket.readyState === WebSocket.READY_STATE_OPEN) socket.close(1000, "finished");
    }
  }

  async #open(access: Access): Promise<Response> {
    const { address, name } = this.#asked;
    const opened = address.newStub().fetch(`https://operation${WAIT_PATH}`, {
      headers: {
        Upgrade: "websocket",
        [NAME_HEADER]: encodeURIComponent(name),
        [ACCESS_HEADER]: encodeURIComponent(JSON.stringify(access)),
      },
    });
    try {
      return await withinLimit(opened, Math.min(MAX_CALL_MS, Math.max(1, this.#remainingMs())));
    } catch (error) {
      // A socket that comes too late would count as a waiter until the object is reset.
      if (error instanceof CallTimedOut) void opened.then(dismiss, () => undefined);
      throw error;
    }
  }
}

function dismiss({ webSocket }: Response): void {
  webSocket?.accept();
  webSocket?.close(1000, "finished");
}

/** Failures that pass: the platform's, a silent object, and a judgement that is not possible now. */
function isPassing(error: unknown): boolean {
  if (error instanceof RpcError) return error.code === "UNAVAILABLE";
  return isRetryable(error) || isOverloaded(error) || error instanceof CallTimedOut;
}

function tooManyWaiters(): RpcError {
  return unavailable("Too many clients wait on this operation. Try again.", UNAVAILABLE_RETRY_SECONDS);
}

function answerFrom(message: WaitMessage): OperationAnswer | "NOT_FOUND" | "comeAndGet" {
  switch (message.type) {
    case "operation":
      return message.answer;
    case "gone":
      return "NOT_FOUND";
    case "done":
      return "comeAndGet";
    default:
      return message satisfies never;
  }
}

type Heard = OperationAnswer | "NOT_FOUND" | "comeAndGet" | "cut" | "timeIsUp";

/** The one message of a waiter's socket, or how it ended without. */
function hear(socket: WebSocket, signal: AbortSignal | undefined): Promise<Heard> {
  return new Promise((resolve) => {
    socket.addEventListener("message", ({ data }) => resolve(answerFrom(JSON.parse(data as string) as WaitMessage)));
    socket.addEventListener("close", () => resolve("cut"));
    socket.addEventListener("error", () => resolve("cut"));
    // A wait whose client has gone is over.
    signal?.addEventListener("abort", () => resolve("timeIsUp"), { once: true });
    socket.accept();
  });
}

/** undefined: nothing was heard by `time`. */
async function heardBy(heard: Promise<Heard>, time: number): Promise<Heard | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, time - Date.now()));
  });
  try {
    return await Promise.race([heard, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The crowd that returns with this waiter: the number of waiters when it subscribed, and its failures since. */
interface Crowd {
  waiters: number;
  failures: number;
}

/**
 * How long a waiter stays away after an interruption; `random` is 0 ≤ r < 1. Each waits from half of its window to all of
 * it, and the n-th waiter's window is n / WAITERS_RETURNING_PER_SECOND seconds, so that a crowd of any size returns at a
 * constant rate (ln 4 times that number) and a few return at once.
 */
export function resubscribeDelayMs({ waiters, failures }: Crowd, random: number): number {
  const backoffMs = Math.min(MAX_WAIT_RETURN_MS, MIN_WAIT_RETURN_MS * 2 ** failures);
  return jittered(Math.max(backoffMs, crowdWindowMs(waiters)), random);
}

/** How long a waiter that was told to come and get the answer stays away: one of a few, not at all. */
export function returnDelayMs(waiters: number, random: number): number {
  const windowMs = crowdWindowMs(waiters);
  return windowMs < MIN_WAIT_RETURN_MS ? 0 : jittered(windowMs, random);
}

function crowdWindowMs(waiters: number): number {
  return (waiters / WAITERS_RETURNING_PER_SECOND) * 1_000;
}

function jittered(windowMs: number, random: number): number {
  return (windowMs / 2) * (1 + random);
}
