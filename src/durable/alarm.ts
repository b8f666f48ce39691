// One alarm of an object, armed as seldom as possible: each setAlarm is a billed row, an alarm that finds nothing is not.
import { LATE_ALARM_MS } from "../limits";

export type AlarmStorage = Pick<DurableObjectStorage, "getAlarm" | "setAlarm">;

/** Keeps the alarm at or before the time it is needed; one that comes early finds nothing due and arms the next. */
export class Alarm {
  readonly #storage: AlarmStorage;
  /** undefined: not read yet; null: none. */
  #armedTime: number | null | undefined;
  /** A time that it will be armed for unless nothing is due by then. */
  #deferral: { time: number | undefined; timer: ReturnType<typeof setTimeout> } | undefined;

  constructor(storage: AlarmStorage) {
    this.#storage = storage;
  }

  /**
   * Reads when the alarm is armed. To be awaited before a synchronous transaction that may arm it. An overdue alarm is
   * read again, because the platform silently drops an alarm whose handler failed six times.
   */
  async read(): Promise<void> {
    const armed = this.#armedTime;
    const isLate = typeof armed === "number" && armed + LATE_ALARM_MS < Date.now();
    if (armed === undefined || isLate) this.#armedTime = await this.#storage.getAlarm();
  }

  /** When it is armed for; undefined: it is not, or has not been read. */
  get time(): number | undefined {
    return this.#armedTime ?? undefined;
  }

  /**
   * Keeps it unarmed for `ms`, for what will probably be over by then: nothing is written. Whoever asks for this must have
   * another alarm behind it, because a crash loses the wish.
   */
  defer(ms: number): void {
    if (this.#deferral || typeof this.#armedTime === "number") return;
    const timer = setTimeout(() => {
      const time = this.#deferral?.time;
      this.endDeferral();
      void this.arm(time);
    }, ms);
    this.#deferral = { time: undefined, timer };
  }

  get isDeferred(): boolean {
    return this.#deferral !== undefined;
  }

  /** What is asked for from now on is armed. The timer goes: it would keep the object in memory, and billed. */
  endDeferral(): void {
    clearTimeout(this.#deferral?.timer);
    this.#deferral = undefined;
  }

  /** The platform has fired it: none is armed now. */
  fired(): void {
    this.endDeferral();
    this.#armedTime = null;
  }

  /**
   * Arms it for `time` at the latest. Called without an await behind the writes it belongs to, it is committed with
   * them; the promise says no more than that, and a failure of the commit resets the object.
   */
  arm(time: number | undefined): Promise<void> | undefined {
    if (this.#deferral) {
      this.#deferral.time = time;
      if (time === undefined) this.endDeferral();
      return undefined;
    }
    if (time === undefined) return undefined;
    const armed = this.#armedTime;
    if (armed !== null && armed !== undefined && armed <= time) return undefined;
    this.#armedTime = time;
    return this.#storage.setAlarm(time);
  }
}
