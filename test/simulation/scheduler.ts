// Simulated time: what happens next, to whom, and by whose clock. One event at a time, each to the end of its promises.

/** How far ahead the clock of an object may be. */
export const MAX_CLOCK_AHEAD_MS = 30_000;

export interface FailedCall {
  /** Whom it was to reach. */
  callee: object;
  method: string;
  beginTime: number;
  time: number;
  error: Error & { retryable?: boolean; overloaded?: boolean };
}

/** A party that has a clock and may die: an object's instance, a consumer's invocation, a client. */
export class Actor {
  readonly name: string;
  alive = true;
  /** By how much its clock is ahead of the true time. */
  skewMs = 0;
  /** Nothing happens to it before: a process that was stopped and goes on later. */
  frozenUntil = 0;
  /** Its clock was set back, or its machine stopped while it computed: what it believes of its lease may be wrong. */
  wasSetBack = false;
  /** Calls that it has made: an invocation of a Worker has a thousand. */
  subrequests = 0;
  /** When it began what it is about. */
  beginTime = 0;
  /** Of its calls, those that failed. */
  readonly failedCalls: FailedCall[] = [];
  /** The time at which its clock stands while its code computes without an await; undefined: the clock runs. */
  stoodAt: number | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Sends something into the world; an object holds it back until what it has written is committed. */
  output(send: () => void): void {
    if (this.alive) send();
  }
}

interface Scheduled {
  time: number;
  order: number;
  actor: Actor;
  run: () => void;
  /** It is no event for whoever runs: its code just goes on. */
  keepsClock?: true;
}

export class Scheduler {
  /** The true time, in milliseconds since 1970. */
  now: number;
  /** The party whose code runs. */
  current: Actor;
  readonly nobody = new Actor("nobody");
  #order = 0;
  readonly #heap: Scheduled[] = [];

  constructor(now: number) {
    this.now = now;
    this.current = this.nobody;
  }

  /** The time by the clock of whoever runs. It advances with what is waited for, and not while code computes. */
  clock(actor: Actor = this.current): number {
    return actor.stoodAt ?? this.now + actor.skewMs;
  }

  /** The running party computes for a while: nothing else happens to it, and its clock stands still until something does. */
  compute(ms: number): Promise<void> {
    const actor = this.current;
    actor.stoodAt = this.clock(actor);
    actor.frozenUntil = Math.max(actor.frozenUntil, this.now + ms);
    return new Promise((resolve) => {
      this.#push({ time: actor.frozenUntil, order: this.#nextOrder(), actor, run: resolve, keepsClock: true });
    });
  }

  at(time: number, actor: Actor, run: () => void): void {
    if (Number.isNaN(time)) throw new TypeError(`${actor.name} wants something to happen at no time`);
    this.#push({ time: Math.max(time, this.now), order: this.#nextOrder(), actor, run });
  }

  #nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  #push(scheduled: Scheduled): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (precedes(heap[parent]!, scheduled)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = scheduled;
  }

  after(ms: number, actor: Actor, run: () => void): void {
    this.at(this.now + ms, actor, run);
  }

  /** The time of the next event; undefined without one. */
  nextTime(): number | undefined {
    return this.#heap[0]?.time;
  }

  /** Runs the next event; whether there was one that is still anybody's. */
  runNext(): boolean {
    const next = this.#pop();
    if (!next) return false;
    this.now = Math.max(this.now, next.time);
    const { actor } = next;
    if (!actor.alive) return false;
    if (actor.frozenUntil > this.now) {
      this.#push({ ...next, time: actor.frozenUntil, order: next.keepsClock ? next.order : this.#nextOrder() });
      return false;
    }
    if (!next.keepsClock) actor.stoodAt = undefined;
    this.current = actor;
    next.run();
    return true;
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && precedes(heap[child + 1]!, heap[child]!)) child += 1;
      if (precedes(last, heap[child]!)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function precedes(a: Scheduled, b: Scheduled): boolean {
  return a.time === b.time ? a.order < b.order : a.time < b.time;
}
