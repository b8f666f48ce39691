// One alarm of an object, armed as seldom as possible: each setAlarm is a billed row, an alarm that finds nothing is not.
import { LATE_ALARM_MS } from "../limits";

export type AlarmStorage = Pick<DurableObjectStorage, "getAlarm" | "setAlarm">;

/** Keeps the alarm at or before the time it is needed; one that comes early finds nothing due and arms the next. */
export class Alarm {
  readonly #storage: AlarmStorage;
  /** undefined: not read yet; null: none. */
  #armedTime: number | null | undefined;
  /** Until this fires it is not armed. */
  #deferral: PromiseWithResolvers<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

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

  /** Nothing was stored in this object before: only what this memory has armed can be. */
  isNew(): void {
    this.#armedTime ??= null;
  }

  /** When it is armed for; undefined: it is not, or has not been read. */
  get time(): number | undefined {
    return this.#armedTime ?? undefined;
  }

  /**
   * Keeps it unarmed for `ms`, for what will probably be over by then: nothing is written. `over` is called then, unless
   * nothing is due, and is to end this and arm it. A crash loses this, so another alarm must stand behind it.
   */
  defer(ms: number, over: () => void): void {
    if (this.#deferral || typeof this.#armedTime === "number") return;
    this.#deferral = Promise.withResolvers();
    this.#timer = setTimeout(over, ms);
  }

  /** Where it is deferred: resolves when it is not any more. */
  get deferral(): Promise<void> | undefined {
    return this.#deferral?.promise;
  }

  /** It is armed from now on when it is asked for. The timer is cleared, because it would keep the object in memory, and billed. */
  endDeferral(): void {
    clearTimeout(this.#timer);
    this.#deferral?.resolve();
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
    if (time === undefined) this.endDeferral();
    if (time === undefined || this.#deferral) return undefined;
    const armed = this.#armedTime;
    if (armed !== null && armed !== undefined && armed <= time) return undefined;
    this.#armedTime = time;
    return this.#storage.setAlarm(time);
  }
}
