// The order in which a handler is given what it waits for, and the end of an invocation in which nothing can go on.
//
// A handler is called again after a sleep. If it is given the same outcomes in the same order, it makes the same calls in the
// same order: its n-th sleep is the same one, and a race has the same winner. So each outcome has a number, stored outcomes
// are delivered by their numbers, new ones behind them, and the handler goes as far as it can between any two.
import { SLEEP_LINGER_MS, UNSTORED_SLEEP_MS } from "../limits";
import type { Sleep } from "../lifecycle/record";
import type { AnswerWait } from "./answer-wait";
import { Timer } from "./timer";
import { type Wake, type Waking, Wakings } from "./wakings";

export interface ReplayPorts {
  /** Milliseconds since 1970. */
  now(this: void): number;
  /** Resolves when every promise that can continue has continued. */
  turn(this: void): Promise<void>;
  /** Runs a function later. The returned function cancels it. */
  after(this: void, ms: number, run: () => void): () => void;
}

export interface ReplayListener {
  /** The handler can make no progress before `wake`. */
  onSleep(wake: Wake): void;
  /** The same, and the invocation waits for it. */
  onSleepInPlace(wake: Wake): void;
  /** How long a sleep may be for which the invocation waits, in milliseconds. */
  inPlaceMs(): number;
  /** Whether there are failed tries of steps that are not stored. */
  hasUnsavedTries(): boolean;
  /** The handler can make no progress before one of `waits` has its outcome, or before `wake`. */
  onSuspend(waits: readonly AnswerWait[], wake: Wake | undefined): void;
  /** The handler has made all the calls that it can make for now, and the invocation continues. */
  onStay(): void;
  /** The handler waits for a call that belongs to another invocation. */
  onYield(): void;
  /** A stored outcome could not be read. */
  onFailure(error: unknown): void;
  /** A sleep is over: the handler receives it as the outcome of number `order`. `isAlone`: it awaits nothing else. */
  onWake(timer: Timer, order: number, isAlone: boolean): void;
}

/** A stored outcome of a call. It is delivered in its turn. */
interface StoredOutcome {
  order: number;
  deliver: () => void | Promise<void>;
}

/** An outcome of this invocation. It has its number, and may still have to be stored. */
interface NewOutcome {
  deliver: (() => void) | undefined;
}

export class Replay {
  readonly #ports: ReplayPorts;
  readonly #listener: ReplayListener;
  readonly #stored = new Set<StoredOutcome>();
  readonly #new: NewOutcome[] = [];
  readonly #wakings = new Wakings();
  /** Answers that are being read or checked. */
  #checksUnderWay = 0;
  #lastOrder: number;
  #outstanding = 0;
  #stepsUnderWay = 0;
  #checkpointsUnderWay = 0;
  #wantsYield = false;
  #isPumping = false;
  #isClosed = false;
  #cancelAlarm: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;

  /** `lastOrder`: the highest number of a stored outcome. */
  constructor(ports: ReplayPorts, listener: ReplayListener, lastOrder: number) {
    this.#ports = ports;
    this.#listener = listener;
    this.#lastOrder = lastOrder;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Timers that have not woken, awaited or not. */
  get timers(): Iterable<Timer> {
    return this.#wakings.timers;
  }

  nextOrder(): number {
    this.#lastOrder += 1;
    return this.#lastOrder;
  }

  /** From now on nothing is delivered: every call of the handler stays pending. */
  close(): void {
    this.#isClosed = true;
    this.#cancelAlarm?.();
    this.#cancelLinger?.();
  }

  // ── Calls that the handler awaits ────────────────────────────────────────────────────────────────────────────────

  awaitStored(order: number, deliver: () => void | Promise<void>): void {
    this.#outstanding += 1;
    this.#stored.add({ order, deliver });
    this.#wake();
  }

  /** The handler made a call that only another invocation may begin. */
  hold(): void {
    this.#outstanding += 1;
    this.#wantsYield = true;
    this.#wake();
  }

  stepBegins(): void {
    this.#outstanding += 1;
    this.#stepsUnderWay += 1;
    this.#wake();
  }

  /** A step's function has ended without an outcome, because its invocation did. */
  stepIsCut(): void {
    this.#stepsUnderWay -= 1;
    this.#wantsYield = true;
    this.#wake();
  }

  /** A try of a step has failed. The next one begins in this invocation, by calling `begin`, or in another. */
  stepRests(retryTime: number, begin: () => void): void {
    this.#stepsUnderWay -= 1;
    this.#wakings.addRest({ retryTime, begin });
    this.#wake();
  }

  /** A step's function has ended. Its outcome is delivered after those before it, when the handler awaits it. */
  stepEnds(): (deliver: () => void) => void {
    const outcome: NewOutcome = { deliver: undefined };
    this.#stepsUnderWay -= 1;
    this.#new.push(outcome);
    return (deliver) => {
      outcome.deliver = deliver;
      this.#wake();
    };
  }

  checkpointBegins(): void {
    this.#checkpointsUnderWay += 1;
    this.#wake();
  }

  /**
   * The handler continues from a checkpoint before anything else is delivered, in a replay as at first. So where the invocation is
   * to yield, it does so at once; or, while steps run, at the next call.
   */
  checkpointEnds({ isLate, deliver }: { isLate: boolean; deliver: () => void }): void {
    this.#checkpointsUnderWay -= 1;
    if (this.#isClosed) return;
    const isIdle = this.#stepsUnderWay === 0 && this.#new.length === 0 && this.#checkpointsUnderWay === 0;
    if (isLate && isIdle) {
      this.close();
      return this.#listener.onYield();
    }
    this.#wantsYield ||= isLate;
    deliver();
    this.#wake();
  }

  addTimer(sleep: Sleep, isNew: boolean): Timer {
    const timer = new Timer(sleep, { isNew, setTime: this.#ports.now(), onAwaited: () => this.#wake() });
    this.#outstanding += 1;
    this.#wakings.add(timer);
    return timer;
  }

  /** The time that the invocation may wait for a sleep has changed. */
  reconsider(): void {
    this.#wake();
  }

  /** No sleep wakes any more, and no answer arrives. */
  dropTimers(): void {
    this.#cancelAlarm?.();
    this.#wakings.clear();
  }

  addWait(wait: AnswerWait): void {
    this.#outstanding += 1;
    this.#wakings.add(wait);
  }

  /** An answer is being read or checked: until the returned function is called, the handler may still go on. */
  checkBegins(): () => void {
    this.#checksUnderWay += 1;
    this.#wake();
    return () => {
      this.#checksUnderWay -= 1;
      this.#wake();
    };
  }

  // ── Delivery ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #wake(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    if (this.#isPumping || this.#isClosed) return;
    this.#isPumping = true;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        await this.#ports.turn();
        const deliver = this.#next();
        if (!deliver) break;
        await deliver();
      }
    } catch (error) {
      if (!this.#isClosed) this.#listener.onFailure(error);
      return;
    } finally {
      this.#isPumping = false;
    }
    this.#considerGivingUp();
  }

  #next(): (() => void | Promise<void>) | undefined {
    if (this.#isClosed || this.#checkpointsUnderWay > 0) return undefined;
    for (const { begin } of this.#wakings.takeRested(this.#ports.now())) {
      this.#stepsUnderWay += 1;
      begin();
    }
    const stored = this.#nextStored();
    if (stored) return stored === WAIT ? undefined : stored;
    for (const over of this.#wakings.takeDue(this.#ports.now())) {
      const order = this.nextOrder();
      if (over instanceof Timer) this.#listener.onWake(over, order, this.#outstanding === 1);
      else over.takesOrder(order);
      this.#new.push({ deliver: () => over.wake() });
    }
    const deliver = this.#new[0]?.deliver;
    if (!deliver) return undefined;
    this.#new.shift();
    return () => {
      deliver();
      this.#outstanding -= 1;
    };
  }

  #nextStored(): (() => void | Promise<void>) | typeof WAIT | undefined {
    let next: StoredOutcome | undefined;
    for (const outcome of this.#stored) if (!next || outcome.order < next.order) next = outcome;
    const nextWaking = this.#wakings.nextStored(next?.order);
    if (nextWaking) return this.#storedWaking(nextWaking);
    if (!next) return undefined;
    const { deliver } = next;
    this.#stored.delete(next);
    return async () => {
      await deliver();
      this.#outstanding -= 1;
    };
  }

  /** An answer that is still being read or checked is delivered before what came after it. */
  #storedWaking(waking: Waking): (() => void) | typeof WAIT {
    if (!(waking instanceof Timer) && !waking.isOver) return WAIT;
    return () => {
      this.#wakings.remove(waking);
      this.#outstanding -= 1;
      waking.wake();
    };
  }

  // ── Ending the invocation ────────────────────────────────────────────────────────────────────────────────────────

  /** Called when the handler cannot continue and no outcome is left to deliver. */
  #considerGivingUp(): void {
    // A sleep that is over waits for the checkpoint, and for a stored outcome before it that is still being read. Otherwise its
    // alarm would fire again and again.
    if (this.#isClosed || this.#checkpointsUnderWay > 0) return;
    const wake = this.#wakings.earliest();
    const isOver = wake !== undefined && wake.wakeTime <= this.#ports.now();
    this.#armAlarm(isOver && this.#checksUnderWay > 0 ? undefined : wake?.wakeTime);
    if (this.#stepsUnderWay > 0 || this.#new.length > 0 || this.#checksUnderWay > 0) return this.#listener.onStay();
    if (this.#wantsYield) return this.#linger(() => this.#listener.onYield());
    const ms = wake ? wake.wakeTime - this.#ports.now() : Infinity;
    if (ms > this.#listener.inPlaceMs()) return this.#stop(wake);
    const isAnyToBeStored = this.#wakings.isAnyTimerToBeStored || this.#listener.hasUnsavedTries();
    if (wake && ms > UNSTORED_SLEEP_MS && isAnyToBeStored) this.#afterLinger(() => this.#listener.onSleepInPlace(wake));
    else this.#listener.onStay();
  }

  /** The invocation ends, if the handler waits for anything of the library's. */
  #stop(wake: Wake | undefined): void {
    const waits = this.#wakings.awaitedWaits;
    if (waits.length > 0) this.#linger(() => this.#listener.onSuspend(waits, wake));
    else if (wake) this.#linger(() => this.#listener.onSleep(wake));
  }

  #linger(giveUp: () => void): void {
    this.#afterLinger(() => {
      this.close();
      giveUp();
    });
  }

  /** Work beside the library's calls may still make one of them, so it gets a moment. */
  #afterLinger(act: () => void): void {
    this.#cancelLinger = this.#ports.after(SLEEP_LINGER_MS, act);
  }

  /** A sleep that ends while the invocation lives ends in it. */
  #armAlarm(wakeTime: number | undefined): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
    if (wakeTime === undefined) return;
    const ms = Math.max(0, wakeTime - this.#ports.now());
    if (ms > MAX_TIMER_MS) return;
    this.#cancelAlarm = this.#ports.after(ms, () => {
      this.#wakings.ring(wakeTime);
      this.#wake();
    });
  }
}

/** The next outcome is still being read or checked. */
const WAIT = Symbol("wait");

/** A longer time than setTimeout accepts is longer than any invocation. */
const MAX_TIMER_MS = 2 ** 31 - 1;
