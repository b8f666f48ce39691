// Methods whose work is a script in the request: steps, sleeps, checkpoints, failures, silence.
import { type OperationContext, RpcError, defineMethod } from "../../src/index";
import type { MethodDeclaration } from "../../src/operation/method";
import type { JsonObject } from "../../src/rpc/any";
import { here } from "./globals";
import { Consumer } from "./consumer";

export type Action =
  | { do: "step"; name: string; ms: number }
  | { do: "steps"; names: string[]; ms: number }
  | { do: "work"; ms: number; isDeaf: boolean }
  | { do: "sleep"; seconds: number }
  | { do: "checkpoint"; cursor: number }
  | { do: "progress"; percent: number }
  /** Throws in the first attempts: a Status that is tried again, one that is not, or anything else. */
  | { do: "fail"; attempts: number; as: "UNAVAILABLE" | "FAILED_PRECONDITION" | "Error" };

/** Deployed to the door before it is to the consumers. */
export const NEW_METHOD = "things:renew";

export const TIMEOUT_MS = 300_000;
export const RETENTION_MS = 3_600_000;

function scripted(verb: string, options: Partial<MethodDeclaration<JsonObject>> = {}) {
  return defineMethod({
    http: { post: `/v1/{parent=projects/*}/things:${verb}`, body: "*" },
    id: `things:${verb}`,
    request: (json) => json,
    timeout: `${TIMEOUT_MS / 1_000}s`,
    retention: `${RETENTION_MS / 1_000}s`,
    gracePeriod: "10s",
    retry: { maxAttempts: 4, initialBackoff: "1s", maxBackoff: "20s", backoffMultiplier: 2 },
    ...options,
    run: (request, operation) => runScript(request["script"] as unknown as Action[], operation),
  });
}

export const simulatedMethods = [
  scripted("run"),
  scripted("takeTurns", { maxConcurrent: 1 }),
  scripted("hurry", { attemptTimeout: "15s", timeout: "90s" }),
  scripted("renew"),
  scripted("know", {
    immediate: ({ refuses }) =>
      refuses === true ? { error: new RpcError("FAILED_PRECONDITION", "It is known to fail.") } : { response: {} },
  }),
] as const;

async function runScript(script: readonly Action[], operation: OperationContext): Promise<JsonObject> {
  const { current } = here().scheduler;
  if (!(current instanceof Consumer)) throw new Error("a handler is run by no consumer");
  const runner = current;
  here().observer.handlerStarted(operation, runner);
  runner.isHandling = true;
  try {
    for (const action of script) await act(action, operation, runner);
    return { by: runner.name };
  } finally {
    runner.isHandling = false;
  }
}

async function act(action: Action, operation: OperationContext, runner: Consumer): Promise<void> {
  const step = (name: string, ms: number): Promise<unknown> =>
    operation.step(name, async () => {
      here().observer.stepStarted(operation, name, runner);
      await elapsed(ms, operation.signal);
      return { by: runner.name };
    });
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
    case "sleep":
      await operation.sleep(`${action.seconds}s`);
      return;
    case "checkpoint":
      if (typeof operation.resumeFrom !== "object") await operation.checkpoint({ by: runner.name, at: action.cursor });
      return;
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

/** Takes its time, unless it is told to stop. */
function elapsed(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal?.reason as Error);
    if (signal?.aborted) return stop();
    signal?.addEventListener("abort", stop, { once: true });
    setTimeout(resolve, ms);
  });
}
