// The work under way in an invocation under test: time passes only when the method waits for nothing else.

// Real timers, even where a test replaces them.
const { setImmediate: realImmediate, setTimeout: realTimeout } = globalThis;
const realNow = performance.now.bind(performance);

/** How many turns of the event loop must bring nothing before an invocation counts as idle. */
const IDLE_TURNS = 3;
/** After so many milliseconds without news the event loop is looked at less often. */
const EAGER_MS = 5;

/** A turn of the event loop, after all microtasks. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void realImmediate(resolve));
}

export class Activity {
  /** Functions of steps that run. */
  steps = 0;
  /** Turns of the event loop that the replay waits for. */
  #turns = 0;
  /** Timers of the replay: the method waits for a sleep. */
  #sleeps = 0;
  /** Steps that take time by the test's clock. */
  #virtualSteps = 0;
  #news = 0;

  /** Something happened that the method may react to. */
  note(): void {
    this.#news += 1;
  }

  async turn(): Promise<void> {
    this.#turns += 1;
    await turn();
    this.#turns -= 1;
    this.note();
  }

  sleepBegins(): () => void {
    this.#sleeps += 1;
    this.note();
    return once(() => {
      this.#sleeps -= 1;
      this.note();
    });
  }

  virtualStepBegins(): () => void {
    this.#virtualSteps += 1;
    this.note();
    return once(() => {
      this.#virtualSteps -= 1;
      this.note();
    });
  }

  stepBegins(): () => void {
    this.steps += 1;
    this.note();
    return once(() => {
      this.steps -= 1;
      this.note();
    });
  }

  /** Whether the method waits for the clock, and for nothing else that is known. */
  get waitsForTime(): boolean {
    return this.#turns === 0 && this.steps === 0 && (this.#sleeps > 0 || this.#virtualSteps > 0);
  }

  /**
   * Resolves when a condition has held for a few turns that brought nothing.
   * @throws Error with `stuckMessage` if nothing has happened for `patienceMs` of real time.
   */
  async until(condition: () => boolean, { patienceMs, stuckMessage }: Patience): Promise<void> {
    let newsTime = realNow();
    let news = this.#news;
    for (let idleTurns = 0; idleTurns < IDLE_TURNS;) {
      const quietMs = realNow() - newsTime;
      if (quietMs > patienceMs) throw new Error(stuckMessage());
      if (idleTurns > 0 || quietMs < EAGER_MS) await turn();
      else await new Promise((resolve) => void realTimeout(resolve, 1));
      idleTurns = condition() && news === this.#news ? idleTurns + 1 : 0;
      if (news !== this.#news) newsTime = realNow();
      news = this.#news;
    }
  }
}

export interface Patience {
  /** By the real clock. */
  patienceMs: number;
  stuckMessage(this: void): string;
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}
