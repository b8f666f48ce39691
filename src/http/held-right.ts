// The right to send a long body: judged again whenever a judgement has expired, until the body has ended.

/** A right, and until when (milliseconds since 1970) its last judgement holds. */
export interface Right {
  endTime(this: void): number;
  /** Judges the caller again, credentials included. Throws where the right has ended, or cannot be judged now. */
  judgeAnew(this: void): Promise<void>;
}

export class HeldRight {
  readonly #right: Right;
  readonly #onLost: (error: unknown) => void;
  #endTime = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #judging: Promise<void> | undefined;
  #isReleased = false;

  /** `onLost` is called once, with what a fresh call would be answered. */
  constructor(right: Right, onLost: (error: unknown) => void) {
    this.#right = right;
    this.#onLost = onLost;
    this.#holdOn();
  }

  #holdOn(): void {
    this.#endTime = this.#right.endTime();
    this.#timer = setTimeout(() => void this.#judge(), Math.max(0, this.#endTime - Date.now()));
  }

  #judge(): Promise<void> {
    this.#judging ??= this.#judgeOnce().finally(() => {
      this.#judging = undefined;
    });
    return this.#judging;
  }

  async #judgeOnce(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      await this.#right.judgeAnew();
      if (!this.#isReleased) this.#holdOn();
    } catch (error) {
      if (!this.#isReleased) this.#onLost(error);
      this.#isReleased = true;
    }
  }

  /** Waits for a judgement under way, and asks for one where the last has expired. */
  async confirm(): Promise<void> {
    if (this.#judging || (!this.#isReleased && this.#endTime <= Date.now())) await this.#judge();
  }

  /** Nothing is judged any more. */
  release(): void {
    this.#isReleased = true;
    clearTimeout(this.#timer);
  }
}
