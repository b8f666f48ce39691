// The way of waits and watches to the operation's object: a hibernatable socket, subscribed to again after a cut or a failure,
// until their time is over. Deploys and crashes of the object interrupt a wait and never end it.
import type { Access } from "../../iam/access";
import { MAX_CALL_MS, MAX_HELD_MS, UNAVAILABLE_RETRY_SECONDS } from "../../limits";
import {
  ACCESS_HEADER,
  AWAITED_HEADER,
  type Absence,
  type Awaited,
  type EndSoon,
  KNOWN_HEADER,
  NAME_HEADER,
  OUTPUT_HEADER,
  OWN_RIGHT_HEADER,
  type OperationAnswer,
  type OutputAnswer,
  type ReadAnswer,
  WAITERS_HEADER,
  WAIT_PATH,
} from "../../contract/answer";
import { RpcError, unavailable } from "../../rpc/error";
import type { SignalledRequest } from "../../service/ports";
import { withinLimit } from "../../time-limit";
import {
  CallTimedOut,
  type ObjectAddress,
  callObject,
  isOverloaded,
  isRetryable,
  orEarlier,
  overloadedRetrySeconds,
  pause,
} from "../object-call";
import type { OperationObject } from "./operation-object";
import { type Crowd, resubscribeDelayMs, returnDelayMs } from "./return-delay";
import { HeardOutput, Inbox, answerFrom } from "./wait-inbox";

/** The caller's access, and the time (milliseconds since 1970) until which a wait may rely on it. */
export interface Judgement {
  access: Access;
  endTime: number;
}

export interface Subscription {
  address: ObjectAddress<OperationObject>;
  name: string;
  request?: SignalledRequest | undefined;
  judgement: Judgement;
  /**
   * Judges the caller again, each time a judgement has expired. Throws UNAVAILABLE where that is not possible now. `held`: an
   * access that lasts as long as the caller's credentials.
   */
  judge(this: void, held?: Access): Promise<Judgement>;
  /** An answer from elsewhere, asked for once if the first subscription fails. */
  readInstead?: (() => Promise<ReadAnswer | undefined>) | undefined;
}

export interface Wait extends Subscription {
  timeoutMs: number;
  /** An If-None-Match: the wait is for a state that it does not have. Without it, the wait is for the end. */
  known?: string | undefined;
}

/** The operation once what is awaited has come, or its latest state after `timeoutMs`. */
export async function wait(asked: Wait): Promise<ReadAnswer | Absence> {
  const { timeoutMs, known } = asked;
  const awaited = known === undefined ? "end" : "change";
  const waiting = new Waiting(asked, { awaited, known, endTime: Date.now() + timeoutMs });
  const heard = await waiting.next();
  return typeof heard === "object" || heard === "DENIED" || heard === "NOT_FOUND" ? heard : waiting.latest();
}

/** How one subscription ended, where it did not answer the wait. */
type Interruption = "cut" | "full" | "comeAndGet" | "judgeAnew" | "timeIsUp";

interface Aim {
  awaited: Awaited;
  known: string | undefined;
  endTime: number;
}

export class Waiting {
  readonly #asked: Subscription;
  readonly #awaited: Awaited;
  /** An If-None-Match of the states that the caller has. */
  known: string | undefined;
  endTime: number;
  /** Calls of objects so far. */
  calls = 0;
  readonly output = new HeardOutput();
  #inbox: Inbox | undefined;
  #judgement: Judgement;
  /** Waiters on the operation when this one subscribed; undefined: it never has. */
  #waiters: number | undefined;
  #failures = 0;
  #hasAskedForEnd = false;
  /** Of the client. It is asked for when the wait takes a socket: most waits end before. */
  #signal: AbortSignal | undefined;
  /** Its timer rang. By then the clock may show less: it stands still between I/O. */
  #isTimeUp = false;

  constructor(asked: Subscription, { awaited, known, endTime }: Aim) {
    this.#asked = asked;
    this.#awaited = awaited;
    this.known = known;
    this.endTime = endTime;
    this.#judgement = asked.judgement;
  }

  /** The next message; undefined: the time is up. */
  async next(): Promise<ReadAnswer | Absence | "known" | "output" | undefined> {
    while (this.#remainingMs() > 0) {
      const heard = await this.#hearOnce().catch((error: unknown) => this.#recover(error));
      switch (heard) {
        case "judgeAnew":
        case "recovered":
          continue;
        case "timeIsUp":
          return undefined;
        case "full":
          if (this.#waiters === undefined) throw tooManyWaiters();
          this.#failures += 1;
          await this.#pause(resubscribeDelayMs(this.crowd, Math.random()));
          continue;
        case "cut":
          await this.#pause(resubscribeDelayMs(this.crowd, Math.random()));
          continue;
        default:
          return heard;
      }
    }
    return undefined;
  }

  /** One subscription, and the answer that it says is there. */
  async #hearOnce(): Promise<OperationAnswer | Absence | "known" | "output" | Exclude<Interruption, "comeAndGet">> {
    const heard = await this.#subscribe();
    if (heard !== "comeAndGet") return heard;
    // The crowd is told in one moment and does not come in one.
    await this.#pause(returnDelayMs(this.#waiters ?? 0, Math.random()));
    return this.latest();
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
      : resubscribeDelayMs(this.crowd, Math.random());
    await this.#pause(delayMs);
    return "recovered";
  }

  /** The output from an offset on. */
  async readOutput(offset: number): Promise<OutputAnswer | Absence> {
    const { address, name } = this.#asked;
    this.calls += 1;
    const { access } = await this.#validJudgement();
    return callObject(address, async (stub): Promise<OutputAnswer | Absence> => stub.output(name, offset, access));
  }

  /** The last look. */
  async latest(): Promise<OperationAnswer | Absence> {
    const { address, name } = this.#asked;
    this.calls += 1;
    const { access } = await this.#validJudgement();
    return callObject(address, async (stub): Promise<OperationAnswer | Absence> => stub.get(name, access));
  }

  /** 0 once the client has gone, too. */
  #remainingMs(): number {
    return this.#isTimeUp || this.#signal?.aborted ? 0 : this.endTime - Date.now();
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
  async #subscribe(): Promise<OperationAnswer | Absence | "known" | "output" | Interruption> {
    const inbox = this.#inbox ?? (await this.#connect());
    if (!(inbox instanceof Inbox)) return inbox;
    let isKept = false;
    try {
      for (;;) {
        const heard = await inbox.next(Math.min(this.endTime, this.#judgement.endTime));
        if (heard !== undefined) {
          isKept = this.#awaited === "changes" && heard !== "cut";
          return heard;
        }
        this.#isTimeUp = this.endTime <= this.#judgement.endTime;
        if (this.#isTimeUp) return "timeIsUp";
        const { access } = this.#judgement;
        this.#judgement = await this.#asked.judge(inbox.hasOwnRight ? access : undefined);
        // A right from above still holds the socket; the operation's own rights are judged by its object alone.
        const isHeld = this.#judgement.access === access || (this.#judgement.access.isGranted && access.isGranted);
        if (!isHeld) return "judgeAnew";
      }
    } finally {
      if (!isKept) this.close();
    }
  }

  close(): void {
    this.#inbox?.close();
    this.#inbox = undefined;
  }

  /** Whether the socket still answers. One that does not has been cut without a word. */
  probe(): void {
    this.#inbox?.probe();
  }

  /** The crowd that comes back with this one, should it be cut. */
  get crowd(): Crowd {
    return { waiters: this.#waiters ?? 0, failures: this.#failures };
  }

  async #connect(): Promise<Inbox | OperationAnswer | Absence | "known" | "output" | Interruption> {
    const ended = await this.#endSoon();
    if (ended !== undefined) return ended;
    this.#signal ??= this.#asked.request?.signal;
    if (this.#remainingMs() <= 0) return "timeIsUp";
    const { access } = await this.#validJudgement();
    const response = await this.#open(access);
    if (response.status === 403) return "DENIED";
    if (response.status === 404) return "NOT_FOUND";
    const socket = response.webSocket;
    this.output.reaches(Number(response.headers.get(OUTPUT_HEADER) ?? 0));
    if (!socket) return response.status === 200 ? (answerFrom(await response.json()) ?? "full") : "full";
    this.#waiters = Number(response.headers.get(WAITERS_HEADER) ?? 0);
    this.#failures = 0;
    this.#inbox = new Inbox(socket, {
      signal: this.#signal,
      hasOwnRight: response.headers.has(OWN_RIGHT_HEADER),
      output: this.output,
    });
    return this.#inbox;
  }

  /**
   * The answer for an operation that has ended, or ends while its object holds the call: most do, and a call costs a tenth of a
   * socket. undefined: it goes on.
   */
  async #endSoon(): Promise<OperationAnswer | Absence | "known" | "comeAndGet" | undefined> {
    if (this.#awaited !== "end" || this.#hasAskedForEnd || this.#remainingMs() <= 2 * MAX_HELD_MS) return undefined;
    this.#hasAskedForEnd = true;
    this.calls += 1;
    const { address, name } = this.#asked;
    const { access } = await this.#validJudgement();
    const ask = async (): Promise<EndSoon> => address.newStub().endSoon(name, access);
    const heard = await orEarlier(
      "endSoon",
      () => this.#inTime(ask()),
      async () => undefined,
    );
    return typeof heard === "object" ? answerFrom(heard) : heard;
  }

  /** A silent object does not make the wait longer. */
  #inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const limitMs = Math.min(MAX_CALL_MS, Math.max(1, this.#remainingMs()));
    return withinLimit(answer, limitMs, () => {
      throw new CallTimedOut(limitMs);
    });
  }

  async #open(access: Access): Promise<Response> {
    const { address, name } = this.#asked;
    this.calls += 1;
    const opened = address.newStub().fetch(`https://operation${WAIT_PATH}`, {
      headers: {
        Upgrade: "websocket",
        [NAME_HEADER]: encodeURIComponent(name),
        [ACCESS_HEADER]: encodeURIComponent(JSON.stringify(access)),
        [AWAITED_HEADER]: this.#awaited,
        [KNOWN_HEADER]: encodeURIComponent(this.known ?? ""),
      },
    });
    try {
      return await this.#inTime(opened);
    } catch (error) {
      // A socket that comes too late would count as a waiter until the object is reset.
      if (error instanceof CallTimedOut) void opened.then(dismiss, () => undefined);
      throw error;
    }
  }
}

function dismiss({ webSocket }: Response): void {
  webSocket?.accept();
  webSocket?.close(1000);
}

/** Failures that pass: the platform's, a silent object, and a judgement that is not possible now. */
function isPassing(error: unknown): boolean {
  if (error instanceof RpcError) return error.code === "UNAVAILABLE";
  return isRetryable(error) || isOverloaded(error) || error instanceof CallTimedOut;
}

function tooManyWaiters(): RpcError {
  return unavailable("Too many clients wait on this operation. Try again.", UNAVAILABLE_RETRY_SECONDS);
}
