// A handler's context over ports that a test holds: what it stores, and a clock that moves when the test moves it.
import type { Claimed, ProgressMessage } from "../../../src/contract/run-channel";
import type { AttemptMemory } from "../../../src/lifecycle/record";
import type { Ending } from "../../../src/queue/invocation";
import { RunContext } from "../../../src/queue/operation-context";
import type { RunPorts } from "../../../src/queue/run-ports";
import { CREATE_TIME, HOUR_MS } from "../../support/an-operation";
import { RunSignal } from "../../../src/queue/run-signal";

export const NOW = CREATE_TIME + 1_000;

export function aClaim(overrides: Partial<Claimed> = {}): Claimed {
  return {
    type: "claimed",
    fence: "one",
    leaseMs: 60_000,
    name: "operations/1",
    method: "tables:profile",
    methodVersion: "1",
    createTime: CREATE_TIME,
    deadline: CREATE_TIME + HOUR_MS,
    attempt: 1,
    maxAttempts: 5,
    request: "{}",
    sleeps: [],
    cancelRequested: false,
    steps: [],
    ...overrides,
  };
}

/** A context, what it had stored, and its clock, which moves when a test moves it. */
export function aContext(claimed: Partial<Claimed> = {}, ports: Partial<RunPorts> = {}) {
  const saved: [string, string][] = [];
  const sent: ProgressMessage[] = [];
  const memories: AttemptMemory[] = [];
  const inPlace: (AttemptMemory & { restsUntil?: number })[] = [];
  const timers = new Set<{ time: number; run: () => void }>();
  let now = NOW;
  const op = new RunContext(aClaim(claimed), {
    now: () => now,
    turn,
    after: (ms, run) => {
      const timer = { time: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    sendProgress: (progress) => void sent.push(progress),
    save: async (message) => {
      switch (message.type) {
        case "saveStep": {
          const { type: _type, name, result, order: _order, ...memory } = message;
          saved.push([name, result]);
          memories.push(memory);
          break;
        }
        case "saveCheckpoint":
          saved.push(["checkpoint", message.cursor]);
          break;
        case "saveSleeps": {
          const { type: _type, ...memory } = message;
          inPlace.push(memory);
          break;
        }
        case "saveSuspensions": {
          const { type: _type, ...memory } = message;
          memories.push(memory);
          break;
        }
        case "saveChildren":
          break;
        case "saveOutput":
          saved.push([`output ${message.offset}`, message.text]);
          break;
        default:
          message satisfies never;
      }
      return "settled";
    },
    largeValues: {
      stepResult: async (place) => `"of place ${place}"`,
      answer: async (id) => JSON.stringify(`of ${id}`),
      childEnds: async () => [],
    },
    children: {} as never,
    newSecret: () => "secret",
    random: () => 0.5,
    checkLease: async () => {},
    stepSpan: (_, work) => work(),
    log: () => undefined,
    signal: new RunSignal(),
    input: new ReadableStream(),
    hasDefaultMetadata: true,
    yieldTime: Infinity,
    ...ports,
  });
  const passTime = (): void => {
    const next = [...timers].toSorted((one, other) => one.time - other.time)[0];
    if (!next) return;
    timers.delete(next);
    now = Math.max(now, next.time);
    next.run();
  };
  /** Lets time pass until the invocation ends. */
  const ending = async (): Promise<Ending> => {
    let ended: Ending | undefined;
    void op.ended.then((value) => (ended = value));
    for (let turns = 0; turns < 100; turns += 1) {
      await turn();
      if (ended) return ended;
      passTime();
    }
    throw new Error("the invocation does not end");
  };
  /** Lets time pass until a promise settles. */
  const untilAwake = async (slept: Promise<unknown>): Promise<void> => {
    const awake = slept.then(() => true);
    for (let turns = 0; turns < 100; turns += 1) {
      if (await Promise.race([awake, turn().then(() => false)])) return;
      passTime();
    }
    throw new Error("the sleep does not end");
  };
  return { op, saved, sent, memories, inPlace, passTime, ending, untilAwake };
}

export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Whether a promise is pending once every promise that can go on has gone on. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  for (let turns = 0; turns < 5; turns += 1) await turn();
  return !isSettled;
}
