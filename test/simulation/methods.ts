// Methods whose work is a script in the request: steps, sleeps, checkpoints, failures, silence.
import * as deployed from "../../src/index";
import type { OperationContext, StepContext } from "../../src/index";
import type { MethodDeclaration } from "../../src/method/method";
import type { JsonObject } from "../../src/rpc/any";
import { here } from "./globals";
import { Consumer } from "./consumer";

export type Action =
  | { do: "step"; name: string; ms: number }
  | { do: "steps"; names: string[]; ms: number }
  | { do: "work"; ms: number; isDeaf: boolean }
  /** Computes without waiting for anything. */
  | { do: "compute"; ms: number }
  | { do: "sleep"; seconds: number }
  /** Branches side by side, each with a sleep between two steps. */
  | { do: "branches"; names: string[]; seconds: number[] }
  /** A step against a sleep. */
  | { do: "race"; name: string; ms: number; seconds: number }
  /** A step that may fail, and is tried again by itself. */
  | { do: "retried"; name: string; seconds: number; ms: number }
  /** A step for each name, a few at a time. */
  | { do: "map"; names: string[]; ms: number; concurrency: number }
  /** A step that may fail, and whose failure the handler catches. */
  | { do: "caught"; name: string }
  /** Waits for an answer, or for the end of its time. `isHalved`: the suspension is there before the wait for it. */
  | { do: "approve"; name: string; seconds?: number; isHalved: boolean }
  /** Two suspensions, and a step or a sleep, against one another. */
  | { do: "approvals"; names: [string, string]; ms: number; by: "step" | "sleep" }
  /** Starts children and joins them. `race`: against a sleep of so many seconds. */
  | { do: "fanOut"; name: string; children: Action[][]; atLeast?: number; race?: number; isDetached: boolean }
  | { do: "checkpoint"; cursor: number }
  /** Writes a line of output, behind which a step stands. */
  | { do: "write"; line: string; ms: number }
  | { do: "progress"; percent: number }
  /** Throws in the first attempts: a Status that is tried again, one that is not, or anything else. */
  | { do: "fail"; attempts: number; as: "UNAVAILABLE" | "FAILED_PRECONDITION" | "Error" };

export const TIMEOUT_MS = 300_000;
/** A lease of 20 s allows for this: twice it, and 15 s. */
export const CPU_LIMIT_MS = 2_500;
export const RETENTION_MS = 3_600_000;

/** The library's parts that a method and its handler use, of one version each. */
type Library = Pick<typeof deployed, "defineMethod" | "RpcError">;

/** A version before direct dispatch knows no such option. */
function directly(library: Library): Pick<MethodDeclaration<JsonObject>, "dispatch"> {
  return "OperationRunner" in library ? { dispatch: "direct" } : {};
}

function scripted(library: Library, verb: string, options: Partial<MethodDeclaration<JsonObject>> = {}) {
  return library.defineMethod({
    http: { post: `/v1/{parent=projects/*}/things:${verb}`, body: "*" },
    id: `things:${verb}`,
    request: (json) => json,
    timeout: `${TIMEOUT_MS / 1_000}s`,
    retention: `${RETENTION_MS / 1_000}s`,
    gracePeriod: "10s",
    retry: { maxAttempts: 4, initialBackoff: "1s", maxBackoff: "20s", backoffMultiplier: 2 },
    ...options,
    run: (request, operation) => runScript(library, request["script"] as unknown as Action[], operation),
  });
}

/** With the limits that a method has by default. */
const LONG_VERB = "takeLong";

export function methodsOf(library: Library) {
  const { RpcError } = library;
  return [
    scripted(library, "run"),
    scripted(library, "takeTurns", { maxConcurrent: 1 }),
    scripted(library, "hurry", { attemptTimeout: "15s", timeout: "90s" }),
    scripted(library, "renew"),
    scripted(library, "runDirectly", directly(library)),
    scripted(library, "renewDirectly", { ...directly(library), attemptTimeout: "15s", timeout: "90s" }),
    scripted(library, "know", {
      immediate: ({ refuses }) =>
        refuses === true ? { error: new RpcError("FAILED_PRECONDITION", "It is known to fail.") } : { response: {} },
    }),
    scripted(library, LONG_VERB, { timeout: "1h", retention: "30d", retry: {} }),
  ] as const;
}

const methods = methodsOf(deployed);
export const simulatedMethods = methods.slice(0, -1);
export const longMethod = methods[7];

async function runScript(
  library: Library,
  script: readonly Action[],
  operation: OperationContext,
): Promise<JsonObject> {
  const { current } = here().scheduler;
  if (!(current instanceof Consumer)) throw new Error("a handler is run by no consumer");
  const runner = current;
  here().observer.handlerStarted(operation, runner);
  runner.isHandling = true;
  try {
    for (const action of script) await act(library, action, { operation, runner });
    return { by: runner.name };
  } finally {
    runner.isHandling = false;
  }
}

interface Run {
  operation: OperationContext;
  runner: Consumer;
}

async function act({ RpcError }: Library, action: Action, { operation, runner }: Run): Promise<void> {
  const step = (name: string, ms: number): Promise<unknown> =>
    operation.step(name, async () => {
      here().observer.stepStarted(operation, name, runner);
      await elapsed(ms, operation.signal);
      return { by: runner.name };
    });
  const sleep = async (seconds: number, name?: string): Promise<void> => {
    const slept = here().observer.sleepCalled(operation, { name, seconds, runner });
    await operation.sleep(`${seconds}s`);
    slept();
  };
  switch (action.do) {
    case "step":
      await step(action.name, action.ms);
      return;
    case "steps":
      await Promise.all(action.names.map((name, index) => step(name, action.ms * (index + 1))));
      return;
    case "work":
      await elapsed(action.ms, action.isDeaf ? undefined : operation.signal);
      return;
    case "compute":
      return compute(action.ms, runner);
    case "sleep":
      return sleep(action.seconds);
    case "branches":
      await Promise.all(
        action.names.map(async (name, index) => {
          await step(name, 100 * index);
          await sleep(action.seconds[index]!, name);
          await step(`${name} awake`, 0);
        }),
      );
      return;
    case "race": {
      const { name, ms, seconds } = action;
      const winner = await Promise.race([
        step(name, ms).then(() => "the step"),
        operation.sleep(`${seconds}s`).then(() => "the sleep"),
      ]);
      return here().observer.decided(operation, name, { outcome: winner, runner });
    }
    case "caught": {
      const { name } = action;
      const outcome = await operation
        .step(name, () => {
          here().observer.stepStarted(operation, name, runner);
          if (here().random.chance(0.5)) throw new Error(CAUGHT);
          return { by: runner.name };
        })
        .then(
          () => "a result",
          (error: unknown) => {
            if (error instanceof Error && error.message === CAUGHT) return "a failure";
            throw error;
          },
        );
      return here().observer.decided(operation, name, { outcome, runner });
    }
    case "retried": {
      const { name, seconds, ms } = action;
      await operation.step(
        name,
        async (tried?: StepContext) => {
          here().observer.stepStarted(operation, name, runner);
          // An earlier version gives the function no argument.
          if (tried) here().observer.stepTried(operation, { step: name, attempt: tried.attempt, runner });
          const fails = here().random.chance(0.5);
          await elapsed(ms, operation.signal);
          if (fails) throw new RpcError("UNAVAILABLE", "It is to be tried again.");
          return { by: runner.name };
        },
        { retry: { maxAttempts: 3, initialBackoff: `${seconds}s` } },
      );
      return;
    }
    case "map": {
      const { names, ms, concurrency } = action;
      // An earlier version has no op.map.
      if (!("map" in operation)) return void (await Promise.all(names.map((name) => step(name, ms))));
      const work = async (name: string): Promise<object> => {
        here().observer.stepStarted(operation, name, runner);
        await elapsed(ms, operation.signal);
        return { by: runner.name };
      };
      await operation.map(names, work, { concurrency, key: (name) => name });
      return;
    }
    case "approve": {
      const { name, seconds, isHalved } = action;
      const options = seconds === undefined ? {} : { timeout: `${seconds}s` as const };
      const answer = isHalved ? (await operation.suspension(name, options)).answer() : operation.suspend(name, options);
      const outcome = await outcomeOf(answer);
      return here().observer.answered(operation, name, { outcome, runner });
    }
    case "approvals": {
      const { names, ms, by } = action;
      const waits = names.map(async (name) => {
        const outcome = await outcomeOf(operation.suspend(name, { timeout: "40s" }));
        here().observer.answered(operation, name, { outcome, runner });
        return `${name}: ${outcome}`;
      });
      const other = by === "step" ? step(`${names[0]} beside`, ms) : operation.sleep(`${ms}ms`);
      const winner = await Promise.race([...waits, other.then(() => by)]);
      return here().observer.decided(operation, names.join(), { outcome: winner, runner });
    }
    case "fanOut": {
      // An earlier version starts no children.
      if (!("start" in operation)) return;
      const { name, children, atLeast, race, isDetached } = action;
      const started = await Promise.all(
        children.map(async (script, index) => {
          const key = `${name} ${index}`;
          const request = { script: script as never };
          const child = await operation.start(methods[0], request, { key, detached: isDetached });
          here().observer.childStarted(operation, key, child.name);
          return child;
        }),
      );
      const join = operation
        .join(started, atLeast === undefined ? {} : { atLeast })
        .then((outcomes) => outcomes.map(({ key, error }) => `${key}: ${error?.code ?? "OK"}`).join());
      const outcome = await (race === undefined ? join : Promise.race([join, sleep(race).then(() => "the sleep")]));
      return here().observer.decided(operation, name, { outcome, runner });
    }
    case "checkpoint":
      if (typeof operation.resumeFrom !== "object") await operation.checkpoint({ by: runner.name, at: action.cursor });
      return;
    case "write": {
      const { line, ms } = action;
      // An earlier version takes no output.
      if ("write" in operation) {
        here().observer.wrote(operation, line);
        operation.write(`${line}\n`);
      }
      await step(stepBehind(line), ms);
      return;
    }
    case "progress":
      operation.progress({ progressPercent: action.percent, by: runner.name });
      return;
    case "fail":
      if (operation.attempt > action.attempts) return;
      if (action.as === "Error") throw new Error("something unforeseen");
      throw new RpcError(action.as, `${action.as}, as the script has it`);
    default:
      action satisfies never;
  }
}

export function stepBehind(line: string): string {
  return `behind ${line}`;
}

/** The answer as text, or that nobody answered in time. */
async function outcomeOf(answer: Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await answer);
  } catch (error) {
    if ((error as { reason?: unknown }).reason === "SUSPENSION_EXPIRED") return "expired";
    throw error;
  }
}

const CAUGHT = "to be caught";

/** One invocation has so much CPU time; it is ended where it uses more. */
async function compute(ms: number, runner: Consumer): Promise<void> {
  const { scheduler, queues, faults, random } = here();
  const left = CPU_LIMIT_MS - runner.cpuMs;
  runner.cpuMs += ms;
  // A machine that is busy with others takes longer, and counts only what it computed.
  const stallMs = faults.strikes("a consumer computes until its clock is far behind") ? random.below(30_000) : 0;
  await scheduler.compute(Math.min(ms, left) + stallMs);
  if (ms <= left) return;
  faults.counted("a consumer uses up its CPU time");
  queues.kill(runner);
}

/** Takes its time, unless it is told to stop. */
function elapsed(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason as Error);
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop, { once: true });
    setTimeout(resolve, ms);
  });
}
