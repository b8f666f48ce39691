// Simulated time: what happens next, to whom, and by whose clock. One event at a time, each to the end of its promises.

/** Whoever has a clock and may die: an object's instance, a consumer's invocation, a client. */
export class Actor {
  readonly name: string;
  alive = true;
  /** By how much its clock is ahead of the true time. */
  skewMs = 0;
  /** Nothing happens to it before: a process that was stopped and goes on later. */
  frozenUntil = 0;
  /** Its clock was set back while it ran: what it believes of its lease may be wrong. */
  wasSetBack = false;

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
}

export class Scheduler {
  /** The true time, in milliseconds since 1970. */
  now: number;
  /** Whose code runs. */
  current: Actor;
  readonly nobody = new Actor("nobody");
  #order = 0;
  readonly #heap: Scheduled[] = [];

  constructor(now: number) {
    this.now = now;
    this.current = this.nobody;
  }

  /** The time by the clock of whoever runs. */
  clock(actor: Actor = this.current): number {
    return this.now + actor.skewMs;
  }

  at(time: number, actor: Actor, run: () => void): void {
    if (Number.isNaN(time)) throw new TypeError(`${actor.name} wants something to happen at no time`);
    const heap = this.#heap;
    this.#order += 1;
    const scheduled = { time: Math.max(time, this.now), order: this.#order, actor, run };
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

  /** When the next event is; undefined where there is none. */
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
      this.at(actor.frozenUntil, actor, next.run);
      return false;
    }
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
