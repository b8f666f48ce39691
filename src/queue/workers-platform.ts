// The surroundings of a run in the runtime of Workers.
import { macrotask } from "./macrotask";
import type { RunPlatform } from "./run-platform";
import { inSpan } from "./spans";

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

export const workersPlatform: RunPlatform = {
  now: () => Date.now(),
  random: () => Math.random(),
  after,
  atLimit: after,
  turn: macrotask,
  span: inSpan,
  log: (level, fields) => console[level](fields),
};
