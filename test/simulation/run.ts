// Lets the simulated world go on: one event after another, each to the end of its promises.
import type { World } from "./world";

const setImmediateOfNode = setImmediate;

/** Plays what happens until `time`, or until `onEvent`, called after every event, says that it is enough. */
export async function runUntil(world: World, time: number, onEvent: () => boolean = () => true): Promise<void> {
  const { scheduler } = world;
  // An act between two of these may have begun something that schedules the next event.
  await drained();
  for (;;) {
    const next = scheduler.nextTime();
    if (next === undefined || next > time) break;
    if (!scheduler.runNext()) continue;
    await drained();
    if (!onEvent()) return;
  }
  scheduler.now = Math.max(scheduler.now, time);
}

/** Resolves when every promise that can go on has gone on. */
function drained(): Promise<void> {
  return new Promise((resolve) => {
    setImmediateOfNode(resolve);
  });
}
