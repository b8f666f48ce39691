// The sleeps of a handler: which stored one a call means, and which are still to be stored.
import { MAX_SLEEPS, MAX_STEP_NAME_CHARACTERS } from "../limits";
import { misuse } from "../method/misuse";
import type { Sleep } from "../lifecycle/record";
import type { Claimed } from "../contract/run-channel";
import type { Replay } from "./replay";
import type { Timer } from "./timer";

/** The arguments of a call. `ms` is the length, unless the sleep is set to a time. */
export interface AskedSleep {
  wakeTime: number;
  ms?: number;
}

/** The ordinal of a sleep that has a name. */
const NAMED = -1;

export class Sleeps {
  readonly #attempt: number;
  readonly #replay: Replay;
  readonly #now: () => number;
  readonly #byOrdinal = new Map<number, Sleep[]>();
  readonly #byName = new Map<string, Sleep>();
  readonly #names = new Set<string>();
  readonly #woken = new Map<Timer, Sleep>();
  #storedCount: number;
  #ordinal = 0;
  #isOfAttempt = false;

  constructor({ sleeps, attempt }: Pick<Claimed, "sleeps" | "attempt">, replay: Replay, now: () => number) {
    this.#attempt = attempt;
    this.#replay = replay;
    this.#now = now;
    this.#storedCount = sleeps.length;
    for (const sleep of sleeps) {
      if (sleep.name !== undefined) this.#byName.set(sleep.name, sleep);
      else this.#byOrdinal.set(sleep.ordinal, [...(this.#byOrdinal.get(sleep.ordinal) ?? []), sleep]);
    }
  }

  /** From here on, the handler may do something else than in another attempt. */
  areOfAttempt(): void {
    this.#isOfAttempt = true;
  }

  /** @throws RpcError, a misuse. */
  set(name: unknown, asked: AskedSleep, isNew = false): Promise<void> {
    const stored = name === undefined ? this.#nextStored(asked) : this.#storedOfName(checkedName(name));
    if (stored && !isNew) return this.#replay.addTimer(stored, false).promise;
    const sleep: Sleep = {
      ordinal: name === undefined ? this.#ordinal - 1 : NAMED,
      ...asked,
      attempt: this.#attempt,
      ...(name === undefined ? {} : { name: name as string }),
      ...(name === undefined && this.#isOfAttempt ? { isOfAttempt: true } : {}),
    };
    if (sleep.wakeTime > this.#now()) this.#storedCount += 1;
    if (this.#storedCount > MAX_SLEEPS) {
      throw misuse(`op.sleep: an operation sleeps at most ${MAX_SLEEPS} times. Sleep longer each time.`);
    }
    return this.#replay.addTimer(sleep, true).promise;
  }

  #storedOfName(name: string): Sleep | undefined {
    if (this.#names.has(name)) {
      throw misuse(
        `op.sleep: two sleeps of one operation have the name ${JSON.stringify(name)}. Give each its own, in a loop by a number.`,
      );
    }
    this.#names.add(name);
    return this.#byName.get(name);
  }

  /**
   * Within an attempt the n-th sleep is the same one in each call of the handler. Another attempt's counts where the handler has
   * come to it by the same way, as far as the library can tell, and where it asks for the same.
   */
  #nextStored(asked: AskedSleep): Sleep | undefined {
    const stored = this.#byOrdinal.get(this.#ordinal) ?? [];
    this.#ordinal += 1;
    const own = stored.find(({ attempt = this.#attempt }) => attempt === this.#attempt);
    if (own) return own;
    if (this.#isOfAttempt) return undefined;
    return stored.findLast(
      ({ ms, wakeTime, isOfAttempt }) =>
        !isOfAttempt && (asked.ms === undefined ? wakeTime === asked.wakeTime : ms === asked.ms),
    );
  }

  /** Where something was under way beside it, a replay needs its place, and a later attempt may have more luck with that. */
  woken(timer: Timer, order: number, isAlone: boolean): void {
    if (isAlone && (timer.tookNoTime || !timer.isNew)) return;
    const { name } = timer.sleep;
    const isOfAttempt = timer.isNew && name === undefined && !isAlone;
    timer.sleep = {
      ...timer.sleep,
      ...(isAlone ? {} : { order }),
      ...(isOfAttempt ? { isOfAttempt: true } : {}),
    };
    this.#woken.set(timer, timer.sleep);
  }

  /** Those that are over, and are to be remembered. */
  takeWoken(): Sleep[] {
    const sleeps = [...this.#woken.values()];
    this.#woken.clear();
    return sleeps;
  }

  /** Those that are not over, and are not stored yet. */
  takePending(): Sleep[] {
    const pending = [...this.#replay.timers].filter(({ isNew }) => isNew);
    for (const timer of pending) timer.isNew = false;
    return pending.map(({ sleep }) => sleep);
  }
}

function checkedName(name: unknown): string {
  const isName =
    typeof name === "string" && name !== "" && name.length <= MAX_STEP_NAME_CHARACTERS && name.isWellFormed();
  if (isName) return name;
  throw misuse(`op.sleep: a sleep's name has 1 to ${MAX_STEP_NAME_CHARACTERS} characters of Unicode`);
}
