// The clock of the tests: it stands still until it is moved. It starts an hour ahead of the machine's, so that no alarm of
// the runtime, which goes by the machine's, ever fires by itself.
import { vi } from "vitest";

const HEAD_START_MS = 3_600_000;

/** The time to which the clock was set, and the machine's time then. */
let settings: { realTime: number; time: number }[] = [];

function set(time: number): void {
  settings.push({ realTime: vi.getRealSystemTime(), time });
  vi.setSystemTime(time);
}

export const clock = {
  start(): void {
    settings = [];
    set(vi.getRealSystemTime() + HEAD_START_MS);
  },
  /** Moves it on, never back. */
  advance(ms: number): void {
    set(Date.now() + ms);
  },
  advanceTo(time: number): void {
    set(Math.max(time, Date.now()));
  },
  /** The time that it showed when the machine's showed `realTime`. */
  timeAt(realTime: number): number {
    return settings.findLast((setting) => setting.realTime <= realTime)?.time ?? realTime;
  },
  stop(): void {
    settings = [];
    vi.useRealTimers();
  },
};
